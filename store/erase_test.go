package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/store"
)

// erase files a ticket with an SMS that was sent and one that waits, and then erases its citizen.
func erase(b *bench) (store.Citizen, []store.SMS) {
	c := b.citizen(1)
	first, second := b.sms(c, "received"), b.sms(c, "pushed")
	turn := b.turn(c, first)
	turn.Kept = []byte("a picture")
	turn.Tickets = []store.TicketWrite{{Serial: 10001, New: true, Head: []byte(`{"s":"filed"}`), Entries: []store.Entry{
		{Field: "x1", Data: []byte("what was written")},
		{Field: "m1", Data: []byte(first.ID), Plain: true},
	}}}
	out, c := b.mustKeep(turn)
	if _, err := b.Done(b.ctx, store.Done{Boot: b.BootID(), SMS: out.Send[0], End: store.DoneAccepted, State: "sent", MessageIDs: []string{"1"}, At: b.now}); err != nil {
		b.t.Fatal(err)
	}
	_, c = b.mustKeep(b.turn(c, second))
	gone := b.turn(c)
	gone.Erase = true
	gone.Tickets = []store.TicketWrite{{Serial: 10001, Head: []byte(`{"s":"filed","er":true}`)}}
	if out := b.commit(gone); out.Kind != store.Kept {
		b.t.Fatalf("erasure: %v", out.Kind)
	}
	return c, []store.SMS{first, second}
}

func TestAnErasureLeavesFiguresOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c, sms := erase(b)
		if _, err := b.Load(b.ctx, c.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the citizen stands: %v", err)
		}
		rec, err := b.Ticket(b.ctx, c.ID.Shard, 10001)
		if err != nil || string(rec.Head) != `{"s":"filed","er":true}` || len(rec.Entries["x1"]) != 0 {
			t.Errorf("ticket: %+v, %v", rec, err)
		}
		if n, err := b.KeptCount(b.ctx, c.ID); err != nil || n != 0 {
			t.Errorf("kept content: %d, %v", n, err)
		}
		if claimed := b.claim(b.now.Add(time.Hour)); len(claimed.SMS) != 0 || len(claimed.Ticks) != 0 {
			t.Errorf("something is still due: %+v", claimed)
		}
		if next, err := b.Done(b.ctx, store.Done{Boot: b.BootID(), SMS: store.Outgoing{ID: sms[1].ID, Citizen: c.ID}, End: store.DoneAccepted, State: "sent", At: b.now}); !errors.Is(err, store.ErrFenced) {
			t.Errorf("the outcome of an SMS of an erased citizen: %v, %v", next, err)
		}
		back := b.citizen(1)
		if back.Version != 0 {
			t.Errorf("the citizen comes back with version %d", back.Version)
		}
		b.mustKeep(b.turn(back, b.sms(back, "welcome")))
		msgs, err := b.Messages(b.ctx, []string{sms[0].ID, sms[1].ID})
		if err != nil || len(msgs) != 2 || msgs[0].Text != "" || msgs[1].State != store.StateUndeliverable {
			t.Errorf("SMS after the erasure: %+v, %v", msgs, err)
		}
	})
}

func TestAnErasedKeyLeavesTheAppendOnlyFileWithItsRewrite(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	c := b.citizen(1)
	_, c = b.mustKeep(b.turn(c))
	key := b.rdb.HGet(b.ctx, store.CitizenKey(c.ID), "k").Val()
	if !onDisk(t, key) {
		t.Fatal("the wrapped key is not in the append-only file: this test sees nothing")
	}
	gone := b.turn(c)
	gone.Erase = true
	b.mustKeep(gone)
	if err := b.rdb.BgRewriteAOF(b.ctx).Err(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); onDisk(t, key); {
		if time.Now().After(end) {
			t.Fatal("the wrapped key is still in the append-only file")
		}
		if err := b.rdb.Do(b.ctx, "INFO", "persistence").Err(); err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
	}
}

// onDisk looks through the shared server's folder.
func onDisk(t *testing.T, what string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(child.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files come and go while it is rewritten
		}
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(what)) {
			found = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWithoutACaseSystemNothingWaitsToBeHandedOn(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		quiet := store.NewQuietForTest(b.rdb, master)
		t.Cleanup(quiet.CloseForTest)
		c, err := quiet.Assume(number(1))
		if err != nil {
			t.Fatal(err)
		}
		turn := b.turn(c)
		turn.Boot = ""
		turn.Events = []store.Event{{ID: b.NewID(c.ID.Shard), Type: "citizen.opted_out", At: b.now}}
		if out, err := quiet.Commit(b.ctx, turn); err != nil || out.Kind != store.Kept {
			t.Fatal(out.Kind, err)
		}
		if got := b.claim(b.now.Add(time.Hour)); len(got.Handoffs) != 0 {
			t.Errorf("hand-offs wait: %v", got.Handoffs)
		}
		evs, _, err := quiet.Events(b.ctx, "", 10)
		if err != nil || len(evs) != 1 {
			t.Errorf("events to pull: %v, %v", evs, err)
		}
	})
}
