package store_test

import (
	"strings"
	"testing"
	"time"

	"aduan/store"
	"aduan/store/storetest"
)

// olden makes a store look as version 1 left it: no index, no lists, nobody to rest.
func olden(t *testing.T, r *storetest.Redis) {
	t.Helper()
	c, ctx := r.Client(), t.Context()
	for _, key := range c.Keys(ctx, "*").Val() {
		_, kind, _ := strings.Cut(key, ":")
		switch kind, _, _ = strings.Cut(kind, ":"); kind {
		case "open", "rest", "x", "index", "forms":
			c.Del(ctx, key)
		case "t":
			c.HDel(ctx, key, "ix")
		case "c":
			c.HDel(ctx, key, "up")
		}
	}
	c.Set(ctx, "{line}:schema", "1", 0)
}

func TestAStoreOfTheVersionBeforeTakesTheNewFormOnceNoOlderDaemonLives(t *testing.T) {
	s, r := storetest.Open(t)
	ctx, c := t.Context(), r.Client()
	shard := 0
	for i := range 60 {
		who, err := s.Assume(number(i % 5))
		if err != nil {
			t.Fatal(err)
		}
		shard = who.ID.Shard
		serial, err := s.TakeSerial(ctx, shard)
		if err != nil {
			t.Fatal(err)
		}
		status := []string{"filed", "closed"}[i%2]
		head := `{"s":"` + status + `","f":"2026-11-23T09:00:00Z"}`
		index, _ := store.IndexOf([]byte(head))
		if out, err := s.Commit(ctx, &store.Turn{Now: time.Now(), Citizen: who, State: []byte("s"), Tickets: []store.TicketWrite{
			{Serial: serial, New: true, Head: []byte(head), Index: &index, Entries: []store.Entry{{Field: "x1", Data: []byte("teks")}}},
		}}); err != nil || out.Kind != store.Kept {
			t.Fatal(out.Kind, err)
		}
	}
	olden(t, r)
	c.HSet(ctx, store.BootsKey(), "01OLD", "7") // an older daemon, whose heartbeat does not say which form it knows

	open := func(s *store.Store) int {
		recs, _, err := s.ListTickets(ctx, store.TicketQuery{Open: true}, "", 500)
		if err != nil {
			t.Fatal(err)
		}
		return len(recs)
	}
	s.ForgetIndexForTest()
	if s.SettleForTest(ctx) || c.Get(ctx, "{line}:schema").Val() != "1" {
		t.Error("the form changed while an older daemon lives")
	}
	if n := open(s); n != 30 {
		t.Errorf("%d open tickets are listed meanwhile, want 30", n)
	}
	c.HDel(ctx, store.BootsKey(), "01OLD")
	if !s.SettleForTest(ctx) || c.Get(ctx, "{line}:schema").Val() != "2" || c.Get(ctx, store.IndexKey()).Val() != store.IndexWhole {
		t.Fatalf("schema %s, index %s", c.Get(ctx, "{line}:schema").Val(), c.Get(ctx, store.IndexKey()).Val())
	}
	if n := open(s); n != 30 {
		t.Errorf("%d open tickets are listed from the index, want 30", n)
	}
	if n := c.ZCard(ctx, store.OpenKey(shard)).Val(); n == 0 {
		t.Error("the index is empty")
	}
	if n, err := s.Rest(ctx, time.Now().Add(time.Hour)); err != nil || n != 5 {
		t.Errorf("%d citizens of the version before were laid to rest, want 5: %v", n, err)
	}
	if n := open(s); n != 30 {
		t.Errorf("%d open tickets are listed at rest, want 30", n)
	}
}
