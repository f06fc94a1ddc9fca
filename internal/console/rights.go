package console

import (
	"net/http"

	"aduan/internal/staffapi"
	"aduan/store"
)

// rights is the one table of who may see and do what: a page without a row is not served. A test asks each of them with each
// scope, with a key of the line and of an agency.
var rights = map[string]staffapi.Right{
	"GET /desk":                       {Scope: staffapi.ScopeRead, Reach: staffapi.ReachLine},
	"GET /tickets":                    {Scope: staffapi.ScopeRead, Reach: staffapi.ReachList},
	"GET /overdue":                    {Scope: staffapi.ScopeRead, Reach: staffapi.ReachList},
	"GET /tickets/{number}":           {Scope: staffapi.ScopeRead, Reach: staffapi.ReachTicket},
	"POST /tickets/{number}/status":   {Scope: staffapi.ScopeWrite, Reach: staffapi.ReachTicket},
	"POST /tickets/{number}/question": {Scope: staffapi.ScopeWrite, Reach: staffapi.ReachTicket},
	"POST /tickets/{number}/assign":   {Scope: staffapi.ScopeWrite, Reach: staffapi.ReachTicket},
	"POST /tickets/{number}/reveal":   {Scope: staffapi.ScopePII, Reach: staffapi.ReachTicket},
	"GET /find":                       {Scope: staffapi.ScopeRead, Reach: staffapi.ReachNothing},
	"GET /surge":                      {Scope: staffapi.ScopeRead, Reach: staffapi.ReachLine},
	"GET /audit":                      {Scope: staffapi.ScopeAdmin, Reach: staffapi.ReachList},
	"GET /agencies":                   {Scope: staffapi.ScopeRead, Reach: staffapi.ReachList},
	"GET /agencies/{name}":            {Scope: staffapi.ScopeRead, Reach: staffapi.ReachList},
	"POST /agencies/{name}":           {Scope: staffapi.ScopeAdmin, Reach: staffapi.ReachLine},
	"GET /dead":                       {Scope: staffapi.ScopeOperate, Reach: staffapi.ReachList},
	"POST /dead/{id}/retry":           {Scope: staffapi.ScopeOperate, Reach: staffapi.ReachTicket},
	"POST /dead/{id}/drop":            {Scope: staffapi.ScopeOperate, Reach: staffapi.ReachTicket},
	"GET /links":                      {Scope: staffapi.ScopeOperate, Reach: staffapi.ReachNothing},
	"GET /links/live":                 {Scope: staffapi.ScopeOperate, Reach: staffapi.ReachNothing},
	"GET /me":                         {Reach: staffapi.ReachNothing},
	"POST /logout":                    {Reach: staffapi.ReachNothing},
}

// signedIn are the pages that need a session: each has a row in rights.
func (c *Console) signedIn() map[string]page {
	return map[string]page{
		"GET /desk":                       c.triage,
		"GET /tickets":                    c.tickets,
		"GET /overdue":                    c.overdue,
		"GET /tickets/{number}":           c.ticket,
		"POST /tickets/{number}/status":   c.pushStatus,
		"POST /tickets/{number}/question": c.pushQuestion,
		"POST /tickets/{number}/assign":   c.assign,
		"POST /tickets/{number}/reveal":   c.reveal,
		"GET /find":                       c.find,
		"GET /surge":                      c.surges,
		"GET /audit":                      c.audit,
		"GET /agencies":                   c.agencies,
		"GET /agencies/{name}":            c.agency,
		"POST /agencies/{name}":           c.putAgency,
		"GET /dead":                       c.dead,
		"POST /dead/{id}/retry":           c.retry,
		"POST /dead/{id}/drop":            c.drop,
		"GET /links":                      c.links,
		"GET /links/live":                 c.live,
		"GET /me":                         c.me,
		"POST /logout":                    c.logout,
	}
}

// page is a handler that knows who asks.
type page func(w http.ResponseWriter, r *http.Request, who viewer)

// allowed tells whether a key may use a page.
func allowed(k store.APIKey, r staffapi.Right) bool {
	if r.Scope != "" && !k.Allows(r.Scope) {
		return false
	}
	return r.Reach != staffapi.ReachLine || k.Agency == ""
}

// may tells whether who asks may use a route; one that is not in the table, nobody may.
func (v viewer) may(route string) bool {
	right, ok := rights[route]
	return ok && allowed(v.key, right)
}
