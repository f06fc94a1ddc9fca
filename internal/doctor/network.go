package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"aduan/smpp"
)

// network is how a connection is made; the zero value is the system's.
type network struct {
	Resolve func(ctx context.Context, host string) ([]string, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

func (n network) resolve(ctx context.Context, host string) ([]string, error) {
	if n.Resolve != nil {
		return n.Resolve(ctx, host)
	}
	return net.DefaultResolver.LookupHost(ctx, host)
}

func (n network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	if n.Dial != nil {
		return n.Dial(ctx, kind, address)
	}
	return new(net.Dialer).DialContext(ctx, kind, address)
}

// endpoint is what is to be reached.
type endpoint struct {
	address string // host:port
	secure  bool   // TLS is asked for
	tls     func() (*tls.Config, error)
	timeout time.Duration
	peer    string // the operator, the store
}

// resolve is the step "name"; nil: it failed.
func (x *examiner) resolve(ctx context.Context, n network, e endpoint) []string {
	began := x.now()
	host, port, err := net.SplitHostPort(e.address)
	if err != nil {
		x.fail(began, Invalid, Step{Name: "name", Detail: fmt.Sprintf("%q is not host:port", e.address), Do: "correct the address"})
		return nil
	}
	if net.ParseIP(host) != nil {
		x.step(began, Step{Name: "name", Result: OK, Detail: host + " is an address: nothing to look up"})
		return []string{e.address}
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	found, err := n.resolve(ctx, host)
	if err != nil || len(found) == 0 {
		words := "there is no address for the name " + host
		if err != nil {
			words = smpp.ConnectWords(err, e.address)
		}
		x.fail(began, Unreachable, Step{
			Name: "name", Detail: words, Do: "correct the address, or this machine's DNS",
			Ask: "which host name or address, reachable from where (internet, VPN), is ours?",
		})
		return nil
	}
	x.step(began, Step{Name: "name", Result: OK, Detail: host + " is " + strings.Join(found, ", ")})
	all := make([]string, len(found))
	for i, ip := range found {
		all[i] = net.JoinHostPort(ip, port)
	}
	return all
}

// connect is the steps "name", "tcp" and "tls"; nil: one failed. quiet: they went well before, and only a failure is told.
func (x *examiner) connect(ctx context.Context, n network, e endpoint) net.Conn {
	addresses := x.resolve(ctx, n, e)
	if addresses == nil {
		return nil
	}
	conn := x.tcp(ctx, n, e, addresses)
	if conn == nil || !e.secure {
		return conn
	}
	return x.secure(ctx, e, conn)
}

func (x *examiner) tcp(ctx context.Context, n network, e endpoint, addresses []string) net.Conn {
	began := x.now()
	var failures []string
	for _, a := range addresses {
		dialCtx, cancel := context.WithTimeout(ctx, e.timeout)
		conn, err := n.dial(dialCtx, "tcp", a)
		cancel()
		if err == nil {
			s := Step{Name: "tcp", Result: OK, Detail: "connected to " + a}
			if local := conn.LocalAddr(); local != nil {
				s.Detail += " from " + local.String()
			}
			if len(failures) > 0 {
				s.Result, s.Detail = Warning, s.Detail+"; but "+strings.Join(failures, "; ")
			}
			x.step(began, s)
			return conn
		}
		failures = append(failures, smpp.ConnectWords(err, a))
	}
	x.fail(began, Unreachable, Step{
		Name: "tcp", Detail: strings.Join(failures, "; "), Do: "compare address and port; look at firewall and VPN from this machine",
		Ask: fmt.Sprintf("is the port of %s open to our address, and do you see our SYN?", e.address),
	})
	return nil
}

func (x *examiner) secure(ctx context.Context, e endpoint, conn net.Conn) net.Conn {
	began := x.now()
	config, err := e.tls()
	if err != nil {
		_ = conn.Close()
		x.fail(began, Invalid, Step{Name: "tls", Detail: err.Error(), Do: "correct the files of tls"})
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	safe, ends, err := smpp.Secure(ctx, conn, config, e.address)
	if err != nil {
		var why *smpp.TLSError
		words := err.Error()
		if errors.As(err, &why) {
			words = why.Words
		}
		what, do, _ := strings.Cut(words, ": ")
		x.fail(began, Unreachable, Step{Name: "tls", Detail: what, Do: do, Ask: askTLS})
		return nil
	}
	state := safe.ConnectionState()
	s := Step{Name: "tls", Result: OK, Detail: fmt.Sprintf("%s, their certificate is valid until %s", tls.VersionName(state.Version), ends.Theirs.UTC().Format(time.DateOnly))}
	if !ends.Ours.IsZero() {
		s.Detail += ", ours until " + ends.Ours.UTC().Format(time.DateOnly)
	}
	if w := ends.Warning(x.now()); w != "" {
		s.Result, s.Do = Warning, w
	}
	x.step(began, s)
	return safe
}
