package store_test

import (
	"errors"
	"strings"
	"testing"

	"aduan/store"
	"aduan/store/storetest"
)

// A store that was emptied is noticed although no ticket was ever filed in it, by each daemon, until a person says so.
func TestAnEmptiedStoreIsNoticedUntilAPersonKnows(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	o := storetest.Config(t, r)
	s := storetest.OpenWith(t, o)
	if _, err := s.Younger(t.Context()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a new store: %v", err)
	}
	r.Client().FlushAll(t.Context())
	noticed := func(o store.Options) bool {
		ok, reason := storetest.OpenWith(t, o).Health()
		if !ok {
			t.Errorf("it is refused: %s", reason)
		}
		return strings.Contains(reason, "it was emptied")
	}
	elsewhere := o
	elsewhere.DataDir = t.TempDir()                          // of another machine, which has seen nothing of it
	for i, where := range []store.Options{o, o, elsewhere} { // and it goes on being said
		if !noticed(where) {
			t.Errorf("start %d: an emptied store is not noticed", i+1)
		}
	}
	if err := storetest.OpenWith(t, elsewhere).Restored(t.Context()); err != nil {
		t.Error(err)
	}
	if noticed(o) || noticed(elsewhere) {
		t.Error("it is said after it was acknowledged")
	}
	if err := s.Restored(t.Context()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("acknowledged twice: %v", err)
	}
}

// A backup of the last minutes is noticed although no block of ticket numbers has been begun since.
func TestAnOldBackupIsNoticedByItsAge(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	o := storetest.Config(t, r)
	storetest.OpenWith(t, o)
	was := r.Client().Get(t.Context(), "{line}:age").Val()
	storetest.OpenWith(t, o)
	r.Client().Set(t.Context(), "{line}:age", was, 0)
	if _, reason := storetest.OpenWith(t, o).Health(); !strings.Contains(reason, "an old backup was put back") {
		t.Errorf("health: %q", reason)
	}
}
