package intake_test

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// half is one direction of a connection in memory: a buffer as a socket has
// one. Nothing is held while waiting, so that virtual time goes on.
type half struct {
	wake chan struct{}

	mu   sync.Mutex
	buf  []byte
	eof  bool
	held bool // nothing of it can be read: the link stalls, or the process stands still
}

func newHalf() *half { return &half{wake: make(chan struct{}, 1)} }

func (h *half) change(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// pipe is one end of a connection.
type pipe struct {
	in, out *half
	once    sync.Once
	closed  chan struct{}

	mu       sync.Mutex
	deadline time.Time
}

func newPipe() (a, b *pipe) {
	x, y := newHalf(), newHalf()
	return &pipe{in: x, out: y, closed: make(chan struct{})}, &pipe{in: y, out: x, closed: make(chan struct{})}
}

func (c *pipe) Read(p []byte) (int, error) {
	for {
		select {
		case <-c.closed:
			return 0, net.ErrClosed
		default:
		}
		c.in.mu.Lock()
		n, eof := 0, c.in.eof && !c.in.held
		if !c.in.held {
			n = copy(p, c.in.buf)
			c.in.buf = c.in.buf[n:]
		}
		c.in.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case eof:
			return 0, io.EOF
		}
		if err := c.wait(); err != nil {
			return 0, err
		}
	}
}

func (c *pipe) wait() error {
	c.mu.Lock()
	at := c.deadline
	c.mu.Unlock()
	var timeout <-chan time.Time
	if !at.IsZero() {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-c.in.wake:
		return nil
	case <-c.closed:
		return net.ErrClosed
	case <-timeout:
		return os.ErrDeadlineExceeded
	}
}

func (c *pipe) Write(p []byte) (int, error) {
	err := error(nil)
	c.out.change(func() {
		if c.out.eof {
			err = io.ErrClosedPipe
			return
		}
		c.out.buf = append(c.out.buf, p...)
	})
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *pipe) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.out.change(func() { c.out.eof = true })
	})
	return nil
}

func (c *pipe) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	c.in.change(func() {})
	return nil
}
func (c *pipe) SetWriteDeadline(time.Time) error { return nil }
func (c *pipe) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *pipe) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *pipe) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
