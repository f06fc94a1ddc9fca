package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"aduan/store"
)

func TestEventsArePulledInPages(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		const citizens, each = 12, 4
		for i := range each {
			for n := range citizens {
				c := b.citizen(n)
				turn := b.turn(c)
				turn.Events = []store.Event{{ID: b.NewID(c.ID.Shard), Type: fmt.Sprint(i), At: b.now}, {ID: b.NewID(c.ID.Shard), Type: fmt.Sprint(i) + "b", At: b.now}}
				b.mustKeep(turn)
			}
		}
		seen := map[string][]string{}
		ids := map[string]bool{}
		cursor := ""
		for page := 0; ; page++ {
			evs, next, err := b.Events(b.ctx, cursor, 5)
			if err != nil {
				t.Fatal(err)
			}
			if len(evs) == 0 {
				if next != cursor {
					t.Error("the cursor moves where nothing is")
				}
				break
			}
			if len(evs) > 5 || page > 50 {
				t.Fatalf("page %d of %d", page, len(evs))
			}
			for _, e := range evs {
				if ids[e.ID] {
					t.Fatalf("%s twice", e.ID)
				}
				ids[e.ID] = true
				seen[e.Citizen] = append(seen[e.Citizen], e.Type)
			}
			cursor = next
		}
		if len(seen) != citizens {
			t.Fatalf("%d citizens", len(seen))
		}
		for c, types := range seen {
			if fmt.Sprint(types) != "[0 0b 1 1b 2 2b 3 3b]" {
				t.Errorf("citizen %s: %v", c, types)
			}
		}
	})
}

func TestACursorBeforeTheOldestEventKept(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		put := func() {
			c := b.citizen(1)
			turn := b.turn(c)
			turn.Events = []store.Event{{ID: b.NewID(c.ID.Shard), Type: "x", At: b.now}}
			b.mustKeep(turn)
		}
		put()
		put()
		_, cursor, err := b.Events(b.ctx, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		later := store.NewForTest(b.rdb, master, store.Options{Now: func() time.Time { return time.Now().Add(31 * 24 * time.Hour) }})
		if err := b.TrimEvents(b.ctx); err != nil {
			t.Fatal(err)
		}
		if evs, _, err := b.Events(b.ctx, cursor, 10); err != nil || len(evs) != 1 {
			t.Fatalf("%v, %v", evs, err)
		}
		if err := later.TrimEvents(b.ctx); err != nil {
			t.Fatal(err)
		}
		if _, _, err := later.Events(b.ctx, cursor, 10); !errors.Is(err, store.ErrCursor) {
			t.Errorf("%v", err)
		}
		for _, bad := range []string{"!", "AA", "_w", "zzzzzzzzzzzz"} {
			if _, _, err := b.Events(b.ctx, bad, 10); !errors.Is(err, store.ErrCursor) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func TestStatsCountWhatWaits(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		later := b.sms(c, "later")
		later.NotBefore = b.now.Add(time.Hour)
		turn := b.turn(c, b.sms(c, "a"), b.sms(c, "b"), later)
		turn.TickAt = b.now.Add(time.Hour)
		turn.Events = []store.Event{{ID: b.NewID(c.ID.Shard), Type: "x", At: b.now}}
		out, c := b.mustKeep(turn)
		b.keepPart(b.part(c, 1, 2, "a"), store.PartKept)
		st, err := b.Stats(b.ctx)
		want := store.Stats{Queued: 3, Later: 1, Held: 1, Oldest: b.now.Truncate(time.Millisecond).UTC(), DueSMS: 1, DueTicks: 1, Groups: 1, Handoffs: 1}
		if err != nil || st != want {
			t.Errorf("%+v, %v; want %+v", st, err, want)
		}
		b.done(out.Send[0], store.Done{End: store.DoneEnded, State: store.StateDead, Error: "0x45"})
		if st, _ = b.Stats(b.ctx); st.Queued != 2 || st.Held != 0 || st.Dead != 1 {
			t.Errorf("%+v", st)
		}
	})
}
