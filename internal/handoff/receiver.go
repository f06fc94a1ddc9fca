package handoff

import (
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"

	"aduan/store"
)

// general is what the receiver of everything that has none of its own is called in metrics and logs.
const general = "general"

// receiver is one endpoint with all that is remembered of how it does.
type receiver struct {
	name    string // the agency whose tickets it gets, or general
	target  *target
	breaker *gobreaker.CircuitBreaker[verdict]
	after   int // failures in a row that open the breaker
	slots   int // deliveries to it at once
	line    int // tickets that may wait for a slot

	mu       sync.Mutex
	suspects map[store.HandoffRef]bool // guarded by mu: tickets that failed since the last answer that was no failure
	silent   int                       // guarded by mu: deliveries in a row without any answer
	hold     time.Time                 // guarded by mu: it asked for silence until then
	busy     int                       // guarded by mu: deliveries under way
	waiting  []queued                  // guarded by mu: tickets that wait for a slot
	ramp     ramp                      // guarded by mu
}

func (h *Handoff) newReceiver(name string, t *target) *receiver {
	r := &receiver{
		name: name, target: t, after: h.o.BreakerAfter, slots: h.o.Workers, line: h.o.Queue,
		suspects: map[store.HandoffRef]bool{},
		ramp:     ramp{from: h.o.RampFrom, to: h.o.RampTo, every: h.o.RampEvery},
	}
	state := h.metrics.breaker.WithLabelValues(name)
	state.Set(0)
	r.breaker = gobreaker.NewCircuitBreaker[verdict](gobreaker.Settings{
		Name: name, MaxRequests: 1, Timeout: h.o.BreakerOpen,
		ReadyToTrip: func(gobreaker.Counts) bool { return r.isDown() },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			state.Set(float64(to)) // 0 closed, 1 half open, 2 open
			h.o.Log.Warn("webhook breaker", zap.String("receiver", name), zap.String("state", to.String()))
			if to == gobreaker.StateClosed {
				r.mu.Lock()
				r.ramp.begin()
				r.mu.Unlock()
			}
		},
	})
	return r
}

// isDown tells whether it is the endpoint that fails: no answer several times, or 5xx for several tickets. One ticket that is
// answered 500 for ever is that ticket's trouble alone.
func (r *receiver) isDown() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.silent >= r.after || len(r.suspects) >= r.after
}

// note keeps count of what speaks for and against the endpoint, after a delivery.
func (r *receiver) note(ref store.HandoffRef, v verdict, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v.after > 0 {
		r.hold = later(r.hold, now.Add(v.after))
		r.ramp.begin()
	}
	switch {
	case v.status == 0:
		r.silent++
	case v.status >= 500:
		r.silent = 0
	default:
		r.silent = 0
		clear(r.suspects)
		return nil
	}
	r.suspects[ref] = true
	r.ramp.slower()
	return errEndpoint
}

// held tells until when the endpoint asked for silence; zero: it does not.
func (r *receiver) held(now time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hold.After(now) {
		return r.hold
	}
	return time.Time{}
}

// What enter found.
type entry int

const (
	entered entry = iota + 1 // a slot is ours until leave
	inLine                   // the ticket waits for one, in memory
	noRoom                   // not even that
)

// enter takes a slot, or a place in line for one, so that a slow receiver holds up nobody but its own tickets.
func (r *receiver) enter(q queued) entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.busy < r.slots:
		r.busy++
		return entered
	case len(r.waiting) < r.line:
		r.waiting = append(r.waiting, q)
		return inLine
	default:
		return noRoom
	}
}

// leave gives the slot back.
func (r *receiver) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
}

// next is the ticket that has waited longest, where there is a slot for it.
func (r *receiver) next() (queued, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy >= r.slots || len(r.waiting) == 0 {
		return queued{}, false
	}
	q := r.waiting[0]
	r.waiting = r.waiting[1:]
	q.from = r
	return q, true
}

// pace is how long the next delivery waits, while the endpoint comes back from an outage.
func (r *receiver) pace(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ramp.wait(now)
}

// abandon gives those that wait in line back, where the endpoint is none any more.
func (r *receiver) abandon() []queued {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.waiting
	r.waiting = nil
	r.line = 0
	return left
}

// ramp lets deliveries to an endpoint that was away begin slowly: what has gathered must not knock it over again. The rate
// doubles each time that it held for a while, and is halved by a failure.
type ramp struct {
	from, to float64       // deliveries a second: at first, and where the ramp ends
	every    time.Duration // between two doublings

	rate  float64   // 0: no ramp
	grown time.Time // of the last doubling; zero: at the next delivery
	next  time.Time // no delivery before it
}

func (r *ramp) begin() { r.rate, r.grown, r.next = r.from, time.Time{}, time.Time{} }

func (r *ramp) slower() {
	if r.rate > 0 {
		r.rate, r.grown = max(r.from, r.rate/2), time.Time{}
	}
}

func (r *ramp) wait(now time.Time) time.Duration {
	if r.rate == 0 {
		return 0
	}
	if r.grown.IsZero() {
		r.grown = now
	}
	for now.Sub(r.grown) >= r.every {
		r.rate, r.grown = r.rate*2, r.grown.Add(r.every)
		if r.rate >= r.to {
			r.rate = 0
			return 0
		}
	}
	at := later(now, r.next)
	r.next = at.Add(time.Duration(float64(time.Second) / r.rate))
	return at.Sub(now)
}

// routes are the receivers in use; immutable.
type routes struct {
	general  *receiver // nil: none
	agencies map[string]*receiver
}

// none tells that events go nowhere.
func (rt *routes) none() bool { return rt == nil || rt.general == nil && len(rt.agencies) == 0 }

// of is who gets an event; nil: nobody does. What is told to a superior beside the ticket's own agency goes to the superior's
// own receiver or to none: the general one has had the event already.
func (rt *routes) of(t Told) *receiver {
	if t.Beside != "" {
		return rt.agencies[t.Beside]
	}
	if r := rt.agencies[t.Agency]; r != nil {
		return r
	}
	return rt.general
}

func (rt *routes) all() []*receiver {
	if rt == nil {
		return nil
	}
	var all []*receiver
	if rt.general != nil {
		all = append(all, rt.general)
	}
	for _, r := range rt.agencies {
		all = append(all, r)
	}
	return all
}

// Configure changes the endpoints, while Run runs too: of everything, and of the tickets of single agencies, by name. An
// invalid one changes nothing; without any: nothing is handed on any more. What is remembered of an endpoint that stays as
// it is stays too.
func (h *Handoff) Configure(e Endpoint, agencies map[string]Endpoint) error {
	h.configuring.Lock()
	defer h.configuring.Unlock()
	old := h.routes.Load()
	next := &routes{agencies: make(map[string]*receiver, len(agencies))}
	kept := map[*receiver]bool{}
	make1 := func(name string, e Endpoint, was *receiver) (*receiver, error) {
		if was != nil && was.target.of.equal(e, h.o) {
			kept[was] = true
			return was, nil
		}
		t, err := newTarget(e, h.o)
		if err != nil {
			return nil, err
		}
		return h.newReceiver(name, t), nil
	}
	if old == nil {
		old = &routes{}
	}
	var errs []error
	var err error
	if e.URL != "" {
		if next.general, err = make1(general, e, old.general); err != nil {
			errs = append(errs, err)
		}
	}
	for name, e := range agencies {
		if next.agencies[name], err = make1(name, e, old.agencies[name]); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	h.routes.Store(next)
	for _, r := range old.all() {
		if !kept[r] {
			h.retire(r, next)
		}
	}
	return nil
}

// retire ends what stands of a receiver that is in use no more.
func (h *Handoff) retire(r *receiver, next *routes) {
	r.target.client.CloseIdleConnections()
	for _, q := range r.abandon() {
		h.requeue(q)
	}
	for _, other := range next.all() {
		if other.name == r.name {
			return
		}
	}
	h.metrics.breaker.DeleteLabelValues(r.name)
}
