package storetest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/testenv"
	"aduan/store"
)

// Cluster is three masters with a replica each.
type Cluster struct {
	Nodes []*Node // masters at the start, then the replica of each

	t      testing.TB
	client *redis.ClusterClient
}

// StartCluster starts a cluster and waits until it is whole. It is killed when the test ends.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	testenv.RedisServer(t)
	const masters = 3
	c := &Cluster{t: t}
	for i := range 2 * masters {
		n, addr := newNode(t, i)
		bus := testenv.FreeAddr(t)
		n.bus = NewProxy(t, bus)
		n.Redis = Start(t, Options{Addr: addr, Args: append(append(n.replicated(),
			"cluster-enabled yes", "cluster-node-timeout 1000", "cluster-replica-validity-factor 0", "cluster-port "+port(bus),
			"cluster-announce-ip 127.0.0.1", "cluster-announce-port "+port(n.Addr()), "cluster-announce-bus-port "+port(n.bus.Addr()),
		), args...)})
		c.Nodes = append(c.Nodes, n)
	}
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("storetest: cluster: %v", err)
		}
	}
	for i, n := range c.Nodes {
		must(n.Client().Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		if i < masters {
			must(n.Client().ClusterAddSlotsRange(ctx, i*16384/masters, (i+1)*16384/masters-1).Err())
		}
		if i > 0 {
			must(n.Client().Do(ctx, "CLUSTER", "MEET", "127.0.0.1", port(c.Nodes[0].Addr()), port(c.Nodes[0].bus.Addr())).Err())
		}
	}
	for i, n := range c.Nodes[masters:] {
		id := c.Nodes[i].ID()
		var err error
		if !poll(20*time.Second, func() bool { err = n.Client().ClusterReplicate(ctx, id).Err(); return err == nil }) {
			must(err)
		}
	}
	c.client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs(), DisableIdentity: true, DialerRetries: 1})
	t.Cleanup(func() { _ = c.client.Close() })
	c.WaitWhole()
	return c
}

// Addrs is what store.addresses takes.
func (c *Cluster) Addrs() []string {
	var all []string
	for _, n := range c.Nodes[:3] {
		all = append(all, n.Addr())
	}
	return all
}

// Config is how to open a store on it: each master's replica is waited for.
func (c *Cluster) Config(t testing.TB) store.Options {
	t.Helper()
	return store.Options{
		Mode: store.ModeExternal, Addresses: c.Addrs(), Cluster: true, Replicas: 1,
		KeyFile: KeyFile(t), DataDir: t.TempDir(),
	}
}

// Settings is the same as a configuration's keys below store.
func (c *Cluster) Settings() map[string]any {
	return map[string]any{"addresses": c.Addrs(), "cluster": true, "kept.replicas": 1}
}

// Client looks at the data of all nodes.
func (c *Cluster) Client() redis.UniversalClient {
	c.client.ReloadState(context.Background())
	return c.client
}

// ID is the node's name in the cluster.
func (n *Node) ID() string {
	id, _ := n.Client().Do(context.Background(), "CLUSTER", "MYID").Text()
	return id
}

// Masters are the nodes that hold slots, as the first that answers says.
func (c *Cluster) Masters() []*Node {
	var found []*Node
	for _, r := range c.slots() {
		if !slices.Contains(found, r.master) {
			found = append(found, r.master)
		}
	}
	return found
}

// slotRange is some slots and who holds them.
type slotRange struct {
	from, to int64
	master   *Node
}

// slots are told by the first node that says that all is well with the cluster.
func (c *Cluster) slots() (found []slotRange) {
	for _, n := range c.Nodes {
		var shards []redis.ClusterShard
		ask(n.Redis.Addr(), func(ctx context.Context, r *redis.Client) {
			if info, err := r.ClusterInfo(ctx).Result(); err == nil && strings.Contains(info, "cluster_state:ok") {
				shards, _ = r.ClusterShards(ctx).Result()
			}
		})
		for _, shard := range shards {
			for _, node := range shard.Nodes {
				m := c.at(net.JoinHostPort(node.IP, strconv.FormatInt(node.Port, 10)))
				if m == nil || node.Role != "master" {
					continue
				}
				for _, s := range shard.Slots {
					found = append(found, slotRange{s.Start, s.End, m})
				}
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func (c *Cluster) at(addr string) *Node {
	for _, n := range c.Nodes {
		if n.Addr() == addr {
			return n
		}
	}
	return nil
}

// Owner is the master that has a key's slot.
func (c *Cluster) Owner(key string) *Node {
	c.t.Helper()
	slot, err := c.Nodes[0].Client().ClusterKeySlot(context.Background(), key).Result()
	c.must(err)
	return c.ownerOf(slot)
}

func (c *Cluster) ownerOf(slot int64) *Node {
	for _, r := range c.slots() {
		if r.from <= slot && slot <= r.to {
			return r.master
		}
	}
	return nil
}

// Isolate cuts a node off from the others; clients still reach it.
func (c *Cluster) Isolate(n *Node) { n.cut(c.Nodes) }

// Heal ends every partition.
func (c *Cluster) Heal() { heal(c.Nodes) }

// WaitFailover waits until old holds no slots any more in the eyes of the others.
func (c *Cluster) WaitFailover(old *Node) {
	c.t.Helper()
	if !poll(30*time.Second, func() bool {
		for _, n := range c.Nodes {
			if n == old || n.Pid() == 0 {
				continue
			}
			var nodes, info string
			ask(n.Redis.Addr(), func(ctx context.Context, r *redis.Client) {
				nodes, _ = r.ClusterNodes(ctx).Result()
				info, _ = r.ClusterInfo(ctx).Result()
			})
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384") {
				return false
			}
			for line := range strings.Lines(nodes) {
				f := strings.Fields(line)
				if len(f) > 8 && strings.HasPrefix(f[1], "127.0.0.1:"+port(old.Addr())+"@") {
					return false
				}
			}
		}
		return true
	}) {
		c.t.Fatal("storetest: the cluster promotes nobody")
	}
}

// WaitWhole waits until every node says that all is well, and every replica follows its master.
func (c *Cluster) WaitWhole() {
	c.t.Helper()
	why := ""
	if !poll(30*time.Second, func() bool { why = c.incomplete(); return why == "" }) {
		c.t.Fatalf("storetest: the cluster is not whole: %s", why)
	}
}

func (c *Cluster) incomplete() string {
	replicas := 0
	for i, n := range c.Nodes {
		var info, nodes string
		ask(n.Redis.Addr(), func(ctx context.Context, r *redis.Client) {
			info, _ = r.ClusterInfo(ctx).Result()
			nodes, _ = r.ClusterNodes(ctx).Result()
		})
		switch {
		case !strings.Contains(info, "cluster_state:ok"):
			return fmt.Sprintf("node %d says %q", i, strings.TrimSpace(strings.SplitN(info, "\n", 2)[0]))
		case !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", len(c.Nodes))):
			return fmt.Sprintf("node %d does not know all", i)
		case strings.Contains(nodes, "fail"), strings.Contains(nodes, "handshake"):
			return fmt.Sprintf("node %d sees a node fail:\n%s", i, nodes)
		}
		if role := n.info(); strings.Contains(role, "role:slave") {
			if !strings.Contains(role, "master_link_status:up") {
				return fmt.Sprintf("node %d does not follow yet", i)
			}
			replicas++
		}
	}
	if replicas != len(c.Nodes)/2 {
		return fmt.Sprintf("%d replicas", replicas)
	}
	return ""
}

// Return starts a killed node again; it finds its place by its own nodes.conf.
func (c *Cluster) Return(n *Node) { c.t.Helper(); n.Restart() }

// HalfMove begins to move the slot of key to another master, moves the keys that some picks, and leaves it so.
func (c *Cluster) HalfMove(key string, some func(key string) bool) {
	c.t.Helper()
	from, to, slot := c.begin(key)
	for _, k := range c.keys(from, slot) {
		if some(k) {
			c.migrate(from, to, k)
		}
	}
}

// MoveSlot moves the slot of key to another master while it is served, from where HalfMove left it: between each of its
// keys, step is called.
func (c *Cluster) MoveSlot(key string, step func()) {
	c.t.Helper()
	from, to, slot := c.begin(key)
	for keys := c.keys(from, slot); len(keys) > 0; keys = c.keys(from, slot) {
		for _, k := range keys {
			c.migrate(from, to, k)
			step()
		}
	}
	c.must(to.Client().Do(context.Background(), "CLUSTER", "SETSLOT", slot, "NODE", to.ID()).Err()) // first: the slot is never nobody's
	for _, m := range c.Masters() {
		if m != to {
			c.must(m.Client().Do(context.Background(), "CLUSTER", "SETSLOT", slot, "NODE", to.ID()).Err())
		}
	}
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("storetest: move a slot: %v", err)
	}
}

// begin tells both sides that the slot moves.
func (c *Cluster) begin(key string) (from, to *Node, slot int64) {
	c.t.Helper()
	ctx := context.Background()
	slot, err := c.Nodes[0].Client().ClusterKeySlot(ctx, key).Result()
	c.must(err)
	from, masters := c.ownerOf(slot), c.Masters()
	for _, m := range masters {
		if m != from && (to == nil || m.number > from.number) { // the same each time
			to = m
		}
	}
	if from == nil || to == nil {
		c.t.Fatal("storetest: no two masters to move a slot between")
	}
	c.must(to.Client().Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.ID()).Err())
	c.must(from.Client().Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.ID()).Err())
	return from, to, slot
}

func (c *Cluster) keys(from *Node, slot int64) []string {
	c.t.Helper()
	keys, err := from.Client().ClusterGetKeysInSlot(context.Background(), int(slot), 100).Result()
	c.must(err)
	return keys
}

func (c *Cluster) migrate(from, to *Node, key string) {
	c.t.Helper()
	c.must(from.Client().Do(context.Background(), "MIGRATE", "127.0.0.1", port(to.Redis.Addr()), key, 0, 2000).Err())
}
