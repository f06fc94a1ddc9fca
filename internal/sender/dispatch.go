package sender

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/store"
)

// giveBackAfter is how long an SMS in memory waits for a link that is down: another of its links, or another daemon's,
// may be up.
const giveBackAfter = 5 * time.Second

// Serve submits the SMS of one link until ctx ends. Then it finishes what is being submitted and gives the rest back. Of
// two links of one name the later begins when the earlier has ended.
func (s *Sender) Serve(ctx context.Context, l Link) error {
	q := newQueue(l)
	s.mu.Lock()
	s.queues[l.Name] = q
	s.mu.Unlock()
	s.share()
	err := s.serve(ctx, q)
	s.mu.Lock()
	if s.queues[l.Name] == q {
		delete(s.queues, l.Name)
	}
	s.mu.Unlock()
	s.o.Metrics.forget(l.Name)
	return err
}

func (s *Sender) serve(ctx context.Context, q *queue) error {
	d := &dispatcher{s: s, q: q, slots: make(chan acquired, 1)}
	d.run(ctx)
	s.giveBack(q.drain(true), q)
	d.sending.Wait()
	s.giveBack(q.drain(true), q)
	return nil
}

// dispatcher decides what of a link goes next, and when: it alone asks the pace. An SMS is chosen only when a place in
// the window and the rate let it go at once, so that a direct answer never waits for a push that waits.
type dispatcher struct {
	s       *Sender
	q       *queue
	slots   chan acquired
	asking  bool // a place in the window is waited for
	slot    Slot // a place for the next SMS; nil: none
	sending sync.WaitGroup
}

type acquired struct {
	slot Slot
	err  error
}

func (d *dispatcher) run(ctx context.Context) {
	defer d.end()
	for ctx.Err() == nil {
		pause := d.step(ctx)
		if pause == 0 {
			continue
		}
		var timer <-chan time.Time
		if pause > 0 {
			timer = time.After(pause)
		}
		select {
		case <-ctx.Done():
		case <-d.q.wake:
		case <-timer:
		case a := <-d.slots:
			d.asking = false
			d.arrived(ctx, a)
		}
	}
}

// untilWoken is a pause that only a signal ends.
const untilWoken = time.Duration(-1)

// step lets one thing go, if one may; else it says how long to wait.
func (d *dispatcher) step(ctx context.Context) (pause time.Duration) {
	next, fresh := d.q.next()
	if !fresh && d.slot != nil {
		d.slot.Release()
		d.slot = nil
	}
	if next == nothing {
		return untilWoken
	}
	now := time.Now()
	if wait := d.q.pace.wait(now); wait > 0 {
		return wait
	}
	if next == newSMS && d.slot == nil {
		d.ask(ctx)
	}
	if next == newSMS && d.slot != nil {
		h, ok := d.q.pop()
		if ok {
			d.q.pace.take(now)
			slot := d.slot
			d.slot = nil
			d.sending.Go(func() { d.s.bring(ctx, d.q, slot, h) })
		}
		return 0
	}
	if d.q.grant() { // also where a new SMS waits for a place in the window
		d.q.pace.take(now)
		return 0
	}
	return untilWoken
}

// ask asks for a place in the window.
func (d *dispatcher) ask(ctx context.Context) {
	if d.q.link.TryAcquire != nil {
		if slot, ok := d.q.link.TryAcquire(); ok {
			d.slot = slot
			return
		}
	}
	if d.asking {
		return
	}
	d.asking = true
	d.sending.Go(func() {
		slot, err := d.s.acquire(ctx, d.q)
		d.slots <- acquired{slot, err}
	})
}

// arrived takes a place in the window; where the link stays down, what waits goes elsewhere.
func (d *dispatcher) arrived(ctx context.Context, a acquired) {
	switch {
	case a.err == nil && d.slot == nil:
		d.slot = a.slot
	case a.err == nil:
		a.slot.Release()
	case ctx.Err() == nil:
		d.s.giveBack(d.q.drain(false), d.q)
	}
}

func (d *dispatcher) end() {
	if d.slot != nil {
		d.slot.Release()
	}
	if d.asking {
		if a := <-d.slots; a.err == nil {
			a.slot.Release()
		}
	}
}

// acquire waits for a place on the link, and gives up where it stays down.
func (s *Sender) acquire(ctx context.Context, q *queue) (Slot, error) {
	for {
		wait, cancel := context.WithTimeout(ctx, giveBackAfter)
		slot, err := q.link.Acquire(wait)
		late := wait.Err() != nil
		cancel()
		if err == nil || ctx.Err() != nil || !late || !q.link.Bound() {
			return slot, err
		}
	}
}

// bring submits one SMS; the citizen's next, where that became ready, takes its place.
func (s *Sender) bring(ctx context.Context, q *queue, slot Slot, h held) {
	if h.boot != s.o.Store.BootID() {
		// This process was fenced or stood still: the SMS is another boot's now.
		slot.Release()
		s.free(q)
		s.inHand.drop(h.boot, h.sms.ID)
		return
	}
	h.sms.Link = q.link.Name // receipts come by it
	next, again := s.outcome(ctx, q, slot, &h)
	slot.Release()
	if again {
		if !q.put(h, true) {
			s.giveBack([]held{h}, q)
		}
		return
	}
	s.letGo(h.boot, h.sms.ID)
	if next == nil {
		s.free(q)
		return
	}
	s.mu.Lock()
	way := s.way(next.Link, time.Now())
	s.mu.Unlock()
	if way != q {
		s.free(q)
		s.adoptHeld(held{boot: h.boot, sms: *next})
		return
	}
	if !s.inHand.take(h.boot, next.ID) { // a look at what we hold was faster
		s.free(q)
		return
	}
	if n := (held{boot: h.boot, sms: *next}); !q.put(n, false) {
		s.giveBack([]held{n}, q)
	}
}

// giveBack gives SMS that hold places of a queue to the link that stands in for it, else back to the store's due set.
func (s *Sender) giveBack(all []held, q *queue) {
	byBoot := map[string][]store.Outgoing{}
	for _, h := range all {
		s.free(q)
		s.mu.Lock()
		other := s.way(h.sms.Link, time.Now())
		s.mu.Unlock()
		if other != nil && other != q && other.link.Bound() && other.adopt(h.sms) {
			if other.put(h, false) {
				continue
			}
			s.free(other)
		}
		byBoot[h.boot] = append(byBoot[h.boot], h.sms)
	}
	for boot, sms := range byBoot {
		s.release(boot, sms)
	}
}

// release gives SMS back to the store's due set.
func (s *Sender) release(boot string, sms []store.Outgoing) {
	for _, m := range sms {
		s.inHand.drop(boot, m.ID)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.o.Store.Release(ctx, boot, sms, s.o.Now()); err != nil {
		s.o.Log.Warn("SMS could not be given back, and are looked up again", zap.Int("sms", len(sms)), zap.Error(err))
		s.doubts.lookAt(sms)
	}
}
