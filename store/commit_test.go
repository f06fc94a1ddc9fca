package store_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/store"
)

func TestATurnIsKeptWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		sms := b.sms(c, "Laporan Anda 1000-1070")
		turn := b.turn(c, sms)
		turn.TickAt = b.now.Add(time.Hour)
		turn.Tickets = []store.TicketWrite{{
			Serial: 10001, New: true, Head: []byte(`{"number":1}`),
			Entries: []store.Entry{{Field: "x1", Data: []byte("jalan rusak")}, {Field: "m1", Data: []byte(sms.ID), Plain: true}},
		}}
		turn.Events = []store.Event{{ID: b.NewID(c.ID.Shard), Type: "complaint.filed", Ticket: 10001, At: b.now, Data: []byte(`{"text":1}`)}}
		turn.Kept = []byte("??")
		turn.Mark = &store.MarkWrite{Mode: store.MarkFresh, Digest: "d1", ID: "s1-1", Session: "s1"}

		out, after := b.mustKeep(turn)
		if out.Version != 1 || len(out.Send) != 1 || out.Send[0].Text != sms.Text || out.Send[0].To != number(1) {
			t.Fatalf("outcome %+v", out)
		}
		stands := b.reload(1)
		if stands.Version != 1 || string(stands.State) != string(turn.State) || stands.Number != number(1) {
			t.Errorf("citizen %+v", stands)
		}
		rec, err := b.Ticket(b.ctx, c.ID.Shard, 10001)
		if err != nil {
			t.Fatal(err)
		}
		if string(rec.Head) != `{"number":1}` || string(rec.Entries["x1"]) != "jalan rusak" || string(rec.Entries["m1"]) != sms.ID ||
			rec.Owner != c.ID || rec.Number != number(1) || rec.Citizen.Version != 1 {
			t.Errorf("ticket %+v", rec)
		}
		msgs, err := b.Messages(b.ctx, []string{sms.ID})
		if err != nil || len(msgs) != 1 || msgs[0].State != store.StateQueued || msgs[0].Text != sms.Text || msgs[0].Times["queued"].IsZero() {
			t.Errorf("messages %+v, %v", msgs, err)
		}
		evs, next, err := b.Events(b.ctx, "", 10)
		if err != nil || len(evs) != 1 || evs[0].Type != "complaint.filed" || evs[0].Ticket != 10001 || string(evs[0].Data) != `{"text":1}` || evs[0].Shard != c.ID.Shard {
			t.Errorf("events %+v, %v", evs, err)
		}
		if evs, _, err = b.Events(b.ctx, next, 10); err != nil || len(evs) != 0 {
			t.Errorf("events behind the last: %+v, %v", evs, err)
		}
		if kept, err := b.KeptContent(b.ctx, c.ID); err != nil || len(kept) != 1 || string(kept[0]) != "??" {
			t.Errorf("kept %q, %v", kept, err)
		}
		m, ok, err := b.Mark(b.ctx, c.ID, "d1")
		if err != nil || !ok || m.ID != "s1-1" || m.Session != "s1" || m.Settled || m.First.IsZero() || !slices.Equal(m.SMS, []string{sms.ID}) {
			t.Errorf("mark %+v, %v, %v", m, ok, err)
		}
		if again := b.citizen(1); again.Version != 1 || !bytes.Equal(again.State, after.State) {
			t.Errorf("at hand: %+v", again)
		}
		if n := b.rdb.ZScore(b.ctx, store.DueKey(c.ID.Shard), "q"+c.ID.Hash).Val(); int64(n) != turn.TickAt.UnixMilli() {
			t.Errorf("tick at %v", n)
		}
	})
}

func TestADumpNamesNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		turn := b.turn(c, b.sms(c, "rahasia keluar"))
		turn.State = []byte("rahasia keadaan")
		turn.Kept = []byte("rahasia disimpan")
		turn.Tickets = []store.TicketWrite{{Serial: 1, New: true, Head: []byte("{}"), Entries: []store.Entry{{Field: "x1", Data: []byte("rahasia masuk")}}}}
		b.mustKeep(turn)
		if _, err := b.KeepPart(b.ctx, b.part(b.reload(1), 1, 1, "rahasia sebagian")); err != nil {
			t.Fatal(err)
		}
		for k, v := range b.dump() {
			for _, secret := range []string{"rahasia", "2812000", "812000"} {
				if strings.Contains(k+v, secret) {
					t.Errorf("%s tells %q: %q", k, secret, v)
				}
			}
		}
	})
}

func TestWhatCommitRefuses(t *testing.T) {
	idem := func(fp string) *store.Idempotency {
		return &store.Idempotency{Key: "k1", Fingerprint: fp, Answer: []byte(`{"first":true}`)}
	}
	for _, row := range []struct {
		name    string
		prepare func(b *bench, t *store.Turn)
		want    store.OutcomeKind
	}{
		{"a boot that was fenced in the shard", func(b *bench, t *store.Turn) { b.TakeOver(b.ctx, t.Boot) }, store.Late},
		{"a deadline that has passed", func(b *bench, t *store.Turn) { t.Deadline = time.Now().Add(-time.Millisecond) }, store.Late},
		{"a version that was never so", func(b *bench, t *store.Turn) { t.Citizen.Version = 7 }, store.Stale},
		{"a citizen assumed new", func(b *bench, t *store.Turn) { t.Citizen = b.other().citizen(1) }, store.Stale},
		{"a push known by its key", func(b *bench, t *store.Turn) { t.Idempotency = idem("body") }, store.Replayed},
		{"a key with another body", func(b *bench, t *store.Turn) { t.Idempotency = idem("other body") }, store.KeyMisused},
		{"a group that is not there", func(b *bench, t *store.Turn) { t.Join = &store.GroupJoin{Key: "g", Version: 1} }, store.GroupChanged},
		{"a gap of a group that is not there", func(b *bench, t *store.Turn) { t.Fill = &store.GroupFill{Key: "g", Number: 1} }, store.GroupChanged},
		{"a copy", func(b *bench, t *store.Turn) { t.Mark = fresh("first", "s2-1", "s2") }, store.Copy},
	} {
		t.Run(row.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, b *bench) {
				first := b.turn(b.citizen(1))
				first.Idempotency, first.Mark = idem("body"), fresh("first", "s1-1", "s1")
				_, c := b.mustKeep(first)
				turn := b.turn(c, b.sms(c, "x"))
				row.prepare(b, turn)
				before := b.dump()
				out := b.commit(turn)
				if out.Kind != row.want {
					t.Fatalf("%v, want %v", out.Kind, row.want)
				}
				if after := b.dump(); !maps.Equal(before, after) {
					t.Errorf("something was written:\n%v\n%v", before, after)
				}
				switch out.Kind {
				case store.Stale:
					if out.Citizen.Version != 1 || string(out.Citizen.State) != string(first.State) || out.Citizen.Number != number(1) {
						t.Errorf("what stands: %+v", out.Citizen)
					}
					turn.Citizen, turn.Deadline = out.Citizen, time.Now().Add(time.Second)
					if again := b.commit(turn); again.Kind != store.Kept {
						t.Errorf("made again on what stands: %v", again.Kind)
					}
				case store.Replayed:
					if string(out.FirstAnswer) != `{"first":true}` {
						t.Errorf("first answer %q", out.FirstAnswer)
					}
				case store.Copy:
					if out.Mark.ID != "s1-1" || out.Mark.Session != "s1" {
						t.Errorf("mark %+v", out.Mark)
					}
				}
			})
		})
	}
}

func fresh(digest, id, session string) *store.MarkWrite {
	return &store.MarkWrite{Mode: store.MarkFresh, Digest: digest, ID: id, Session: session}
}

// The same turn again, as after a lost answer: kept once, and what is held is said again.
func TestTheSameTurnAgainIsKeptOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		for _, mark := range []*store.MarkWrite{nil, fresh("d", "s1-1", "s1")} {
			b.rdb.FlushAll(b.ctx)
			b.Store = store.NewForTest(b.rdb, master, store.Options{})
			c := b.citizen(1)
			turn := b.turn(c, b.sms(c, "a"), b.sms(c, "b"))
			turn.Mark = mark
			turn.Idempotency = &store.Idempotency{Key: "k", Fingerprint: "f", Answer: []byte("1")}
			first, _ := b.mustKeep(turn)
			before := b.dump()
			again, _ := b.mustKeep(turn)
			if !maps.Equal(before, b.dump()) {
				t.Error("something was written twice")
			}
			if len(again.Send) != 1 || again.Send[0].ID != first.Send[0].ID || again.Version != first.Version {
				t.Errorf("first %+v, again %+v", first, again)
			}
			// The SMS was sent, another turn came: still kept once, and nothing to send.
			b.done(first.Send[0], store.Done{End: store.DoneAccepted, MessageIDs: []string{"1"}})
			b.mustKeep(b.turn(b.citizen(1)))
			if third, _ := b.mustKeep(turn); len(third.Send) != 0 || third.Version != 2 {
				t.Errorf("third %+v", third)
			}
			if b.reload(1).Version != 2 {
				t.Error("the later turn was overwritten")
			}
		}
	})
}

func TestATicketIsItsCitizens(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		_, c := b.mustKeep(func() *store.Turn {
			turn := b.turn(b.citizen(1))
			turn.Tickets = []store.TicketWrite{{Serial: 5, New: true, Head: []byte("{}")}}
			return turn
		}())
		for name, w := range map[string]store.TicketWrite{
			"a serial given twice":         {Serial: 5, New: true, Head: []byte("{}")},
			"a ticket that does not stand": {Serial: 6, Head: []byte("{}")},
		} {
			turn := b.turn(c, b.sms(c, "x"))
			turn.Tickets = []store.TicketWrite{w}
			before := b.dump()
			if _, err := b.Commit(b.ctx, turn); !errors.Is(err, store.ErrNotKept) {
				t.Errorf("%s: %v", name, err)
			}
			if !maps.Equal(before, b.dump()) {
				t.Errorf("%s: something was written", name)
			}
		}
	})
}
