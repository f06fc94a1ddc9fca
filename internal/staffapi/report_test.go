package staffapi_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/report"
)

// Report counts the one ticket of the fake desk; a day "bad" is refused.
func (d *fakeDesk) Report(_ context.Context, r desk.ReportRequest) (report.Report, error) {
	if r.Day == "bad" {
		return report.Report{}, &desk.Invalid{Field: "from", Reason: "write it as 2026-11-23"}
	}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	b := report.New(report.Options{From: now.Add(-time.Hour), To: now, Now: now, Agency: r.Viewer.Agency, Small: r.Viewer.Allows("admin"), Late: r.Late})
	b.Add(&conversation.Ticket{
		Number: one, Status: conversation.Filed, FiledAt: now.Add(-time.Minute), Agency: "pu", Category: "=road",
		Limit: conversation.LimitVerify, DueAt: now.Add(-time.Second),
	})
	return b.Report(), nil
}

func TestAReportIsOfWhatTheKeySees(t *testing.T) {
	a := newAPI(t, nil)
	for _, c := range []struct {
		name, path, key string
		code            int
		has             []string
		hasNot          string
	}{
		{"all of it", "/v1/report?day=2026-11-22&late=5", "all", 200, []string{`"received":1`, `"name":"pu"`, `"number":"` + one.String() + `"`, `"hidden":true`}, ""},
		{"another agency's", "/v1/report", "dinkes", 200, []string{`"received":0`}, `"pu"`},
		{"a small group, to who may see it", "/v1/report", keyWith("", "tickets:read", "admin"), 200, []string{`"=road"`}, `"hidden":true`},
		{"for spreadsheets", "/v1/report.csv", keyWith("", "tickets:read", "admin"), 200, []string{"group,name,", "category,'=road,1,"}, ""},
		{"a time that is none", "/v1/report?day=bad", "all", 422, []string{`"invalid"`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := a.do(ask("GET", c.path, c.key, ""))
			if w.Code != c.code {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			for _, s := range c.has {
				if !strings.Contains(w.Body.String(), s) {
					t.Errorf("%s is not in %s", s, w.Body)
				}
			}
			if c.hasNot != "" && strings.Contains(w.Body.String(), c.hasNot) {
				t.Errorf("%s is in %s", c.hasNot, w.Body)
			}
		})
	}
	if ct := a.do(ask("GET", "/v1/report.csv", "all", "")).Header().Get("Content-Type"); ct != "text/csv; charset=utf-8" {
		t.Errorf("Content-Type %q", ct)
	}
}
