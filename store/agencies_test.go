package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"aduan/store"
	"aduan/store/storetest"
)

func TestAgencies(t *testing.T) {
	s, _ := storetest.Open(t)
	ctx := t.Context()
	version := func(n uint64) *uint64 { return &n }
	superior := func(name string) string { return map[string]string{"unit": "pu"}[name] } // of the line's own list
	put := func(name, parent string, want *uint64) (uint64, error) {
		return s.PutAgency(ctx, store.Agency{Name: name, Parent: parent, Data: []byte(`{"name":"` + name + `"}`)}, want, superior)
	}
	for _, row := range []struct {
		what, name, parent string
		want               *uint64
		version            uint64
		err                error
	}{
		{"made", "kementerian", "", version(0), 1, nil},
		{"made again", "kementerian", "", version(0), 0, store.ErrVersion},
		{"below it", "pu", "kementerian", nil, 1, nil},
		{"below that", "dinas", "pu", nil, 1, nil},
		{"a circle of three", "kementerian", "dinas", nil, 0, store.ErrCycle},
		{"a circle of one", "dinas", "dinas", nil, 0, store.ErrCycle},
		{"a circle through one that has no details", "pu", "unit", nil, 0, store.ErrCycle},
		{"changed as it was read", "pu", "", version(1), 2, nil},
		{"changed as it was before", "pu", "kementerian", version(1), 0, store.ErrVersion},
	} {
		if v, err := put(row.name, row.parent, row.want); v != row.version || !errors.Is(err, row.err) {
			t.Errorf("%s: version %d, %v", row.what, v, err)
		}
	}
	all, err := s.Agencies(ctx)
	if err != nil || len(all) != 3 || all[0].Name != "dinas" || all[2].Version != 2 || string(all[2].Data) != `{"name":"pu"}` {
		t.Fatalf("%+v, %v", all, err)
	}
	if err := s.DeleteAgency(ctx, "pu", nil); !errors.Is(err, store.ErrInUse) {
		t.Errorf("one that another stands below: %v", err)
	}
	if _, err := s.AddKey(ctx, store.APIKey{Name: "k", Scopes: []string{"tickets:read"}, Agency: "dinas"}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteAgency(ctx, "dinas", nil); !errors.Is(err, store.ErrInUse) {
		t.Errorf("one that has a key: %v", err)
	}
	keys, err := s.ListKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeKey(ctx, keys[0].ID); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		want *uint64
		err  error
	}{{"dinas", version(7), store.ErrVersion}, {"dinas", version(1), nil}, {"dinas", nil, store.ErrNotFound}, {"pu", nil, nil}} {
		if err := s.DeleteAgency(ctx, row.name, row.want); !errors.Is(err, row.err) {
			t.Errorf("delete %s: %v", row.name, err)
		}
	}
}

func TestAgenciesChangedByManyAtOnceKeepEachChange(t *testing.T) {
	s, _ := storetest.Open(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	var versions []uint64
	for range 3 {
		all.Go(func() {
			v, err := s.PutAgency(t.Context(), store.Agency{Name: "pu", Data: []byte("{}")}, nil, nil)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			versions = append(versions, v)
			mu.Unlock()
		})
	}
	all.Wait()
	if slices.Sort(versions); fmt.Sprint(versions) != "[1 2 3]" {
		t.Errorf("versions %v", versions)
	}
}

func TestARequestIsNotedOnce(t *testing.T) {
	s, _ := storetest.Open(t)
	for _, row := range []struct{ key, fingerprint, want string }{{"k", "a", "a"}, {"k", "a", "a"}, {"k", "b", "a"}, {"l", "b", "b"}} {
		if first, err := s.NoteRequest(t.Context(), 7, row.key, row.fingerprint); err != nil || first != row.want {
			t.Errorf("%s %s: %q, %v", row.key, row.fingerprint, first, err)
		}
	}
	a, err := s.Nameless(7)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Nameless(7); err != nil || a.ID == b.ID || a.ID.Shard != 7 || !a.Number.IsZero() {
		t.Errorf("%v, %v, %v", a.ID, b.ID, err)
	}
	if _, err := s.Nameless(100); err == nil {
		t.Error("a shard that does not exist")
	}
}
