package staffapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"aduan/internal/desk"
	"aduan/smpp/segment"
	"aduan/store"
)

// Desk is what the API needs of the line; *turn.Desk is one. Its errors are those of package desk.
type Desk interface {
	Ticket(ctx context.Context, r desk.TicketRequest) (desk.TicketView, error)
	Message(ctx context.Context, r desk.MessageRequest) (desk.MessageView, error)
	// PushStatus and PushQuestion report replayed when the answer is that of an earlier request with the same Idempotency-Key.
	PushStatus(ctx context.Context, r desk.StatusRequest) (a desk.StatusAnswer, replayed bool, err error)
	PushQuestion(ctx context.Context, r desk.QuestionRequest) (a desk.StatusAnswer, replayed bool, err error)
}

// Keys finds API keys; *store.Store is one. An unknown secret is store.ErrNoKey.
type Keys interface {
	FindKey(ctx context.Context, secret string) (store.APIKey, error)
}

// Options are the parts and limits of a Server. Desk and Keys are required.
type Options struct {
	Desk Desk
	Keys Keys
	// Extra are other handlers of the same listener by their mux pattern ("/livez", "/phone/", "/"). The front covers them too;
	// "/metrics" is asked for a key with "operate" unless the listener is on loopback.
	Extra          map[string]http.Handler
	Hosts          []string       // Host names answered besides localhost and the connection's own address
	TrustedProxies []netip.Prefix // their X-Forwarded-For names the caller
	TLS            *tls.Config    // nil: plain
	Version        string         // of this binary, told in /openapi.json; default "dev"
	// Count says what an SMS costs: alphabet, segments, what is left in the last; default segment.Count.
	Count func(text string) (alphabet string, segments, left int)

	RateLimit       rate.Limit    // requests a second for a key; default 50
	RateBurst       int           // default 100
	FailedLimit     rate.Limit    // failed logins a second for a caller; default 0.2
	FailedBurst     int           // default 10
	MaxConns        int           // connections at once; default 1024
	ReadWithin      time.Duration // a body, or the head of a request; default 10 s
	ShutdownTimeout time.Duration // for requests under way when Run's context ends; default 5 s

	Now     func() time.Time // default time.Now
	Log     *zap.Logger
	Metrics prometheus.Registerer
}

func (o *Options) defaults() {
	o.Version = cmp.Or(o.Version, "dev")
	o.RateLimit = cmp.Or(o.RateLimit, 50)
	o.RateBurst = cmp.Or(o.RateBurst, 100)
	o.FailedLimit = cmp.Or(o.FailedLimit, 0.2)
	o.FailedBurst = cmp.Or(o.FailedBurst, 10)
	o.MaxConns = cmp.Or(o.MaxConns, 1024)
	o.ReadWithin = cmp.Or(o.ReadWithin, 10*time.Second)
	o.ShutdownTimeout = cmp.Or(o.ShutdownTimeout, 5*time.Second)
	if o.Count == nil {
		o.Count = segment.Count
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
}

// Server serves the API. It is an http.Handler; Run serves it on a listener.
type Server struct {
	o        Options // immutable
	metrics  *metrics
	hosts    map[string]bool // immutable
	origin   *http.CrossOriginProtection
	api      *http.ServeMux
	extra    *http.ServeMux
	keyRates *limits[string]
	failures *limits[netip.Prefix]
	known    *recent
	loopback atomic.Bool   // the listener is on loopback; false until Run knows
	draining chan struct{} // closed when Run's context ends: event streams end
}

// New makes a Server; nothing listens before Run.
func New(o Options) (*Server, error) {
	o.defaults()
	if o.Desk == nil || o.Keys == nil {
		return nil, errors.New("staffapi: Options.Desk and Options.Keys are required")
	}
	s := &Server{
		o: o, metrics: newMetrics(o.Metrics), hosts: map[string]bool{"localhost": true}, extra: http.NewServeMux(),
		origin:   http.NewCrossOriginProtection(),
		keyRates: newLimits[string](o.RateLimit, o.RateBurst),
		failures: newLimits[netip.Prefix](o.FailedLimit, o.FailedBurst),
		known:    &recent{}, draining: make(chan struct{}),
	}
	for _, h := range o.Hosts {
		s.hosts[hostname(h)] = true
	}
	var err error
	if s.api, err = s.routes(); err != nil {
		return nil, err
	}
	for pattern, handler := range o.Extra {
		s.extra.Handle(pattern, handler)
	}
	return s, nil
}

// Run serves ln until ctx ends, then lets the requests under way finish within ShutdownTimeout. It closes ln.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	if a, ok := ln.Addr().(*net.TCPAddr); ok {
		s.loopback.Store(a.IP.IsLoopback())
	}
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.o.ReadWithin,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // broken handshakes and the like: nobody can act on them
		TLSConfig:         s.o.TLS,
	}
	ended := make(chan error, 1)
	limited := limitConns(ln, s.o.MaxConns)
	go func() { // ends with srv.Shutdown or srv.Close, both awaited below
		if s.o.TLS != nil {
			ended <- srv.ServeTLS(limited, "", "")
			return
		}
		ended <- srv.Serve(limited)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("staffapi: %w", err)
	case <-ctx.Done():
	}
	close(s.draining)
	sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.ShutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(sctx); err != nil {
		_ = srv.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("staffapi: %w", err)
	}
	return nil
}
