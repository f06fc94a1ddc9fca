package linkyear

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

var errReset = errors.New("connection reset by peer")

// half is one direction of a connection: a buffer, as sockets have. Nothing is held while anybody waits, so that
// virtual time goes on.
type half struct {
	readable, writable chan struct{}

	mu    sync.Mutex
	buf   []byte
	limit int // octets that fit
	eof   bool
	reset bool // what is unread is lost, and both sides are told
	held  bool // nothing of it can be read
}

func newHalf(limit int) *half {
	return &half{readable: make(chan struct{}, 1), writable: make(chan struct{}, 1), limit: limit}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (h *half) change(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	poke(h.readable)
	poke(h.writable)
}

// conn is one end of a connection.
type conn struct {
	in, out *half
	once    sync.Once
	closed  chan struct{}

	mu     sync.Mutex
	rd, wd time.Time
}

// newConn is the SMSC's end and the daemon's. The SMSC never waits for room: it could not misbehave meanwhile.
func newConn() (ours, theirs *conn) {
	x, y := newHalf(64<<10), newHalf(1<<30)
	return &conn{in: x, out: y, closed: make(chan struct{})}, &conn{in: y, out: x, closed: make(chan struct{})}
}

func (c *conn) wait(wake chan struct{}, deadline *time.Time) error {
	c.mu.Lock()
	at := *deadline
	c.mu.Unlock()
	var timeout <-chan time.Time
	if !at.IsZero() {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-wake:
		return nil
	case <-c.closed:
		return net.ErrClosed
	case <-timeout:
		return os.ErrDeadlineExceeded
	}
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		select {
		case <-c.closed:
			return 0, net.ErrClosed
		default:
		}
		h := c.in
		h.mu.Lock()
		n, err := 0, error(nil)
		switch {
		case h.held:
		case h.reset:
			err = errReset
		case len(h.buf) > 0:
			n = copy(p, h.buf)
			h.buf = h.buf[n:]
		case h.eof:
			err = io.EOF
		}
		h.mu.Unlock()
		if n > 0 {
			poke(h.writable)
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		if err := c.wait(h.readable, &c.rd); err != nil {
			return 0, err
		}
	}
}

func (c *conn) Write(p []byte) (n int, err error) {
	for {
		select {
		case <-c.closed:
			return n, net.ErrClosed
		default:
		}
		h := c.out
		h.mu.Lock()
		if (h.eof || h.reset) && !h.held {
			h.mu.Unlock()
			return n, io.ErrClosedPipe
		}
		room := max(min(len(p), h.limit-len(h.buf)), 0)
		h.buf = append(h.buf, p[:room]...)
		h.mu.Unlock()
		poke(h.readable)
		n, p = n+room, p[room:]
		if len(p) == 0 {
			return n, nil
		}
		if err := c.wait(h.writable, &c.wd); err != nil {
			return n, err
		}
	}
}

// CloseWrite ends our direction once what was written is read.
func (c *conn) CloseWrite() error {
	c.out.change(func() { c.out.eof = true })
	return nil
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.out.change(func() { c.out.eof = true })
		c.in.change(func() { c.in.eof = true })
	})
	return nil
}

// abort closes with a reset: what is unread in either direction is lost.
func (c *conn) abort() {
	c.out.change(func() { c.out.reset = true })
	c.in.change(func() { c.in.reset = true })
	_ = c.Close()
}

// blackHole lets nothing pass any more, either way, and tells nobody.
func (c *conn) blackHole() {
	c.out.change(func() { c.out.held = true })
	c.in.change(func() { c.in.held = true })
}

func (c *conn) set(d *time.Time, t time.Time, wake chan struct{}) error {
	c.mu.Lock()
	*d = t
	c.mu.Unlock()
	poke(wake)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error  { return c.set(&c.rd, t, c.in.readable) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.set(&c.wd, t, c.out.writable) }
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
func (c *conn) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (c *conn) RemoteAddr() net.Addr { return &net.TCPAddr{} }
