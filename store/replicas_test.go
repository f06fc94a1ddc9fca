package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/store"
	"aduan/store/storetest"
)

// followed is a master whose only replica follows it over a network of its own.
func followed(t *testing.T) (m *storetest.Redis, net *storetest.Proxy) {
	t.Helper()
	m = storetest.Start(t, storetest.Options{Args: []string{"repl-diskless-sync-delay 0", "repl-ping-replica-period 1"}})
	net = storetest.NewProxy(t, m.Addr())
	host, port, _ := strings.Cut(net.Addr(), ":")
	storetest.Start(t, storetest.Options{Args: []string{"replicaof " + host + " " + port}})
	follows(t, m)
	return m, net
}

func follows(t *testing.T, m *storetest.Redis) {
	t.Helper()
	untilWell(t, 10*time.Second, func() string {
		if info := m.Client().Info(t.Context(), "replication").Val(); !strings.Contains(info, "state=online") {
			return info
		}
		return ""
	})
}

// What stands on the master alone counts for nobody: neither a new turn nor a copy of one, neither a part that is known nor
// an answer given before, neither what a boot holds nor its heartbeat.
func TestWhatTheReplicasLackIsNotKept(t *testing.T) {
	master1, net := followed(t)
	rdb := client(t, master1.Addr())
	b := &bench{Store: store.NewForTest(rdb, master, store.Options{Replicas: 1, Wait: 100 * time.Millisecond}), rdb: rdb, t: t, ctx: t.Context(), now: time.Now()}
	t.Cleanup(b.CloseForTest)

	kept := b.wholeTurn(1)
	b.mustKeep(kept)
	b.keepPart(b.part(b.citizen(3), 1, 2, "a"), store.PartKept)
	if _, _, err := b.Renew(b.ctx, b.BootID()); err != nil {
		t.Fatal(err)
	}

	net.BlackHole(storetest.ToServer, true)
	net.BlackHole(storetest.ToClient, true)
	fresh := b.wholeTurn(2)
	replay := b.turn(b.citizen(1))
	replay.Idempotency = kept.Idempotency
	for what, try := range map[string]func() error{
		"a new turn":              func() error { _, err := b.Commit(b.ctx, fresh); return err },
		"the same turn again":     func() error { _, err := b.Commit(b.ctx, kept); return err },
		"an answer given before":  func() error { _, err := b.Commit(b.ctx, replay); return err },
		"a redelivery":            func() error { return redeliver(b, kept) },
		"a part that is known":    func() error { _, err := b.KeepPart(b.ctx, b.part(b.citizen(3), 1, 2, "a")); return err },
		"what the boot holds":     func() error { _, err := b.Held(b.ctx, b.BootID(), []int{kept.Citizen.ID.Shard}); return err },
		"the heartbeat":           func() error { _, _, err := b.Renew(b.ctx, b.BootID()); return err },
		"what is due":             func() error { return claimOne(b) },
		"the taking over of what": func() error { _, err := b.TakeOver(b.ctx, "dead"); return err },
	} {
		if err := try(); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("%s: %v, want that its outcome is unknown", what, err)
		}
	}
	net.BlackHole(storetest.ToServer, false)
	net.BlackHole(storetest.ToClient, false)
	net.Cut()
	follows(t, master1)
	if out := b.commit(fresh); out.Kind != store.Kept {
		t.Errorf("the same turn, once the replica follows again: %v", out.Kind)
	}
	if err := redeliver(b, kept); err != nil {
		t.Errorf("a redelivery, once the replica follows again: %v", err)
	}
}

func redeliver(b *bench, kept *store.Turn) error {
	_, _, err := b.Redeliver(b.ctx, kept.Citizen.ID, b.BootID(), time.Now().Add(time.Minute), kept.Mark.Digest, kept.Mark.ID, kept.Mark.ID, "s2")
	return err
}

func claimOne(b *bench) error {
	_, err := b.Claim(b.ctx, store.Claim{Boot: b.BootID(), Now: b.now.Add(24 * time.Hour), Room: map[string]int{"": 10, "main": 10}})
	return err
}

// Commits that are ready together travel together, and one WAIT confirms them all.
func TestOneWaitForEachBatch(t *testing.T) {
	master1, _ := followed(t)
	o := storetest.Config(t, master1)
	o.Replicas = 1
	s := storetest.OpenWith(t, o)
	if err := keepOne(t.Context(), s, 0); err != nil {
		t.Fatal(err)
	}
	if err := master1.Client().ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	const turns = 400
	var all sync.WaitGroup
	errs := make(chan error, turns)
	for n := range turns {
		all.Go(func() { errs <- keepOne(context.Background(), s, 1+n) })
	}
	all.Wait()
	for range turns {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	scripts, waits := calls(t, master1, "evalsha"), calls(t, master1, "wait")
	if waits == 0 || scripts < turns || scripts < 4*waits {
		t.Errorf("%d scripts were confirmed by %d WAITs", scripts, waits)
	}
}

// calls is how often a server has run a command.
func calls(t *testing.T, r *storetest.Redis, command string) int {
	t.Helper()
	m := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+)`).FindStringSubmatch(r.Client().Info(t.Context(), "commandstats").Val())
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// Behind sentinels: what is promised is said, less is refused, and a replica that is down means that nothing is kept.
func TestR11WhatReplicasPromiseIsSaidAndKept(t *testing.T) {
	g := storetest.StartSentinels(t, storetest.SentinelOptions{})
	o := g.Config(t)
	for _, row := range []struct {
		name     string
		replicas int
		accept   bool
		refused  string // "": accepted
		promise  string
	}{
		{name: "fewer than could be promoted", replicas: 1, refused: "2 of its replicas could be promoted"},
		{name: "none", replicas: 0, refused: "2 of its replicas could be promoted"},
		{name: "more than there are", replicas: 3, refused: "there are only 2"},
		{name: "fewer, and a loss is accepted", replicas: 1, accept: true, promise: "1 replica has it in its memory; what a replica lacks when it is promoted is lost"},
		{name: "all", replicas: 2, promise: "2 replicas have it in their memory; that is each that can be promoted, so a failover loses nothing of it."},
	} {
		o := o
		o.Replicas, o.AcceptFailoverLoss = row.replicas, row.accept
		s, err := store.Open(t.Context(), o)
		if row.refused != "" {
			if !errors.Is(err, store.ErrWeaker) || !strings.Contains(err.Error(), row.refused) {
				t.Errorf("%s: %v, not ErrWeaker with %q", row.name, err, row.refused)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if !strings.Contains(s.Promise(), row.promise) {
			t.Errorf("%s: it promises %q", row.name, s.Promise())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}

	s := storetest.OpenWith(t, o)
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	g.Nodes[2].Kill()
	untilWell(t, 10*time.Second, func() string {
		if err := keepOne(t.Context(), s, 2); !errors.Is(err, store.ErrUnknown) && !errors.Is(err, store.ErrNotKept) {
			return fmt.Sprintf("a replica is down, and a commit is %v", err)
		}
		return ""
	})
	healthIs(t, s, false, "only 1 of the 2 replicas")
	g.Return(g.Nodes[2], g.Nodes[0])
	healthIs(t, s, true, "")
	if err := keepOne(t.Context(), s, 3); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

// R11: a store that heard of no failover, since it was cut off from the sentinels, finds the new master by itself although
// the old one still answers and nobody makes that a replica.
func TestR11TheOldMasterIsLeft(t *testing.T) {
	g := storetest.StartSentinels(t, storetest.SentinelOptions{})
	s := storetest.OpenWith(t, g.Config(t))
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	old := g.Master()
	g.Blind()
	g.Isolate(old)
	g.WaitFailover(old)
	if err := keepOne(t.Context(), s, 1); err == nil {
		t.Error("kept by a master that was cut off")
	}
	g.See()
	untilWell(t, 10*time.Second, func() string {
		if ok, why := s.Health(); ok || !strings.Contains(why, "only 1 of the 2 replicas") { // of the new one: the old is no replica yet
			return fmt.Sprintf("health %v %q", ok, why)
		}
		return ""
	})
	g.Heal()
	g.Follow()
	healthIs(t, s, true, "")
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Error(err)
	}
}

// R12: a slot is half moved. What one side does not have any more, or the other not yet, is missing to neither: no script
// begins there.
func TestR12AHalfMovedSlotHalvesNothing(t *testing.T) {
	c := storetest.StartCluster(t)
	s := storetest.OpenWith(t, c.Config(t))
	who, err := s.Assume(number(1))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	early := store.ReceiptUpdate{Citizen: who.ID, Link: "main", MessageID: "17", State: store.StateDelivered, Final: true, At: now, EventID: s.NewID(who.ID.Shard), Grace: time.Minute}
	if out, err := s.Receipt(t.Context(), early); err != nil || out.Kind != store.ReceiptWaits {
		t.Fatalf("%+v %v", out, err)
	}
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	tag := fmt.Sprintf("{%02d}:", who.ID.Shard)
	c.HalfMove(tag+"early", func(key string) bool { return strings.HasPrefix(key, tag+"e:") })
	before := everything(t, c.Client(), tag)
	if got, err := s.StrayReceipts(t.Context(), now.Add(time.Hour)); err == nil || len(got) > 0 {
		t.Errorf("receipts given up in a slot that moves: %v %v", got, err)
	}
	if err := keepOne(t.Context(), s, 1); !errors.Is(err, store.ErrNotKept) {
		t.Errorf("a commit in a slot that moves: %v, want surely nothing written", err)
	}
	if after := everything(t, c.Client(), tag); !maps.Equal(before, after) {
		t.Errorf("something was written:\n%v\n%v", before, after)
	}
	c.MoveSlot(tag+"early", func() {})
	untilWell(t, 5*time.Second, func() string {
		if err := keepOne(t.Context(), s, 1); err != nil {
			return err.Error()
		}
		return ""
	})
	if got, err := s.StrayReceipts(t.Context(), now.Add(time.Hour)); err != nil || len(got) != 1 {
		t.Errorf("after it has moved: %v %v", got, err)
	}
}

// everything is each key of a shard, wherever it lies, and what it holds.
func everything(t *testing.T, c redis.UniversalClient, tag string) map[string]string {
	t.Helper()
	var mu sync.Mutex
	all := map[string]string{}
	err := c.(*redis.ClusterClient).ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		keys, err := node.Keys(ctx, tag+"*").Result()
		if err != nil {
			return err
		}
		for _, k := range keys {
			pipe := node.Pipeline() // one connection
			pipe.Do(ctx, "ASKING")
			dump := pipe.Dump(ctx, k)
			if _, err := pipe.Exec(ctx); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
			mu.Lock()
			all[k] = dump.Val()
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
