package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"aduan/store"
	"aduan/store/storetest"
)

// untilWell waits until check gives "", and tells what it gave last.
func untilWell(t *testing.T, within time.Duration, check func() string) {
	t.Helper()
	var last string
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if last = check(); last == "" {
			return
		}
	}
	t.Fatalf("after %s: %s", within, last)
}

// healthIs waits for Health to say ok, or not.
func healthIs(t *testing.T, s *store.Store, want bool, words string) {
	t.Helper()
	untilWell(t, 15*time.Second, func() string {
		ok, reason := s.Health()
		if ok == want && strings.Contains(reason, words) {
			return ""
		}
		return fmt.Sprintf("health is %v %q, not %v %q", ok, reason, want, words)
	})
}

// keepOne commits one small turn of the n-th citizen.
func keepOne(ctx context.Context, s *store.Store, n int) error {
	c, err := s.Assume(number(n))
	if err != nil {
		return err
	}
	for range 2 {
		out, err := s.Commit(ctx, &store.Turn{Now: time.Now(), Deadline: time.Now().Add(2 * time.Second), Citizen: c, State: []byte("x")})
		if err != nil {
			return err
		}
		if out.Kind == store.Kept {
			return nil
		}
		c = out.Citizen
	}
	return errors.New("stale twice")
}

func TestOpenRefusesAServerThatPromisesLess(t *testing.T) {
	tests := []struct {
		name  string
		redis storetest.Options
		ask   store.Options
		words string // "": accepted
	}{
		{name: "always is enough for always"},
		{name: "everysec is less than always", redis: storetest.Options{Fsync: "everysec"}, words: "appendfsync everysec"},
		{name: "everysec is enough where it is asked for", redis: storetest.Options{Fsync: "everysec"}, ask: store.Options{Fsync: "everysec"}},
		{name: "always is enough for everysec", ask: store.Options{Fsync: "everysec"}},
		{name: "no append-only file is less than everysec", redis: storetest.Options{Fsync: "none"}, ask: store.Options{Fsync: "everysec"}, words: "appendonly no"},
		{name: "no append-only file is enough for none", redis: storetest.Options{Fsync: "none"}, ask: store.Options{Fsync: "none"}},
		{name: "no sync while rewriting is less than always", redis: storetest.Options{Args: []string{"no-appendfsync-on-rewrite yes"}}, words: "no-appendfsync-on-rewrite"},
		{name: "an evicting policy is refused", redis: storetest.Options{Args: []string{"maxmemory-policy allkeys-lru"}}, words: "maxmemory-policy allkeys-lru"},
		{name: "an evicting policy is refused for none too", redis: storetest.Options{Args: []string{"maxmemory-policy volatile-ttl"}}, ask: store.Options{Fsync: "none"}, words: "noeviction"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := storetest.Config(t, storetest.Start(t, tt.redis))
			o.Fsync = tt.ask.Fsync
			s, err := store.Open(t.Context(), o)
			if tt.words == "" {
				if err != nil {
					t.Fatal(err)
				}
				if s.Promise() == "" {
					t.Error("it promises nothing in words")
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, store.ErrWeaker) || !strings.Contains(err.Error(), tt.words) {
				t.Fatalf("error %v, not ErrWeaker with %q", err, tt.words)
			}
		})
	}
}

func TestAReplicaThatCouldBePromotedMustBeWaitedFor(t *testing.T) {
	master := storetest.Start(t, storetest.Options{})
	host, port, _ := strings.Cut(master.Addr(), ":")
	replica := storetest.Start(t, storetest.Options{Args: []string{"replicaof " + host + " " + port}})
	untilWell(t, 10*time.Second, func() string {
		info := master.Client().Info(t.Context(), "replication").Val()
		if strings.Contains(info, "connected_slaves:1") && strings.Contains(info, "state=online") {
			return ""
		}
		return info
	})
	o := storetest.Config(t, master)
	if _, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrWeaker) || !strings.Contains(err.Error(), "store.kept.replicas") {
		t.Fatalf("error %v, not ErrWeaker with store.kept.replicas", err)
	}
	o.AcceptFailoverLoss = true
	storetest.OpenWith(t, o)
	o.AcceptFailoverLoss, o.Replicas = false, 1
	s := storetest.OpenWith(t, o)
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Errorf("with its replica there: %v", err)
	}
	// A replica is no store, and no error: it may become the master.
	o.Addresses = []string{replica.Addr()}
	healthIs(t, storetest.OpenWith(t, o), false, "replica")
}

func TestFoundWeakerLater(t *testing.T) {
	s, r := storetest.Open(t)
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	// It comes back with less: no connection to it may keep anything, however soon.
	r.Restart("appendfsync everysec")
	err := keepOne(t.Context(), s, 2)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); err = keepOne(t.Context(), s, 2) {
		if err == nil {
			t.Fatal("kept by a server that promises less")
		}
	}
	if !errors.Is(err, store.ErrNotKept) {
		t.Errorf("error %v, not ErrNotKept", err)
	}
	healthIs(t, s, false, "appendfsync everysec")
	if err := r.Client().ConfigSet(t.Context(), "appendfsync", "always").Err(); err != nil {
		t.Fatal(err)
	}
	healthIs(t, s, true, "")
	if err := keepOne(t.Context(), s, 2); err != nil {
		t.Errorf("after it was mended: %v", err)
	}
}

func TestAnotherKeyIsRefusedInWords(t *testing.T) {
	_, r := storetest.Open(t)
	_, err := store.Open(t.Context(), storetest.Config(t, r)) // which makes another key file
	if !errors.Is(err, store.ErrOtherKey) || !strings.Contains(err.Error(), "store.key_file") {
		t.Fatalf("error %v, not ErrOtherKey in words", err)
	}
}

func TestD6ANewerSchemaIsLeftAlone(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	if err := r.Client().Set(t.Context(), "{line}:schema", "3", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), storetest.Config(t, r)); !errors.Is(err, store.ErrSchema) {
		t.Fatalf("error %v, not ErrSchema", err)
	}
	if keys := r.Client().Keys(t.Context(), "*").Val(); len(keys) != 1 {
		t.Errorf("keys %q: something was written", keys)
	}
}

func TestR3AStoreThatIsAwayIsNoError(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	o := storetest.Config(t, r)
	r.Kill()
	s := storetest.OpenWith(t, o)
	healthIs(t, s, false, "not running")
	began := time.Now()
	if err := keepOne(t.Context(), s, 1); !errors.Is(err, store.ErrNotKept) {
		t.Errorf("error %v, not ErrNotKept", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("that took %s", took)
	}
	r.Restart()
	healthIs(t, s, true, "")
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Error(err)
	}
	r.Stop()
	healthIs(t, s, false, "does not answer")
	r.Cont()
	healthIs(t, s, true, "")
}

func TestR14AWrongPasswordIsNamedAndTriedAgain(t *testing.T) {
	r := storetest.Start(t, storetest.Options{Password: "right"})
	o := storetest.Config(t, r)
	o.Password = "wrong-secret"
	s := storetest.OpenWith(t, o)
	healthIs(t, s, false, "store.password")
	if _, reason := s.Health(); strings.Contains(reason, "wrong-secret") {
		t.Error("the reason tells the password")
	}
	if err := r.Client().ConfigSet(t.Context(), "requirepass", "wrong-secret").Err(); err != nil {
		t.Fatal(err)
	}
	healthIs(t, s, true, "")
	o.Password = ""
	healthIs(t, storetest.OpenWith(t, o), false, "asks for a password")
}

func TestR9ACommandMissingInTheACLIsNamed(t *testing.T) {
	for _, command := range []string{"zadd", "config|get", "evalsha", "xtrim", "hdel"} {
		t.Run(command, func(t *testing.T) {
			r := storetest.Start(t, storetest.Options{})
			acl := func(rule string) {
				t.Helper()
				if err := r.Client().Do(t.Context(), "ACL", "SETUSER", "line", "on", ">pw", "~*", "+@all", rule).Err(); err != nil {
					t.Fatal(err)
				}
			}
			acl("-" + command)
			o := storetest.Config(t, r)
			o.Username, o.Password = "line", "pw"
			s := storetest.OpenWith(t, o)
			healthIs(t, s, false, "ACL SETUSER")
			if _, reason := s.Health(); !strings.Contains(strings.ToLower(reason), command) {
				t.Errorf("the reason %q does not name %s", reason, command)
			}
			if err := keepOne(t.Context(), s, 1); !errors.Is(err, store.ErrNotKept) {
				t.Errorf("error %v, not ErrNotKept", err)
			}
			acl("+" + command)
			healthIs(t, s, true, "")
			if err := keepOne(t.Context(), s, 1); err != nil {
				t.Error(err)
			}
			if left := r.Client().Keys(t.Context(), "*probe*").Val(); len(left) > 0 {
				t.Errorf("scratch keys are left: %q", left)
			}
		})
	}
}

func TestR8AFullMemoryIsNotKept(t *testing.T) {
	s, r := storetest.Open(t)
	if err := r.Client().ConfigSet(t.Context(), "maxmemory", "1mb").Err(); err != nil {
		t.Fatal(err)
	}
	if err := keepOne(t.Context(), s, 1); !errors.Is(err, store.ErrNotKept) {
		t.Errorf("error %v, not ErrNotKept", err)
	}
	if err := r.Client().ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestOptionsSayWhatIsWrong(t *testing.T) {
	tests := []struct {
		name  string
		o     store.Options
		words string
	}{
		{"external needs an address", store.Options{Mode: store.ModeExternal, KeyFile: "k"}, "store.addresses"},
		{"external needs a key file", store.Options{Mode: store.ModeExternal, Addresses: []string{"a:1"}}, "aduan keys store"},
		{"several addresses are sentinels or nodes", store.Options{Addresses: []string{"a:1", "b:1"}, KeyFile: "k"}, "sentinel_master"},
		{"sentinels are no cluster", store.Options{Addresses: []string{"a:1"}, KeyFile: "k", SentinelMaster: "m", Cluster: true}, "cluster"},
		{"a socket stands alone", store.Options{Addresses: []string{"unix:/a"}, KeyFile: "k", Cluster: true}, "unix:/a"},
		{"an unknown fsync", store.Options{Addresses: []string{"a:1"}, KeyFile: "k", Fsync: "often"}, "often"},
		{"the embedded store keeps nothing", store.Options{Mode: store.ModeEmbedded}, "keeps nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			_, err := store.Open(t.Context(), tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("error %v does not say %q", err, tt.words)
			}
		})
	}
}

func TestKeyFileOfOthersIsRefused(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	tests := []struct {
		name  string
		spoil func(path string) error
		words string
	}{
		{"readable by the group", func(p string) error { return os.Chmod(p, 0o640) }, "0640"},
		{"readable by all", func(p string) error { return os.Chmod(p, 0o644) }, "chmod 0600"},
		{"executable", func(p string) error { return os.Chmod(p, 0o700) }, "0700"},
		{"too short", func(p string) error { return os.Truncate(p, 31) }, "31 bytes"},
		{"missing", os.Remove, "no such file"},
		{"read-only is fine", func(p string) error { return os.Chmod(p, 0o400) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r.Client().FlushAll(t.Context())
			o := storetest.Config(t, r)
			if err := tt.spoil(o.KeyFile); err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(t.Context(), o)
			if tt.words == "" {
				if err != nil {
					t.Fatal(err)
				}
				_ = s.Close()
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("error %v does not say %q", err, tt.words)
			}
		})
	}
	path := storetest.KeyFile(t)
	if err := store.NewKeyFile(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a key file was overwritten: %v", err)
	}
}

func TestAUnixSocketLeadsToAnExternalServer(t *testing.T) {
	r := storetest.Start(t, storetest.Options{Unix: true, Password: "pw"})
	s := storetest.OpenWith(t, storetest.Config(t, r))
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.Promise(), "nothing of it is lost with the process or the power") {
		t.Errorf("promise %q", s.Promise())
	}
}

func TestTheEmbeddedStoreFollowsItsClock(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := now
	s := storetest.OpenWith(t, store.Options{Mode: store.ModeEmbedded, AllowTrial: true, Now: func() time.Time { return clock }})
	if !strings.HasPrefix(s.Promise(), "A trial") {
		t.Errorf("promise %q", s.Promise())
	}
	ctx := t.Context()
	if err := s.PutStatus(ctx, "b1", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Statuses(ctx); err != nil || len(got) != 1 {
		t.Fatalf("statuses %v, %v", got, err)
	}
	clock = now.Add(4 * time.Second)
	s.Tick()
	if got, _ := s.Statuses(ctx); len(got) != 1 {
		t.Error("a status went before its time")
	}
	clock = now.Add(24 * time.Hour)
	if got, _ := s.Statuses(ctx); len(got) != 0 {
		t.Error("a status outlived its time")
	}
	if err := keepOne(ctx, s, 1); err != nil {
		t.Error(err)
	}
}
