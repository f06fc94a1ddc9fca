package testenv

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports below those that systems give by themselves (Linux: from 32768), so that no connection and no listener on port 0
// takes one between its choice and its use.
const firstPort, lastPort = 20000, 32000

var given struct {
	sync.Mutex
	ports map[int]bool // given to a test of this process
}

// FreePort is a TCP port on loopback that was free a moment ago, and is given only once. Where the code under test can take
// a listener, give it one on port 0 instead: only that cannot be lost to another process.
func FreePort(t testing.TB) int {
	t.Helper()
	given.Lock()
	defer given.Unlock()
	if given.ports == nil {
		given.ports = map[int]bool{}
	}
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if given.ports[port] {
			continue
		}
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = ln.Close()
		given.ports[port] = true
		return port
	}
	t.Fatal("testenv: no free port on loopback")
	return 0
}

// FreeAddr is 127.0.0.1 with a [FreePort].
func FreeAddr(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t)))
}
