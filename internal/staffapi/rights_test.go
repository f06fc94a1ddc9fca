package staffapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"aduan/internal/staffapi"
	"aduan/store"
)

// sample is a request that a route serves: of something that belongs to the agency "pu", and of something that does not
// exist. A route without one fails the test.
type sample struct {
	own     string // path
	unknown string // path; "": the route names nothing that could be missing
	body    string
	form    bool // the body is a form
}

var samples = map[string]sample{
	"GET /v1/tickets/{number}":            {own: ticketPath(""), unknown: nobody("")},
	"POST /v1/tickets/{number}/status":    {own: ticketPath("/status"), unknown: nobody("/status"), body: `{"status":"verified"}`},
	"POST /v1/tickets/{number}/question":  {own: ticketPath("/question"), unknown: nobody("/question"), body: `{"text":"Di mana?"}`},
	"GET /v1/messages/{id}":               {own: "/v1/messages/" + smsID, unknown: "/v1/messages/01J00000000000000000000001" + "07"},
	"POST /v1/preview":                    {own: "/v1/preview", body: `{"text":"x"}`},
	"GET /v1/tickets":                     {own: "/v1/tickets"},
	"GET /v1/events":                      {own: "/v1/events"},
	"GET /v1/events/stream":               {own: "/v1/events/stream?after=end"},
	"POST /v1/tickets":                    {own: "/v1/tickets", body: `{"text":"jalan rusak"}`},
	"POST /v1/tickets/{number}/assign":    {own: ticketPath("/assign"), unknown: nobody("/assign"), body: `{"agency":"dinkes"}`},
	"GET /v1/agencies":                    {own: "/v1/agencies"},
	"GET /v1/agencies/{name}":             {own: "/v1/agencies/dinsos"},
	"PUT /v1/agencies/{name}":             {own: "/v1/agencies/dinsos", body: `{}`},
	"DELETE /v1/agencies/{name}":          {own: "/v1/agencies/dinkes"},
	"GET /v1/report":                      {own: "/v1/report?day=2026-11-22"},
	"GET /v1/report.csv":                  {own: "/v1/report.csv?from=2026-11-22"},
	"GET /v1/deadletters":                 {own: "/v1/deadletters"},
	"POST /v1/deadletters/{id}/retry":     {own: "/v1/deadletters/" + smsID + "/retry", unknown: "/v1/deadletters/01J0000000000000000000000907/retry"},
	"POST /v1/deadletters/{id}/drop":      {own: "/v1/deadletters/" + smsID + "/drop", unknown: "/v1/deadletters/01J0000000000000000000000907/drop"},
	"GET /v1/tickets/{number}/proof":      {own: ticketPath("/proof"), unknown: nobody("/proof")},
	"POST /v1/tickets/{number}/proof":     {own: ticketPath("/proof"), unknown: nobody("/proof"), body: `{"text":"x"}`},
	"GET /v1/tickets/{number}/proof.html": {own: ticketPath("/proof.html"), unknown: nobody("/proof.html")},
	"POST /v1/bulk/status":                {own: "/v1/bulk/status", body: `{"tickets":["` + one.Digits() + `"],"status":"verified"}`},
	"GET /v1/bulk/{id}":                   {own: "/v1/bulk/pujob", unknown: "/v1/bulk/nojob"},
	"POST /v1/broadcasts":                 {own: "/v1/broadcasts", body: `{"tickets":["` + one.Digits() + `"],"text":"x"}`},
	"GET /v1/broadcasts/{id}":             {own: "/v1/broadcasts/pucast", unknown: "/v1/broadcasts/nocast"},
	"POST /v1/broadcasts/{id}/confirm":    {own: "/v1/broadcasts/pucast/confirm", unknown: "/v1/broadcasts/nocast/confirm"},
	"POST /v1/broadcasts/{id}/cancel":     {own: "/v1/broadcasts/pudraft/cancel", unknown: "/v1/broadcasts/nocast/cancel"},
	"GET /v1/keys":                        {own: "/v1/keys"},
	"POST /v1/keys":                       {own: "/v1/keys", body: `{"name":"x","scopes":["admin"]}`},
	"POST /v1/keys/{id}/rotate":           {own: "/v1/keys/PUKEY/rotate", unknown: "/v1/keys/NOBODY/rotate"},
	"DELETE /v1/keys/{id}":                {own: "/v1/keys/PUGONE", unknown: "/v1/keys/NOBODY"},
	"GET /v1/audit":                       {own: "/v1/audit"},

	"GET /open311/v2/discovery.json":                     {own: "/open311/v2/discovery.json"},
	"GET /open311/v2/services.json":                      {own: "/open311/v2/services.json"},
	"GET /open311/v2/services/{service_code}.json":       {own: "/open311/v2/services/road.json"},
	"GET /open311/v2/requests.json":                      {own: "/open311/v2/requests.json"},
	"POST /open311/v2/requests.json":                     {own: "/open311/v2/requests.json", body: "service_code=road&description=lubang&address_string=Jl+Melati", form: true},
	"GET /open311/v2/requests/{service_request_id}.json": {own: "/open311/v2/requests/" + one.Digits() + ".json", unknown: "/open311/v2/requests/" + two.Digits() + ".json"},
	"GET /open311/v2/tokens/{token_id}.json":             {own: "/open311/v2/tokens/" + one.Digits() + ".json", unknown: "/open311/v2/tokens/" + two.Digits() + ".json"},
	"GET /open311/v2/discovery.xml":                      {own: "/open311/v2/discovery.xml"},
	"GET /open311/v2/services.xml":                       {own: "/open311/v2/services.xml"},
	"GET /open311/v2/services/{service_code}.xml":        {own: "/open311/v2/services/road.xml"},
	"GET /open311/v2/requests.xml":                       {own: "/open311/v2/requests.xml"},
	"POST /open311/v2/requests.xml":                      {own: "/open311/v2/requests.xml", body: "service_code=road&description=lubang&address_string=Jl+Melati", form: true},
	"GET /open311/v2/requests/{service_request_id}.xml":  {own: "/open311/v2/requests/" + one.Digits() + ".xml", unknown: "/open311/v2/requests/" + two.Digits() + ".xml"},
	"GET /open311/v2/tokens/{token_id}.xml":              {own: "/open311/v2/tokens/" + one.Digits() + ".xml", unknown: "/open311/v2/tokens/" + two.Digits() + ".xml"},
}

// nobody is the path of a ticket that does not exist.
func nobody(more string) string { return "/v1/tickets/" + two.Digits() + more }

// keyWith is the secret of a key with these scopes; the fake keys know it.
func keyWith(agency string, scopes ...string) string {
	secret := "made:" + agency + ":" + strings.Join(scopes, ",")
	madeKeys.Store(secret, store.APIKey{ID: "M-" + secret, Name: "made", Scopes: scopes, Agency: agency})
	return secret
}

// Each route of /openapi.json × each scope × keys of the whole line, of the own agency and of another.
func TestTheTableOfRightsHoldsOnEveryRoute(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) { o.RateLimit, o.RateBurst = 1e6, 1e6 })
	routes := map[string]bool{}
	for path, item := range a.doc.Paths.Map() {
		for method := range item.Operations() {
			routes[method+" "+path] = true
		}
	}
	for row := range staffapi.Rights() {
		if !routes[row] {
			t.Errorf("%s stands in the table and not in /openapi.json", row)
		}
	}
	for name := range routes {
		right, ok := staffapi.Rights()[name]
		sample, known := samples[name]
		if !ok || !known || right.Reach == 0 {
			t.Errorf("%s: a row of the table %v, a sample in this test %v", name, ok, known)
			continue
		}
		if (right.Reach == staffapi.ReachTicket || right.Reach == staffapi.ReachOwn) != (sample.unknown != "") {
			t.Errorf("%s: reach %d, and its sample of what does not exist is %q", name, right.Reach, sample.unknown)
		}
		t.Run(name, func(t *testing.T) { holds(t, a, name, right, sample) })
	}
}

func holds(t *testing.T, a *api, name string, right staffapi.Right, s sample) {
	method, _, _ := strings.Cut(name, " ")
	answer := func(path, key string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		a.s.ServeHTTP(w, asked(method, path, key, s))
		return w
	}
	if w := answer(s.own, ""); w.Code != 401 {
		t.Errorf("without a key: %d", w.Code)
	}
	for _, agency := range []string{"", "pu", "dinkes"} {
		for _, scope := range store.Scopes {
			w := answer(s.own, keyWith(agency, scope))
			if right.Scope != "" && scope != right.Scope {
				if w.Code != 403 {
					t.Errorf("the scope %s alone (agency %q): %d, want 403", scope, agency, w.Code)
				}
				continue
			}
			foreign := agency == "dinkes"
			switch {
			case right.Reach == staffapi.ReachLine && agency != "":
				if w.Code != 403 {
					t.Errorf("agency %q: %d, want 403", agency, w.Code)
				}
			case foreign && (right.Reach == staffapi.ReachTicket || right.Reach == staffapi.ReachOwn):
				none := answer(s.unknown, keyWith("", scope))
				if w.Code != 404 || none.Code != 404 || w.Body.String() != none.Body.String() || !sameHeaders(w, none) {
					t.Errorf("another agency's: %d %s, unknown: %d %s", w.Code, w.Body, none.Code, none.Body)
				}
			case w.Code >= 400:
				t.Errorf("agency %q with %s: %d %s", agency, scope, w.Code, w.Body)
			}
		}
		without := slices.DeleteFunc(slices.Clone(store.Scopes), func(s string) bool { return s == right.Scope })
		if w := answer(s.own, keyWith(agency, without...)); right.Scope != "" && w.Code != 403 {
			t.Errorf("every scope but %s (agency %q): %d, want 403", right.Scope, agency, w.Code)
		}
	}
}

func sameHeaders(a, b *httptest.ResponseRecorder) bool {
	return fmt.Sprint(a.Header()) == fmt.Sprint(b.Header())
}

// asked is a sample's request.
func asked(method, path, key string, s sample) *http.Request {
	r := ask(method, path, key, s.body)
	if s.form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}
