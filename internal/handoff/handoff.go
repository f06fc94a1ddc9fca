package handoff

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/store"
)

// ErrNothing is what a Body returns for an event that tells nothing any more (its ticket was erased): it counts as handed on.
var ErrNothing = errors.New("handoff: the event tells nothing any more")

// keeper holds the waiting events; *store.Store is one.
type keeper interface {
	// Handoff returns the first n waiting events of ref, in order.
	Handoff(ctx context.Context, ref store.HandoffRef, n int) ([]store.Event, error)
	// Handed removes an event and, while more wait, keeps the others leased to us.
	Handed(ctx context.Context, ref store.HandoffRef, eventID string, leaseUntil time.Time) (more bool, err error)
	// Postpone makes the events of ref due at the given time.
	Postpone(ctx context.Context, ref store.HandoffRef, at time.Time) error
}

// bodies makes the data of an event from the ticket as it is now; *turn.Desk is one.
type bodies interface {
	Body(ctx context.Context, ev store.Event) (json.RawMessage, error)
}

// Options are the parts and limits of a Handoff. Store and Bodies are required.
type Options struct {
	Store    keeper
	Bodies   bodies
	Endpoint Endpoint // none: nothing is handed on until [Handoff.Configure] names one
	Source   string   // CloudEvents source, a URI reference; default "/aduan"

	Workers       int           // tickets served at once; default 8
	Queue         int           // tickets waiting in memory; default 1024
	Timeout       time.Duration // one delivery from dial to status; default 10 s
	RetryMin      time.Duration // first pause; default 5 s, doubled each time
	RetryMax      time.Duration // longest pause; default 15 min
	RetryAfterMax time.Duration // at most so long is a Retry-After obeyed; default 1 h
	GiveUp        time.Duration // an older event is parked; default 72 h
	ParkedFor     time.Duration // pause of a parked ticket; default 24 h
	Lease         time.Duration // how long a ticket's events stay ours while we deliver; default 30 s
	BreakerAfter  int           // failures in a row that open the breaker; default 5
	BreakerOpen   time.Duration // how long it stays open; default 30 s
	Grace         time.Duration // what a delivery under way gets when Run's context ends; default 5 s

	TLS     *tls.Config      // roots and client certificate; nil: the system's roots
	Now     func() time.Time // default time.Now
	Rand    func() float64   // [0,1), for jitter; default math/rand
	Log     *zap.Logger
	Metrics prometheus.Registerer
}

func (o *Options) defaults() {
	o.Source = cmp.Or(o.Source, "/aduan")
	o.Workers = cmp.Or(o.Workers, 8)
	o.Queue = cmp.Or(o.Queue, 1024)
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.RetryMin = cmp.Or(o.RetryMin, 5*time.Second)
	o.RetryMax = cmp.Or(o.RetryMax, 15*time.Minute)
	o.RetryAfterMax = cmp.Or(o.RetryAfterMax, time.Hour)
	o.GiveUp = cmp.Or(o.GiveUp, 72*time.Hour)
	o.ParkedFor = cmp.Or(o.ParkedFor, 24*time.Hour)
	o.Lease = cmp.Or(o.Lease, 30*time.Second)
	o.BreakerAfter = cmp.Or(o.BreakerAfter, 5)
	o.BreakerOpen = cmp.Or(o.BreakerOpen, 30*time.Second)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
}

// Handoff delivers events. Create it with New.
type Handoff struct {
	o       Options // immutable
	metrics *metrics
	breaker *gobreaker.CircuitBreaker[verdict]
	queue   chan queued
	target  atomic.Pointer[target]

	mu       sync.Mutex
	active   map[store.HandoffRef]bool // guarded by mu: queued or being delivered; true: offered again meanwhile
	waits    map[store.HandoffRef]wait // guarded by mu: tickets that failed and wait
	suspects map[store.HandoffRef]bool // guarded by mu: tickets that failed since the last answer that was no failure
	silent   int                       // guarded by mu: deliveries in a row without any answer
	hold     time.Time                 // guarded by mu: the endpoint asked for silence until then
}

type queued struct {
	ref store.HandoffRef
	at  time.Time // when it was offered, for the lease
}

// New checks the endpoint and makes a Handoff; nothing is sent before Run.
func New(o Options) (*Handoff, error) {
	o.defaults()
	h := &Handoff{
		o: o, metrics: newMetrics(o.Metrics), queue: make(chan queued, o.Queue),
		active: map[store.HandoffRef]bool{}, waits: map[store.HandoffRef]wait{}, suspects: map[store.HandoffRef]bool{},
	}
	h.breaker = gobreaker.NewCircuitBreaker[verdict](gobreaker.Settings{
		Name: "webhook", MaxRequests: 1, Timeout: o.BreakerOpen,
		ReadyToTrip: func(gobreaker.Counts) bool { return h.endpointIsDown() },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			h.metrics.breaker.Set(float64(to)) // 0 closed, 1 half open, 2 open
			o.Log.Warn("webhook breaker", zap.String("state", to.String()))
		},
	})
	if err := h.Configure(o.Endpoint); err != nil {
		return nil, err
	}
	return h, nil
}

// Configure changes the endpoint, while Run runs too. An invalid one changes nothing; one without URL: nothing is handed
// on any more.
func (h *Handoff) Configure(e Endpoint) error {
	var t *target
	if e.URL != "" {
		var err error
		if t, err = newTarget(e, h.o); err != nil {
			return err
		}
	}
	if old := h.target.Swap(t); old != nil {
		old.client.CloseIdleConnections()
	}
	return nil
}

// Endpoint is where events go now; without URL: nowhere.
func (h *Handoff) Endpoint() Endpoint {
	if t := h.target.Load(); t != nil {
		return t.of
	}
	return Endpoint{}
}

// Offer asks that the events of ref be delivered now. It never blocks; false: there is no room, they wait in the store until
// they are due; so do all where no endpoint is configured.
func (h *Handoff) Offer(ref store.HandoffRef) bool {
	if h.target.Load() == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.active[ref]; ok {
		h.active[ref] = true
		return true
	}
	select {
	case h.queue <- queued{ref: ref, at: h.o.Now()}:
		h.active[ref] = false
		h.metrics.queue.Inc()
		return true
	default:
		h.metrics.full.Inc()
		return false
	}
}

// Run delivers what is offered until ctx ends; then each worker finishes the delivery under way, within Grace.
func (h *Handoff) Run(ctx context.Context) error {
	defer func() {
		if t := h.target.Load(); t != nil {
			t.client.CloseIdleConnections()
		}
	}()
	var g errgroup.Group
	for range h.o.Workers {
		g.Go(func() error { h.work(ctx); return nil })
	}
	return g.Wait()
}

func (h *Handoff) work(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case q := <-h.queue:
			h.metrics.queue.Dec()
			h.serve(ctx, q)
		}
	}
}

// serve delivers the events of one ticket, and once more if it was offered again meanwhile.
func (h *Handoff) serve(ctx context.Context, q queued) {
	if h.o.Now().Sub(q.at) > h.o.Lease/3 { // it waited long in the queue: keep others from claiming it
		h.postpone(ctx, q.ref, h.o.Now().Add(h.o.Lease))
	}
	for {
		h.ticket(ctx, q.ref)
		h.mu.Lock()
		again := h.active[q.ref] && ctx.Err() == nil
		if again {
			h.active[q.ref] = false
		} else {
			delete(h.active, q.ref)
		}
		h.mu.Unlock()
		if !again {
			return
		}
	}
}
