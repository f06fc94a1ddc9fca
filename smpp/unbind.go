package smpp

import (
	"errors"
	"time"
)

// leaving is how a session ends in good order: what is under way is finished
// first, but not for ever.
type leaving struct {
	by   time.Time     // no longer than until then
	held bool          // places of the window that are taken may still be used: the wish is ours
	peer bool          // they asked with an unbind
	seq  uint32        // its sequence number
	sent bool          // our unbind is written
	wait time.Duration // for its answer
}

func (l *leaving) set() bool { return !l.by.IsZero() }

// peerGrace is what an SMSC that unbinds waits for the answers under way; ours
// keep their outcome, and theirs need not be sent again.
const peerGrace = 2 * time.Second

var errPeerUnbound = errors.New("the SMSC unbound us")

// drain begins to leave: ctx has ended. Three quarters of ShutdownWithin are for
// what is in hand and outstanding, the rest for the unbind.
func (s *Session) drain() {
	if s.leaving.set() {
		return
	}
	within := s.o.ShutdownWithin()
	s.leaving = leaving{by: time.Now().Add(within * 3 / 4), held: true, wait: within / 4}
}

// peerUnbinds answers an unbind once what is under way has ended.
func (s *Session) peerUnbinds(seq uint32) {
	if s.leaving.sent || !s.state.Bound() { // ours crosses theirs, or nothing is under way
		s.write(CmdUnbindResp, StatusROK, seq)
		if !s.leaving.sent {
			s.end, s.linger = errPeerUnbound, true
		}
		return
	}
	s.setState(StateUnbinding)
	s.leaving = leaving{by: s.now.Add(min(peerGrace, s.o.ResponseTimeout/2)), peer: true, seq: seq}
}

// leaveIfIdle goes on with leaving when nothing is under way, or time is up.
func (s *Session) leaveIfIdle() {
	if !s.leaving.set() || s.leaving.sent {
		return
	}
	idle := s.inHand == 0 && s.out.submits == 0 && len(s.submits) == 0
	if s.leaving.held {
		idle = idle && s.held() == 0
	}
	if !s.leaving.peer && !s.state.Bound() { // nobody to take leave of
		s.end = errUnbound
		return
	}
	if !idle && s.now.Before(s.leaving.by) {
		return
	}
	if s.leaving.peer {
		s.write(CmdUnbindResp, StatusROK, s.leaving.seq)
		s.end, s.linger = errPeerUnbound, true
		return
	}
	s.setState(StateUnbinding)
	s.request(&request{id: CmdUnbind})
	s.leaving.sent = true
	s.leaving.by = s.now.Add(min(s.o.ResponseTimeout, s.leaving.wait))
}
