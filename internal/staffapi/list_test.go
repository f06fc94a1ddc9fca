package staffapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"aduan/internal/desk"
)

func TestTicketsAreListed(t *testing.T) {
	a := newAPI(t, nil)
	w := a.do(ask("GET", "/v1/tickets?status=filed,verified&agency=pu&overdue=true&external_id=X-1&limit=2", "all", ""))
	var page struct {
		Items []desk.TicketView `json:"items"`
		Next  *string           `json:"next"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 || len(page.Items) != 1 || page.Next == nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	r := a.desk.lists[0]
	if len(r.Status) != 2 || r.Status[1] != "verified" || *r.Agency != "pu" || !r.Overdue || r.ExternalID != "X-1" || r.Limit != 2 || r.Cursor != "" {
		t.Errorf("asked %+v", r)
	}
	if w := a.do(ask("GET", "/v1/tickets?cursor="+*page.Next, "all", "")); w.Code != 200 || !strings.Contains(w.Body.String(), `"next":null`) {
		t.Errorf("the last page: %d %s", w.Code, w.Body)
	}
	if r := a.desk.lists[1]; r.Agency != nil || r.Limit != 50 || r.Status != nil || r.Overdue || r.Cursor != "more" {
		t.Errorf("the least: %+v", r)
	}
	a.do(ask("GET", "/v1/tickets?agency=", "all", ""))
	if r := a.desk.lists[2]; r.Agency == nil || *r.Agency != "" {
		t.Errorf("the triage desk: %+v", r)
	}
	if w := a.do(ask("GET", "/v1/tickets", "dinkes", "")); !strings.HasPrefix(w.Body.String(), `{"items":[],`) {
		t.Errorf("nothing: %s", w.Body)
	}
	for _, q := range []string{"status=lost", "limit=0", "limit=501", "overdue=maybe", "limit=x"} {
		if w := a.do(ask("GET", "/v1/tickets?"+q, "all", "")); w.Code != 422 || !strings.Contains(w.Body.String(), `"query.`) {
			t.Errorf("%s: %d %s", q, w.Code, w.Body)
		}
	}
	a.desk.err = &desk.Invalid{Field: "cursor", Reason: "it belongs to another list: begin without one"}
	if w := a.do(ask("GET", "/v1/tickets?cursor=x", "all", "")); w.Code != 422 || !strings.Contains(w.Body.String(), `"query.cursor"`) {
		t.Errorf("a cursor of another list: %d %s", w.Code, w.Body)
	}
}
