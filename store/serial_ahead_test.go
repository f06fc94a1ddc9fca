package store_test

import (
	"context"
	"testing"
	"time"

	"aduan/store"
	"aduan/store/storetest"
)

func TestShardsThatWouldSoonBeEmptyAreFilledOnTheWay(t *testing.T) {
	s, _ := storetest.Open(t)
	var l ledger
	const each = 300
	for range each {
		for shard := range store.Shards {
			serial, err := s.TakeSerial(t.Context(), shard)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.note(shard, serial); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The first block of each shard is asked for by itself; then one write serves all.
	if n := store.LineWritesForTest(s); n > store.Shards+20 {
		t.Errorf("line.json was written %d times for %d serials of %d shards", n, each, store.Shards)
	}
}

// A message that needs a number never waits for a file to be synced in a steady flow: the next block is there when half of one
// is used.
func TestTheNextBlockIsThereBeforeAMessageWaitsForIt(t *testing.T) {
	s, r := storetest.Open(t)
	take := func(n int) {
		t.Helper()
		for range n {
			within, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			_, err := s.TakeSerial(within, 7)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	take(1) // the first waits: nothing was reserved
	writes := store.LineWritesForTest(s)
	take(10)
	for end := time.Now().Add(10 * time.Second); store.LineWritesForTest(s) == writes; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("more than half of a block is used, and the next is not reserved")
		}
	}
	r.Stop() // whoever had to ask now would wait
	defer r.Cont()
	take(25)
}
