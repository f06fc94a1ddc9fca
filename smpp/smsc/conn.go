package smsc

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

var errCut = errors.New("smsc: cut on demand")

// pause holds up all readers while it is on.
type pause struct {
	mu sync.Mutex
	on chan struct{} // closed when it ends; nil: off
}

func (p *pause) set(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.on == nil:
		p.on = make(chan struct{})
	case !on && p.on != nil:
		close(p.on)
		p.on = nil
	}
}

func (p *pause) wait(closed <-chan struct{}) {
	p.mu.Lock()
	on := p.on
	p.mu.Unlock()
	if on == nil {
		return
	}
	select {
	case <-on:
	case <-closed:
	}
}

// conn is a connection that can be cut after so many octets.
type conn struct {
	net.Conn
	pause     *pause
	closed    chan struct{}
	closeOnce sync.Once
	hole      atomic.Bool  // nothing passes any more, and the peer is not told
	readLeft  atomic.Int64 // octets until it is cut; negative: no limit
	writeLeft atomic.Int64
}

func newConn(nc net.Conn, p *pause) *conn {
	c := &conn{Conn: nc, pause: p, closed: make(chan struct{})}
	c.readLeft.Store(-1)
	c.writeLeft.Store(-1)
	return c
}

func (c *conn) Read(b []byte) (int, error) {
	c.pause.wait(c.closed)
	n, err := c.Conn.Read(b)
	c.pause.wait(c.closed) // what came meanwhile is not seen before the pause ends
	if c.hole.Load() {
		<-c.closed
		return 0, errCut
	}
	left := c.readLeft.Load()
	if left < 0 {
		return n, err
	}
	if int64(n) >= left {
		c.reset()
		return int(left), errCut
	}
	c.readLeft.Add(-int64(n))
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	if c.hole.Load() {
		return len(b), nil
	}
	left := c.writeLeft.Load()
	if left < 0 {
		return c.Conn.Write(b)
	}
	if int64(len(b)) >= left {
		n, _ := c.Conn.Write(b[:left])
		// A FIN, not a reset: a reset may overtake the octets that must still arrive.
		_ = c.Close()
		return n, errCut
	}
	c.writeLeft.Add(-int64(len(b)))
	return c.Conn.Write(b)
}

// Close closes once. What is a black hole stays open underneath, so that the peer learns nothing, until fill.
func (c *conn) Close() (err error) {
	c.closeOnce.Do(func() {
		close(c.closed)
		if c.hole.Load() {
			err = c.Conn.SetReadDeadline(time.Unix(1, 0)) // our reader ends
			return
		}
		err = c.Conn.Close()
	})
	return err
}

// fill ends a black hole.
func (c *conn) fill() { _ = c.Conn.Close() }

// reset closes with RST, so that the peer loses what it has not read.
func (c *conn) reset() {
	inner := c.Conn
	if t, ok := inner.(interface{ NetConn() net.Conn }); ok {
		inner = t.NetConn()
	}
	if t, ok := inner.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
		_ = t.Close()
	}
	_ = c.Close()
}

func (c *conn) closeWrite() {
	if t, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite()
		return
	}
	_ = c.Close()
}
