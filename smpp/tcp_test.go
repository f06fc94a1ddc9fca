package smpp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"aduan/smpp"
)

// onTCP runs a link against a listener of its own and hands on what it accepts.
func onTCP(t *testing.T, change func(*smpp.LinkOptions), server func(net.Conn) net.Conn) (*rig, func() *peer) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := rigged(t, func(o *smpp.LinkOptions) {
		o.Address, o.Dial = ln.Addr().String(), nil
		o.ReconnectMin, o.ReconnectMax = time.Millisecond, 10*time.Millisecond
		o.ShutdownTimeout = time.Second
		if change != nil {
			change(o)
		}
	})
	t.Cleanup(func() { _ = ln.Close() })
	return r, func() *peer {
		t.Helper()
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if server != nil {
			conn = server(conn)
		}
		return newPeer(t, conn)
	}
}

// A peer in full flow reads our reason and then a clean end, not a reset.
func TestOverTCPTheLastWordIsReadThoughMuchIsUnread(t *testing.T) {
	r, accept := onTCP(t, nil, nil)
	p := accept().bound()
	p.send(append(deliverSM(1, "before"), annotated(t, "0000000f 00000015 00000000 00000007")...))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := p.conn.Write(make([]byte, 1<<16)); err != nil {
					t.Errorf("the connection was reset: %v", err)
					return
				}
			}
		}
	}()
	if d := <-r.deliveries; string(d.Message.ShortMessage) != "before" {
		t.Error("what came whole before the fault")
	}
	if h, _ := p.expect(smpp.CmdGenericNack); h.Status != smpp.StatusRINVCMDLEN || h.Seq != 7 {
		t.Errorf("%+v", h)
	}
	if _, _, err := p.next(); !errors.Is(err, io.EOF) {
		t.Errorf("want a clean end, got %v", err)
	}
	close(stop)
	<-stopped
	_ = p.conn.Close()
	p = accept().bound()
	p.stillServed()
	r.finish(p)
}

// S1: reset in the middle of a PDU.
func TestS1OverTCPResetInMidPDU(t *testing.T) {
	r, accept := onTCP(t, nil, nil)
	for range 5 {
		p := accept().bound()
		p.send(deliverSM(1, "whole"))
		p.send(deliverSM(2, "half")[:20])
		d := <-r.deliveries
		_ = p.conn.(*net.TCPConn).SetLinger(0)
		_ = p.conn.Close()
		<-r.closed
		if string(d.Message.ShortMessage) != "whole" || len(r.deliveries) != 0 {
			t.Error("not just the whole one")
		}
	}
	p := accept().bound()
	p.stillServed()
	r.finish(p)
}

func TestOverTCPDropClosesAtOnce(t *testing.T) {
	r, accept := onTCP(t, nil, nil)
	p := accept().bound()
	r.waitState(smpp.LinkBound)
	r.link.Drop("fenced")
	p.expectEnd()
	p = accept().bound()
	p.stillServed()
	r.finish(p)
}

func TestOverTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "smsc"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	secure := func(c net.Conn) net.Conn {
		return tls.Server(c, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	}
	t.Run("binds and serves", func(t *testing.T) {
		r, accept := onTCP(t, func(o *smpp.LinkOptions) {
			o.TLS = func() (*tls.Config, error) { return &tls.Config{RootCAs: roots}, nil }
		}, secure)
		p := accept().bound()
		p.deliver(1, "hi")
		(<-r.deliveries).Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		r.finish(p)
	})
	t.Run("never talks to a stranger", func(t *testing.T) {
		r, accept := onTCP(t, func(o *smpp.LinkOptions) {
			o.TLS = func() (*tls.Config, error) { return &tls.Config{RootCAs: x509.NewCertPool()}, nil }
			o.ReconnectMin = time.Minute
		}, secure)
		p := accept()
		p.expectEnd()
		r.waitState(smpp.LinkWaiting)
		if got := r.link.Status().Reason; !strings.HasPrefix(got, "TLS: ") {
			t.Errorf("reason %q", got)
		}
		r.finish()
	})
}

func TestPoolKeepsAllItsLinksBound(t *testing.T) {
	var links []*smpp.Link
	var listeners []net.Listener
	for _, name := range []string{"one", "two"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ln.Close() }()
		link, err := smpp.NewLink(smpp.LinkOptions{Name: name, Address: ln.Addr().String(), Handler: newRecorder(), ShutdownTimeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		links, listeners = append(links, link), append(listeners, ln)
	}
	pool := smpp.NewPool(links)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- pool.Run(ctx) }()
	var peers []*peer
	for _, ln := range listeners {
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		peers = append(peers, newPeer(t, conn).bound())
	}
	for _, name := range []string{"one", "two"} {
		link, ok := pool.Link(name)
		if !ok {
			t.Fatalf("no link %s", name)
		}
		for changed := link.Changes(); !link.Bound(); changed = link.Changes() {
			<-changed
		}
	}
	if _, ok := pool.Link("three"); ok || len(pool.Links()) != 2 || !pool.Bound() {
		t.Error("the pool's links")
	}
	cancel()
	for _, p := range peers {
		go p.takeLeave()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
