package handoff

import (
	"context"
	"strconv"
	"time"

	"go.uber.org/zap"

	"aduan/store"
)

const (
	batch       = 16              // events of a ticket read at once
	maxWaits    = 20_000          // failing tickets remembered in memory; one forgotten begins with the shortest pause
	minTries    = 5               // an event is never parked before it was tried so often: the daemon may have been down
	storeWithin = 5 * time.Second // for one call of the store
)

// wait is what is remembered of a ticket whose first event could not be delivered.
type wait struct {
	event  string
	tries  int // real deliveries
	pauses int // tries, and times that the breaker or the endpoint's own wish put it off
	until  time.Time
}

// ticket delivers what waits of one ticket, in order, until nothing is left or one is not taken. inLine: it waits for a slot
// of its receiver and comes back by itself.
func (h *Handoff) ticket(ctx context.Context, q queued) (inLine bool) {
	ref := q.ref
	if until, ok := h.waitsUntil(ref); ok {
		// A new event of a failing ticket must not shorten the pause of the one before it.
		h.postpone(ctx, ref, until)
		return false
	}
	for ctx.Err() == nil {
		events, parked, err := h.waiting(ctx, ref)
		if err != nil && len(events) == 0 { // those before a damaged one are handed on all the same
			h.o.Log.Warn("webhook events not read", zap.Int("shard", ref.Shard), zap.Error(err))
			return false // due again when the lease ends
		}
		if len(events) == 0 {
			h.forget(ref)
			return false
		}
		if parked.After(h.o.Now()) { // offered because of a newer event, which waits behind it
			h.postpone(ctx, ref, parked)
			return false
		}
		for i, ev := range events {
			if ctx.Err() != nil {
				h.postpone(ctx, ref, h.o.Now()) // another daemon may go on at once
				return false
			}
			more, inLine := h.one(ctx, q, ev, i == 0 && !parked.IsZero())
			if !more {
				return inLine
			}
		}
	}
	return false
}

// one delivers one event; more: it was taken and another of the ticket may follow. parked: it was given up before.
func (h *Handoff) one(ctx context.Context, q queued, ev store.Event, parked bool) (more, inLine bool) {
	ref := q.ref
	v := h.deliver(ctx, q, ev)
	if v.inLine {
		return false, true
	}
	h.metrics.attempts.WithLabelValues(v.outcome).Inc()
	if !v.done {
		h.later(ctx, ref, ev, v, parked)
		return false, false
	}
	h.forget(ref)
	h.metrics.lag.Observe(h.o.Now().Sub(ev.At).Seconds())
	sctx, cancel := storeContext(ctx)
	defer cancel()
	more, err := h.o.Store.Handed(sctx, ref, ev.ID, h.o.Now().Add(h.o.Lease))
	if err != nil {
		// It will be delivered again under the same webhook-id when the lease ends.
		h.o.Log.Warn("webhook delivery not noted", zap.String("event", ev.ID), zap.Error(err))
		return false, false
	}
	return more, false
}

// later postpones a ticket whose event was not taken, or parks it for a person: after days, where the receiver wants no more
// of it, or where it was parked before and is refused once more.
func (h *Handoff) later(ctx context.Context, ref store.HandoffRef, ev store.Event, v verdict, parked bool) {
	now := h.o.Now()
	h.mu.Lock()
	w := h.waits[ref]
	if w.event != ev.ID {
		w = wait{event: ev.ID}
	}
	if v.until.IsZero() {
		w.pauses++
	}
	if v.tried {
		w.tries++
	}
	park := v.gone || v.tried && parked || now.Sub(ev.At) > h.o.GiveUp && w.tries >= minTries
	switch {
	case park:
		w.until = now.Add(max(h.o.ParkedFor, v.after))
	case !v.until.IsZero():
		w.until = v.until
	default:
		w.until = now.Add(max(h.pause(w.pauses), v.after))
	}
	if park {
		delete(h.waits, ref) // the store remembers, and a person may change it
	} else {
		h.remember(ref, w)
	}
	h.mu.Unlock()

	log := h.o.Log.Info
	switch {
	case park:
		h.metrics.parked.Inc()
		log = h.o.Log.Error
	case !v.tried:
		log = h.o.Log.Debug
	}
	log("webhook not taken", zap.String("event", ev.ID), zap.String("type", ev.Type), zap.String("outcome", v.outcome),
		zap.Int("status", v.status), zap.Int("tries", w.tries), zap.Bool("parked", park), zap.Time("next", w.until))
	if park {
		h.park(ctx, ref, store.Parked{Event: ev, Why: why(v), Tries: w.tries, Since: now, Until: w.until})
		return
	}
	h.postpone(ctx, ref, w.until)
}

// remember is called with mu held.
func (h *Handoff) remember(ref store.HandoffRef, w wait) {
	if _, known := h.waits[ref]; !known && len(h.waits) >= maxWaits {
		for old := range h.waits { // any one: its pause stands in the store, only its length is forgotten
			delete(h.waits, old)
			break
		}
	}
	h.waits[ref] = w
}

// why says in words why an event was given up.
func why(v verdict) string {
	switch {
	case v.gone:
		return "the receiver answered 410: it wants no more of it"
	case v.status != 0:
		return "the receiver answers " + strconv.Itoa(v.status)
	case v.outcome == "address":
		return "the receiver's address is not allowed: case_system's allow"
	case v.outcome == "body":
		return "what it tells cannot be read from the store"
	default:
		return "no answer of the receiver: " + v.outcome
	}
}

// pause is how long the n-th failure waits: doubled each time, half of it by chance, so that tickets do not come back at once.
func (h *Handoff) pause(n int) time.Duration {
	p := h.o.RetryMax
	if n < 32 {
		p = min(p, h.o.RetryMin<<(n-1))
	}
	if p <= 0 { // shifted out
		p = h.o.RetryMax
	}
	return p/2 + time.Duration(h.o.Rand()*float64(p/2))
}

// waitsUntil tells whether ref must not be tried yet, and until when.
func (h *Handoff) waitsUntil(ref store.HandoffRef) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	until := h.waits[ref].until
	return until, until.After(h.o.Now())
}

func (h *Handoff) forget(ref store.HandoffRef) {
	h.mu.Lock()
	delete(h.waits, ref)
	h.mu.Unlock()
}

func (h *Handoff) waiting(ctx context.Context, ref store.HandoffRef) ([]store.Event, time.Time, error) {
	ctx, cancel := storeContext(ctx)
	defer cancel()
	return h.o.Store.Waiting(ctx, ref, batch)
}

func (h *Handoff) park(ctx context.Context, ref store.HandoffRef, p store.Parked) {
	ctx, cancel := storeContext(ctx)
	defer cancel()
	if err := h.o.Store.Park(ctx, ref, p); err != nil {
		h.o.Log.Warn("webhook not parked", zap.Int("shard", ref.Shard), zap.Error(err)) // due when its lease ends
	}
}

func (h *Handoff) postpone(ctx context.Context, ref store.HandoffRef, at time.Time) {
	ctx, cancel := storeContext(ctx)
	defer cancel()
	if err := h.o.Store.Postpone(ctx, ref, at); err != nil {
		h.o.Log.Warn("webhook not postponed", zap.Int("shard", ref.Shard), zap.Error(err)) // due when its lease ends
	}
}

// storeContext outlives a shutdown, so that what was delivered is noted.
func storeContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
