package store_test

import (
	"testing"

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
