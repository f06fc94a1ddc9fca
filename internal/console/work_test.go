package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"aduan/internal/console/consoletest"
	"aduan/internal/desk"
	"aduan/store"
)

// The whole day of a small office, by forms and links alone.
func TestAnOfficeWorksWithoutJavaScript(t *testing.T) {
	o := consoletest.New()
	o.Entries = []desk.Agency{{Name: "Dinas PUPR"}}
	v := visit(t, o).enter(o.Key("desk", "", store.Scopes...))
	n := o.File(desk.TicketView{Texts: []desk.TextView{{Text: "jalan rusak <b>parah</b>"}}, Likely: "Dinas PUPR"})
	path := "/tickets/" + n.String()
	v.is("the desk", v.get("/desk"), 200, n.String(), `value="Dinas PUPR"`, "jalan rusak &lt;b&gt;parah")
	v.is("an unknown agency", v.post(path+"/assign", "agency", "Dinas Sihir", "to", "/desk"), 422, "does not know this agency", `value="Dinas Sihir"`)
	v.is("given to one", v.post(path+"/assign", "agency", "Dinas PUPR", "to", "/desk"), 303, "/desk?done=assign")
	v.is("the desk is empty", v.get("/desk?done=assign"), 200, "Nothing waits for triage", "handed on")
	v.is("found by its number", v.get("/find?q=+%23"+n.String()), 303, path)
	v.is("preview", v.post(path+"/status", "status", "in_progress", "text", "Tim di lokasi.", "notify", "on", "do", "preview"), 200, "in_progress. Tim di lokasi.", "GSM-7", "Tim di lokasi.</textarea>")
	if o.Tickets[n].Status != "filed" {
		t.Error("a preview has set the status")
	}
	long := strings.Repeat("panjang sekali ", 60)
	v.is("too long", v.post(path+"/status", "status", "in_progress", "text", long, "notify", "on"), 422, "at most 3 segments", "This takes 7 segments", "panjang sekali panjang")
	v.is("pushed", v.post(path+"/status", "status", "in_progress", "text", "Tim di lokasi.", "notify", "on", "once", "first"), 303, path+"?done=status")
	v.is("pressed twice", v.post(path+"/status", "status", "in_progress", "text", "Tim di lokasi.", "notify", "on", "once", "first"), 303)
	if m := len(o.Tickets[n].Messages); m != 1 {
		t.Errorf("%d SMS", m)
	}
	v.is("an empty question", v.post(path+"/question", "text", "  "), 422, "Write the question")
	v.is("asked", v.post(path+"/question", "text", "RT berapa?"), 303, "done=question")
	v.is("its story", v.get(path+"?done=question"), 200, "on its way", "asked the citizen", "RT berapa?", "Tim di lokasi.", "queued", "handed on to", "Dinas PUPR", "+62•••••••123")
	v.is("closed", v.post(path+"/status", "status", "closed"), 303)
	v.is("a closed one", v.post(path+"/status", "status", "verified"), 409, "reopen it first")
	v.is("the number is shown", v.post(path+"/reveal"), 200, "+6281234567123")
	if len(o.Revealed) != 1 {
		t.Errorf("the showing is noted %d times", len(o.Revealed))
	}
	o.Fail = errors.Join(desk.ErrUnavailable)
	a := v.get(path)
	v.is("the store is away", a, 503, "what is sent twice is done once")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	o := consoletest.New()
	for range 60 {
		o.File(desk.TicketView{Texts: []desk.TextView{{Text: "satu"}}})
	}
	o.File(desk.TicketView{Texts: []desk.TextView{{Text: "selesai"}}, Status: "resolved", Agency: "pu", ExternalID: "A & 7"})
	old := o.File(desk.TicketView{Texts: []desk.TextView{{Text: "lama"}}, FiledAt: o.Clock.Add(-100 * time.Hour)})
	v := visit(t, o).enter(o.Key("desk", "", store.Scopes...))
	rows := func(a answer) int { return strings.Count(a.body, `class="row"`) }
	a := v.get("/tickets")
	next := between(a.body, `href="/tickets?`, `" rel="next"`)
	if rows(a) != 25 || next == "" {
		t.Fatalf("%d rows, next %q", rows(a), next)
	}
	a = v.get("/tickets?" + strings.ReplaceAll(next, "&amp;", "&"))
	if rows(a) != 25 || !strings.Contains(a.body, "Newest") {
		t.Errorf("the second page: %d rows", rows(a))
	}
	for query, want := range map[string]int{"?status=resolved": 1, "?status=closed": 0, "?agency=pu": 1, "?overdue=on": 1, "?status=nonsense&agency=pu": 1} {
		if got := rows(v.get("/tickets" + query)); got != want {
			t.Errorf("%s: %d rows, want %d", query, got, want)
		}
	}
	v.is("overdue", v.get("/overdue"), 200, old.String())
	v.is("a cursor of another list", v.get("/overdue?cursor=x"), 303, "/overdue")
	v.is("by the id of the case system", v.get("/find?q="+url.QueryEscape("A & 7")), 303, "/tickets/")
	v.is("not found", v.get("/find?q=99999"), 404, "no ticket with this number", "99999")
}

func between(s, a, b string) string {
	_, rest, ok := strings.Cut(s, a)
	if !ok {
		return ""
	}
	got, _, ok := strings.Cut(rest, b)
	if !ok {
		return ""
	}
	return got
}

func TestWhatWaitsForAPersonIsSentAgainOrDropped(t *testing.T) {
	o := consoletest.New()
	o.Letters = []desk.DeadLetter{{ID: "A07", Kind: desk.LetterSMS, Ticket: "1000-1071", Error: "ESME_RSYSERR", Tries: 5}, {ID: "B00", Kind: desk.LetterEvent, Type: "line.surge"}}
	v := visit(t, o).enter(o.Key("desk", "", store.Scopes...))
	v.is("the list", v.get("/dead"), 200, "ESME_RSYSERR", "line.surge", "tried 5 times")
	v.is("again", v.post("/dead/A07/retry"), 303, "done=retry")
	v.is("dropped", v.post("/dead/B00/drop"), 303, "done=drop")
	v.is("somebody else was first", v.post("/dead/B00/retry"), 303, "done=gone")
	if got := strings.Join(o.Decided, ", "); got != "retry A07, drop B00" {
		t.Error(got)
	}
	v.is("empty", v.get("/dead"), 200, "Nothing waits.")
}

func TestAgenciesAreChangedWithoutOverwritingOthers(t *testing.T) {
	o := consoletest.New()
	o.Entries = []desk.Agency{{Name: "Dinas PUPR / Kota", Version: 3, Officers: []desk.Officer{{Name: "Sri"}}}}
	v := visit(t, o).enter(o.Key("admin", "", store.Scopes...))
	path := "/agencies/" + url.PathEscape(o.Entries[0].Name)
	v.is("the list", v.get("/agencies"), 200, path, "1 officers")
	v.is("its page", v.get(path), 200, `value="Sri"`, `value="3"`)
	v.is("saved", v.post(path, "version", "3", "parent", "Kota Depok", "officer", "Wahyu", "email", "w@depok.example", "role", "penghubung"), 303, "done=agency")
	if a := o.Entries[0]; a.Parent != "Kota Depok" || len(a.Officers) != 1 || a.Officers[0].Email != "w@depok.example" || a.UpdatedBy != "admin" {
		t.Errorf("%+v", a)
	}
	v.is("as it was before", v.post(path, "version", "3", "parent", ""), 409, "Somebody else changed it")
	reader := v.another().enter(o.Key("reader", "", "tickets:read"))
	reader.is("without admin", reader.get(path), 200, "Wahyu")
	if strings.Contains(reader.get(path).body, "<fieldset") {
		t.Error("who may not change it gets a form")
	}
	reader.is("nor may it be sent", reader.post(path, "version", "4"), 403)
}

func TestTheLinkPageTellsAndStreams(t *testing.T) {
	o := consoletest.New()
	v := visit(t, o).enter(o.Key("ops", "", "operate"))
	v.is("home is what may be seen", v.get("/"), 303, "/dead")
	v.is("no daemon", v.get("/links"), 200, "No daemon is running")
	r, err := http.NewRequestWithContext(t.Context(), "GET", v.url+"/links/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got strings.Builder
	buf := make([]byte, 4096)
	for strings.Count(got.String(), "data: ") < 3 {
		n, err := resp.Body.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(buf[:n])
	}
	if resp.Header.Get("Content-Type") != "text/event-stream" || !strings.Contains(got.String(), `"html":"`) {
		t.Errorf("%s", got.String())
	}
	v.is("the stream for nobody", v.another().get("/links/live"), 401)
	o.Lock()
	o.Fail = store.ErrNotKept
	o.Unlock()
	v.is("the store is away", v.get("/links"), 200, "does not answer")
}

func TestSurgesAndTheAuditTrailAreShown(t *testing.T) {
	o := consoletest.New()
	n := o.File(desk.TicketView{Texts: []desk.TextView{{Text: "satu"}}})
	o.Surges = []store.Event{
		{Type: "line.digest", At: o.Clock, Data: []byte(`{}`)},
		{Type: "line.surge", At: o.Clock, Data: []byte(`{"category":"food_drug","place":"kec beji","count":31,"usual":0.4}`)},
	}
	o.Trail = []desk.AuditView{
		{At: o.Clock, Action: "reveal", By: "desk", Key: "key1", From: "192.0.2.7", Ticket: n.String(), Chain: "07", Record: 12},
		{At: o.Clock, Action: "sms.delivered", Chain: "07"},
	}
	v := visit(t, o).enter(o.Key("desk", "", store.Scopes...))
	v.is("surges", v.get("/surge"), 200, "Food and drugs", "kec beji", "31 in an hour", "usually 0.4")
	v.is("the trail", v.get("/audit"), 200, "reveal", "192.0.2.7", "record 12", "sms.delivered", "The line")
	if a := v.get("/audit?action=reveal&ticket=" + n.String()); strings.Contains(a.body, "sms.delivered") || !strings.Contains(a.body, "192.0.2.7") {
		t.Error("the trail is not filtered")
	}
	v.is("no ticket", v.get("/audit?ticket=12"), 422, "no ticket with this number")
	v.is("a cursor of before", v.get("/audit?cursor=x"), 303, "/audit")
}
