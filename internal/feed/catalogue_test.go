package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/store"
)

var update = flag.Bool("update", false, "write docs/events.md anew")

const cataloguePath = "../../docs/events.md"

// catalogue is every type of event, in the order of the page, with what it tells.
var catalogue = []struct{ kind, says string }{
	{"complaint.filed", "A new ticket, by SMS or by another channel. `text` and `change` say which are new."},
	{"complaint.added", "The citizen wrote more: `text` says which."},
	{"complaint.answered", "The citizen answered our question, or an officer's: `answer` says which."},
	{"complaint.rated", "The citizen gave a mark, 1 to 5: `ticket.rating`."},
	{"complaint.reopened", "The citizen is not content: the ticket is open again."},
	{"complaint.withdrawn", "The citizen withdrew the ticket."},
	{"ticket.status", "A status was set, by staff or by time: `change` says which line of the history."},
	{"ticket.assigned", "The ticket was handed to another agency, or back to the triage desk."},
	{"ticket.incomplete", "The citizen fell silent over a question of ours; the ticket stands."},
	{"ticket.unanswered", "The citizen did not answer an officer's question in ten days."},
	{"ticket.reminder", "A limit comes near; the history's note says which."},
	{"ticket.overdue", "A limit has passed: not verified, or not answered by its agency."},
	{"ticket.escalated", "It is still unanswered: it goes to the agency's superior."},
	{"sms.delivered", "An SMS reached the telephone: `message`."},
	{"sms.failed", "An SMS ended otherwise: `message.state` and `message.error` say how."},
	{"citizen.opted_out", "The citizen wants no SMS but direct answers."},
	{"citizen.opted_in", "The citizen takes that back."},
	{"citizen.erased", "The citizen's number and texts are gone: forget yours of these tickets."},
	{"line.surge", "Many complaints of one category and place in an hour: an early warning."},
}

// held is an outbox that keeps what it is given, as a sender does while it sends.
type held struct {
	mu   sync.Mutex
	sent []store.Outgoing // guarded by mu
}

func (h *held) Reserve(context.Context, string, store.Class) bool { return true }
func (h *held) Unreserve(string)                                  {}
func (h *held) Doubt(int, []string)                               {}
func (h *held) Send(sms []store.Outgoing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, sms...)
}

func (l *line) sms(citizen int, text string) {
	l.t.Helper()
	l.count++
	id := fmt.Sprint("d", l.count)
	_, err := l.turner.SMS(l.t.Context(), turn.Message{
		Boot: l.store.BootID(), From: l.phone(citizen), To: "1708", Link: "main", Text: text, Raw: []byte(text),
		Mark: &store.MarkWrite{Mode: store.MarkFresh, Digest: id, ID: id, Session: "s"},
		Input: func(n conversation.Number, known []conversation.Ticket) conversation.Input {
			return conversation.SMS{Text: text, Link: "main", NewNumber: n, Known: known}
		},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.look()
}

// look reads what has happened since.
func (l *line) look() {
	l.t.Helper()
	if l.first == nil {
		return
	}
	for {
		page := l.read(l.looking, desk.EventsRequest{After: l.after})
		if l.after = page.Next; len(page.Items) == 0 {
			return
		}
		for _, e := range page.Items {
			if _, ok := l.first[e.Type]; !ok {
				l.first[e.Type] = e
			}
		}
	}
}

func (l *line) phone(citizen int) msisdn.MSISDN {
	m, err := msisdn.FromE164(fmt.Sprintf("+62812345671%02d", citizen))
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

// later lets days pass for a citizen.
func (l *line) later(citizen int, d time.Duration) {
	l.t.Helper()
	l.clock.Add(int64(d))
	if err := l.turner.Tick(l.t.Context(), l.store.Identify(l.phone(citizen))); err != nil {
		l.t.Fatal(err)
	}
	l.look()
}

// everything makes each type of event happen.
func (l *line) everything(out *held) {
	t, ctx := l.t, l.t.Context()
	newest := func() conversation.Number {
		items, _, err := l.desk.List(ctx, desk.ListRequest{Limit: 1})
		if err != nil || len(items) == 0 {
			t.Fatal(items, err)
		}
		n, err := conversation.ParseNumber(items[0].Number)
		if err != nil {
			t.Fatal(err)
		}
		l.clock.Add(int64(time.Second))
		return n
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		l.look()
	}
	status := func(n conversation.Number, s conversation.Status) {
		t.Helper()
		_, _, err := l.desk.PushStatus(ctx, desk.StatusRequest{Viewer: desk.Viewer{Name: "case system"}, Number: n, Status: s, Note: "Tim turun besok", Notify: true})
		must(err)
	}
	ask := func(n conversation.Number) {
		t.Helper()
		_, _, err := l.desk.PushQuestion(ctx, desk.QuestionRequest{Viewer: desk.Viewer{Name: "case system"}, Number: n, Text: "Di dekat toko apa?"})
		must(err)
	}

	l.sms(2, "LAPOR jalan rusak di Jl Melati RT 3 Bantul")
	n := newest()
	sms := out.sent[0]
	must2 := func(_ *store.Outgoing, err error) { t.Helper(); must(err) }
	must2(l.store.Done(ctx, store.Done{Boot: l.store.BootID(), SMS: sms, End: store.DoneAccepted, MessageIDs: []string{"1f03a7"}, At: l.now()}))
	_, err := l.store.Receipt(ctx, store.ReceiptUpdate{
		Citizen: l.store.Identify(l.phone(2)), Link: sms.Link, MessageID: "1f03a7", State: store.StateDelivered, Final: true, At: l.now(), EventID: l.store.NewID(sms.Citizen.Shard),
	})
	must(err)
	l.sms(2, "TAMBAH lampu jalan mati juga")
	ask(n)
	l.sms(2, "Depan toko Maju")
	status(n, conversation.Verified)
	_, _, err = l.desk.Assign(ctx, desk.AssignRequest{Viewer: desk.Viewer{Name: "case system"}, Number: n, Agency: "Dinas PUPR", Note: "urusan jalan"})
	must(err)
	status(n, conversation.Resolved)
	l.sms(2, "5")

	l.sms(3, "LAPOR sampah menumpuk di Jl Kenanga RT 2")
	n = newest()
	last := out.sent[len(out.sent)-1]
	must2(l.store.Done(ctx, store.Done{
		Boot: l.store.BootID(), SMS: last, End: store.DoneEnded, State: store.StateUndeliverable, Error: "ESME_RINVDSTADR: the operator does not know the number", At: l.now(),
		EventID: l.store.NewID(last.Citizen.Shard),
	}))
	status(n, conversation.Resolved)
	l.sms(3, "BELUM masih menumpuk")
	l.sms(3, "BATAL "+n.String())
	l.sms(3, "YA")

	l.sms(4, "LAPOR banjir di Jl Mawar RT 1")
	ask(newest())
	l.later(4, 11*24*time.Hour)

	l.sms(1, "LAPOR jalan rusak parah sekali")
	newest()
	for range 8 {
		l.later(1, 2*24*time.Hour)
	}

	l.sms(6, "STOP") // who stays: an erased citizen's are told nothing of
	l.sms(6, "MULAI")
	l.sms(5, "LAPOR air keruh di Jl Anggrek RT 9")
	l.sms(5, "HAPUS")
	l.sms(5, "YA")
	l.later(5, 25*time.Hour)
	must(l.store.Announce(ctx, "line.surge", l.now(), []byte(`{"category":"food_drug","place":"kec beji","count":23,"usual":0.4}`)))
}

// TestTheCatalogueOfEventsIsTrue makes each type happen, and holds docs/events.md against what is told.
func TestTheCatalogueOfEventsIsTrue(t *testing.T) {
	out := &held{}
	l := newLineWith(t, out)
	l.clock.Store(int64(time.Until(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)))) // a week without holidays
	first := map[string]desk.Event{}
	l.looking, l.first = l.daemon(0), first
	l.everything(out)
	var b strings.Builder
	b.WriteString("# The events, one by one\n\nEach as a case system pulls it (`GET /v1/events`) or gets it by webhook, there with whole telephone numbers; how they come:\n" +
		"[Connect a case system](integrate.md). Made of real events by `go test ./internal/feed -run TestTheCatalogueOfEventsIsTrue -update`; numbers, ids and times\nare made alike.\n" +
		"Besides, `line.digest` tells the figures of a day (`case_system.digest`). Answer 2xx to types that you do not know.\n")
	for _, c := range catalogue {
		e, ok := first[c.kind]
		if !ok {
			t.Errorf("%s never happened", c.kind)
			continue
		}
		delete(first, c.kind)
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```json\n%s\n```\n", c.kind, c.says, alike(t, e))
	}
	for kind := range first {
		t.Errorf("the page does not tell of %s", kind)
	}
	if *update {
		if err := os.WriteFile(cataloguePath, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(cataloguePath)
	if err != nil || string(got) != b.String() {
		t.Errorf("docs/events.md is not what is told (%v): go test ./internal/feed -run TestTheCatalogueOfEventsIsTrue -update\n%s", err, b.String())
	}
}

// alike is an event with what chance and the clock made of it taken out.
func alike(t *testing.T, e desk.Event) string {
	t.Helper()
	body, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct{ what, by string }{
		{`\b[0-9A-HJKMNP-TV-Z]{26}\d\d\b`, "01KAPV5S3Q6Z8M2X4R7T9WBCDE07"},
		{`\b\d{4}-\d\d-\d\dT[0-9:.]+Z`, "2026-11-23T09:00:00Z"},
		{`\b\d{4}-\d{4}\b`, "1000-1071"},
	} {
		body = regexp.MustCompile(r.what).ReplaceAll(body, []byte(r.by))
	}
	if e.Type != conversation.EventFiled { // one is laid out, the others are alike
		return string(body)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
