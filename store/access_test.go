package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aduan/store"
	"aduan/store/storetest"
)

func TestAPIKeys(t *testing.T) {
	clock := time.Now()
	s, r := storetest.Open(t, func(o *store.Options) { o.Now = func() time.Time { return clock } })
	ctx := t.Context()
	add := func(k store.APIKey) string {
		t.Helper()
		secret, err := s.AddKey(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	refused := func(what, secret string) {
		t.Helper()
		if _, err := s.FindKey(ctx, secret); !errors.Is(err, store.ErrNoKey) {
			t.Errorf("%s: %v, not ErrNoKey", what, err)
		}
	}
	secret := add(store.APIKey{Name: "dinas", Scopes: []string{"tickets:read", "pii:read"}, Agency: "pupr"})
	k, err := s.FindKey(ctx, secret)
	if err != nil || k.Name != "dinas" || k.Agency != "pupr" || !k.Allows("pii:read") || k.Allows("admin") || !strings.HasPrefix(secret, "aduan_"+k.ID+"_") {
		t.Fatalf("found %+v, %v", k, err)
	}
	for what, other := range map[string]string{
		"nothing": "", "no key": "Bearer", "its id alone": "aduan_" + k.ID, "an empty secret": "aduan_" + k.ID + "_",
		"one letter more": secret + "A", "one letter less": secret[:len(secret)-1], "another id": strings.Replace(secret, k.ID, "aaaaaaaaaaaa", 1),
		"other case": strings.ToUpper(secret),
	} {
		refused(what, other)
	}

	clock = clock.Add(time.Second)
	short := add(store.APIKey{Name: "short", Scopes: []string{"operate"}, Expires: clock.Add(time.Hour)})
	if _, err := s.FindKey(ctx, short); err != nil {
		t.Error(err)
	}
	clock = clock.Add(time.Hour)
	refused("expired", short)

	second, err := s.RotateKey(ctx, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, both := range []string{secret, second} {
		if _, err := s.FindKey(ctx, both); err != nil {
			t.Errorf("while it is rotated: %v", err)
		}
	}
	clock = clock.Add(24 * time.Hour)
	refused("the secret before, a day later", secret)

	keys, err := s.ListKeys(ctx)
	if err != nil || len(keys) != 2 || keys[0].ID != k.ID || keys[0].LastUsed.IsZero() {
		t.Errorf("keys %+v, %v", keys, err)
	}
	if err := s.RevokeKey(ctx, k.ID); err != nil {
		t.Fatal(err)
	}
	refused("revoked", second)
	if _, err := s.RotateKey(ctx, k.ID); !errors.Is(err, store.ErrNoKey) {
		t.Errorf("a revoked key was rotated: %v", err)
	}
	if err := s.RevokeKey(ctx, "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v, not ErrNotFound", err)
	}
	for _, bad := range []store.APIKey{{Name: "", Scopes: []string{"admin"}}, {Name: "x"}, {Name: "x", Scopes: []string{"root"}}, {Name: "x", Scopes: []string{"admin"}, Expires: clock}} {
		if _, err := s.AddKey(ctx, bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	noSecretIn(t, r.Dir(), secret, second, short)
}

// noSecretIn reads every file below dir.
func noSecretIn(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		seen += len(b)
		for _, secret := range secrets {
			if bytes.Contains(b, []byte(secret)) || bytes.Contains(b, []byte(secret[20:])) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Errorf("read %d bytes: %v", seen, err)
	}
}

func TestStatusesGoWithTheirDaemons(t *testing.T) {
	s, r := storetest.Open(t)
	for _, boot := range []string{"b1", "b2"} {
		if err := s.PutStatus(t.Context(), boot, []byte(`{"boot":"`+boot+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Statuses(t.Context())
	if err != nil || len(got) != 2 || string(got["b2"]) != `{"boot":"b2"}` {
		t.Fatalf("statuses %q, %v", got, err)
	}
	if ttl := r.Client().PTTL(t.Context(), "{line}:status:b1").Val(); ttl <= 0 || ttl > 5*time.Second {
		t.Errorf("it stands for %s", ttl)
	}
	r.Client().Del(t.Context(), "{line}:status:b1") // as if 5 s had passed
	if got, err = s.Statuses(t.Context()); err != nil || len(got) != 1 {
		t.Fatalf("statuses %q, %v", got, err)
	}
}
