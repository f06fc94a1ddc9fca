package staffapi

import (
	"crypto/tls"
	"net"
	"sync"
)

// limitConns takes at most n connections at once; further ones wait in the kernel's backlog.
func limitConns(ln net.Listener, n int) net.Listener {
	return &limitedListener{Listener: ln, places: make(chan struct{}, n), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Accept waits for a free place, then for a connection.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{Conn: c, free: sync.OnceFunc(func() { <-l.places })}, nil
}

// Close ends a waiting Accept too.
func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// dressed wraps each new connection in TLS where there is one at that moment.
type dressed struct {
	net.Listener
	tls func() *tls.Config // nil: plain
}

// Accept waits for a connection; its handshake is the server's.
func (d *dressed) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if config := d.tls(); err == nil && config != nil {
		return tls.Server(c, config), nil
	}
	return c, err
}

type limitedConn struct {
	net.Conn
	free func()
}

// Close gives the place back.
func (c *limitedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}
