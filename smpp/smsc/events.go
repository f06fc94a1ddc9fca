package smsc

import (
	"context"
	"time"

	"aduan/smpp"
)

// EventKind says what happened.
type EventKind int

// The kinds.
const (
	EventSMS      EventKind = iota // a whole message arrived at a telephone: Phone, SMS
	EventOutgoing                  // a telephone's message changed its state: Phone, Outgoing, State, Status
	EventBound                     // Session, SystemID, Bind, Sessions
	EventUnbound                   // the same, Reason
	EventRefused                   // a bind was refused: Session, SystemID, Bind, Status
	EventScript                    // a step of a script was done, or ended: Reason, Sessions
)

var eventNames = [...]string{"sms", "outgoing", "bound", "unbound", "refused", "script"}

// String names the kind.
func (k EventKind) String() string {
	if k < 0 || int(k) >= len(eventNames) {
		return "?"
	}
	return eventNames[k]
}

// Event is something that a phone page wants to show.
type Event struct {
	Kind     EventKind
	At       time.Time
	Phone    string // whole number, digits
	SMS      *SMS
	Outgoing *Outgoing
	State    OutgoingState
	Status   smpp.Status
	Session  string
	SystemID string
	Bind     smpp.CommandID
	Reason   string
	Sessions int // bound now
}

// emit queues an event; mu is held.
func (s *Server) emit(e Event) {
	if s.o.OnEvent == nil {
		return
	}
	e.At = s.o.Now()
	s.events = append(s.events, e)
}

// runEvents calls OnEvent in order and with no lock held, to the last.
func (s *Server) runEvents(ctx context.Context) {
	for {
		ended := false
		select {
		case <-ctx.Done():
			ended = true
		case <-s.notify:
		}
		for {
			s.mu.Lock()
			batch := s.events
			s.events = nil
			s.mu.Unlock()
			if len(batch) == 0 {
				break
			}
			for _, e := range batch {
				s.o.OnEvent(e)
			}
		}
		if ended {
			return
		}
	}
}
