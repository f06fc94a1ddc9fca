package staffapi_test

import (
	"errors"
	"strings"
	"testing"

	"aduan/conversation"
	"aduan/internal/desk"
)

func TestAReportOfAnotherChannelIsFiled(t *testing.T) {
	a := newAPI(t, nil)
	w := a.do(ask("POST", "/v1/tickets", "all", `{"text":"jalan rusak","number":"0812-3456-7123","kind":"suggestion","external_id":"W-1","notify":false}`))
	if w.Code != 201 || w.Header().Get("Location") != "/v1/tickets/"+one.Digits() || !strings.Contains(w.Body.String(), `"external_id":"W-1"`) {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if r := a.desk.files[0]; r.Text != "jalan rusak" || r.Number != "0812-3456-7123" || r.Kind != conversation.Suggestion || r.Notify || r.Idempotency != nil {
		t.Errorf("asked %+v", r)
	}
	least := ask("POST", "/v1/tickets", "pu", `{"text":"jalan rusak"}`)
	least.Header.Set("Idempotency-Key", "web-1")
	if w := a.do(least); w.Code != 201 || w.Header().Get("Idempotency-Replayed") != "true" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if r := a.desk.files[1]; r.Kind != conversation.Complaint || !r.Notify || r.Viewer.Agency != "pu" || r.Idempotency == nil {
		t.Errorf("asked %+v", r)
	}
	for body, want := range map[string]string{
		`{}`:                           "body",
		`{"text":""}`:                  "body.text",
		`{"text":"x","kind":"praise"}`: "body.kind",
		`{"text":"x","secret":true}`:   "body",
		`{"text":"x","number":1708}`:   "body.number",
		`{"text":"x","external_id":"` + strings.Repeat("x", 201) + `"}`: "body.external_id",
	} {
		w := a.do(ask("POST", "/v1/tickets", "all", body))
		if w.Code != 422 || !strings.Contains(w.Body.String(), `"`+want) {
			t.Errorf("%.40s: %d %s", body, w.Code, w.Body)
		}
	}
	a.desk.err = &desk.Invalid{Field: "number", Reason: "expected the citizen's telephone number"}
	if w := a.do(ask("POST", "/v1/tickets", "all", `{"text":"x","number":"1708"}`)); w.Code != 422 || !strings.Contains(w.Body.String(), `"body.number"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestATicketIsHandedOn(t *testing.T) {
	a := newAPI(t, nil)
	w := a.do(ask("POST", ticketPath("/assign"), "pu", `{"agency":"dinkes","note":"bukan urusan kami","notify":true,"max_segments":2}`))
	want := `{"ticket":"` + one.String() + `","status":"forwarded","agency":"dinkes","visible":false,"messages":[],"refused":null}`
	if w.Code != 202 || strings.TrimSpace(w.Body.String()) != want {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if r := a.desk.assigned[0]; r.Agency != "dinkes" || r.Note != "bukan urusan kami" || !r.Notify || r.MaxSegments != 2 || r.Number != one {
		t.Errorf("asked %+v", r)
	}
	if w := a.do(ask("POST", ticketPath("/assign"), "all", `{"agency":""}`)); w.Code != 202 || a.desk.assigned[1].Notify || a.desk.assigned[1].MaxSegments != 3 {
		t.Errorf("the least: %d %s", w.Code, w.Body)
	}
	for _, row := range []struct {
		name string
		err  error
		code int
	}{
		{"closed", desk.ErrClosed, 409},
		{"an unknown agency", &desk.Invalid{Field: "agency", Reason: "no such agency"}, 422},
		{"no store", desk.ErrUnavailable, 503},
		{"our fault", errors.New("x"), 500},
	} {
		a.desk.err = row.err
		if w := a.do(ask("POST", ticketPath("/assign"), "all", `{"agency":"x"}`)); w.Code != row.code {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
	}
	if w := a.do(ask("POST", ticketPath("/assign"), "all", `{}`)); w.Code != 422 {
		t.Errorf("without an agency: %d", w.Code)
	}
}
