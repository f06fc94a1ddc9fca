package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/testenv"
	"aduan/store"
	"aduan/store/internal/redisd"
)

// MasterName is what the sentinels call their master.
const MasterName = "line"

// Sentinels is a master with its replicas, watched by sentinels.
//
//	store ══ Watch (3 sentinels)
//	   ╚════ Nodes (1 master, 2 replicas), each behind its Front
type Sentinels struct {
	Nodes []*Node  // the first was the master at the start
	Watch []*Proxy // before each sentinel

	t     testing.TB
	hosts []*Node // the sentinels' own, for partitions: no server behind them
	fsync string
	args  []string
}

// SentinelOptions describes [StartSentinels]; the zero value is 1 master, 2 replicas and 3 sentinels with appendfsync
// always.
type SentinelOptions struct {
	Replicas int      // default 2
	Fsync    string   // default always
	Args     []string // more lines of each redis.conf
}

// StartSentinels starts them and waits until every replica follows. They are killed when the test ends.
func StartSentinels(t testing.TB, o SentinelOptions) *Sentinels {
	t.Helper()
	testenv.RedisServer(t)
	if o.Replicas == 0 {
		o.Replicas = 2
	}
	s := &Sentinels{t: t, fsync: o.Fsync, args: o.Args}
	for i := range 1 + o.Replicas {
		n, addr := newNode(t, i)
		args := append(n.replicated(), o.Args...)
		if i > 0 {
			args = append(args, "replicaof 127.0.0.1 "+port(s.Nodes[0].Addr()))
		}
		n.Redis = Start(t, Options{Addr: addr, Fsync: o.Fsync, Args: args})
		s.Nodes = append(s.Nodes, n)
	}
	s.whole(s.Nodes[0], o.Replicas)
	for i := range 3 {
		s.sentinel(i)
	}
	if !poll(20*time.Second, s.known) {
		t.Fatal("storetest: the sentinels do not find each other and the replicas")
	}
	return s
}

// sentinel starts one, behind a network of its own.
func (s *Sentinels) sentinel(i int) {
	s.t.Helper()
	addr, host := testenv.FreeAddr(s.t), fmt.Sprintf("127.0.0.%d", 100+i)
	front := NewProxy(s.t, addr)
	dir := s.t.TempDir()
	conf := strings.Join([]string{
		"port " + port(addr), "bind 127.0.0.1", "bind-source-addr " + host, "dir " + dir,
		"sentinel announce-ip 127.0.0.1", "sentinel announce-port " + port(front.Addr()),
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %s 2", MasterName, port(s.Nodes[0].Addr())),
		"sentinel down-after-milliseconds " + MasterName + " 1000", "sentinel failover-timeout " + MasterName + " 3000", "",
	}, "\n")
	if err := os.WriteFile(filepath.Join(dir, "s.conf"), []byte(conf), 0o600); err != nil {
		s.t.Fatal(err)
	}
	child, err := redisd.Start(redisd.Config{ // it writes its file itself, so it cannot come through standard input
		Binary: testenv.RedisServer(s.t), Dir: dir, Wrap: []string{"sh", "-c", `exec "$1" s.conf --sentinel`, "sh"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(child.Kill)
	s.Watch = append(s.Watch, front)
	s.hosts = append(s.hosts, &Node{Front: front, host: host})
}

// Addrs is what store.addresses takes.
func (s *Sentinels) Addrs() []string {
	var all []string
	for _, p := range s.Watch {
		all = append(all, p.Addr())
	}
	return all
}

// Config is how to open a store on them: every replica is waited for.
func (s *Sentinels) Config(t testing.TB) store.Options {
	t.Helper()
	return store.Options{
		Mode: store.ModeExternal, Addresses: s.Addrs(), SentinelMaster: MasterName, Replicas: len(s.Nodes) - 1, Fsync: s.fsync,
		KeyFile: KeyFile(t), DataDir: t.TempDir(),
	}
}

// Settings is the same as a configuration's keys below store.
func (s *Sentinels) Settings() map[string]any {
	return map[string]any{"addresses": s.Addrs(), "sentinel_master": MasterName, "kept.replicas": len(s.Nodes) - 1}
}

// Master is the node that the sentinels call the master; nil while they do not agree.
func (s *Sentinels) Master() *Node {
	var found *Node
	for _, h := range s.hosts {
		var addr []string
		ask(h.Front.target, func(ctx context.Context, c *redis.Client) {
			addr, _ = c.Do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName).StringSlice()
		})
		if len(addr) != 2 {
			return nil
		}
		n := s.at(addr[1])
		if n == nil || found != nil && n != found {
			return nil
		}
		found = n
	}
	return found
}

func (s *Sentinels) at(p string) *Node {
	for _, n := range s.Nodes {
		if port(n.Addr()) == p {
			return n
		}
	}
	return nil
}

// Client looks at the master's data, past the network. The caller asks anew after a failover.
func (s *Sentinels) Client() redis.UniversalClient {
	var m *Node
	if !poll(20*time.Second, func() bool { m = s.Master(); return m != nil && m.Pid() != 0 }) {
		s.t.Fatal("storetest: the sentinels agree on no master that runs")
	}
	return m.Client()
}

// Isolate cuts a node off from the others and from the sentinels; clients still reach it.
func (s *Sentinels) Isolate(n *Node) {
	n.cut(s.Nodes)
	n.cut(s.hosts)
}

// Blind keeps clients from the sentinels: they stay with the master that they know.
func (s *Sentinels) Blind() {
	for _, p := range s.Watch {
		p.Bar(Clients)
	}
}

// See ends Blind.
func (s *Sentinels) See() { heal(s.hosts) }

// Heal ends every partition.
func (s *Sentinels) Heal() {
	heal(s.Nodes)
	heal(s.hosts)
}

// WaitFailover waits until another node than old is the master, and answers as one: that of the moment.
func (s *Sentinels) WaitFailover(old *Node) *Node {
	s.t.Helper()
	var m *Node
	if !poll(30*time.Second, func() bool {
		m = s.Master()
		return m != nil && m != old && m.role() == "master"
	}) {
		s.t.Fatal("storetest: the sentinels promote nobody")
	}
	return m
}

// Follow makes every other node that runs a replica of the master, as an operator does who does not wait for the
// sentinels (they take 10 s), and waits until all follow.
func (s *Sentinels) Follow() {
	s.t.Helper()
	if !poll(40*time.Second, func() bool {
		m := s.Master() // asked anew: on a busy machine the sentinels may promote once more
		if m == nil || m.role() != "master" {
			return false
		}
		n := 0
		for _, other := range s.Nodes {
			if other == m || other.Pid() == 0 {
				continue
			}
			n++
			if other.role() == "master" {
				ask(other.Redis.Addr(), func(ctx context.Context, c *redis.Client) {
					c.ReplicaOf(ctx, "127.0.0.1", port(m.Addr()))
				})
			}
		}
		return m.online() == n
	}) {
		s.t.Fatal("storetest: not every replica follows the master")
	}
}

// Return starts a killed node again, as a replica of m.
func (s *Sentinels) Return(n, m *Node) {
	s.t.Helper()
	n.Restart(slices.Concat(n.replicated(), s.args, []string{"replicaof 127.0.0.1 " + port(m.Addr())})...)
}

// WaitWhole waits until every node follows the master.
func (s *Sentinels) WaitWhole() {
	s.t.Helper()
	if !poll(30*time.Second, func() bool { m := s.Master(); return m != nil && m.online() == len(s.Nodes)-1 }) {
		s.t.Fatal("storetest: not every replica follows the master")
	}
}

func (s *Sentinels) whole(m *Node, n int) {
	s.t.Helper()
	if !poll(30*time.Second, func() bool { return m.online() == n }) {
		s.t.Fatalf("storetest: %d of %d replicas follow", m.online(), n)
	}
}

// known says whether every sentinel knows the others and every replica.
func (s *Sentinels) known() bool {
	for _, h := range s.hosts {
		replicas, others := 0, 0
		ask(h.Front.target, func(ctx context.Context, c *redis.Client) {
			list, _ := c.Do(ctx, "SENTINEL", "REPLICAS", MasterName).Slice()
			replicas = len(list)
			list, _ = c.Do(ctx, "SENTINEL", "SENTINELS", MasterName).Slice()
			others = len(list)
		})
		if replicas != len(s.Nodes)-1 || others != len(s.hosts)-1 {
			return false
		}
	}
	return len(s.hosts) == 3
}

// online is how many replicas follow n.
func (n *Node) online() int {
	return strings.Count(n.info(), "state=online")
}

// role is master or slave, as n says; "" where it does not answer.
func (n *Node) role() string {
	for line := range strings.Lines(n.info()) {
		if role, ok := strings.CutPrefix(strings.TrimSpace(line), "role:"); ok {
			return role
		}
	}
	return ""
}

func (n *Node) info() (text string) {
	ask(n.Redis.Addr(), func(ctx context.Context, c *redis.Client) { text, _ = c.Info(ctx, "replication").Result() })
	return text
}

// ask asks one server once.
func ask(addr string, what func(context.Context, *redis.Client)) {
	c := redis.NewClient(&redis.Options{Addr: addr, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1, PoolSize: 1})
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	what(ctx, c)
}

func poll(within time.Duration, ok func() bool) bool {
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
