package smpp

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errSilent = errors.New("the SMSC did not answer our enquire_link in time")

// Probe returns nil once the peer has answered an enquire_link that was written
// after the call began. Calls at the same moment share one.
func (s *Session) Probe(ctx context.Context) error {
	p := &probe{done: make(chan error, 1)}
	if !s.box.put(func(m *mail) { m.probes = append(m.probes, p) }) {
		return ErrSessionClosed
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enquire sends an enquire_link; its answer also proves all ROKs before it.
func (s *Session) enquire(probes []*probe) {
	r := &request{id: CmdEnquireLink, probes: probes}
	s.request(r)
	s.enquiries++
	s.enquired = r.pos
}

// covered is the place of the last enquire_link that is still unanswered.
func (s *Session) covered() uint64 {
	if s.enquiries == 0 {
		return 0
	}
	return s.enquired
}

// keepTime does what is due: requests without an answer, idleness, proofs.
func (s *Session) keepTime() {
	for r := s.out.oldest(); r != nil && !s.now.Before(r.written.Add(s.o.ResponseTimeout)); r = s.out.oldest() {
		s.expire(r)
		if s.end != nil {
			return
		}
	}
	if s.leaving.sent && !s.now.Before(s.leaving.by) {
		s.end = errUnbound // they do not answer: so be it
	}
	if !s.state.Bound() {
		return
	}
	if s.enquiries == 0 && !s.now.Before(s.heard.Add(s.o.EnquireLink)) {
		s.enquire(nil)
	}
	if at, ok := s.proof.due(s.covered(), s.o.proofDelay()); ok && !s.now.Before(at) {
		s.enquire(nil)
	}
}

func (s *Session) expire(r *request) {
	s.o.Metrics.fault(s.o.Name, faultTimeout)
	switch r.id {
	case CmdSubmitSM:
		s.out.remove(r)
		s.setOutstanding()
		r.end(outcome{err: fmt.Errorf("%w within %v", ErrNoResponse, s.o.ResponseTimeout)})
	case CmdEnquireLink: // its probes are told when the session closes
		s.o.Metrics.unanswered(s.o.Name)
		s.end = errSilent
	case CmdUnbind:
		s.end = errUnbound
	default:
		s.end = fmt.Errorf("%w within %v: a firewall, TLS on one side only, or the wrong port", errBindUnanswered, s.o.ResponseTimeout)
	}
}

// armTimer sets the timer to what comes first, if it is not set to something
// earlier: then that wakes us, finds nothing due, and arms it again.
func (s *Session) armTimer() {
	next := s.now.Add(s.o.EnquireLink)
	if s.state.Bound() && s.enquiries == 0 {
		next = s.heard.Add(s.o.EnquireLink)
	}
	earlier := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if r := s.out.oldest(); r != nil {
		earlier(r.written.Add(s.o.ResponseTimeout))
	}
	if at, ok := s.proof.due(s.covered(), s.o.proofDelay()); ok && s.state.Bound() {
		earlier(at)
	}
	if s.leaving.set() {
		earlier(s.leaving.by)
	}
	if s.timerAt.IsZero() || next.Before(s.timerAt) {
		s.timer.Reset(max(next.Sub(s.now), 0))
		s.timerAt = next
	}
}

// joinReason is an error that is kind and, where there is one, because of reason.
func joinReason(kind, reason error) error {
	if reason == nil || errors.Is(reason, kind) {
		return kind
	}
	return fmt.Errorf("%w: %w", kind, reason)
}
