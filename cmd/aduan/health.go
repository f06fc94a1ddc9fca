package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"aduan/configs"
	"aduan/internal/certs"
	"aduan/internal/handoff"
	"aduan/internal/staffapi"
	"aduan/internal/telemetry"
	"aduan/store"
)

// newHealth tells how the line is: what the store keeps, which links are
// bound, and what waits.
func (l *line) newHealth() *telemetry.Health {
	h := telemetry.NewHealth(telemetry.HealthOptions{
		Store: func() telemetry.StoreReport {
			ok, reason := l.store.Health()
			return telemetry.StoreReport{OK: ok, Reason: reason, Promise: l.store.Promise()}
		},
		Links: func() map[string]telemetry.LinkReport {
			all := map[string]telemetry.LinkReport{}
			for _, link := range l.pool.Links() {
				st := link.Status()
				report := telemetry.LinkReport{State: st.State, Bound: link.Bound(), Reason: st.Reason}
				if rate := l.rate(st.Name); report.Reason == "" && (rate.Stopped != "" || rate.Waits || rate.Learnt > 0) {
					report.Reason = rate.String()
				}
				all[st.Name] = report
			}
			return all
		},
		Behind: func() telemetry.Behind {
			s := l.backlog.Load()
			if s == nil {
				return telemetry.Behind{}
			}
			b := telemetry.Behind{Messages: s.Queued - s.Later}
			if !s.Oldest.IsZero() {
				b.Oldest = time.Since(s.Oldest)
			}
			return b
		},
	})
	h.Register(l.registry)
	return h
}

// backlogEvery is how often the store is asked what waits.
const backlogEvery = 5 * time.Second

// watch asks the store what waits, for health and metrics, until ctx ends.
func (l *line) watch(ctx context.Context) error {
	gauges := newBacklogGauges(l.registry)
	t := time.NewTicker(backlogEvery)
	defer t.Stop()
	for {
		call, cancel := context.WithTimeout(ctx, backlogEvery)
		if s, err := l.store.Stats(call); err == nil { // a store that is away is told of by its health
			l.backlog.Store(&s)
			l.brief.see(s.Queued - s.Later)
			gauges.queued.Set(float64(s.Queued))
			gauges.held.Set(float64(s.Held))
			gauges.dead.Set(float64(s.Dead))
			gauges.ticks.Set(float64(s.DueTicks))
			gauges.handoffs.Set(float64(s.Handoffs))
			gauges.parked.Set(float64(s.Parked))
			age := 0.0
			if !s.Oldest.IsZero() {
				age = max(time.Since(s.Oldest).Seconds(), 0)
			}
			gauges.oldest.Set(age)
		}
		cancel()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

type backlogGauges struct{ queued, held, dead, oldest, ticks, handoffs, parked prometheus.Gauge }

func newBacklogGauges(reg prometheus.Registerer) backlogGauges {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		reg.MustRegister(g)
		return g
	}
	return backlogGauges{
		queued:   gauge("aduan_outbox_sms", "SMS that are not accepted by an SMSC yet and have not ended."),
		held:     gauge("aduan_outbox_held_sms", "SMS of the outbox that a daemon holds in memory."),
		dead:     gauge("aduan_outbox_dead_sms", "SMS that ended dead: a person must send or drop them."),
		oldest:   gauge("aduan_outbox_oldest_seconds", "Age of the oldest SMS of the outbox; 0: there is none."),
		ticks:    gauge("aduan_conversations_waiting", "Conversations that wait for an answer or a time."),
		handoffs: gauge("aduan_handoff_waiting", "Tickets with events that the case system has not taken yet."),
		parked:   gauge("aduan_handoff_parked", "Tickets with an event that its receiver does not take: a person must send or drop it."),
	}
}

// newHandoff makes the hand-off; it waits where no webhook is configured.
func (l *line) newHandoff() error {
	e, err := endpointsOf(l.cfg)
	if err != nil {
		return err
	}
	l.handoff, err = handoff.New(handoff.Options{
		Store: l.store, Bodies: bodies{l}, Endpoint: e.general, Agencies: e.agencies, Now: l.timing.now, Log: l.log, Metrics: l.registry,
	})
	return withCode(exitConfig, err)
}

// source is the line as its events name it, a URI reference.
func source(cfg *configs.Config) string { return "/aduan/" + cfg.Line.ShortCode }

// endpoints are where events go.
type endpoints struct {
	general  handoff.Endpoint            // without URL: nowhere
	agencies map[string]handoff.Endpoint // by agency
}

// endpointsOf reads them from the configuration.
func endpointsOf(cfg *configs.Config) (endpoints, error) {
	one := func(key string, w configs.Webhook) (handoff.Endpoint, error) {
		allow, err := prefixes(key+".allow", w.Allow)
		if err != nil {
			return handoff.Endpoint{}, err
		}
		e := handoff.Endpoint{URL: w.URL, Secret: w.Secret.Reveal(), Allow: allow, Source: source(cfg), Key: key}
		return e, withCode(exitConfig, e.Check())
	}
	all := endpoints{agencies: map[string]handoff.Endpoint{}}
	var err error
	if w := cfg.CaseSystem.Webhook; w.URL != "" {
		if all.general, err = one("case_system.webhook", w); err != nil {
			return all, err
		}
	}
	for name, h := range cfg.CaseSystem.Agencies {
		w := configs.Webhook{URL: h.URL, Secret: h.Secret, Allow: h.Allow}
		if all.agencies[h.Agency], err = one("case_system.agencies."+name, w); err != nil {
			return all, err
		}
	}
	return all, nil
}

// web is what the listener goes by.
type web struct {
	mu       sync.Mutex // guards both
	settings staffapi.Settings
	places   int              // connections at once; 0: the usual
	api      *staffapi.Server // nil before it serves
}

// server is what serves; requests come only once it is there.
func (w *web) server() *staffapi.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.api
}

// use changes the settings, before the listener is served or while it is.
func (w *web) use(s staffapi.Settings) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settings = s
	if w.api != nil {
		w.api.Use(s)
	}
}

// serve makes the server by the settings of the moment.
func (w *web) serve(o staffapi.Options) (*staffapi.Server, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o.Settings, o.MaxConns = w.settings, w.places
	var err error
	w.api, err = staffapi.New(o)
	return w.api, err
}

// httpSettings are those of the listener; its certificate's files are read.
func httpSettings(cfg *configs.Config, log *zap.Logger) (staffapi.Settings, error) {
	s := staffapi.Settings{Hosts: cfg.HTTP.Hosts, Count: wiresOf(cfg).Count, ShutdownTimeout: cfg.ShutdownTimeout / 4}
	var err error
	if s.TrustedProxies, err = prefixes("http.trusted_proxies", cfg.HTTP.TrustedProxies); err != nil {
		return s, err
	}
	if cfg.HTTP.TLS.CertFile == "" && cfg.HTTP.TLS.KeyFile == "" {
		return s, nil
	}
	source, err := certs.New(cfg.HTTP.TLS.Config, log)
	if err != nil {
		return s, withCode(exitConfig, fmt.Errorf("http.tls: %w", err))
	}
	s.TLS = source.Server()
	return s, nil
}

// prefixes reads addresses and CIDR ranges.
func prefixes(key string, list []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		if !strings.Contains(s, "/") {
			a, err := netip.ParseAddr(s)
			if err != nil {
				return nil, withCode(exitConfig, fmt.Errorf("%s: %w; write an address or a range such as 10.0.0.0/8", key, err))
			}
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, withCode(exitConfig, fmt.Errorf("%s: %w; write an address or a range such as 10.0.0.0/8", key, err))
		}
		all = append(all, p)
	}
	return all, nil
}

// bodies makes the bodies of events; the desk is built after the hand-off.
type bodies struct{ l *line }

func (b bodies) Told(ctx context.Context, ev store.Event) (handoff.Told, error) {
	return b.l.desk.Told(ctx, ev)
}
