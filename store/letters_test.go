package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"aduan/store"
)

// deadSMS makes an SMS that waits dead, and gives it.
func (b *bench) deadSMS(n int, text string) store.Outgoing {
	b.t.Helper()
	c := b.citizen(n)
	out, _ := b.mustKeep(b.turn(c, b.sms(c, text)))
	b.done(out.Send[0], store.Done{End: store.DoneEnded, State: store.StateDead, Error: "0x45"})
	return out.Send[0]
}

// waitingEvents keeps events of one citizen, and gives who they are of.
func (b *bench) waitingEvents(n int, types ...string) store.HandoffRef {
	b.t.Helper()
	c := b.citizen(n)
	turn := b.turn(c)
	for _, what := range types {
		turn.Events = append(turn.Events, store.Event{ID: b.NewID(c.ID.Shard), Type: what, At: b.now})
	}
	b.mustKeep(turn)
	return store.HandoffOf(turn.Citizen.ID, turn.Events[0])
}

func (b *bench) park(ref store.HandoffRef) store.Event {
	b.t.Helper()
	evs, _, err := b.Waiting(b.ctx, ref, 1)
	if err != nil || len(evs) != 1 {
		b.t.Fatalf("%v, %v", evs, err)
	}
	if err := b.Park(b.ctx, ref, store.Parked{Event: evs[0], Why: "500", Tries: 7, Since: b.now, Until: b.now.Add(24 * time.Hour)}); err != nil {
		b.t.Fatal(err)
	}
	return evs[0]
}

func TestWhatWaitsForAPersonIsListedInPages(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		want := map[string]bool{}
		for n := range 7 { // all of one moment, some of one shard
			want[b.deadSMS(n, "halo").ID] = true
			want[b.park(b.waitingEvents(n, "a", "b")).ID] = true
		}
		got := map[string]bool{}
		cursor := ""
		for page := 0; page < 50; page++ {
			letters, next, err := b.Letters(b.ctx, cursor, 2, true, true)
			if err != nil || len(letters) > 2 {
				t.Fatalf("%v, %v", letters, err)
			}
			for _, l := range letters {
				if got[l.ID] {
					t.Errorf("%s twice", l.ID)
				}
				got[l.ID] = true
				if l.Event == "" && (l.Error != "0x45" || l.Waiting != 1) || l.Event != "" && (l.Event != "a" || l.Waiting != 2 || l.Tries != 7 || l.Error != "500") {
					t.Errorf("%+v", l)
				}
				if one, err := b.Letter(b.ctx, l.ID); err != nil || one != l {
					t.Errorf("alone it is %+v, %v", one, err)
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d of %d", len(got), len(want))
		}
		if only, _, err := b.Letters(b.ctx, "", 100, true, false); err != nil || len(only) != 7 || only[0].Event != "" {
			t.Errorf("%v, %v", only, err)
		}
		if _, _, err := b.Letters(b.ctx, "no cursor", 2, true, true); !errors.Is(err, store.ErrCursor) {
			t.Errorf("%v", err)
		}
		if st, err := b.Stats(b.ctx); err != nil || st.Dead != 7 || st.Parked != 7 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

func TestADeadSMSIsSentOnceMore(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		sms := b.deadSMS(1, "halo")
		b.now = b.now.Add(time.Hour)
		if err := b.RetryLetter(b.ctx, sms.ID, b.now, store.Audit{}); err != nil {
			t.Fatal(err)
		}
		got := b.claim(b.now)
		if len(got.SMS) != 1 || got.SMS[0].Text != "halo" || got.SMS[0].Tries != 0 || !got.SMS[0].Queued.Equal(b.now.Truncate(time.Millisecond)) {
			t.Fatalf("%+v", got.SMS)
		}
		b.done(got.SMS[0], store.Done{End: store.DoneAccepted, MessageIDs: []string{"1"}})
		if m, err := b.Messages(b.ctx, []string{sms.ID}); err != nil || m[0].State != store.StateSent || !m[0].Times[store.StateDead].IsZero() {
			t.Errorf("%+v, %v", m, err)
		}
		if err := b.RetryLetter(b.ctx, sms.ID, b.now, store.Audit{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("it was sent, and is tried again: %v", err)
		}
		if st, _ := b.Stats(b.ctx); st.Dead != 0 || st.Queued != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestADeadSMSWaitsBehindTheCitizensOthers(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		sms := b.deadSMS(1, "dead")
		c, err := b.Load(b.ctx, sms.Citizen)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := b.mustKeep(b.turn(c, b.sms(c, "in hand")))
		if err := b.RetryLetter(b.ctx, sms.ID, b.now, store.Audit{}); err != nil {
			t.Fatal(err)
		}
		if got := b.claim(b.now); len(got.SMS) != 0 {
			t.Fatalf("it overtakes: %v", texts(got.SMS))
		}
		next := b.done(out.Send[0], store.Done{End: store.DoneAccepted, MessageIDs: []string{"1"}, HoldNext: true})
		if next == nil || next.Text != "dead" {
			t.Errorf("%+v", next)
		}
	})
}

func TestADeadSMSIsGivenUp(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		sms := b.deadSMS(1, "halo")
		if err := b.DropLetter(b.ctx, sms.ID, b.now, store.Audit{}); err != nil {
			t.Fatal(err)
		}
		if m, err := b.Messages(b.ctx, []string{sms.ID}); err != nil || m[0].State != store.StateUndeliverable || m[0].Error != "given up by a person: 0x45" {
			t.Errorf("%+v, %v", m, err)
		}
		if got := b.claim(b.now.Add(time.Hour)); len(got.SMS) != 0 {
			t.Errorf("%v", texts(got.SMS))
		}
		if err := b.DropLetter(b.ctx, sms.ID, b.now, store.Audit{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestADeadSMSOfAnErasedCitizenCanOnlyEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		sms := b.deadSMS(1, "halo")
		c, err := b.Load(b.ctx, sms.Citizen)
		if err != nil {
			t.Fatal(err)
		}
		turn := b.turn(c)
		turn.Erase = true
		b.mustKeep(turn)
		if err := b.RetryLetter(b.ctx, sms.ID, b.now, store.Audit{}); !errors.Is(err, store.ErrErased) {
			t.Errorf("%v", err)
		}
		if err := b.DropLetter(b.ctx, sms.ID, b.now, store.Audit{}); err != nil {
			t.Error(err)
		}
	})
}

func TestAParkedEventHoldsUpItsOwnAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		ref, other := b.waitingEvents(1, "a", "b"), b.waitingEvents(2, "x")
		ev := b.park(ref)
		if err := b.Park(b.ctx, ref, store.Parked{Event: store.Event{ID: b.NewID(ref.Shard)}, Until: b.now}); err != nil {
			t.Fatal(err)
		}
		got := b.claim(b.now.Add(time.Hour))
		if len(got.Handoffs) != 1 || got.Handoffs[0] != other {
			t.Fatalf("%v", got.Handoffs)
		}
		_, until, err := b.Waiting(b.ctx, ref, 2)
		if err != nil || !until.Equal(b.now.Add(24*time.Hour).Truncate(time.Millisecond)) {
			t.Errorf("until %v, %v", until, err)
		}
		if err := b.RetryLetter(b.ctx, ev.ID, b.now.Add(time.Hour), store.Audit{}); err != nil {
			t.Fatal(err)
		}
		if got := b.claim(b.now.Add(time.Hour)); len(got.Handoffs) != 1 || got.Handoffs[0] != ref {
			t.Errorf("it is not due: %v", got.Handoffs)
		}
		evs, until, err := b.Waiting(b.ctx, ref, 9)
		if err != nil || len(evs) != 2 || evs[0].ID != ev.ID || !until.IsZero() {
			t.Errorf("%v, until %v, %v", evs, until, err)
		}
		if err := b.RetryLetter(b.ctx, ev.ID, b.now, store.Audit{}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestAParkedEventIsGivenUpAndTheNextGoesOn(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		ref := b.waitingEvents(1, "a", "b")
		if err := b.DropLetter(b.ctx, b.park(ref).ID, b.now, store.Audit{}); err != nil {
			t.Fatal(err)
		}
		evs, until, err := b.Waiting(b.ctx, ref, 9)
		if err != nil || len(evs) != 1 || evs[0].Type != "b" || !until.IsZero() {
			t.Fatalf("%v, %v, %v", evs, until, err)
		}
		if got := b.claim(b.now); len(got.Handoffs) != 1 {
			t.Errorf("the next is not due: %v", got.Handoffs)
		}
		if err := b.DropLetter(b.ctx, b.park(ref).ID, b.now, store.Audit{}); err != nil {
			t.Fatal(err)
		}
		if n := b.rdb.ZCard(b.ctx, store.DueKey(ref.Shard)).Val(); n != 0 {
			t.Errorf("%d entries are still due", n)
		}
		if pulled, _, err := b.Events(b.ctx, "", 9); err != nil || len(pulled) != 2 {
			t.Errorf("pulled: %v, %v", pulled, err)
		}
	})
}

func TestAParkedEventThatIsTakenAfterAllWaitsNoLonger(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		ref := b.waitingEvents(1, "a", "b")
		ev := b.park(ref)
		if more, err := b.Handed(b.ctx, ref, ev.ID, b.now.Add(time.Hour)); err != nil || !more {
			t.Fatalf("%v, %v", more, err)
		}
		if l, _, err := b.Letters(b.ctx, "", 9, true, true); err != nil || len(l) != 0 {
			t.Errorf("%v, %v", l, err)
		}
		if _, until, _ := b.Waiting(b.ctx, ref, 1); !until.IsZero() {
			t.Error("the next waits for a person too")
		}
		if keys := b.rdb.Exists(b.ctx, store.LettersKey(ref.Shard), store.ParkedKey(ref.Shard)).Val(); keys != 0 {
			t.Errorf("%d keys are left", keys)
		}
	})
}
