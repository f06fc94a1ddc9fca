package trace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/msisdn"
	"aduan/internal/trace"
	"aduan/store"
)

var began = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	phone = "+6281234567123"
	smsID = "01M84YD51CRST85Y8KHNQX3PC007"
)

// kept is a store with one ticket and one SMS.
type kept struct {
	head   conversation.Ticket
	sms    store.SMSTrace
	events []store.EventTrace
}

func newKept() *kept {
	number, err := msisdn.FromE164(phone)
	if err != nil {
		panic(err)
	}
	n := conversation.NewNumber(7, 10001)
	return &kept{
		head: conversation.Ticket{Number: n, Kind: conversation.Complaint, Status: conversation.Filed, FiledAt: began, Link: "main", Texts: 1, Changes: 1, Messages: 1},
		sms: store.SMSTrace{
			Message: store.Message{ID: smsID, Ticket: 10001, State: "delivered", Link: "main", Text: "nomor 1000-1070", Times: map[string]time.Time{
				"queued": began, "sent": began.Add(time.Second), "delivered": began.Add(time.Second),
			}},
			Citizen: store.CitizenID{Shard: 7, Hash: "H"}, Number: number, From: "1708", Queued: began, MessageIDs: []string{"77"},
			Origin:   store.Origin{Delivery: "boot.main.1-9", Received: began.Add(-time.Millisecond)},
			Attempts: []store.Try{{At: began, Took: time.Second, Link: "main", Session: "boot.main.1", Parts: []store.TryPart{{Status: "ESME_ROK", MessageID: "77"}}}},
			Receipts: []store.ReceiptNote{{Ended: true, Part: 1, State: "delivered", At: began.Add(time.Second), Delivery: "next.main.2-4"}},
		},
		events: []store.EventTrace{{Event: store.Event{ID: "E", Type: "complaint.filed", At: began}, Waits: true}},
	}
}

func (k *kept) Ticket(_ context.Context, shard int, serial uint64) (store.TicketRecord, error) {
	if shard != 7 || serial != 10001 {
		return store.TicketRecord{}, store.ErrNotFound
	}
	enc := func(v any) []byte { b, _ := json.Marshal(v); return b }
	return store.TicketRecord{
		Shard: 7, Serial: 10001, Number: k.sms.Number, Head: enc(k.head), Entries: map[string][]byte{
			"x1":  enc(conversation.TextEntry{Index: 1, At: began, Parts: []string{"LAPOR jalan rusak"}}),
			"wx1": []byte(store.Origin{Delivery: "boot.main.1-9", Received: began.Add(-time.Millisecond)}.String()),
			"y1":  enc(conversation.ChangeEntry{Index: 1, At: began, By: "citizen", To: conversation.Filed, What: "status"}),
			"m1":  []byte(smsID),
		},
	}, nil
}

func (k *kept) TraceSMS(_ context.Context, id string) (store.SMSTrace, error) {
	if id != smsID {
		return store.SMSTrace{}, store.ErrNotFound
	}
	return k.sms, nil
}

func (k *kept) TraceCitizen(_ context.Context, number msisdn.MSISDN) (store.CitizenTrace, error) {
	if number != k.sms.Number {
		return store.CitizenTrace{}, store.ErrNotFound
	}
	c := store.CitizenTrace{Tickets: []uint64{10001}, Turns: []string{"boot.main.1-9"}, Waiting: []string{smsID}}
	c.ID = k.sms.Citizen
	return c, nil
}

func (k *kept) EventsAbout(context.Context, int, uint64, time.Time) ([]store.EventTrace, error) {
	return k.events, nil
}

func (k *kept) FindMessageID(_ context.Context, links []string, id string) (string, int, error) {
	if id != "77" || len(links) == 0 {
		return "", 0, store.ErrNotFound
	}
	return smsID, 1, nil
}

// told is the report as people read it and as scripts do.
func told(t *testing.T, r *trace.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(&out).Encode(r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAWayIsToldInItsOrder(t *testing.T) {
	k := newKept()
	ticket := k.head.Number
	for _, what := range []string{"0812-3456-7123", "+6281234567123", ticket.String(), ticket.Digits(), smsID, strings.ToLower(smsID)} {
		r, err := trace.Run(t.Context(), trace.Options{Store: k, Region: "ID"}, what)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var order []string
		for _, s := range r.Steps {
			order = append(order, strings.TrimSpace(s.What+" "+s.Status))
		}
		want := "received, kept, changed, queued, submitted ESME_ROK, event complaint.filed, state sent, receipt delivered, state delivered"
		if r.Subject == "sms" {
			want = "queued, submitted ESME_ROK, state sent, receipt delivered, state delivered"
		}
		if got := strings.Join(order, ", "); got != want {
			t.Errorf("%s: %s\nwant %s", what, got, want)
		}
		text := told(t, r)
		for _, secret := range []string{"81234567123", "jalan rusak", "nomor 1000"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: it tells %q: %s", what, secret, text)
			}
		}
		if !strings.Contains(text, "+62•••••••123") || !strings.Contains(text, "next.main.2") {
			t.Errorf("%s: %s", what, text)
		}
	}
}

// A telephone that is off: the operator says enroute, and hours later what became of it.
func TestTheLatestReceiptThatWasNotFinalIsTold(t *testing.T) {
	k := newKept()
	k.sms.Interim, k.sms.InterimAt = "enroute", began.Add(500*time.Millisecond)
	r, err := trace.Run(t.Context(), trace.Options{Store: k, Region: "ID"}, smsID)
	if err != nil {
		t.Fatal(err)
	}
	want := "receipt    SMS …QX3PC007  deliver_sm: enroute: the latest that was not final, link main"
	if text := told(t, r); !strings.Contains(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(want), " ")) {
		t.Errorf("%s\nwant %s", text, want)
	}
	if at := slices.IndexFunc(r.Steps, func(s trace.Step) bool { return s.Status == "enroute" }); !r.Steps[at].At.Equal(k.sms.InterimAt) || r.Steps[at-1].What != "submitted" {
		t.Errorf("%+v", r.Steps)
	}
}

func TestEveryReceiptIsToldWithItsPartAndSession(t *testing.T) {
	k := newKept()
	k.sms.Interim, k.sms.InterimAt = "enroute", began.Add(500*time.Millisecond)
	k.sms.Untold = 3
	k.sms.Receipts = append(k.sms.Receipts, store.ReceiptNote{Part: 1, State: "enroute", At: k.sms.InterimAt, Delivery: "next.main.2-9"})
	r, err := trace.Run(t.Context(), trace.Options{Store: k, Region: "ID"}, smsID)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(told(t, r)), " ")
	for _, want := range []string{"deliver_sm: enroute: part 1, deliver_sm 9, ended nothing", "3 more receipts came that ended nothing"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwant %s", text, want)
		}
	}
	if strings.Contains(text, "the latest that was not final") {
		t.Errorf("told twice: %s", text)
	}
}

func TestNumbersAndTextsAreShownToWhoMaySeeThem(t *testing.T) {
	r, err := trace.Run(t.Context(), trace.Options{Store: newKept(), Region: "ID", Reveal: true}, phone)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{phone, "jalan rusak", "nomor 1000-1070"} {
		if !strings.Contains(told(t, r), want) {
			t.Errorf("it does not tell %q", want)
		}
	}
}

// Whoever knows a telephone number must not learn that it has a confidential ticket's number, nor the other way round.
func TestAConfidentialTicketIsNeverTiedToItsNumber(t *testing.T) {
	k := newKept()
	k.head.Confidential, k.head.Alias = true, "Pelapor-1"
	ticket := k.head.Number.String()
	for _, reveal := range []bool{false, true} {
		o := trace.Options{Store: k, Region: "ID", Reveal: reveal}
		byNumber, err := trace.Run(t.Context(), o, phone)
		if err != nil {
			t.Fatal(err)
		}
		if text := told(t, byNumber); strings.Contains(text, ticket) || strings.Contains(text, smsID) || strings.Contains(text, "jalan rusak") {
			t.Errorf("reveal %v: by the number: %s", reveal, text)
		}
		for _, what := range []string{ticket, smsID} {
			r, err := trace.Run(t.Context(), o, what)
			if err != nil {
				t.Fatal(err)
			}
			if text := told(t, r); strings.Contains(text, "4567123") || strings.Contains(text, "•123") || !strings.Contains(text, "Pelapor-1") {
				t.Errorf("reveal %v: by %s: %s", reveal, what, text)
			}
		}
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	o := trace.Options{Store: newKept(), Region: "ID", Links: []string{"main"}}
	for what, want := range map[string]error{
		"+6281200000000": store.ErrNotFound, conversation.NewNumber(8, 10002).String(): store.ErrNotFound,
		"01M84YD51CRST85Y8KHNQX3PC008": store.ErrNotFound, "1000-1079": store.ErrNotFound,
		"hello": trace.ErrArgument, "": trace.ErrArgument, "12": trace.ErrArgument,
	} {
		if _, err := trace.Run(t.Context(), o, what); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", what, err, want)
		}
	}
	if _, err := trace.ByMessageID(t.Context(), o, "78"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
	r, err := trace.ByMessageID(t.Context(), o, "77")
	if err != nil || len(r.SMS) != 1 || !strings.Contains(fmt.Sprint(r.Facts), "part 1 of SMS "+smsID) {
		t.Errorf("%+v, %v", r, err)
	}
}
