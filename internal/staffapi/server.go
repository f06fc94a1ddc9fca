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
	// File and Assign likewise.
	File(ctx context.Context, r desk.FileRequest) (t desk.TicketView, replayed bool, err error)
	Assign(ctx context.Context, r desk.AssignRequest) (a desk.AssignAnswer, replayed bool, err error)
	List(ctx context.Context, r desk.ListRequest) (items []desk.TicketView, next string, err error)
	letterDesk
	reportDesk
	trailDesk
	proofDesk
}

// Agencies are the institutions that handle tickets; *agency.Book is one. Its errors are those of package desk.
type Agencies interface {
	List(ctx context.Context, v desk.Viewer) ([]desk.Agency, error)
	Get(ctx context.Context, v desk.Viewer, name string) (desk.Agency, error)
	Put(ctx context.Context, r desk.PutAgencyRequest) (a desk.Agency, created bool, err error)
	Delete(ctx context.Context, r desk.DeleteAgencyRequest) error
}

// Events are what case systems pull; *feed.Feed is one. Its errors are those of package desk.
type Events interface {
	Read(ctx context.Context, r desk.EventsRequest) (desk.EventsPage, error)
}

// Keys finds API keys; *store.Store is one. An unknown secret is store.ErrNoKey.
type Keys interface {
	FindKey(ctx context.Context, secret string) (store.APIKey, error)
}

// Settings are what may change while a Server serves. A request is answered by one of them as a whole; a connection keeps
// the TLS that it began with until its next answer.
type Settings struct {
	Hosts          []string       // Host names answered besides localhost and the connection's own address
	TrustedProxies []netip.Prefix // their X-Forwarded-For names the caller
	TLS            *tls.Config    // nil: plain
	// Count says what an SMS costs: alphabet, segments, what is left in the last; default segment.Count.
	Count           func(text string) (alphabet string, segments, left int)
	ShutdownTimeout time.Duration // for requests under way when Run's context ends; default 5 s
}

// inUse are Settings made ready; immutable.
type inUse struct {
	Settings
	hosts map[string]bool
}

// Options are the parts and limits of a Server. Desk, Agencies, Events, Keys, Keyring and Jobs are required.
type Options struct {
	Desk     Desk
	Agencies Agencies
	Events   Events
	Keys     Keys
	Keyring  Keyring
	Jobs     Jobs
	// Extra are other handlers of the same listener by their mux pattern ("/livez", "/phone/", "/"). The front covers them too;
	// "/metrics" is asked for a key with "operate" unless the listener is on loopback.
	Extra map[string]http.Handler
	// Settings are those of the start; [Server.Use] changes them.
	Settings
	Version string // of this binary, told in /openapi.json; default "dev"

	RateLimit   rate.Limit    // requests a second for a key; default 50
	RateBurst   int           // default 100
	FailedLimit rate.Limit    // failed logins a second for a caller; default 0.2
	FailedBurst int           // default 10
	MaxConns    int           // connections at once; default 1024
	ReadWithin  time.Duration // a body, or the head of a request; default 10 s

	// Categories are the matters that reports may be of, for Open311; nil: none.
	Categories func() []string

	KeyStreams int           // of events at once and waiting requests, of a key; default 8
	Streams    int           // of all keys; default 256
	Beat       time.Duration // how often a quiet stream says that it lives, and its key is looked at; default 4 s

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
	o.KeyStreams = cmp.Or(o.KeyStreams, 8)
	o.Streams = cmp.Or(o.Streams, 256)
	o.Beat = cmp.Or(o.Beat, 4*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
}

// Server serves the API. It is an http.Handler; Run serves it on a listener.
type Server struct {
	o        Options // immutable; its Settings are those of the start
	settings atomic.Pointer[inUse]
	metrics  *metrics
	origin   *http.CrossOriginProtection
	api      *http.ServeMux
	extra    *http.ServeMux
	keyRates *limits[string]
	failures *limits[netip.Prefix]
	known    *recent
	streams  streams
	unlisted []string      // routes that rights.go does not know; only while New runs
	loopback atomic.Bool   // the listener is on loopback; false until Run knows
	draining chan struct{} // closed when Run's context ends: event streams end
}

// New makes a Server; nothing listens before Run.
func New(o Options) (*Server, error) {
	o.defaults()
	if o.Desk == nil || o.Agencies == nil || o.Events == nil || o.Keys == nil || o.Keyring == nil || o.Jobs == nil {
		return nil, errors.New("staffapi: Options.Desk, Options.Agencies, Options.Events, Options.Keys, Options.Keyring and Options.Jobs are required")
	}
	s := &Server{
		o: o, metrics: newMetrics(o.Metrics), extra: http.NewServeMux(),
		origin:   http.NewCrossOriginProtection(),
		keyRates: newLimits[string](o.RateLimit, o.RateBurst),
		failures: newLimits[netip.Prefix](o.FailedLimit, o.FailedBurst),
		known:    &recent{}, streams: streams{of: map[string]int{}}, draining: make(chan struct{}),
	}
	s.Use(o.Settings)
	var err error
	if s.api, err = s.routes(); err != nil {
		return nil, err
	}
	for pattern, handler := range o.Extra {
		s.extra.Handle(pattern, handler)
	}
	return s, nil
}

// Use answers the requests that come from now on by other settings.
func (s *Server) Use(set Settings) {
	set.ShutdownTimeout = cmp.Or(set.ShutdownTimeout, 5*time.Second)
	if set.Count == nil {
		set.Count = segment.Count
	}
	if set.TLS != nil { // as http.Server.ServeTLS has it
		set.TLS = set.TLS.Clone()
		set.TLS.NextProtos = []string{"h2", "http/1.1"}
	}
	u := &inUse{Settings: set, hosts: map[string]bool{"localhost": true}}
	for _, h := range set.Hosts {
		u.hosts[hostname(h)] = true
	}
	s.settings.Store(u)
}

// Settings are those in use.
func (s *Server) Settings() Settings { return s.settings.Load().Settings }

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
	}
	ended := make(chan error, 1)
	limited := &dressed{Listener: limitConns(ln, s.o.MaxConns), tls: func() *tls.Config { return s.settings.Load().TLS }}
	go func() { ended <- srv.Serve(limited) }() // ends with srv.Shutdown or srv.Close, both awaited below
	select {
	case err := <-ended:
		return fmt.Errorf("staffapi: %w", err)
	case <-ctx.Done():
	}
	close(s.draining)
	sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.settings.Load().ShutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(sctx); err != nil {
		_ = srv.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("staffapi: %w", err)
	}
	return nil
}
