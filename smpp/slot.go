package smpp

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
)

// lane is the place of one session (or pair) of a link. Its window outlives
// rebinding: what was submitted before a cut and is not stored yet still counts,
// so that a crash never doubles more than one window's worth.
type lane struct {
	index int
	tx    *Session // bound and transmitting; nil: none
	used  int
}

// SubmitResult is what the SMSC answered to a submit_sm.
type SubmitResult struct {
	Status    Status
	MessageID string // empty unless Status is ESME_ROK; may be empty even then
}

// Slot is one place in the window of one session.
type Slot struct {
	link     *Link
	lane     *lane
	session  *Session
	released atomic.Bool
}

type waiter struct{ slot chan *Slot } // takes one; closed: the link has ended

// Acquire waits for a free place in the window of a session that is bound as a
// transmitter; who waits longest is served first. ErrNotBound: the link has ended.
func (l *Link) Acquire(ctx context.Context) (*Slot, error) {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return nil, fmt.Errorf("link %s has ended: %w", l.o.Name, ErrNotBound)
	}
	if len(l.waiters) == 0 {
		if ln := l.freest(); ln != nil {
			slot := l.occupy(ln)
			l.mu.Unlock()
			return slot, nil
		}
	}
	w := &waiter{slot: make(chan *Slot, 1)}
	l.waiters = append(l.waiters, w)
	l.grant()
	l.mu.Unlock()
	select {
	case slot, ok := <-w.slot:
		if !ok {
			return nil, fmt.Errorf("link %s is ending: %w", l.o.Name, ErrNotBound)
		}
		return slot, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	if i := slices.Index(l.waiters, w); i >= 0 {
		l.waiters = slices.Delete(l.waiters, i, i+1)
	}
	l.mu.Unlock()
	select { // given in the same moment: it goes to the next
	case slot, ok := <-w.slot:
		if ok {
			slot.Release()
		}
	default:
	}
	return nil, ctx.Err()
}

// TryAcquire takes a place if one is free and nobody waits.
func (l *Link) TryAcquire() (*Slot, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing || len(l.waiters) > 0 {
		return nil, false
	}
	ln := l.freest()
	if ln == nil {
		return nil, false
	}
	return l.occupy(ln), true
}

// grant serves those who wait while there are places. mu is held.
func (l *Link) grant() {
	for len(l.waiters) > 0 && !l.closing {
		ln := l.freest()
		if ln == nil {
			return
		}
		w := l.waiters[0]
		l.waiters[0] = nil
		l.waiters = l.waiters[1:]
		w.slot <- l.occupy(ln)
	}
}

// freest is the bound lane with the most room, nil if there is none. mu is held.
func (l *Link) freest() *lane {
	var best *lane
	for _, ln := range l.lanes {
		if ln.tx != nil && ln.used < l.o.Window && ln.tx.Alive() && (best == nil || ln.used < best.used) {
			best = ln
		}
	}
	return best
}

func (l *Link) occupy(ln *lane) *Slot {
	ln.used++
	l.showWindow()
	return &Slot{link: l, lane: ln, session: ln.tx}
}

func (l *Link) showWindow() {
	if l.windowUsed == nil {
		return
	}
	used := 0
	for _, ln := range l.lanes {
		used += ln.used
	}
	l.windowUsed.Set(float64(used))
}

// held counts the places taken in a lane.
func (l *Link) held(ln *lane) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return ln.used
}

// refuseWaiters lets nobody wait for what will not come.
func (l *Link) refuseWaiters() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	for _, w := range l.waiters {
		close(w.slot)
	}
	l.waiters = nil
}

// SessionID names the session that the slot submits on.
func (s *Slot) SessionID() string { return s.session.id }

// Release gives the place back: only when the outcome is stored. It may be called twice.
func (s *Slot) Release() {
	if !s.released.CompareAndSwap(false, true) {
		return
	}
	l := s.link
	l.mu.Lock()
	s.lane.used--
	l.showWindow()
	l.grant()
	tx := s.lane.tx
	draining := l.closing
	l.mu.Unlock()
	if draining && tx != nil { // it may wait for this
		tx.box.signal()
	}
}

// Submit writes a submit_sm and waits for its response, one at a time: the
// segments of an SMS follow each other on the same session. Service type and
// types of number that m leaves empty are the link's.
//
// ErrNotWritten: nothing went out. ErrNoResponse: it was written, its outcome is
// unknown. A *PDUError: it can never be written as it is.
func (s *Slot) Submit(ctx context.Context, m *Message) (SubmitResult, error) {
	if s.released.Load() {
		return SubmitResult{}, fmt.Errorf("%w: the slot was released", ErrNotWritten)
	}
	if err := ctx.Err(); err != nil {
		return SubmitResult{}, joinReason(ErrNotWritten, err)
	}
	dressed := s.link.dress(m)
	body, err := AppendMessage(make([]byte, 0, 256), CmdSubmitSM, 0, &dressed)
	if err != nil {
		return SubmitResult{}, err
	}
	r := &request{id: CmdSubmitSM, body: body, done: make(chan outcome, 1)}
	if !s.session.box.put(func(mail *mail) { mail.submits = append(mail.submits, r) }) {
		return SubmitResult{}, joinReason(ErrNotWritten, ErrSessionClosed)
	}
	select {
	case o := <-r.done:
		return o.result, o.err
	case <-ctx.Done():
	}
	if r.progress.CompareAndSwap(requestQueued, requestWithdrawn) {
		return SubmitResult{}, joinReason(ErrNotWritten, ctx.Err())
	}
	select {
	case o := <-r.done:
		return o.result, o.err
	default:
		return SubmitResult{}, joinReason(ErrNoResponse, ctx.Err())
	}
}

// dress fills in what the link's options give; m is not changed.
func (l *Link) dress(m *Message) Message {
	c := *m
	if c.ServiceType == "" {
		c.ServiceType = l.o.ServiceType
	}
	if c.Source.TON == 0 && c.Source.NPI == 0 {
		c.Source.TON, c.Source.NPI = l.o.Source.TON, l.o.Source.NPI
	}
	if c.Destination.TON == 0 && c.Destination.NPI == 0 {
		c.Destination.TON, c.Destination.NPI = l.o.Destination.TON, l.o.Destination.NPI
	}
	return c
}
