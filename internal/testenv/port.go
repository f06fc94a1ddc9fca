package testenv

import (
	"net"
	"strconv"
	"testing"
)

// FreePort is a TCP port on loopback that was free a moment ago. Where the code under test can take a listener,
// give it one on port 0 instead: only that cannot be lost to another process.
func FreePort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testenv: no free port on loopback: %v", err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}

// FreeAddr is 127.0.0.1 with a [FreePort].
func FreeAddr(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t)))
}
