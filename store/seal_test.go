package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"aduan/store"
)

// R4: an append-only file has no checksum of its own; a flipped bit in a ticket is said, with its place.
func TestAFlippedBitIsSaid(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		turn := b.turn(c)
		turn.Tickets = []store.TicketWrite{{Serial: 8, New: true, Head: []byte(`{"status":"filed"}`), Entries: []store.Entry{
			{Field: "x1", Data: []byte("jalan rusak")}, {Field: "m1", Data: []byte("id"), Plain: true},
		}}}
		b.mustKeep(turn)
		key := store.TicketKey(c.ID.Shard, 8)
		for _, field := range []string{"h", "o", "x1", "m1"} {
			good := b.rdb.HGet(b.ctx, key, field).Val()
			for i := range good {
				bad := []byte(good)
				bad[i] ^= 1
				b.rdb.HSet(b.ctx, key, field, bad)
				_, err := b.Ticket(b.ctx, c.ID.Shard, 8)
				if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "jalan") {
					t.Fatalf("%s, octet %d: %v", field, i, err)
				}
			}
			b.rdb.HSet(b.ctx, key, field, good)
		}
		if _, err := b.Ticket(b.ctx, c.ID.Shard, 8); err != nil {
			t.Fatal(err)
		}
		// A value moved to another field or ticket does not open there.
		b.rdb.HSet(b.ctx, key, "x2", b.rdb.HGet(b.ctx, key, "x1").Val())
		if _, err := b.Ticket(b.ctx, c.ID.Shard, 8); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("moved: %v", err)
		}
	})
}

func TestAnotherKeyOpensNothing(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	c := b.citizen(1)
	b.mustKeep(b.turn(c))
	other := store.NewForTest(b.rdb, []byte("another key of thirty-two octets"), store.Options{})
	if other.Identify(number(1)) == c.ID {
		t.Error("another key gives the same name")
	}
	if _, err := other.Load(b.ctx, c.ID); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("%v", err)
	}
	if _, err := b.Load(b.ctx, b.Identify(number(2))); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestCitizensSpreadOverAllShards(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	var count [store.Shards]int
	for n := range 20000 {
		id := b.Identify(number(n))
		count[id.Shard]++
	}
	for shard, n := range count {
		if n < 120 || n > 300 {
			t.Errorf("shard %d has %d of 20,000", shard, n)
		}
	}
}

func TestAnIDTellsItsShard(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	for shard := range store.Shards {
		if got, ok := store.ShardOf(b.NewID(shard)); !ok || got != shard {
			t.Errorf("shard %d: %d, %v", shard, got, ok)
		}
	}
	for _, bad := range []string{"", "07", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVxx", "01ARZ3NDEKTSV4RRFFQ69G5F:V07"} {
		if _, ok := store.ShardOf(bad); ok {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}

// An erased citizen (the key is destroyed): the ticket stands, its sealed entries are gone, and the number may come anew.
func TestWithoutTheCitizensKeyNothingOpens(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		sms := b.sms(c, "x")
		turn := b.turn(c, sms)
		turn.Tickets = []store.TicketWrite{{Serial: 8, New: true, Head: []byte(`{}`), Entries: []store.Entry{
			{Field: "x1", Data: []byte("jalan rusak")}, {Field: "m1", Data: []byte("id"), Plain: true},
		}}}
		_, c = b.mustKeep(turn)
		b.rdb.Del(b.ctx, store.CitizenKey(c.ID))
		rec, err := b.Ticket(b.ctx, c.ID.Shard, 8)
		if err != nil || string(rec.Head) != "{}" || rec.Entries["x1"] != nil || string(rec.Entries["m1"]) != "id" || !rec.Number.IsZero() {
			t.Errorf("%+v, %v", rec, err)
		}
		if m, err := b.Messages(b.ctx, []string{sms.ID}); err != nil || len(m) != 1 || m[0].Text != "" {
			t.Errorf("%+v, %v", m, err)
		}
		out := b.commit(b.turn(c)) // the daemon has the key in memory still
		if out.Kind != store.Stale || out.Citizen.Version != 0 || out.Citizen.Number != number(1) {
			t.Fatalf("%+v", out)
		}
		b.mustKeep(b.turn(out.Citizen))
	})
}

func TestCitizensAtHandAreBounded(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	for n := range 3 {
		b.mustKeep(b.turn(b.citizen(n)))
	}
	if c := b.citizen(0); c.Version != 1 {
		t.Errorf("not at hand: %+v", c)
	}
	if got := fmt.Sprint(b.citizen(0).ID); strings.Contains(got, "812") {
		t.Errorf("%s", got)
	}
}
