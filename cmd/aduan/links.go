package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"aduan/configs"
	"aduan/internal/certs"
	"aduan/internal/intake"
	"aduan/internal/sender"
	"aduan/smpp"
	"aduan/smpp/segment"
)

// newLink makes the link to one operator.
func (l *line) newLink(name string, c configs.Link) (*smpp.Link, error) {
	tlsConfig, err := dialTLS(c, l.log)
	if err != nil {
		return nil, withCode(exitConfig, fmt.Errorf("smpp.links.%s.tls: %w", name, err))
	}
	bind := smpp.BindTransceiver
	if c.Bind == configs.BindPair {
		bind = smpp.BindPair
	}
	var lease smpp.Lease
	if c.Exclusive {
		lease = l.store.LineLease("link."+name, c.Takeover)
	}
	var count atomic.Int64
	link, err := smpp.NewLink(smpp.LinkOptions{
		Name: name, Address: c.Address, SystemID: c.SystemID, Password: c.Password.Reveal(),
		SystemType: c.SystemType, ServiceType: c.ServiceType, AddressRange: c.AddressRange,
		Source:      smpp.Address{TON: c.Source.TON, NPI: c.Source.NPI},
		Destination: smpp.Address{TON: c.Destination.TON, NPI: c.Destination.NPI},
		Bind:        bind, Sessions: c.Sessions, Window: c.Window,
		EnquireLink: c.EnquireLink, ResponseTimeout: c.ResponseTimeout, AckWithin: c.AckWithin,
		ReconnectMin: c.Reconnect.Min, ReconnectMax: c.Reconnect.Max, ShutdownWithin: l.shutdownWithin,
		TLS: tlsConfig, Handler: handler{l}, Gate: gate{l}, Lease: lease, Metrics: l.smppMetrics(), Log: l.log,
		// A session's id begins with the boot: its marks are known to be dead with it.
		SessionID: func() string {
			return l.store.BootID() + "." + name + "." + strconv.FormatInt(count.Add(1), 10)
		},
	})
	return link, withCode(exitConfig, err)
}

// shutdownWithin is what of shutdown_timeout the links may take to drain and unbind.
func (l *line) shutdownWithin() time.Duration { return l.conf().ShutdownTimeout / 2 }

// handler hands what the links receive to intake, which is built after them.
type handler struct{ l *line }

func (h handler) Deliver(d *smpp.Delivery)     { h.l.intake.Deliver(d) }
func (h handler) Proven(ds []*smpp.Delivery)   { h.l.intake.Proven(ds) }
func (h handler) SessionClosed(session string) { h.l.intake.SessionClosed(session) }

// gate holds submits back while this boot may not send (promise 5).
type gate struct{ l *line }

func (g gate) MaySend() bool { return g.l.store.MaySend() }

// intakeLink is what intake knows of a link.
func (l *line) intakeLink(name string) intake.Link {
	c := l.conf().SMPP.Links[name]
	return intake.Link{Alphabet: c.Alphabet, AckWithin: c.AckWithin}
}

// wireOf is how texts are written on a link.
func wireOf(c configs.Link) segment.Wire {
	w, err := segment.NewWire(c.Alphabet, c.NationalTables)
	if err != nil {
		return segment.Wire{Alphabet: c.Alphabet} // the settings were checked
	}
	return w
}

// wiresOf are the links that a text may go by: what it costs is told before it is known by which.
func wiresOf(cfg *configs.Config) segment.Wires {
	var all segment.Wires
	for _, name := range slices.Sorted(maps.Keys(cfg.SMPP.Links)) {
		all = append(all, wireOf(cfg.SMPP.Links[name]))
	}
	return all
}

// countOn says what an SMS costs on a link; one that is not configured any more counts as the default.
func (l *line) countOn(name, text string) (alphabet string, segments, left int) {
	cfg := l.conf()
	c, ok := cfg.SMPP.Links[name]
	if !ok {
		c = cfg.SMPP.Links[cfg.SMPP.Default()]
	}
	return wireOf(c).Count(text)
}

// senderLink is a link as the sender sees it.
func (l *line) senderLink(link *smpp.Link, c configs.Link) sender.Link {
	sessions := max(c.Sessions, 1)
	return sender.Link{
		Name: link.Name(), Window: c.Window * sessions,
		Source:      smpp.Address{TON: c.Source.TON, NPI: c.Source.NPI},
		Destination: smpp.Address{TON: c.Destination.TON, NPI: c.Destination.NPI},
		ServiceType: c.ServiceType, Wire: wireOf(c), Receipts: c.Receipts,
		Acquire: func(ctx context.Context) (sender.Slot, error) {
			slot, err := link.Acquire(ctx)
			if err != nil {
				return nil, err
			}
			return slot, nil
		},
		TryAcquire: func() (sender.Slot, bool) {
			slot, ok := link.TryAcquire()
			return slot, ok
		},
		Bound: link.Bound, Elsewhere: link.Elsewhere,
	}
}

// routes are which link carries what.
func routes(cfg *configs.Config) sender.Routes {
	r := sender.Routes{Default: cfg.SMPP.Default(), Links: make(map[string]sender.Route, len(cfg.SMPP.Links))}
	for name, c := range cfg.SMPP.Links {
		r.Links[name] = sender.Route{Prefixes: c.Prefixes, Fallback: c.Fallback, Rate: c.Rate, Alone: c.Exclusive}
	}
	return r
}

// smppMetrics are shared by all links: each registers once.
func (l *line) smppMetrics() *smpp.Metrics {
	if l.linkMetrics == nil {
		l.linkMetrics = smpp.NewMetrics(l.registry)
	}
	return l.linkMetrics
}

// dialTLS gives a link's TLS configuration for each new connection; nil: plain TCP.
func dialTLS(c configs.Link, log *zap.Logger) (func() (*tls.Config, error), error) {
	if !c.TLS.Enabled {
		return nil, nil
	}
	source, err := certs.New(func() (*tls.Config, error) { return c.TLS.Config(c.Address) }, log)
	if err != nil {
		return nil, err
	}
	return source.Config, nil
}
