package storetest

import (
	"fmt"
	"net"
	"testing"

	"aduan/internal/testenv"
)

// Clients is the host that daemons and stores of a test connect from. Nodes connect from hosts of their own, so that a
// partition can tell who is who.
const Clients = "127.0.0.1"

// Node is a redis-server that others reach over a network which can be partitioned.
//
//	clients, nodes, sentinels ══ Front ══ Redis (replication, commands)
//	nodes of a cluster ════════ bus ════ Redis (gossip)
type Node struct {
	*Redis
	Front *Proxy // the address that it announces

	bus  *Proxy // nil outside of a cluster
	host string // where its own connections come from

	number int
}

// newNode makes a node's network; nothing runs yet.
func newNode(t testing.TB, number int) (n *Node, addr string) {
	t.Helper()
	addr = testenv.FreeAddr(t)
	return &Node{Front: NewProxy(t, addr), host: fmt.Sprintf("127.0.0.%d", 10+number), number: number}, addr
}

// replicated is what a server that is to be promoted says in its redis.conf.
func (n *Node) replicated() []string {
	return []string{
		"bind-source-addr " + n.host, "repl-diskless-sync-delay 0", "repl-ping-replica-period 1",
		"replica-announce-ip 127.0.0.1", "replica-announce-port " + port(n.Front.Addr()),
	}
}

// Addr is where clients and other nodes reach it; Redis.Addr leads past the network.
func (n *Node) Addr() string { return n.Front.Addr() }

// cut keeps n and others apart, both ways.
func (n *Node) cut(others []*Node) {
	for _, o := range others {
		if o == n {
			continue
		}
		for _, side := range [2][2]*Node{{n, o}, {o, n}} {
			side[0].Front.Bar(side[1].host)
			if side[0].bus != nil {
				side[0].bus.Bar(side[1].host)
			}
		}
	}
}

func heal(nodes []*Node) {
	for _, n := range nodes {
		n.Front.Unbar()
		if n.bus != nil {
			n.bus.Unbar()
		}
	}
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
