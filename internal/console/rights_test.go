package console_test

import (
	"net/http"
	"strings"
	"testing"

	"aduan/internal/console"
	"aduan/internal/console/consoletest"
	"aduan/internal/desk"
	"aduan/internal/staffapi"
	"aduan/store"
)

// Every page × every scope × a key of the line, of the ticket's agency, of another: what the table says is what happens.
func TestEachPageAsksForItsRight(t *testing.T) {
	o := consoletest.New()
	o.Entries = []desk.Agency{{Name: "pu"}}
	n := o.File(desk.TicketView{Texts: []desk.TextView{{Text: "jalan"}}, Agency: "pu"}).String()
	v := visit(t, o)
	scopes := append([]string{""}, store.Scopes...)
	for _, scope := range scopes {
		for _, agency := range []string{"", "pu", "other"} {
			var own []string
			if scope != "" {
				own = []string{scope}
			}
			who := v.another().enter(o.Key("k", agency, own...))
			for route, right := range console.RightsForTest() {
				if route == "POST /logout" || route == "GET /links/live" {
					continue // tried elsewhere: they end the session, or never end
				}
				method, path, _ := strings.Cut(route, " ")
				path = strings.NewReplacer("{number}", n, "{name}", "pu", "{id}", "A07").Replace(path)
				var a answer
				if method == http.MethodPost {
					a = who.post(path, "agency", "pu", "text", "apa", "status", "verified", "version", "0")
				} else {
					a = who.get(path)
				}
				want := (right.Scope == "" || right.Scope == scope) && (right.Reach != staffapi.ReachLine || agency == "")
				if got := a.StatusCode != http.StatusForbidden; got != want {
					t.Errorf("%s by %q of %q: %d, allowed should be %v", route, scope, agency, a.StatusCode, want)
				}
				if want && right.Reach == staffapi.ReachTicket && strings.Contains(path, n) && (agency == "other") != (a.StatusCode == http.StatusNotFound) {
					t.Errorf("%s by %q of %q: %d", route, scope, agency, a.StatusCode)
				}
			}
		}
	}
}

func TestNoPageIsServedWithoutARow(t *testing.T) {
	rights, served := console.RightsForTest(), console.ServedForTest(t)
	for route := range served {
		if _, ok := rights[route]; !ok {
			t.Errorf("%s has no row in rights", route)
		}
	}
	for route := range rights {
		if !served[route] {
			t.Errorf("%s has a row and is not served", route)
		}
	}
	for _, path := range console.MenuForTest() {
		if !served["GET "+path] {
			t.Errorf("the menu leads to %s, which is not served", path)
		}
	}
}
