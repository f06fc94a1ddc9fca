package staffapi

import (
	"fmt"
	"net/http"
	"slices"
)

// Scopes of a key.
const (
	ScopeRead    = "tickets:read"
	ScopeWrite   = "tickets:write"
	ScopePII     = "pii:read"
	ScopeOperate = "operate"
	ScopeAdmin   = "admin"
)

// Reach says what a key of one agency reaches by a route; a key of none reaches all.
type Reach int

// What a route reaches.
const (
	// ReachNothing: nothing of any ticket is read or changed.
	ReachNothing Reach = iota + 1
	// ReachTicket: one ticket, or what belongs to one; of another agency it is 404, with the body of one that does not exist.
	ReachTicket
	// ReachOwn: one thing of an agency that is no ticket (a key, a job); another's is 404 likewise.
	ReachOwn
	// ReachList: many; those of other agencies are left out.
	ReachList
	// ReachLine: the line as a whole, for keys without an agency alone; others get 403.
	ReachLine
)

// Right is what a route asks for.
type Right struct {
	Scope string // "": any valid key
	Reach Reach
}

// String is the right as /openapi.json tells it.
func (r Right) String() string {
	needs := "Needs a valid key."
	if r.Scope != "" {
		needs = "Needs the scope " + r.Scope + "."
	}
	switch r.Reach {
	case ReachTicket, ReachOwn:
		return needs + " To a key of an agency, what is another's does not exist."
	case ReachList:
		return needs + " A key of an agency gets only what is its own."
	case ReachLine:
		return needs + " Not for keys of an agency."
	default:
		return needs
	}
}

// rights is the one table of who may do what: each operation takes its scope from here, and one that is missing is not
// served. A test asks each of them with each scope, of its own agency and of another.
var rights = map[string]Right{
	"GET /v1/tickets/{number}":            {ScopeRead, ReachTicket},
	"POST /v1/tickets/{number}/status":    {ScopeWrite, ReachTicket},
	"POST /v1/tickets/{number}/question":  {ScopeWrite, ReachTicket},
	"GET /v1/messages/{id}":               {ScopeRead, ReachTicket},
	"POST /v1/preview":                    {ScopeRead, ReachNothing},
	"GET /v1/tickets":                     {ScopeRead, ReachList},
	"GET /v1/events":                      {ScopeRead, ReachList},
	"GET /v1/events/stream":               {ScopeRead, ReachList},
	"POST /v1/tickets":                    {ScopeWrite, ReachNothing},
	"POST /v1/tickets/{number}/assign":    {ScopeWrite, ReachTicket},
	"GET /v1/agencies":                    {ScopeRead, ReachNothing},
	"GET /v1/agencies/{name}":             {ScopeRead, ReachNothing},
	"PUT /v1/agencies/{name}":             {ScopeAdmin, ReachLine},
	"DELETE /v1/agencies/{name}":          {ScopeAdmin, ReachLine},
	"GET /v1/report":                      {ScopeRead, ReachList},
	"GET /v1/report.csv":                  {ScopeRead, ReachList},
	"GET /v1/deadletters":                 {ScopeOperate, ReachList},
	"POST /v1/deadletters/{id}/retry":     {ScopeOperate, ReachTicket},
	"POST /v1/deadletters/{id}/drop":      {ScopeOperate, ReachTicket},
	"GET /v1/tickets/{number}/proof":      {ScopeRead, ReachTicket},
	"POST /v1/tickets/{number}/proof":     {ScopeRead, ReachTicket},
	"GET /v1/tickets/{number}/proof.html": {ScopeRead, ReachTicket},
	"POST /v1/bulk/status":                {ScopeWrite, ReachNothing},
	"GET /v1/bulk/{id}":                   {ScopeWrite, ReachOwn},
	"POST /v1/broadcasts":                 {ScopeWrite, ReachNothing},
	"GET /v1/broadcasts/{id}":             {ScopeWrite, ReachOwn},
	"POST /v1/broadcasts/{id}/confirm":    {ScopeWrite, ReachOwn},
	"POST /v1/broadcasts/{id}/cancel":     {ScopeWrite, ReachOwn},
	"GET /v1/keys":                        {ScopeAdmin, ReachList},
	"POST /v1/keys":                       {ScopeAdmin, ReachNothing},
	"POST /v1/keys/{id}/rotate":           {ScopeAdmin, ReachOwn},
	"DELETE /v1/keys/{id}":                {ScopeAdmin, ReachOwn},
	"GET /v1/audit":                       {ScopeAdmin, ReachList},

	"GET /open311/v2/discovery.json":                     {ScopeRead, ReachNothing},
	"GET /open311/v2/discovery.xml":                      {ScopeRead, ReachNothing},
	"GET /open311/v2/services.json":                      {ScopeRead, ReachNothing},
	"GET /open311/v2/services.xml":                       {ScopeRead, ReachNothing},
	"GET /open311/v2/services/{service_code}.json":       {ScopeRead, ReachNothing},
	"GET /open311/v2/services/{service_code}.xml":        {ScopeRead, ReachNothing},
	"GET /open311/v2/requests.json":                      {ScopeRead, ReachList},
	"GET /open311/v2/requests.xml":                       {ScopeRead, ReachList},
	"POST /open311/v2/requests.json":                     {ScopeWrite, ReachNothing},
	"POST /open311/v2/requests.xml":                      {ScopeWrite, ReachNothing},
	"GET /open311/v2/requests/{service_request_id}.json": {ScopeRead, ReachTicket},
	"GET /open311/v2/requests/{service_request_id}.xml":  {ScopeRead, ReachTicket},
	"GET /open311/v2/tokens/{token_id}.json":             {ScopeRead, ReachTicket},
	"GET /open311/v2/tokens/{token_id}.xml":              {ScopeRead, ReachTicket},
}

// route is how the table names an operation.
func route(method, path string) string { return method + " " + path }

// granted finds what a route asks for. A route that nobody entered is a mistake of ours, told before anything is served.
func (s *Server) granted(method, path string) Right {
	r, ok := rights[route(method, path)]
	if !ok {
		s.unlisted = append(s.unlisted, route(method, path))
	}
	return r
}

// unknownRoutes are those that are served without a row, and rows that serve nothing.
func (s *Server) unknownRoutes(served []string) error {
	var idle []string
	for row := range rights {
		if !slices.Contains(served, row) {
			idle = append(idle, row)
		}
	}
	if len(s.unlisted)+len(idle) == 0 {
		return nil
	}
	slices.Sort(idle)
	return fmt.Errorf("staffapi: rights.go: routes without a row: %q; rows without a route: %q", s.unlisted, idle)
}

// denied says why a key may not use a route; nil: it may.
func denied(allows func(scope string) bool, agency string, r Right) *Problem {
	switch {
	case r.Scope != "" && !allows(r.Scope):
		return newProblem(http.StatusForbidden)
	case r.Reach == ReachLine && agency != "":
		return coded(http.StatusForbidden, "line_only", "this is for keys of the whole line: the key belongs to one agency")
	default:
		return nil
	}
}
