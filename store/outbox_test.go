package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"aduan/store"
)

// done fills in what each Done has in common.
func (b *bench) tryDone(o store.Outgoing, d store.Done) (*store.Outgoing, error) {
	d.SMS = o
	if d.Boot == "" {
		d.Boot = b.BootID()
	}
	if d.At.IsZero() {
		d.At = b.now
	}
	return b.Done(b.ctx, d)
}

func (b *bench) done(o store.Outgoing, d store.Done) *store.Outgoing {
	b.t.Helper()
	next, err := b.tryDone(o, d)
	if err != nil {
		b.t.Fatalf("done: %v", err)
	}
	return next
}

func (b *bench) message(id string) store.Message {
	b.t.Helper()
	m, err := b.Messages(b.ctx, []string{id})
	if err != nil || len(m) != 1 {
		b.t.Fatalf("message %s: %v, %v", id, m, err)
	}
	return m[0]
}

func (b *bench) claim(at time.Time) store.Claimed {
	b.t.Helper()
	got, err := b.Claim(b.ctx, store.Claim{Boot: b.BootID(), Now: at, Room: map[string]int{"main": 100}, Handoffs: true})
	if err != nil {
		b.t.Fatalf("claim: %v", err)
	}
	return got
}

func texts(list []store.Outgoing) []string {
	var out []string
	for _, o := range list {
		out = append(out, o.Text)
	}
	return out
}

func TestACitizensNextSMSWaitsForTheOneBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		out, c := b.mustKeep(b.turn(c, b.sms(c, "1"), b.sms(c, "2")))
		out2, _ := b.mustKeep(b.turn(c, b.sms(c, "3")))
		if !slices.Equal(texts(out.Send), []string{"1"}) || len(out2.Send) != 0 {
			t.Fatalf("sent %v %v", texts(out.Send), texts(out2.Send))
		}
		if got := b.claim(b.now.Add(time.Hour)); len(got.SMS) != 0 {
			t.Fatalf("claimed %v while the first is out", texts(got.SMS))
		}
		two := b.done(out.Send[0], store.Done{End: store.DoneAccepted, MessageIDs: []string{"a"}, HoldNext: true})
		if two == nil || two.Text != "2" || two.To != number(1) || two.Link != "main" || two.From != "1708" {
			t.Fatalf("next %+v", two)
		}
		if b.message(out.Send[0].ID).State != store.StateSent {
			t.Error("the first is not sent")
		}
		// It must be tried again: the third still waits.
		if next := b.done(*two, store.Done{End: store.DoneRetry, Error: "0x58", RetryAt: b.now.Add(time.Minute)}); next != nil {
			t.Fatalf("3 passed 2: %+v", next)
		}
		if got := b.claim(b.now.Add(59 * time.Second)); len(got.SMS) != 0 {
			t.Fatal("too early")
		}
		got := b.claim(b.now.Add(61 * time.Second))
		if !slices.Equal(texts(got.SMS), []string{"2"}) || got.SMS[0].Tries != 1 {
			t.Fatalf("claimed %+v", got.SMS)
		}
		// It ends without HoldNext: the third is due for whoever comes.
		if next := b.done(got.SMS[0], store.Done{End: store.DoneEnded, State: store.StateUndeliverable, Error: "0x0B"}); next != nil {
			t.Fatal("held without leave")
		}
		if m := b.message(two.ID); m.State != store.StateUndeliverable || m.Error != "0x0B" || m.Times["undeliverable"].IsZero() {
			t.Errorf("message %+v", m)
		}
		if got := b.other().claim(b.now); !slices.Equal(texts(got.SMS), []string{"3"}) {
			t.Fatalf("claimed %v", texts(got.SMS))
		}
	})
}

func TestAnAnswerPassesAPushHeldByQuietHours(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		push := b.sms(c, "push")
		push.Class, push.NotBefore = store.ClassPush, b.now.Add(time.Hour)
		out, c := b.mustKeep(b.turn(c, push))
		answer, c := b.mustKeep(b.turn(c, b.sms(c, "answer")))
		if len(out.Send) != 0 || !slices.Equal(texts(answer.Send), []string{"answer"}) {
			t.Fatalf("sent %v, %v", texts(out.Send), texts(answer.Send))
		}
		// Its hour comes while the answer is still out: it waits in the queue, and is next.
		if got := b.claim(b.now.Add(2 * time.Hour)); len(got.SMS) != 0 {
			t.Fatalf("claimed %v", texts(got.SMS))
		}
		b.mustKeep(b.turn(c, b.sms(c, "later")))
		next := b.done(answer.Send[0], store.Done{End: store.DoneAccepted, HoldNext: true})
		if next == nil || next.Text != "push" || next.Class != store.ClassPush {
			t.Fatalf("next %+v", next)
		}
		if next = b.done(*next, store.Done{End: store.DoneAccepted, HoldNext: true}); next == nil || next.Text != "later" {
			t.Fatalf("next %+v", next)
		}
	})
}

func TestDoneAgainAfterALostAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		out, _ := b.mustKeep(b.turn(c, b.sms(c, "1"), b.sms(c, "2")))
		d := store.Done{End: store.DoneAccepted, MessageIDs: []string{"a"}, HoldNext: true}
		first := b.done(out.Send[0], d)
		again := b.done(out.Send[0], d)
		if again == nil || again.ID != first.ID {
			t.Fatalf("first %v, again %v", first, again)
		}
		retry := store.Done{End: store.DoneRetry, RetryAt: b.now.Add(time.Minute)}
		b.done(*first, retry)
		b.done(*first, retry)
		if got := b.claim(b.now.Add(time.Hour)); len(got.SMS) != 1 || got.SMS[0].Tries != 1 {
			t.Fatalf("tries counted twice: %+v", got.SMS)
		}
	})
}

func TestWhatADeadBootHeldIsTakenOver(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		out, c := b.mustKeep(b.turn(c, b.sms(c, "1"), b.sms(c, "2")))
		alive := b.other()
		if n, err := alive.TakeOver(b.ctx, b.BootID()); err != nil || n != 1 {
			t.Fatalf("took over %d, %v", n, err)
		}
		if _, err := b.tryDone(out.Send[0], store.Done{End: store.DoneAccepted}); !errors.Is(err, store.ErrFenced) {
			t.Errorf("the dead boot's outcome: %v", err)
		}
		if _, err := b.Claim(b.ctx, store.Claim{Boot: b.BootID(), Now: b.now, Room: map[string]int{"main": 1}}); !errors.Is(err, store.ErrFenced) {
			t.Errorf("the dead boot claims: %v", err)
		}
		if out, err := b.Commit(b.ctx, b.turn(c)); err != nil || out.Kind != store.Late || !out.Fenced {
			t.Errorf("the dead boot commits: %+v, %v", out, err)
		}
		if _, _, err := b.Redeliver(b.ctx, c.ID, b.BootID(), time.Time{}, "d", "x", "y", "s"); err != nil && !errors.Is(err, store.ErrFenced) {
			t.Errorf("the dead boot redelivers: %v", err)
		}
		got := alive.claim(b.now)
		if !slices.Equal(texts(got.SMS), []string{"1"}) || got.SMS[0].Tries != 0 {
			t.Fatalf("claimed %+v", got.SMS)
		}
		if n, err := alive.TakeOver(b.ctx, b.BootID()); err != nil || n != 0 {
			t.Errorf("again: %d, %v", n, err)
		}
		if !alive.BootDead(b.BootID()) {
			t.Error("the boot is not known to be dead")
		}
	})
}

func TestReleaseAndHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		out, _ := b.mustKeep(b.turn(c, b.sms(c, "1")))
		held, err := b.Held(b.ctx, b.BootID(), []int{c.ID.Shard})
		if err != nil || !slices.Equal(texts(held), []string{"1"}) {
			t.Fatalf("held %v, %v", texts(held), err)
		}
		if err := b.other().Release(b.ctx, "somebody", out.Send, b.now); err != nil {
			t.Fatal(err)
		}
		if held, _ := b.Held(b.ctx, b.BootID(), []int{c.ID.Shard}); len(held) != 1 {
			t.Fatal("another boot gave it back")
		}
		if err := b.Release(b.ctx, b.BootID(), out.Send, b.now.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if held, _ := b.Held(b.ctx, b.BootID(), []int{c.ID.Shard}); len(held) != 0 {
			t.Fatal("still held")
		}
		if got := b.other().claim(b.now.Add(time.Second)); !slices.Equal(texts(got.SMS), []string{"1"}) {
			t.Fatalf("claimed %v", texts(got.SMS))
		}
		if _, err := b.tryDone(out.Send[0], store.Done{End: store.DoneAccepted}); !errors.Is(err, store.ErrFenced) {
			t.Errorf("an outcome of what was given back: %v", err)
		}
	})
}

func TestRoomIsSharedAndNothingWaitsBehindAFullLink(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		for n := range 20 {
			c := b.citizen(n)
			full, free := b.sms(c, "full"), b.sms(c, "free")
			full.Hold, free.Hold, full.Link, free.Link = false, false, "full", "free"
			b.mustKeep(b.turn(c, []store.SMS{full, free}[n%2]))
		}
		got, err := b.Claim(b.ctx, store.Claim{Boot: b.BootID(), Now: b.now, Room: map[string]int{"free": 7}})
		if err != nil || len(got.SMS) > 7 || len(got.SMS) == 0 {
			t.Fatalf("claimed %d, %v", len(got.SMS), err)
		}
		seen := len(got.SMS)
		for i := 1; i < 40 && seen < 10; i++ {
			got, _ = b.Claim(b.ctx, store.Claim{Boot: b.BootID(), Now: b.now.Add(time.Duration(i) * time.Second), Room: map[string]int{"free": 7}})
			seen += len(got.SMS)
			for _, o := range got.SMS {
				if o.Link != "free" {
					t.Fatal("a link without room was given")
				}
			}
		}
		if seen != 10 {
			t.Errorf("%d of 10", seen)
		}
	})
}

func TestReceipts(t *testing.T) {
	send := func(b *bench, ids ...string) (store.Outgoing, store.CitizenID) {
		c := b.citizen(1)
		turn := b.turn(c, b.sms(c, "x"))
		turn.Tickets = []store.TicketWrite{{Serial: 9, New: true, Head: []byte("{}")}}
		turn.SMS[0].Ticket = 9
		out, _ := b.mustKeep(turn)
		b.done(out.Send[0], store.Done{End: store.DoneAccepted, MessageIDs: ids})
		return out.Send[0], c.ID
	}
	receipt := func(b *bench, c store.CitizenID, id, state string) bool {
		found, err := b.Receipt(b.ctx, store.ReceiptUpdate{
			Citizen: c, Link: "main", MessageID: id, State: state, Error: "007",
			Final: true, At: b.now, EventID: b.NewID(c.Shard),
		})
		if err != nil {
			b.t.Fatal(err)
		}
		return found.Kind == store.ReceiptKnown
	}
	eventTypes := func(b *bench) (types []string) {
		evs, _, err := b.Events(b.ctx, "", 100)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, e := range evs {
			types = append(types, e.Type)
			if e.Ticket != 9 {
				b.t.Errorf("event of ticket %d", e.Ticket)
			}
		}
		return types
	}
	onBoth(t, func(t *testing.T, b *bench) {
		o, c := send(b, "p1", "p2")
		if receipt(b, c, "other", "delivered") {
			t.Error("an unknown id was found")
		}
		receipt(b, c, "p1", "delivered")
		if s := b.message(o.ID).State; s != store.StateSent {
			t.Errorf("one of two parts: %s", s)
		}
		if !receipt(b, c, "p2", "delivered") {
			t.Error("p2 was not found")
		}
		receipt(b, c, "p2", "undeliverable") // a final state stays
		if m := b.message(o.ID); m.State != store.StateDelivered || m.Times["delivered"].IsZero() {
			t.Errorf("message %+v", m)
		}
		if got := eventTypes(b); !slices.Equal(got, []string{"sms.delivered"}) {
			t.Errorf("events %v", got)
		}
	})
	t.Run("before the outcome of the submit", func(t *testing.T) {
		onBoth(t, func(t *testing.T, b *bench) {
			c := b.citizen(1)
			if receipt(b, c.ID, "early", "undeliverable") {
				t.Error("found")
			}
			o, _ := send(b, "early")
			if m := b.message(o.ID); m.State != store.StateUndeliverable || m.Error != "007" {
				t.Errorf("message %+v", m)
			}
			if got := eventTypes(b); !slices.Equal(got, []string{"sms.failed"}) {
				t.Errorf("events %v", got)
			}
		})
	})
}

func TestAPoisonedEntryHoldsNobodyUp(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		poison, good := b.sms(c, "poison"), b.sms(c, "good")
		poison.Hold, good.Hold = false, false
		b.mustKeep(b.turn(c, poison))
		b.mustKeep(b.turn(b.citizen(2), func() store.SMS { s := b.sms(b.citizen(2), "good"); s.Hold = false; return s }()))
		b.rdb.Del(b.ctx, store.SMSKey(c.ID.Shard, poison.ID))
		b.rdb.Set(b.ctx, store.SMSKey(c.ID.Shard, poison.ID), "poison", 0)
		if got := b.claim(b.now); !slices.Equal(texts(got.SMS), []string{"good"}) {
			t.Fatalf("claimed %v", texts(got.SMS))
		}
		if n := b.rdb.ZScore(b.ctx, store.DueKey(c.ID.Shard), "s"+poison.ID).Val(); int64(n) <= b.now.UnixMilli() {
			t.Error("the poisoned entry was not put off")
		}
	})
}

// An SMS whose text no key opens ends dead, wherever it comes up; the citizen's next goes out.
func TestAnSMSThatCannotBeOpenedWaitsForAPerson(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		out, c := b.mustKeep(b.turn(c, b.sms(c, "1"), b.sms(c, "2"), b.sms(c, "3")))
		spoilt := b.turn(c, b.sms(c, "4"))
		b.mustKeep(spoilt)
		ids := b.rdb.LRange(b.ctx, store.OutKey(c.ID), 0, -1).Val()
		b.rdb.HSet(b.ctx, store.SMSKey(c.ID.Shard, ids[1]), "x", "garbage")
		next := b.done(out.Send[0], store.Done{End: store.DoneAccepted, MessageIDs: []string{"a"}, HoldNext: true})
		if next == nil || next.Text != "3" {
			t.Fatalf("behind the first comes %+v, want the third", next)
		}
		stands := func(id string) []any { return b.rdb.HMGet(b.ctx, store.SMSKey(c.ID.Shard, id), "st", "er").Val() }
		if m := stands(ids[1]); m[0] != store.StateDead || m[1] == "" {
			t.Errorf("the second is %v", m)
		}
		b.rdb.HSet(b.ctx, store.SMSKey(c.ID.Shard, ids[3]), "x", "garbage")
		b.done(*next, store.Done{End: store.DoneAccepted, MessageIDs: []string{"b"}})
		if got := b.claim(b.now.Add(time.Minute)); len(got.SMS) != 0 {
			t.Errorf("claimed %v", texts(got.SMS))
		}
		if m := stands(ids[3]); m[0] != store.StateDead {
			t.Errorf("the fourth is %v", m)
		}
		if st, err := b.Stats(b.ctx); err != nil || st.Queued != 0 || st.Held != 0 || st.Dead != 2 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// One damaged text among several does not hide the others from staff, and is told as what it is.
func TestADamagedTextHidesNoOtherSMS(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		b.mustKeep(b.turn(c, b.sms(c, "1"), b.sms(c, "2"), b.sms(c, "3")))
		ids := b.rdb.LRange(b.ctx, store.OutKey(c.ID), 0, -1).Val()
		b.rdb.HSet(b.ctx, store.SMSKey(c.ID.Shard, ids[1]), "x", "garbage")
		got, err := b.Messages(b.ctx, ids)
		if err != nil || len(got) != 3 {
			t.Fatalf("%d SMS, %v", len(got), err)
		}
		for i, want := range []store.Message{{Text: "1"}, {Damaged: true}, {Text: "3"}} {
			if m := got[i]; m.ID != ids[i] || m.Text != want.Text || m.Damaged != want.Damaged || m.State != store.StateQueued {
				t.Errorf("SMS %d: %q, damaged %v, %s", i+1, m.Text, m.Damaged, m.State)
			}
		}
	})
}

func TestEventsAreHandedOnInOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		turn := b.turn(c)
		turn.Tickets = []store.TicketWrite{{Serial: 3, New: true, Head: []byte("{}")}}
		for _, what := range []string{"a", "b", "c"} {
			turn.Events = append(turn.Events, store.Event{ID: b.NewID(c.ID.Shard), Type: what, Ticket: 3, At: b.now})
		}
		turn.HandoffHere = true
		b.mustKeep(turn)
		if got := b.claim(b.now.Add(store.Lease - time.Second)); len(got.Handoffs) != 0 {
			t.Fatal("claimed within the lease")
		}
		got := b.other().claim(b.now.Add(store.Lease))
		if len(got.Handoffs) != 1 {
			t.Fatalf("hand-offs %v", got.Handoffs)
		}
		ref := got.Handoffs[0]
		for i, what := range []string{"a", "b", "c"} {
			evs, err := b.Handoff(b.ctx, ref, 2)
			if err != nil || len(evs) == 0 || evs[0].Type != what {
				t.Fatalf("%d: %v, %v", i, evs, err)
			}
			for range 2 { // the second one as after a lost answer
				more, err := b.Handed(b.ctx, ref, evs[0].ID, b.now.Add(time.Hour))
				if err != nil || more != (i < 2) {
					t.Fatalf("%d: more %v, %v", i, more, err)
				}
			}
		}
		if n := b.rdb.ZCard(b.ctx, store.DueKey(ref.Shard)).Val(); n != 0 {
			t.Errorf("%d entries are still due", n)
		}
	})
}

func TestAnSMSThatHasExpiredNeedsNoRoom(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		old := b.sms(c, "its link stays down")
		old.Hold = false
		b.mustKeep(b.turn(c, old))
		claim := store.Claim{Boot: b.BootID(), Now: b.now.Add(time.Hour), Expired: b.now, Room: map[string]int{"main": 0}}
		if got, err := b.Claim(b.ctx, claim); err != nil || len(got.SMS) != 0 {
			t.Fatalf("before it expired: %v, %v", texts(got.SMS), err)
		}
		claim.Now, claim.Expired = b.now.Add(2*time.Hour), b.now.Add(time.Second)
		if got, err := b.Claim(b.ctx, claim); err != nil || len(got.SMS) != 1 {
			t.Fatalf("claimed %v, %v", texts(got.SMS), err)
		}
	})
}
