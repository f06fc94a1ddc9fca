package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"aduan/store"
)

func (b *bench) trace(id string) store.SMSTrace {
	b.t.Helper()
	m, err := b.TraceSMS(b.ctx, id)
	if err != nil {
		b.t.Fatalf("trace %s: %v", id, err)
	}
	return m
}

// What a try, a receipt and a cause tell stands beside the SMS, whoever asks and whenever.
func TestAnSMSTellsItsWay(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		sms := b.sms(c, "x")
		sms.Origin = store.Origin{Delivery: "boot.main.1-17", Received: b.now.Add(-20 * time.Millisecond)}
		out, _ := b.mustKeep(b.turn(c, sms))
		b.done(out.Send[0], store.Done{End: store.DoneRetry, RetryAt: b.now.Add(time.Second), Error: "ESME_RTHROTTLED", Try: &store.Try{
			At: b.now, Took: 3 * time.Millisecond, Link: "main", Session: "boot.main.1", Parts: []store.TryPart{{Status: "ESME_RTHROTTLED"}},
		}})
		if m := b.trace(sms.ID); m.State != store.StateQueued || m.Due.UnixMilli() != b.now.Add(time.Second).UnixMilli() || m.Place != 1 || m.Holder != "" {
			t.Errorf("it waits: %+v", m)
		}
		got := b.claim(b.now.Add(2 * time.Second))
		sent := b.now.Add(3 * time.Second)
		b.done(got.SMS[0], store.Done{End: store.DoneAccepted, MessageIDs: []string{"p1"}, At: sent, Try: &store.Try{
			Number: 1, At: sent, Link: "other", Session: "next.other.4", Parts: []store.TryPart{{Status: "ESME_ROK", MessageID: "p1"}},
		}})
		if _, err := b.Receipt(b.ctx, store.ReceiptUpdate{
			Citizen: c.ID, Link: "main", MessageID: "p1", State: "delivered", Final: true, At: sent.Add(-time.Millisecond), Delivery: "next.other.4-2", Error: "000 fine",
		}); err != nil {
			t.Fatal(err)
		}
		m := b.trace(sms.ID)
		if m.State != store.StateDelivered || m.Number != number(1) || m.From != "1708" || m.Origin.Received.UnixMilli() != sms.Origin.Received.UnixMilli() {
			t.Errorf("%+v", m)
		}
		if m.Origin.Delivery != "boot.main.1-17" {
			t.Errorf("origin %+v", m.Origin)
		}
		if len(m.Attempts) != 2 || m.Attempts[0].Parts[0].Status != "ESME_RTHROTTLED" || m.Attempts[0].Took != 3*time.Millisecond || m.Attempts[1].Session != "next.other.4" || m.Attempts[1].Link != "other" {
			t.Errorf("tries %+v", m.Attempts)
		}
		if len(m.Receipts) != 1 || m.Receipts[0].State != "delivered" || m.Receipts[0].Delivery != "next.other.4-2" || m.Receipts[0].Error != "000 fine" {
			t.Errorf("receipts %+v", m.Receipts)
		}
		if m.Times["delivered"].Before(m.Times["sent"]) {
			t.Errorf("delivered %v before it was sent %v", m.Times["delivered"], m.Times["sent"])
		}
		if !slices.Equal(m.MessageIDs, []string{"p1"}) {
			t.Errorf("ids %v", m.MessageIDs)
		}
		id, part, err := b.FindMessageID(b.ctx, []string{"nosuch", "main"}, "p1")
		if err != nil || id != sms.ID || part != 1 {
			t.Errorf("found %s, part %d, %v", id, part, err)
		}
		if _, _, err := b.FindMessageID(b.ctx, []string{"main"}, "p2"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an unknown id: %v", err)
		}
	})
}

// A receipt that was faster than the answer to its submit_sm is not dated before it.
func TestAnEarlyReceiptIsNotDatedBeforeItsSMSWasSent(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		out, _ := b.mustKeep(b.turn(c, b.sms(c, "x")))
		if _, err := b.Receipt(b.ctx, store.ReceiptUpdate{Citizen: c.ID, Link: "main", MessageID: "e", State: "delivered", Final: true, At: b.now, Delivery: "s-3"}); err != nil {
			t.Fatal(err)
		}
		b.done(out.Send[0], store.Done{End: store.DoneAccepted, MessageIDs: []string{"e"}, At: b.now.Add(5 * time.Millisecond)})
		m := b.trace(out.Send[0].ID)
		if m.State != store.StateDelivered || m.Times["delivered"].Before(m.Times["sent"]) || len(m.Receipts) != 1 || m.Receipts[0].Delivery != "s-3" {
			t.Errorf("%+v", m)
		}
	})
}

// The first and the last eight tries are kept, so that days of throttling do not fill the store.
func TestTriesDoNotAddUp(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		out, _ := b.mustKeep(b.turn(c, b.sms(c, "x")))
		o := out.Send[0]
		for n := range 30 {
			at := b.now.Add(time.Duration(n) * time.Minute)
			b.done(o, store.Done{End: store.DoneRetry, RetryAt: at, At: at, Try: &store.Try{Number: n, At: at, Parts: []store.TryPart{{Status: fmt.Sprint(n)}}}})
			o = b.claim(at).SMS[0]
		}
		var kept []string
		for _, a := range b.trace(o.ID).Attempts {
			kept = append(kept, a.Parts[0].Status)
		}
		if want := []string{"0", "1", "2", "3", "4", "5", "6", "7", "22", "23", "24", "25", "26", "27", "28", "29"}; !slices.Equal(kept, want) {
			t.Errorf("%v", kept)
		}
		if h := b.trace(o.ID).Holder; h != b.BootID() {
			t.Errorf("held by %q", h)
		}
	})
}

// By the number alone: tickets, SMS that belong to none, what waits, and the last turns.
func TestACitizenIsFoundByTheNumber(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		if _, err := b.TraceCitizen(b.ctx, number(1)); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("nobody: %v", err)
		}
		c := b.citizen(1)
		const serial = 10002
		b.rdb.Set(b.ctx, fmt.Sprintf("{%02d}:serial", c.ID.Shard), serial+1, 0)
		turn := b.turn(c, b.sms(c, "about the ticket"), b.sms(c, "alone"))
		turn.ID, turn.SMS[0].Ticket = "boot.main.1-1", serial
		turn.Tickets = []store.TicketWrite{{Serial: serial, New: true, Head: []byte("{}"), Entries: []store.Entry{
			{Field: store.OriginField("x1"), Data: []byte(store.Origin{Delivery: "boot.main.1-1", Received: b.now}.String()), Plain: true},
		}}}
		turn.Events = []store.Event{{ID: b.NewID(c.ID.Shard), Type: "complaint.filed", Ticket: serial, At: b.now}}
		turn.Kept = []byte("octets")
		_, c = b.mustKeep(turn)
		var alone []string
		for range 14 {
			more := b.sms(c, "more")
			alone = append([]string{more.ID}, alone...)
			_, c = b.mustKeep(b.turn(c, more))
		}
		got, err := b.TraceCitizen(b.ctx, number(1))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Tickets, []uint64{serial}) || got.Kept != 1 || len(got.Waiting) != 16 || !slices.Equal(got.Alone, alone[:10]) {
			t.Errorf("%+v", got)
		}
		if !slices.Contains(got.Turns, "boot.main.1-1") && len(got.Turns) < 5 {
			t.Errorf("turns %v", got.Turns)
		}
		events, err := b.EventsAbout(b.ctx, c.ID.Shard, serial, b.now)
		if err != nil || len(events) != 1 || events[0].Type != "complaint.filed" || !events[0].Waits {
			t.Errorf("events %+v, %v", events, err)
		}
	})
}
