package smpp_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"aduan/internal/certs/certstest"
	"aduan/smpp"
)

// S18: what is not safe is refused in plain words, and nothing of ours ever passes unencrypted.
func TestS18AnUnsafeConnectionIsRefusedInPlainWords(t *testing.T) {
	ca, other := certstest.New(t), certstest.New(t)
	year := 365 * 24 * time.Hour
	good, ours := ca.Issue(certstest.Options{}), ca.Issue(certstest.Options{})
	server := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	asks := &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}
	asks12 := asks.Clone()
	asks12.MaxVersion = tls.VersionTLS12
	for _, row := range []struct {
		name   string
		smsc   *tls.Config // nil: see raw
		raw    func(net.Conn)
		change func(*tls.Config)
		want   string // of the reason
	}{
		{name: "expired", smsc: server(ca.Issue(certstest.Options{From: time.Now().Add(-2 * year), To: time.Now().Add(-year)})), want: "the operator's certificate expired on "},
		{name: "not yet valid", smsc: server(ca.Issue(certstest.Options{From: time.Now().Add(year), To: time.Now().Add(2 * year)})), want: "is valid only from "},
		{name: "another name", smsc: server(ca.Issue(certstest.Options{Names: []string{"smsc.example"}})), want: `the operator's certificate is not for "127.0.0.1" but for smsc.example: set tls.server_name`},
		{name: "an unknown authority", smsc: server(other.Issue(certstest.Options{})), want: `(issuer "the test's authority") is signed by no authority of tls.ca_file`},
		{name: "an unknown authority, and no ca_file", smsc: server(other.Issue(certstest.Options{})), change: func(c *tls.Config) { c.RootCAs = nil }, want: "is signed by an authority that is not known here"},
		{name: "an unknown authority, though told not to look", smsc: server(other.Issue(certstest.Options{})), change: func(c *tls.Config) { c.InsecureSkipVerify = true }, want: "no authority of tls.ca_file"},
		{name: "the handshake stops", raw: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, want: "the handshake stopped"},
		{name: "closed in mid-handshake", raw: func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 64)) }, want: "the operator closed the connection in the middle of the handshake"},
		{name: "no TLS at all", raw: func(c net.Conn) { _, _ = c.Write(make([]byte, 16)); _, _ = io.Copy(io.Discard, c) }, want: "the operator's port does not speak TLS"},
		{name: "only TLS 1.1", smsc: &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, want: "no TLS 1.2 or newer"},
		{name: "a client certificate is asked for, TLS 1.3", smsc: asks, want: "the operator asks for a client certificate"},
		{name: "a client certificate is asked for, TLS 1.2", smsc: asks12, want: "the operator"},
		{name: "ours is another authority's", smsc: asks, change: func(c *tls.Config) { c.Certificates = []tls.Certificate{other.Issue(certstest.Options{})} }, want: "the operator refuses our client certificate"},
		{name: "ours has expired", smsc: asks, change: func(c *tls.Config) {
			c.Certificates = []tls.Certificate{ca.Issue(certstest.Options{From: time.Now().Add(-2 * year), To: time.Now().Add(-year)})}
		}, want: "it expired on "},
		{name: "all is well", smsc: asks, change: func(c *tls.Config) { c.Certificates = []tls.Certificate{ours} }},
	} {
		t.Run(row.name, func(t *testing.T) {
			read := make(chan []byte, 1)
			addr := listen(t, func(c net.Conn) {
				if row.smsc == nil {
					row.raw(c)
					return
				}
				spy := &spyConn{Conn: c}
				secure := tls.Server(spy, row.smsc)
				if secure.HandshakeContext(t.Context()) == nil {
					_, _ = io.Copy(io.Discard, secure)
				}
				select {
				case read <- spy.seen:
				default:
				}
			})
			link := tlsLink(t, addr, func() (*tls.Config, error) {
				c := &tls.Config{RootCAs: ca.Pool()}
				if row.change != nil {
					row.change(c)
				}
				return c, nil
			}, nil)
			if row.want == "" {
				await(t, "the handshake", func() bool { return link.Status().Certificates.Theirs.Equal(good.Leaf.NotAfter) })
				return
			}
			await(t, "the reason "+row.want+", got "+link.Status().Reason, func() bool {
				return strings.HasPrefix(link.Status().Reason, "TLS: ") && strings.Contains(link.Status().Reason, row.want)
			})
			if row.smsc != nil {
				if seen := <-read; strings.Contains(string(seen), "s3cret") {
					t.Error("the password passed in plain")
				}
			}
		})
	}
}

// The link says it before it is too late: in its status, the log and the metrics.
func TestS18ACertificateThatExpiresSoonIsToldOf(t *testing.T) {
	ca := certstest.New(t)
	soon := time.Now().Add(10*24*time.Hour + time.Minute)
	theirs := ca.Issue(certstest.Options{To: soon})
	r, accept := onTCP(t, func(o *smpp.LinkOptions) {
		o.TLS = func() (*tls.Config, error) { return &tls.Config{RootCAs: ca.Pool()}, nil }
	}, func(c net.Conn) net.Conn {
		return tls.Server(c, &tls.Config{Certificates: []tls.Certificate{theirs}})
	})
	p := accept().bound()
	r.waitState(smpp.LinkBound)
	st := r.link.Status()
	if want := "the operator's certificate expires on " + soon.UTC().Format(time.DateOnly) + ", in 10 days: ask the operator for a new one"; st.Reason != want {
		t.Errorf("reason %q, want %q", st.Reason, want)
	}
	if !st.Certificates.Theirs.Equal(theirs.Leaf.NotAfter) || !st.Certificates.Ours.IsZero() {
		t.Errorf("%+v", st.Certificates)
	}
	r.finish(p)
}

func TestTheMetricsTellWhenCertificatesExpire(t *testing.T) {
	ca := certstest.New(t)
	theirs, ours := ca.Issue(certstest.Options{}), ca.Issue(certstest.Options{To: time.Now().Add(48 * time.Hour)})
	addr := listen(t, func(c net.Conn) {
		_, _ = io.Copy(io.Discard, tls.Server(c, &tls.Config{Certificates: []tls.Certificate{theirs}, ClientAuth: tls.RequireAnyClientCert}))
	})
	reg := prometheus.NewRegistry()
	var shown atomic.Pointer[tls.Certificate]
	shown.Store(&ours)
	link := tlsLink(t, addr, func() (*tls.Config, error) {
		return &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{*shown.Load()}}, nil
	}, reg)
	gauge := func(want x509.Certificate) bool {
		all, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if f.GetName() != "aduan_link_certificate_expiry_timestamp_seconds" {
				continue
			}
			for _, m := range f.GetMetric() {
				if int64(m.GetGauge().GetValue()) == want.NotAfter.Unix() {
					return true
				}
			}
		}
		return false
	}
	await(t, "both certificates", func() bool { return gauge(*theirs.Leaf) && gauge(*ours.Leaf) })
	if n, err := testutil.GatherAndCount(reg, "aduan_link_certificate_expiry_timestamp_seconds"); n != 2 || err != nil {
		t.Errorf("%d series, %v", n, err)
	}
	renewed := ca.Issue(certstest.Options{To: time.Now().Add(96 * time.Hour)})
	shown.Store(&renewed)
	link.RenewCertificates()
	if !gauge(*renewed.Leaf) {
		t.Error("the renewed one is not shown")
	}
}

func TestWarningsCountTheDays(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name string
		c    smpp.Certificates
		want string
	}{
		{name: "no TLS"},
		{name: "long valid", c: smpp.Certificates{Theirs: now.AddDate(1, 0, 0), Ours: now.AddDate(0, 0, 30)}},
		{name: "theirs", c: smpp.Certificates{Theirs: now.AddDate(0, 0, 29)}, want: "the operator's certificate expires on 2026-12-22, in 29 days: ask the operator for a new one"},
		{name: "ours, gone", c: smpp.Certificates{Ours: now}, want: "our client certificate expired on 2026-11-23: have a new one made, put it in place, and send SIGHUP"},
	} {
		if got := row.c.Warning(now); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// tlsLink runs a link with short times until the test ends.
func tlsLink(t *testing.T, addr string, config func() (*tls.Config, error), reg prometheus.Registerer) *smpp.Link {
	t.Helper()
	link, err := smpp.NewLink(smpp.LinkOptions{
		Name: "main", Address: addr, SystemID: "aduan", Password: "s3cret", TLS: config, Handler: deaf{}, Metrics: smpp.NewMetrics(reg),
		ResponseTimeout: 300 * time.Millisecond, ReconnectMin: 5 * time.Millisecond, ReconnectMax: 10 * time.Millisecond, ShutdownTimeout: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = link.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return link
}

// listen serves each connection until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(time.Second))
			serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

type deaf struct{}

func (deaf) Deliver(*smpp.Delivery)  {}
func (deaf) Proven([]*smpp.Delivery) {}
func (deaf) SessionClosed(string)    {}

// spyConn remembers what passes on the wire.
type spyConn struct {
	net.Conn
	seen []byte
}

func (c *spyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.seen = append(c.seen, b[:n]...)
	return n, err
}
