package store

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// standing is what sentinels, or the nodes of a cluster, tell of the replicas, also of those that are down at the moment.
type standing struct {
	told      bool     // somebody knows; else those that follow are counted
	electable int      // how many could be promoted
	possible  int      // how many can follow one master
	addresses []string // of replicas: nothing is to be asked there
}

// replicasOf asks who could be promoted.
func replicasOf(ctx context.Context, rdb redis.UniversalClient, o Options) (standing, error) {
	switch {
	case o.SentinelMaster != "":
		return sentinelReplicas(ctx, o)
	case o.Cluster:
		nodes, err := rdb.ClusterNodes(ctx).Result()
		if err != nil {
			return standing{}, fmt.Errorf("read its nodes (CLUSTER NODES): %w", err)
		}
		return clusterReplicas(nodes), nil
	}
	return standing{}, nil
}

// sentinelReplicas asks all sentinels at once: one that was cut off may not know of a failover yet, so what most of those
// that answer call a replica is one.
func sentinelReplicas(ctx context.Context, o Options) (standing, error) {
	type answer struct {
		replicas []map[string]string
		err      error
	}
	answers := make(chan answer, len(o.Addresses))
	for _, addr := range o.Addresses {
		go func() { // ends within sentinelWithin, or with ctx; the channel has room
			c := redis.NewSentinelClient(&redis.Options{
				Addr: addr, Username: o.Username, Password: o.Password, TLSConfig: o.TLS, DisableIdentity: true, MaxRetries: -1,
				DialerRetries: 1, DialTimeout: sentinelWithin, ReadTimeout: sentinelWithin, ContextTimeoutEnabled: true, PoolSize: 1,
			})
			replicas, err := c.Replicas(ctx, o.SentinelMaster).Result()
			_ = c.Close()
			answers <- answer{replicas, err}
		}()
	}
	found, votes, asked := standing{told: true}, map[string]int{}, 0
	var last error
	for range o.Addresses {
		a := <-answers
		if a.err != nil {
			last = a.err
			continue
		}
		asked++
		electable := 0
		for _, r := range a.replicas {
			votes[net.JoinHostPort(r["ip"], r["port"])]++
			if r["slave-priority"] != "0" {
				electable++
			}
		}
		found.electable, found.possible = max(found.electable, electable), max(found.possible, len(a.replicas))
	}
	if asked == 0 {
		return standing{}, fmt.Errorf("no sentinel tells the replicas of %s: %w", o.SentinelMaster, last)
	}
	for addr, n := range votes {
		if 2*n > asked {
			found.addresses = append(found.addresses, addr)
		}
	}
	return found, nil
}

// clusterReplicas counts by the text of CLUSTER NODES: electable is the largest number of replicas that a master with
// slots has; possible is how many each would have if those that are down came back.
func clusterReplicas(nodes string) standing {
	count, found := map[string]int{}, standing{told: true}
	masters, others := 0, 0
	for line := range strings.SplitSeq(nodes, "\n") {
		f := strings.Fields(line) // id address flags master ping pong epoch state slots…
		if len(f) < 8 || strings.Contains(f[2], "noaddr") || strings.Contains(f[2], "handshake") {
			continue
		}
		if f[3] == "-" && len(f) > 8 {
			masters++
			continue
		}
		others++
		if f[3] == "-" || strings.Contains(f[2], "nofailover") {
			continue
		}
		count[f[3]]++
		found.electable = max(found.electable, count[f[3]])
	}
	if masters > 0 {
		found.possible = others / masters
	}
	return found
}

// waitsForDisk asks whether a server can wait for its replicas' disks: Redis 7.2, Valkey.
func waitsForDisk(ctx context.Context, c *redis.Client) (bool, error) {
	err := c.Do(ctx, "WAITAOF", 0, 0, 0).Err()
	switch {
	case err == nil:
		return true, nil
	case unknownCommand(err), hasCode(err, "NOPERM"):
		return false, nil
	}
	return false, fmt.Errorf("ask whether it waits for its replicas' disks (WAITAOF): %w", err)
}

// sentinelWithin is how long one sentinel may take to answer before the next is asked.
const sentinelWithin = 700 * time.Millisecond

// roads are the connections that lead to servers found by sentinels: those to a server that has become a replica are
// closed, so that the master is asked for anew. The client hears of a failover by itself only while it listens.
type roads struct {
	tls *tls.Config // immutable; nil: plain

	mu    sync.Mutex
	conns map[net.Conn]string // guarded by mu; its address
}

// dial is the way of every connection.
func (r *roads) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: dialTimeout}
	dial := plain.DialContext
	if r.tls != nil {
		dial = (&tls.Dialer{NetDialer: plain, Config: r.tls}).DialContext
	}
	conn, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	known := &road{Conn: conn, all: r}
	r.mu.Lock()
	r.conns[known] = addr
	r.mu.Unlock()
	return known, nil
}

// leave closes what leads to these addresses.
func (r *roads) leave(addresses []string) (closed int) {
	if r == nil || len(addresses) == 0 {
		return 0
	}
	r.mu.Lock()
	var gone []net.Conn
	for conn, addr := range r.conns {
		if slices.Contains(addresses, addr) {
			gone = append(gone, conn)
		}
	}
	r.mu.Unlock()
	for _, conn := range gone {
		_ = conn.Close()
	}
	return len(gone)
}

// road is one connection.
type road struct {
	net.Conn
	all *roads
}

// Close closes it and forgets it.
func (r *road) Close() error {
	r.all.mu.Lock()
	delete(r.all.conns, r)
	r.all.mu.Unlock()
	return r.Conn.Close()
}

// histories are the masters' histories that this process has seen. A new one is a failover: what was read before may
// never have come over, under versions that the new master gives to something else.
type histories struct {
	mu   sync.Mutex
	seen map[string]bool // guarded by mu
}

// note tells whether a history is new and not the first.
func (h *histories) note(replid string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if replid == "" || h.seen[replid] {
		return false
	}
	first := len(h.seen) == 0
	if h.seen == nil || len(h.seen) > 1000 {
		h.seen = map[string]bool{}
	}
	h.seen[replid] = true
	return !first
}

// lacks says how many replicas are missing for anything to be kept.
func (s settings) lacks(o Options) error {
	if s.following >= o.Replicas {
		return nil
	}
	return fmt.Errorf("only %d of the %d replicas that store.kept.replicas waits for follow the master, so nothing can be kept: bring them back, or wait for fewer and set accept_failover_loss: true",
		s.following, o.Replicas)
}
