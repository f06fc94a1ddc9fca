package smpp

import (
	"net"
	"slices"
	"sync/atomic"
	"time"
)

// Tapped are octets on a session's connection: whole PDUs, inside TLS where there is any.
type Tapped struct {
	At            time.Time
	Session       string
	Local, Remote net.Addr
	Out           bool   // we write them; else the SMSC did
	Octets        []byte // valid only during the call: passwords, numbers and texts stand in it as they are
}

// Tap sees what passes on a link. It must return at once, and must not change the octets.
type Tap func(Tapped)

// taps are those who listen on a link; nil, and no cost, while nobody does.
type taps struct{ all atomic.Pointer[[]*Tap] }

// Tap calls see with all that passes on the link's sessions from now on, from several goroutines, until stop is
// called; a last call may come a moment later. What we write is seen just before it is written: a response is never
// seen before its request.
func (l *Link) Tap(see Tap) (stop func()) {
	mine := &see
	l.setTaps(func(all []*Tap) []*Tap { return append(all, mine) })
	return func() {
		l.setTaps(func(all []*Tap) []*Tap { return slices.DeleteFunc(all, func(t *Tap) bool { return t == mine }) })
	}
}

// setTaps puts another list of taps into place.
func (l *Link) setTaps(f func([]*Tap) []*Tap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*Tap
	if now := l.taps.all.Load(); now != nil {
		all = *now
	}
	if all = f(slices.Clone(all)); len(all) == 0 {
		l.taps.all.Store(nil)
		return
	}
	l.taps.all.Store(&all)
}

// tapped shows octets to who listens.
func (s *Session) tapped(out bool, octets []byte) {
	all := s.taps.all.Load()
	if all == nil || len(octets) == 0 {
		return
	}
	p := Tapped{At: time.Now(), Session: s.id, Local: s.conn.LocalAddr(), Remote: s.conn.RemoteAddr(), Out: out, Octets: octets}
	for _, see := range *all {
		(*see)(p)
	}
}
