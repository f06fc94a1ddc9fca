package store_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"aduan/store"
)

// marked is a turn of citizen 1 with a mark.
func (b *bench) marked(m *store.MarkWrite) *store.Turn {
	t := b.turn(b.citizen(1))
	t.Mark = m
	return t
}

func (b *bench) settle(digest, id string) {
	b.t.Helper()
	if err := b.Settle(b.ctx, []store.MarkRef{{Citizen: b.Identify(number(1)), Digest: digest, ID: id}}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) mark(digest string) store.Mark {
	b.t.Helper()
	m, _, err := b.Mark(b.ctx, b.Identify(number(1)), digest)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bench) ttl(digest string) time.Duration {
	return b.rdb.PTTL(b.ctx, b.MarkKey(b.Identify(number(1)), digest)).Val()
}

func between(d, low, high time.Duration) bool { return d > low && d <= high }

func TestMarkRules(t *testing.T) {
	repetition := func(replaces string) *store.MarkWrite {
		return &store.MarkWrite{Mode: store.MarkRepetition, Digest: "x", ID: "new", Session: "s9", Replaces: replaces}
	}
	again := func(replaces string) *store.MarkWrite {
		return &store.MarkWrite{Mode: store.MarkAgain, Digest: "x", ID: "new", Session: "s9", Replaces: replaces}
	}
	for _, row := range []struct {
		name    string
		prepare func(b *bench)
		write   *store.MarkWrite
		want    store.OutcomeKind
	}{
		{"fresh, no mark", nil, fresh("x", "new", "s9"), store.Kept},
		{"fresh, a mark stands", func(b *bench) { b.mustKeep(b.marked(fresh("x", "old", "s1"))) }, fresh("x", "new", "s9"), store.Copy},
		{"fresh, another digest's mark stands", func(b *bench) { b.mustKeep(b.marked(fresh("y", "old", "s1"))) }, fresh("x", "new", "s9"), store.Kept},
		{"repetition, the mark is not settled", func(b *bench) { b.mustKeep(b.marked(fresh("x", "old", "s1"))) }, repetition("old"), store.Copy},
		{"repetition, the mark is settled", func(b *bench) { b.mustKeep(b.marked(fresh("x", "old", "s1"))); b.settle("x", "old") }, repetition("old"), store.Kept},
		{"repetition, another mark is settled", func(b *bench) { b.mustKeep(b.marked(fresh("x", "other", "s1"))); b.settle("x", "other") }, repetition("old"), store.Copy},
		{"repetition, the mark has gone", nil, repetition("old"), store.Kept},
		{"again, the mark stands", func(b *bench) { b.mustKeep(b.marked(fresh("x", "old", "s1"))) }, again("old"), store.Kept},
		{"again, a second time", func(b *bench) {
			b.mustKeep(b.marked(fresh("x", "first", "s1")))
			b.mustKeep(b.marked(&store.MarkWrite{Mode: store.MarkAgain, Digest: "x", ID: "old", Session: "s2", Replaces: "first"}))
		}, again("old"), store.Copy},
		{"again, another mark stands", func(b *bench) { b.mustKeep(b.marked(fresh("x", "other", "s1"))) }, again("old"), store.Copy},
		{"again, the mark has gone", nil, again("old"), store.Copy},
	} {
		t.Run(row.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, b *bench) {
				if row.prepare != nil {
					row.prepare(b)
				}
				first := b.mark("x").First
				before := b.dump()
				out := b.commit(b.marked(row.write))
				if out.Kind != row.want {
					t.Fatalf("%v, want %v", out.Kind, row.want)
				}
				if out.Kind != store.Kept {
					if !maps.Equal(before, b.dump()) {
						t.Error("something was written")
					}
					return
				}
				m := b.mark("x")
				if m.ID != "new" || m.Session != "s9" || m.Settled || m.Again != (row.write.Mode == store.MarkAgain) {
					t.Errorf("mark %+v", m)
				}
				if row.write.Mode == store.MarkAgain && !m.First.Equal(first) {
					t.Errorf("first %v, was %v", m.First, first)
				}
				if !between(b.ttl("x"), 23*time.Hour, 24*time.Hour) {
					t.Errorf("it stands for %v", b.ttl("x"))
				}
			})
		})
	}
}

func TestAMarkIsSettledByItsIDOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.mustKeep(b.marked(fresh("x", "one", "s1")))
		b.settle("x", "another")
		if m := b.mark("x"); m.Settled {
			t.Fatal("settled by another's id")
		}
		b.settle("x", "one")
		if m := b.mark("x"); !m.Settled || !between(b.ttl("x"), 50*time.Second, time.Minute) {
			t.Fatalf("mark %+v for %v", m, b.ttl("x"))
		}
		// The next message has the mark; the settling of the first is tried again after an unknown answer.
		b.mustKeep(b.marked(&store.MarkWrite{Mode: store.MarkRepetition, Digest: "x", ID: "two", Session: "s1", Replaces: "one"}))
		b.settle("x", "one")
		if m := b.mark("x"); m.Settled || m.ID != "two" {
			t.Fatalf("mark %+v", m)
		}
		// And on the way of a Done.
		c := b.citizen(1)
		out, _ := b.mustKeep(b.turn(c, b.sms(c, "a")))
		b.done(out.Send[0], store.Done{End: store.DoneAccepted, Settle: []store.MarkRef{
			{Citizen: c.ID, Digest: "x", ID: "two"}, {Citizen: c.ID, Digest: "gone", ID: "three"},
		}})
		if m := b.mark("x"); !m.Settled {
			t.Fatalf("mark %+v", m)
		}
	})
}

func TestARedeliveryHasTheMark(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		id := b.Identify(number(1))
		redeliver := func(expect, newID string) (store.Mark, bool) {
			t.Helper()
			m, done, err := b.Redeliver(b.ctx, id, b.BootID(), time.Now().Add(time.Second), "x", expect, newID, "s2")
			if err != nil {
				t.Fatal(err)
			}
			return m, done
		}
		if m, done := redeliver("one", "two"); done || m.ID != "" {
			t.Fatalf("no mark stands: %+v, %v", m, done)
		}
		b.mustKeep(b.marked(fresh("x", "one", "s1")))
		b.settle("x", "one")
		if m, done := redeliver("one", "two"); !done || m.ID != "two" || m.Session != "s2" || m.Settled {
			t.Fatalf("%+v, %v", m, done)
		}
		if !between(b.ttl("x"), 23*time.Hour, 24*time.Hour) {
			t.Errorf("it stands for %v", b.ttl("x"))
		}
		if m, done := redeliver("one", "two"); !done || m.ID != "two" {
			t.Fatalf("again after a lost answer: %+v, %v", m, done)
		}
		if m, done := redeliver("one", "three"); done || m.ID != "two" {
			t.Fatalf("another has it: %+v, %v", m, done)
		}
		b.settle("x", "one") // the original's ROK decides nothing any more
		if b.mark("x").Settled {
			t.Error("settled by the original")
		}
		if _, _, err := b.Redeliver(b.ctx, id, b.BootID(), time.Now().Add(-time.Second), "x", "two", "three", "s3"); !errors.Is(err, store.ErrLate) || !errors.Is(err, store.ErrNotKept) {
			t.Errorf("late: %v", err)
		}
		b.other().TakeOver(b.ctx, b.BootID())
		if _, _, err := b.Redeliver(b.ctx, id, b.BootID(), time.Now().Add(time.Second), "x", "two", "three", "s3"); !errors.Is(err, store.ErrFenced) {
			t.Errorf("fenced: %v", err)
		}
	})
}
