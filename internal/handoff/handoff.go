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
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/internal/failpoint"
	"aduan/store"
)

// ErrNothing is what a Body returns for an event that tells nothing any more (its ticket was erased): it counts as handed on.
var ErrNothing = errors.New("handoff: the event tells nothing any more")

// keeper holds the waiting events; *store.Store is one.
type keeper interface {
	// Waiting returns the first n waiting events of ref, in order; parked: they are left alone until then, for the first of
	// them waits for a person.
	Waiting(ctx context.Context, ref store.HandoffRef, n int) (events []store.Event, parked time.Time, err error)
	// Handed removes an event and, while more wait, keeps the others leased to us.
	Handed(ctx context.Context, ref store.HandoffRef, eventID string, leaseUntil time.Time) (more bool, err error)
	// Postpone makes the events of ref due at the given time.
	Postpone(ctx context.Context, ref store.HandoffRef, at time.Time) error
	// Park gives the first event of ref up for now: it waits for a person.
	Park(ctx context.Context, ref store.HandoffRef, p store.Parked) error
}

// Told is what is told of an event, and to whom.
type Told struct {
	Data   json.RawMessage
	Agency string // who has the ticket now; "": nobody, or no ticket
	Beside string // the superior whom it is told beside; "": it goes the usual way
}

// bodies makes the data of an event from the ticket as it is now; *turn.Desk is one.
type bodies interface {
	Told(ctx context.Context, ev store.Event) (Told, error)
}

// Options are the parts and limits of a Handoff. Store and Bodies are required.
type Options struct {
	Store    keeper
	Bodies   bodies
	Endpoint Endpoint            // none: nothing is handed on until [Handoff.Configure] names one
	Agencies map[string]Endpoint // instead of it for the tickets of these agencies
	Source   string              // CloudEvents source, a URI reference; default "/aduan"

	Workers       int           // deliveries to one endpoint at once; default 8
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
	RampFrom      float64       // deliveries a second with which an endpoint that was away begins; default 10
	RampTo        float64       // at so many the ramp ends; default 1000
	RampEvery     time.Duration // the rate doubles after so long; default 10 s
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
	o.RampFrom = cmp.Or(o.RampFrom, 10)
	o.RampTo = cmp.Or(o.RampTo, 1000)
	o.RampEvery = cmp.Or(o.RampEvery, 10*time.Second)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	if n := time.Duration(failpoint.Hurry()); n > 1 {
		o.RetryMin, o.RetryMax, o.RetryAfterMax, o.BreakerOpen = o.RetryMin/n, o.RetryMax/n, o.RetryAfterMax/n, o.BreakerOpen/n
		o.Timeout, o.RampEvery = time.Second, o.RampEvery/n
	}
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

// pool is how many times Workers tickets are served at once over all endpoints: slow ones leave room for the others.
const pool = 8

// Handoff delivers events. Create it with New.
type Handoff struct {
	o       Options // immutable
	metrics *metrics
	queue   chan queued
	routes  atomic.Pointer[routes]

	configuring sync.Mutex // held while the routes change

	mu     sync.Mutex
	active map[store.HandoffRef]bool // guarded by mu: queued or being delivered; true: offered again meanwhile
	waits  map[store.HandoffRef]wait // guarded by mu: tickets that failed and wait
}

type queued struct {
	ref store.HandoffRef
	at  time.Time // when it was offered, for the lease
	// from is the receiver in whose line it waited: whatever becomes of it, the next in that line is called.
	from *receiver
}

// New checks the endpoints and makes a Handoff; nothing is sent before Run.
func New(o Options) (*Handoff, error) {
	o.defaults()
	h := &Handoff{
		o: o, metrics: newMetrics(o.Metrics), queue: make(chan queued, o.Queue),
		active: map[store.HandoffRef]bool{}, waits: map[store.HandoffRef]wait{},
	}
	if err := h.Configure(o.Endpoint, o.Agencies); err != nil {
		return nil, err
	}
	return h, nil
}

// Endpoint is where events go now that have no endpoint of their agency; without URL: nowhere.
func (h *Handoff) Endpoint() Endpoint {
	if r := h.routes.Load().general; r != nil {
		return r.target.of
	}
	return Endpoint{}
}

// Agencies are the endpoints of single agencies, by name.
func (h *Handoff) Agencies() map[string]Endpoint {
	all := map[string]Endpoint{}
	for name, r := range h.routes.Load().agencies {
		all[name] = r.target.of
	}
	return all
}

// Offer asks that the events of ref be delivered now. It never blocks; false: there is no room, they wait in the store until
// they are due; so do all where no endpoint is configured.
func (h *Handoff) Offer(ref store.HandoffRef) bool {
	if h.routes.Load().none() {
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
		for _, r := range h.routes.Load().all() {
			r.target.client.CloseIdleConnections()
		}
	}()
	var g errgroup.Group
	for range pool * h.o.Workers {
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
	defer h.callNext(q.from)
	for {
		if inLine := h.ticket(ctx, q); inLine {
			return // it comes back through the queue, and is active until then
		}
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

// callNext brings back the ticket that has waited longest for a slot of r.
func (h *Handoff) callNext(r *receiver) {
	for r != nil {
		q, ok := r.next()
		if !ok || h.requeue(q) {
			return
		}
	}
}

// requeue brings a ticket back that waited for a receiver's slot; false: there is no room, it is due when its lease ends.
func (h *Handoff) requeue(q queued) bool {
	select {
	case h.queue <- q:
		h.metrics.queue.Inc()
		return true
	default:
		h.mu.Lock()
		delete(h.active, q.ref)
		h.mu.Unlock()
		h.metrics.full.Inc()
		return false
	}
}
