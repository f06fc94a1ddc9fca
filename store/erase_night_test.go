package store_test

import (
	"slices"
	"testing"
	"time"

	"aduan/store"
)

// A push that quiet hours hold stands outside the citizen's queue: it ends with the erasure all the same, and in the
// morning does not stand before what the citizen is answered then.
func TestAnErasureEndsAPushHeldByQuietHours(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		first, push := b.sms(c, "number"), b.sms(c, "pushed")
		push.Class, push.Hold, push.NotBefore = store.ClassPush, false, b.now.Add(time.Hour)
		turn := b.turn(c, first, push)
		turn.Tickets = []store.TicketWrite{{Serial: 10001, New: true, Head: []byte(`{"s":"filed"}`), Entries: []store.Entry{
			{Field: "m1", Data: []byte(first.ID), Plain: true}, {Field: "m2", Data: []byte(push.ID), Plain: true},
		}}}
		out, c := b.mustKeep(turn)
		b.done(out.Send[0], store.Done{End: store.DoneAccepted, State: "sent", MessageIDs: []string{"1"}})
		gone := b.turn(c)
		gone.Erase = true
		gone.Tickets = []store.TicketWrite{{Serial: 10001, Head: []byte(`{"s":"filed","er":true}`)}}
		b.mustKeep(gone)
		if m := b.message(push.ID); m.State != store.StateUndeliverable {
			t.Errorf("the push is %s", m.State)
		}
		if n := b.rdb.ZCard(b.ctx, store.QueuedKey(c.ID.Shard)).Val(); n != 0 {
			t.Errorf("%d SMS count as queued", n)
		}
		if got := b.claim(b.now.Add(2 * time.Hour)); len(got.SMS) != 0 {
			t.Errorf("claimed in the morning: %v", texts(got.SMS))
		}
		back := b.citizen(1)
		out, _ = b.mustKeep(b.turn(back, b.sms(back, "welcome")))
		if !slices.Equal(texts(out.Send), []string{"welcome"}) {
			t.Errorf("the citizen who comes back is sent %v", texts(out.Send))
		}
	})
}

// An SMS whose text is gone can never be sent: it is put off and does not stand before the citizen's others.
func TestAnSMSWithoutTextHoldsNobodyUp(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		empty := b.sms(c, "empty")
		empty.Class, empty.Hold, empty.NotBefore = store.ClassPush, false, b.now.Add(time.Hour)
		_, c = b.mustKeep(b.turn(c, empty))
		b.rdb.HDel(b.ctx, store.SMSKey(c.ID.Shard, empty.ID), "x")
		if got := b.claim(b.now.Add(2 * time.Hour)); len(got.SMS) != 0 {
			t.Errorf("claimed %v", texts(got.SMS))
		}
		out, _ := b.mustKeep(b.turn(c, b.sms(c, "next")))
		if !slices.Equal(texts(out.Send), []string{"next"}) {
			t.Errorf("sent %v", texts(out.Send))
		}
	})
}

// Parts of a long SMS go with the key that sealed them: else they were due for ever, and the rest of the message, or
// another with its reference, could not be kept.
func TestAnErasureTakesThePartsOfALongSMS(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.keepPart(b.part(b.citizen(1), 1, 2, "first"), store.PartKept)
		c := b.citizen(1)
		gone := b.turn(c)
		gone.Erase = true
		b.mustKeep(gone)
		if got := b.claim(b.now.Add(time.Hour)); len(got.Groups) != 0 {
			t.Errorf("due: %v", got.Groups)
		}
		out := b.keepPart(b.part(b.citizen(1), 2, 2, "second"), store.PartKept)
		if len(out.Group.Parts) != 1 {
			t.Errorf("group %+v", out.Group)
		}
	})
}
