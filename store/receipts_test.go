package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"aduan/store"
)

// sendOne is an SMS of a citizen that the SMSC accepted in parts with these ids.
func (b *bench) sendOne(n int, link string, ids ...string) store.Outgoing {
	c := b.citizen(n)
	m := b.sms(c, "x")
	m.Link = link
	out, _ := b.mustKeep(b.turn(c, m))
	b.done(out.Send[0], store.Done{End: store.DoneAccepted, MessageIDs: ids})
	return out.Send[0]
}

// receive applies a receipt.
func (b *bench) receive(u store.ReceiptUpdate) store.ReceiptOutcome {
	b.t.Helper()
	if u.Link == "" {
		u.Link = "main"
	}
	u.At, u.EventID = b.now, b.NewID(u.Citizen.Shard)
	out, err := b.Receipt(b.ctx, u)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) final(c store.CitizenID, id, state string) store.ReceiptOutcome {
	b.t.Helper()
	return b.receive(store.ReceiptUpdate{Citizen: c, MessageID: id, State: state, Final: true})
}

// An early receipt is told of when its SMS is noted as sent: of which part it is, and how it wrote the id.
func TestAnEarlyReceiptIsTold(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		m := b.sms(c, "x")
		m.Link = "main"
		out, _ := b.mustKeep(b.turn(c, m))
		b.final(c.ID, "0026", store.StateDelivered)
		var told []string
		b.done(out.Send[0], store.Done{
			End: store.DoneAccepted, MessageIDs: []string{"19", "1A"}, Receipts: [][]string{{"19", "25"}, {"1A", "26"}},
			Early: func(part, which int, id string) { told = append(told, fmt.Sprint(part, which, id)) },
		})
		if fmt.Sprint(told) != fmt.Sprint([]string{fmt.Sprint(1, 1, "0026")}) {
			t.Errorf("told %q", told)
		}
	})
}

// S10: receipt 2 days late, before resp, twice, backwards.
func TestS10ReceiptsLateTwiceAndBackwards(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		o := b.sendOne(1, "main", "p1", "p2")
		c := o.Citizen
		b.now = b.now.Add(48 * time.Hour).Truncate(time.Millisecond)
		b.final(c, "p1", store.StateDelivered)
		b.final(c, "p1", store.StateUndeliverable) // the same part, another end: the first stays
		b.receive(store.ReceiptUpdate{Citizen: c, MessageID: "p1", State: "accepted"})
		if m := b.message(o.ID); m.State != store.StateSent || m.Interim != "accepted" || !m.InterimAt.Equal(b.now) {
			t.Errorf("one part of two: %+v", m)
		}
		for range 2 {
			if out := b.final(c, "p2", store.StateDelivered); out.Kind != store.ReceiptKnown || out.Accepted != "p2" {
				t.Errorf("%+v", out)
			} else if late := b.now.Sub(out.Sent).Round(time.Second); late != 48*time.Hour {
				t.Errorf("the receipt comes %v after the acceptance, want 48h", late)
			}
		}
		b.receive(store.ReceiptUpdate{Citizen: c, MessageID: "p2", State: "accepted"})
		m := b.message(o.ID)
		if m.State != store.StateDelivered || !m.Times[store.StateDelivered].Equal(b.now) {
			t.Errorf("%+v", m)
		}
		events, _, err := b.Events(b.ctx, "", 100)
		if err != nil || len(events) != 1 || events[0].Type != "sms.delivered" {
			t.Errorf("events %v, %v", events, err)
		}
	})
}

// Who traces an SMS is told of every receipt, also of those that ended nothing, up to a number.
func TestReceiptsThatEndNothingAreToldToo(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		o := b.sendOne(1, "main", "p1", "p2")
		b.receive(store.ReceiptUpdate{Citizen: o.Citizen, MessageID: "p1", State: "enroute", At: b.now, Delivery: "b1.main.1-7"})
		b.final(o.Citizen, "p1", store.StateDelivered)
		b.final(o.Citizen, "p1", store.StateUndeliverable)
		trace := func() (got []string, untold int) {
			m, err := b.TraceSMS(b.ctx, o.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range m.Receipts {
				got = append(got, fmt.Sprint(r.Part, r.State, r.Delivery, r.Ended))
			}
			slices.Sort(got)
			return got, m.Untold
		}
		got, untold := trace()
		if want := []string{"1deliveredtrue", "1enrouteb1.main.1-7false", "1undeliverablefalse"}; !slices.Equal(got, want) || untold != 0 {
			t.Errorf("told %q and %d more, want %q", got, untold, want)
		}
		for n := range 20 {
			b.receive(store.ReceiptUpdate{Citizen: o.Citizen, MessageID: "p2", State: "enroute", At: b.now, Delivery: fmt.Sprint("s-", n)})
		}
		got, untold = trace()
		if len(got) != 9 || untold != 14 || !slices.Contains(got, "2enroutes-19false") || !slices.Contains(got, "2enroutes-4false") {
			t.Errorf("told %q and %d more", got, untold)
		}
	})
}

func TestS10AnEarlyReceiptWaitsForTheResponse(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		for _, state := range []string{store.StateDelivered, store.StateUndeliverable} { // of duplicates the first counts
			if out := b.final(c.ID, "00aB1", state); out.Kind != store.ReceiptWaits {
				t.Fatalf("%+v", out)
			}
		}
		if out := b.receive(store.ReceiptUpdate{Citizen: c.ID, MessageID: "77", State: "enroute"}); out.Kind != store.ReceiptUnknown {
			t.Errorf("an intermediate state waits: %+v", out)
		}
		o := b.sendOne(1, "main", "AB1")
		if m := b.message(o.ID); m.State != store.StateDelivered {
			t.Errorf("%+v", m)
		}
		if strays, err := b.StrayReceipts(b.ctx, b.now.Add(100*time.Hour)); err != nil || len(strays) != 0 {
			t.Errorf("it waits still: %v, %v", strays, err)
		}
	})
}

// S11: receipt of unknown id; of another link's equal id.
func TestS11AReceiptOfSomethingElseChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		o := b.sendOne(1, "main", "500")
		other := b.sendOne(2, "main", "500") // another citizen's, with the same id
		if out := b.receive(store.ReceiptUpdate{Citizen: o.Citizen, Link: "second", MessageID: "500", State: store.StateUndeliverable, Final: true}); out.Kind != store.ReceiptWaits {
			t.Errorf("another link's: %+v", out)
		}
		if out := b.final(o.Citizen, "501", store.StateUndeliverable); out.Kind != store.ReceiptWaits {
			t.Errorf("an unknown id: %+v", out)
		}
		if out := b.receive(store.ReceiptUpdate{Citizen: o.Citizen, MessageID: "502", State: store.StateUndeliverable, Final: true, LookOnly: true}); out.Kind != store.ReceiptUnknown {
			t.Errorf("not to wait: %+v", out)
		}
		for _, id := range []string{o.ID, other.ID} {
			if m := b.message(id); m.State != store.StateSent {
				t.Errorf("%+v", m)
			}
		}
		if early, err := b.StrayReceipts(b.ctx, b.now.Add(71*time.Hour)); err != nil || len(early) != 0 {
			t.Errorf("given up early: %v, %v", early, err)
		}
		strays, err := b.StrayReceipts(b.ctx, b.now.Add(73*time.Hour))
		slices.SortFunc(strays, func(x, y store.StrayReceipt) int { return len(x.Link) - len(y.Link) })
		want := []store.StrayReceipt{{Link: "main", MessageID: "501", State: "undeliverable"}, {Link: "second", MessageID: "500", State: "undeliverable"}}
		if err != nil || !slices.Equal(strays, want) {
			t.Errorf("given up: %v, %v", strays, err)
		}
		if again, err := b.StrayReceipts(b.ctx, b.now.Add(73*time.Hour)); err != nil || len(again) != 0 {
			t.Errorf("given up twice: %v, %v", again, err)
		}
	})
}

func TestSeveralSMSThatMayBeMeant(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		hex, same := b.sendOne(1, "main", "10"), b.sendOne(1, "main", "16")
		u := store.ReceiptUpdate{Citizen: hex.Citizen, MessageID: "16", IDs: []string{"10", "16"}, State: store.StateDelivered, Final: true}
		if out := b.receive(u); out.Kind != store.ReceiptAmbiguous {
			t.Errorf("%+v", out)
		}
		u.Certain = true
		if out := b.receive(u); out.Kind != store.ReceiptKnown || out.Which != 0 || out.Accepted != "10" {
			t.Errorf("%+v", out)
		}
		if a, z := b.message(hex.ID).State, b.message(same.ID).State; a != store.StateDelivered || z != store.StateSent {
			t.Errorf("%s, %s", a, z)
		}
	})
}

func TestOneWhoFloodsUsWithReceiptsDoesNotFillTheStore(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1).ID
		for i := range store.EarlyMost + 5 {
			b.now = b.now.Add(time.Millisecond)
			b.final(c, fmt.Sprint("x", i), store.StateDelivered)
		}
		if n := b.rdb.ZCard(b.ctx, store.EarliesKey(c.Shard)).Val(); n != store.EarlyMost {
			t.Errorf("%d wait", n)
		}
		o := b.sendOne(1, "main", fmt.Sprint("x", store.EarlyMost+4))
		if m := b.message(o.ID); m.State != store.StateDelivered {
			t.Errorf("the latest was given up: %+v", m)
		}
	})
}

func TestWhatWasLearntOfALinkStands(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		if err := b.Learn(b.ctx, "main", []byte(`{"ids":"same"}`)); err != nil {
			t.Fatal(err)
		}
		all, err := b.Learnt(b.ctx)
		if err != nil || len(all) != 1 || string(all["main"]) != `{"ids":"same"}` {
			t.Errorf("%q, %v", all, err)
		}
	})
}
