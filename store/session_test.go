package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"aduan/store"
	"aduan/store/storetest"
)

// Two daemons share the sessions of the console; each row is what ends one.
func TestSessionsOfTheConsole(t *testing.T) {
	clock := time.Now()
	o := storetest.Config(t, storetest.Start(t, storetest.Options{}))
	o.Now = func() time.Time { return clock }
	s := storetest.OpenWith(t, o)
	o.DataDir = t.TempDir()
	other := storetest.OpenWith(t, o)
	ctx := t.Context()

	key := func() (id, secret string) {
		t.Helper()
		secret, err := s.AddKey(ctx, store.APIKey{Name: "desk", Scopes: []string{"tickets:read"}, Expires: clock.Add(48 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(secret, "_")[1], secret
	}
	begin := func(id string) string {
		t.Helper()
		token, err := s.AddSession(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	stands := func(what, token string, want bool) {
		t.Helper()
		for i, daemon := range []*store.Store{s, other} {
			k, err := daemon.FindSession(ctx, token)
			if want && (err != nil || k.Name != "desk") {
				t.Errorf("%s: daemon %d: %v", what, i, err)
			}
			if !want && !errors.Is(err, store.ErrNoKey) {
				t.Errorf("%s: daemon %d: %v, not ErrNoKey", what, i, err)
			}
		}
	}
	id, _ := key()
	idle := begin(id)
	stands("just begun", idle, true)
	clock = clock.Add(store.SessionIdle - time.Second)
	stands("used within half an hour", idle, true)
	clock = clock.Add(store.SessionIdle - time.Second)
	stands("which begins anew with each use", idle, true)
	clock = clock.Add(store.SessionIdle - time.Second)
	if _, err := other.PeekSession(ctx, idle); err != nil {
		t.Errorf("looked at within half an hour: %v", err)
	}
	clock = clock.Add(time.Second)
	stands("idle for half an hour: a look is no use", idle, false)

	long := begin(id)
	for range 24 {
		clock = clock.Add(store.SessionIdle - time.Minute)
		stands("used all the time", long, true)
	}
	clock = clock.Add(25 * time.Minute)
	stands("for more than twelve hours", long, false)

	id, _ = key()
	out := begin(id)
	if err := other.EndSession(ctx, out); err != nil {
		t.Error(err)
	}
	stands("signed out at the other daemon", out, false)

	revoked := begin(id)
	if err := other.RevokeKey(ctx, id); err != nil {
		t.Fatal(err)
	}
	stands("its key revoked", revoked, false)
	if _, err := s.AddLoginLink(ctx, id); !errors.Is(err, store.ErrNoKey) {
		t.Errorf("a link for a revoked key: %v", err)
	}
	for _, nonsense := range []string{"", "x", strings.Repeat("x", 100), "*", "{07}"} {
		stands("no token", nonsense, false)
	}
}

func TestALinkToTheConsoleIsGoodOnce(t *testing.T) {
	clock := time.Now()
	s, r := storetest.Open(t, func(o *store.Options) { o.Now = func() time.Time { return clock } })
	ctx := t.Context()
	secret, err := s.AddKey(ctx, store.APIKey{Name: "desk", Scopes: []string{"tickets:read"}})
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Split(secret, "_")[1]
	link := func() string {
		t.Helper()
		token, err := s.AddLoginLink(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := link()
	if k, err := s.UseLoginLink(ctx, token); err != nil || k.ID != id {
		t.Fatalf("%+v, %v", k, err)
	}
	if _, err := s.UseLoginLink(ctx, token); !errors.Is(err, store.ErrNoKey) {
		t.Errorf("used twice: %v", err)
	}
	if _, err := s.FindSession(ctx, link()); !errors.Is(err, store.ErrNoKey) {
		t.Errorf("a link is no session: %v", err)
	}
	late := link()
	clock = clock.Add(store.LoginLinkFor)
	if _, err := s.UseLoginLink(ctx, late); !errors.Is(err, store.ErrNoKey) {
		t.Errorf("after ten minutes: %v", err)
	}
	token = link()
	session, err := s.AddSession(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := r.Client().Keys(ctx, "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range keys {
		if strings.Contains(name, token) || strings.Contains(name, session) {
			t.Errorf("a token stands in Redis: %s", name)
		}
	}
}
