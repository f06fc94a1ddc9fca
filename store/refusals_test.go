package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/testenv"
	"aduan/store"
	"aduan/store/storetest"
)

// R10: whatever a server refuses with, nothing counts as kept, nothing was written, and it is tried again.
func TestR10WhatRedisRefusesIsNotKept(t *testing.T) {
	fast := []string{"lua-time-limit 50", "repl-timeout 2"}
	for _, row := range []struct {
		code        string
		cause, heal func(ctx context.Context, c *redis.Client)
	}{
		{
			"READONLY",
			func(ctx context.Context, c *redis.Client) { c.ReplicaOf(ctx, "127.0.0.1", "1") },
			func(ctx context.Context, c *redis.Client) { c.ReplicaOf(ctx, "NO", "ONE") },
		},
		{
			"MASTERDOWN",
			func(ctx context.Context, c *redis.Client) {
				c.ConfigSet(ctx, "replica-serve-stale-data", "no")
				c.ReplicaOf(ctx, "127.0.0.1", "1")
			},
			func(ctx context.Context, c *redis.Client) {
				c.ReplicaOf(ctx, "NO", "ONE")
				c.ConfigSet(ctx, "replica-serve-stale-data", "yes")
			},
		},
		{
			"NOREPLICAS",
			func(ctx context.Context, c *redis.Client) { c.ConfigSet(ctx, "min-replicas-to-write", "1") },
			func(ctx context.Context, c *redis.Client) { c.ConfigSet(ctx, "min-replicas-to-write", "0") },
		},
		{
			"BUSY",
			func(ctx context.Context, c *redis.Client) {
				go func() { c.Eval(ctx, "while true do end", nil) }() // ends with SCRIPT KILL
				for c.Ping(ctx).Err() == nil {                        // until the server says so
					<-time.After(5 * time.Millisecond)
				}
			},
			func(ctx context.Context, c *redis.Client) { c.ScriptKill(ctx) },
		},
	} {
		t.Run(row.code, func(t *testing.T) {
			r := storetest.Start(t, storetest.Options{Args: fast})
			s := storetest.OpenWith(t, storetest.Config(t, r))
			if err := keepOne(t.Context(), s, 1); err != nil {
				t.Fatal(err)
			}
			c := client(t, r.Addr())
			row.cause(t.Context(), c)
			refusedThenKept(t, s, row.code, func() { row.heal(context.Background(), c) })
		})
	}
	t.Run("LOADING", func(t *testing.T) {
		r := storetest.Start(t, storetest.Options{})
		s := storetest.OpenWith(t, storetest.Config(t, r))
		if err := keepOne(t.Context(), s, 1); err != nil {
			t.Fatal(err)
		}
		pipe := r.Client().Pipeline()
		for n := range 6000 {
			pipe.Set(t.Context(), fmt.Sprint("other:", n), "x", 0)
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { // each command takes 0.4 ms to load; waited for below
			defer close(ended)
			r.Restart("key-load-delay 400")
		}()
		refusedThenKept(t, s, "LOADING", func() {})
		<-ended
	})
	t.Run("CLUSTERDOWN", func(t *testing.T) {
		r := storetest.Start(t, storetest.Options{Args: []string{"cluster-enabled yes", fmt.Sprint("cluster-port ", testenv.FreePort(t))}})
		c := r.Client()
		if err := c.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
			t.Fatal(err)
		}
		o := storetest.Config(t, r)
		o.Cluster = true
		s := storetest.OpenWith(t, o)
		healthIs(t, s, true, "")
		who, err := s.Assume(number(1))
		if err != nil {
			t.Fatal(err)
		}
		other := int(c.ClusterKeySlot(t.Context(), fmt.Sprintf("{%02d}", (who.ID.Shard+1)%100)).Val())
		c.ClusterDelSlots(t.Context(), other) // one slot is nobody's: the whole cluster is down
		refusedThenKept(t, s, "CLUSTERDOWN", func() { c.ClusterAddSlots(context.Background(), other) })
	})
}

// refusedThenKept tries until the server refuses with a code, heals it, and waits until a turn is kept.
func refusedThenKept(t *testing.T, s *store.Store, code string, heal func()) {
	t.Helper()
	untilWell(t, 10*time.Second, func() string {
		err := keepOne(t.Context(), s, 1)
		switch {
		case errors.Is(err, store.ErrNotKept) && strings.Contains(err.Error(), code):
			return ""
		case err == nil:
			return "it is kept" // still, or already
		}
		return err.Error()
	})
	heal()
	untilWell(t, 20*time.Second, func() string {
		if err := keepOne(t.Context(), s, 1); err != nil {
			return err.Error()
		}
		return ""
	})
	healthIs(t, s, true, "")
}

// R7: with everysec a full disk is noticed late: MISCONF then, and the promise says beforehand what that may cost.
func TestR7AFullDiskUnderEverysec(t *testing.T) {
	r := storetest.Start(t, storetest.Options{Fsync: store.FsyncEverySec, Wrap: []string{"sh", "-c", `trap '' XFSZ; ulimit -f 100; exec "$@"`, "sh"}})
	o := storetest.Config(t, r)
	o.Fsync = store.FsyncEverySec
	s := storetest.OpenWith(t, o)
	if p := s.Promise(); !strings.Contains(p, "gone after a power loss or when the disk is full (appendfsync everysec)") {
		t.Errorf("it promises %q", p)
	}
	kept := 0
	var err error
	for n := 0; n < 20000 && err == nil; n++ {
		if err = keepOne(t.Context(), s, n); err == nil {
			kept++
		}
	}
	if kept == 0 || !errors.Is(err, store.ErrNotKept) || !strings.Contains(err.Error(), "MISCONF") {
		t.Fatalf("%d kept, then %v", kept, err)
	}
	healthIs(t, s, false, "append-only file")
	t.Logf("%d were kept before it was noticed", kept)
}

// R8: a server that may throw data away is refused at start, whatever else it promises.
func TestR8AnEvictingPolicyIsRefused(t *testing.T) {
	r := storetest.Start(t, storetest.Options{Args: []string{"maxmemory 100mb", "maxmemory-policy allkeys-lru"}})
	if _, err := store.Open(t.Context(), storetest.Config(t, r)); !errors.Is(err, store.ErrWeaker) || !strings.Contains(err.Error(), "maxmemory-policy allkeys-lru") {
		t.Errorf("%v", err)
	}
}

// R16: the server takes no more connections: what comes is not kept, nothing hangs, and it heals.
func TestR16TheServersConnectionsAreUsedUp(t *testing.T) {
	r := storetest.Start(t, storetest.Options{Args: []string{"maxclients 12"}})
	var others []*redis.Client
	for range 12 {
		c := client(t, r.Addr())
		if c.Ping(t.Context()).Err() == nil {
			others = append(others, c)
		}
	}
	s := storetest.OpenWith(t, storetest.Config(t, r))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := keepOne(ctx, s, 1); !errors.Is(err, store.ErrNotKept) {
		t.Errorf("%v, want that nothing is kept", err)
	}
	for _, c := range others {
		_ = c.Close()
	}
	healthIs(t, s, true, "")
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Error(err)
	}
}
