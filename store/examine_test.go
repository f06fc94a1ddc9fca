package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"aduan/store"
	"aduan/store/storetest"
)

// steps runs an examination and gives what each step found.
func steps(t *testing.T, o store.Options) map[string]store.Examination {
	t.Helper()
	found := map[string]store.Examination{}
	if err := store.Examine(t.Context(), o, func(e store.Examination) { found[e.Name] = e }); err != nil {
		t.Fatal(err)
	}
	return found
}

func fails(t *testing.T, found map[string]store.Examination, step string, as error, words string) {
	t.Helper()
	e, ok := found[step]
	if !ok || !errors.Is(e.Err, as) || !strings.Contains(e.Err.Error(), words) {
		t.Errorf("%s: %+v, want %v with %q", step, e, as, words)
	}
}

func TestAnExaminationTellsWhatIsWrongAndChangesNothing(t *testing.T) {
	r := storetest.Start(t, storetest.Options{Password: "right"})
	o := storetest.Config(t, r)
	for name, e := range steps(t, o) {
		if e.Err != nil {
			t.Errorf("%s of a new store: %v", name, e.Err)
		}
	}
	if n := r.Client().DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("it left %d keys", n)
	}

	s := storetest.OpenWith(t, o)
	c, err := s.Assume(number(1))
	if err != nil {
		t.Fatal(err)
	}
	serial, err := s.TakeSerial(t.Context(), c.ID.Shard)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Commit(t.Context(), &store.Turn{
		Now: time.Now(), Citizen: c, State: []byte("{}"), Tickets: []store.TicketWrite{{
			Serial: serial, New: true, Head: []byte(`{"n":1}`), Entries: []store.Entry{{Field: "x1", Data: []byte("text")}, {Field: "m1", Data: []byte("id"), Plain: true}},
		}},
	})
	if err != nil || out.Kind != store.Kept {
		t.Fatalf("%v, %v", out.Kind, err)
	}
	if e := steps(t, o)["tickets"]; e.Err != nil || e.Detail != "1 read, every checksum is right" {
		t.Errorf("%+v", e)
	}

	// A flipped bit, in what is readable and in what is sealed.
	key := store.TicketKey(c.ID.Shard, serial)
	for _, field := range []string{"h", "m1", "x1"} {
		was := r.Client().HGet(t.Context(), key, field).Val()
		flipped := []byte(was)
		flipped[len(flipped)-1] ^= 1
		r.Client().HSet(t.Context(), key, field, flipped)
		fails(t, steps(t, o), "tickets", store.ErrDamaged, key+", field "+field)
		r.Client().HSet(t.Context(), key, field, was)
	}

	wrong := o
	wrong.Password = "wrong"
	fails(t, steps(t, wrong), "login", store.ErrNotKept, "refuses the password")

	other := o
	other.KeyFile = storetest.KeyFile(t)
	fails(t, steps(t, other), "key", store.ErrOtherKey, "give the key file that it was made with")

	r.Client().ConfigSet(t.Context(), "appendfsync", "everysec")
	weak := steps(t, o)
	fails(t, weak, "promise", store.ErrWeaker, "CONFIG SET appendfsync always")
	if weak["tickets"].Detail == "" {
		t.Error("a weaker promise hides the tickets")
	}
	r.Client().ConfigSet(t.Context(), "appendfsync", "always")

	r.Client().Set(t.Context(), "{line}:schema", "99", 0)
	fails(t, steps(t, o), "schema", store.ErrSchema, "run the newer program")
	r.Client().Set(t.Context(), "{line}:schema", "1", 0)

	r.Client().Do(t.Context(), "ACL", "SETUSER", "small", "on", ">pw", "~*", "+@all", "-zadd")
	small := o
	small.Username, small.Password = "small", "pw"
	if e := steps(t, small)["commands"]; e.Err == nil || !strings.Contains(e.Err.Error(), "ZADD") {
		t.Errorf("%+v", e)
	}

	r.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := store.Examine(ctx, o, func(e store.Examination) {
		if e.Name != "login" || e.Err == nil {
			t.Errorf("a dead server: %+v", e)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
