package storetest

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"aduan/internal/testenv"
)

// Direction is one way through a [Proxy].
type Direction int

// The two ways.
const (
	ToServer Direction = iota
	ToClient
)

// Proxy is a network between a client and a server that fails on command.
type Proxy struct {
	target string
	addr   string

	mu    sync.Mutex
	ln    net.Listener          // guarded by mu; nil while refusing
	links map[net.Conn]net.Conn // guarded by mu: client's connection → server's
	delay time.Duration         // guarded by mu: each read is handed on so much later
	hole  [2]bool               // guarded by mu: what comes is swallowed
	left  [2]int64              // guarded by mu: octets until the cut; -1: no cut
	bar   map[string]bool       // guarded by mu: hosts whose octets are swallowed, both ways
	cuts  int                   // guarded by mu
	wg    sync.WaitGroup
}

// NewProxy stands before target (host:port, or unix:/path) until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p := &Proxy{target: target, addr: testenv.FreeAddr(t), links: map[net.Conn]net.Conn{}, left: [2]int64{-1, -1}}
	if err := p.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Refuse()
		p.wg.Wait()
	})
	return p
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.addr }

// Accept takes connections (again).
func (p *Proxy) Accept() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ln != nil {
		return nil
	}
	ln, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.ln = ln
	p.wg.Go(func() { p.serve(ln) })
	return nil
}

// Refuse closes all connections and takes none until Accept.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	if p.ln != nil {
		_ = p.ln.Close()
		p.ln = nil
	}
	p.mu.Unlock()
	p.Cut()
}

// Cut resets all connections at once; new ones are taken.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, server := range p.links {
		reset(client)
		reset(server)
	}
}

// CutAfter resets the connection that carries the n-th octet in direction d from now on; that octet is not handed on.
// n = 0 cuts before the next octet. It works once.
func (p *Proxy) CutAfter(d Direction, n int64) {
	p.mu.Lock()
	p.left[d] = n
	p.mu.Unlock()
}

// Cuts is how many times CutAfter has cut.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// BlackHole swallows what is sent in direction d while on, without closing anything.
func (p *Proxy) BlackHole(d Direction, on bool) {
	p.mu.Lock()
	p.hole[d] = on
	p.mu.Unlock()
}

// Delay hands on everything so much later, both ways.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	p.delay = d
	p.mu.Unlock()
}

// Bar swallows, both ways, what connections from these hosts carry, old ones and new ones, without closing anything:
// what a partition does.
func (p *Proxy) Bar(hosts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		p.bar = map[string]bool{}
	}
	for _, h := range hosts {
		p.bar[h] = true
	}
}

// Unbar ends every Bar. Connections out of which octets were taken are reset.
func (p *Proxy) Unbar() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, server := range p.links {
		if p.bar[host(client)] {
			reset(client)
			reset(server)
		}
	}
	p.bar = nil
}

// host is where a connection comes from.
func host(c net.Conn) string {
	h, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	return h
}

func (p *Proxy) serve(ln net.Listener) {
	for {
		client, err := ln.Accept()
		if err != nil {
			return
		}
		network, addr := "tcp", p.target
		if path, ok := strings.CutPrefix(p.target, "unix:"); ok {
			network, addr = "unix", path
		}
		server, err := net.DialTimeout(network, addr, 2*time.Second)
		if err != nil {
			reset(client)
			continue
		}
		p.mu.Lock()
		if p.ln != ln { // refused meanwhile
			p.mu.Unlock()
			reset(client)
			reset(server)
			continue
		}
		p.links[client] = server
		p.mu.Unlock()
		p.wg.Go(func() { p.carry(ToServer, server, client, client) })
		p.wg.Go(func() { p.carry(ToClient, client, server, client) })
	}
}

// carry hands on what src sends until the connection (known by its client's end) ends.
func (p *Proxy) carry(d Direction, dst, src, client net.Conn) {
	defer func() {
		_ = src.Close()
		_ = dst.Close()
		p.mu.Lock()
		delete(p.links, client)
		p.mu.Unlock()
	}()
	buf, from := make([]byte, 32<<10), host(client)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			rest, cut, delay := p.judge(d, from, buf[:n])
			if delay > 0 {
				time.Sleep(delay) // the network's own slowness, not a wait for a result
			}
			if _, werr := dst.Write(rest); werr != nil {
				return
			}
			if cut {
				reset(src)
				reset(dst)
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// judge says what of b goes on, whether the connection is cut then, and how much later.
func (p *Proxy) judge(d Direction, from string, b []byte) (rest []byte, cut bool, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hole[d] || p.bar[from] {
		return nil, false, 0
	}
	if left := p.left[d]; left >= 0 {
		if int64(len(b)) > left {
			p.left[d] = -1
			p.cuts++
			return b[:left], true, p.delay
		}
		p.left[d] -= int64(len(b))
	}
	return b, false, p.delay
}

// reset closes c with an RST, as a network that dies does.
func reset(c io.Closer) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
