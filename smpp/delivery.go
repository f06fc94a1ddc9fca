package smpp

import (
	"context"
	"sync/atomic"
	"time"
)

// Delivery is one deliver_sm or data_sm that came in and waits for its answer.
type Delivery struct {
	ID        string   // unique: the session's id, "-", a count
	Link      string   // the link's name
	Session   *Session // nil in tests and players: then Carrier carries it
	Carrier   Carrier
	CommandID CommandID
	Message   *Message
	Received  time.Time // arrival of its last octet

	seq      uint32
	receipt  bool // it counts among the receipts in hand
	answered atomic.Bool
}

// Respond answers the delivery, exactly once: ESME_ROK when it is kept,
// ESME_RX_T_APPN when it cannot be kept now. It may be called from any goroutine,
// never blocks, and a second call is ignored and counted. An answer to a session
// that has ended goes nowhere: the SMSC sends the message again.
func (d *Delivery) Respond(s Status) {
	if !d.answered.CompareAndSwap(false, true) {
		if d.Session != nil {
			d.Session.o.Metrics.fault(d.Link, faultSecondAnswer)
		}
		return
	}
	switch {
	case d.Session != nil:
		d.Session.Respond(d, s)
	case d.Carrier != nil:
		d.Carrier.Respond(d, s)
	}
}

// Carrier is what a delivery came by; a *Session is one.
type Carrier interface {
	// ID names the session.
	ID() string
	// Alive is false from the moment its connection is known to be closed.
	Alive() bool
	// Probe returns nil once the peer has answered an enquire_link that was written
	// after the call began, and ErrSessionClosed where the session ends first.
	Probe(ctx context.Context) error
	// Respond writes the answer. It is called by Delivery.Respond, which lets only one pass.
	Respond(d *Delivery, s Status)
}

// Handler consumes what a link receives. Its methods are called on the session's
// owner goroutine and must not block.
type Handler interface {
	// Deliver takes a message over; who takes it calls Respond, sooner or later.
	Deliver(d *Delivery)
	// Proven reports deliveries whose ESME_ROK the peer has surely read in time, in
	// the order of the stream, before the response that proves it is given to its waiter.
	Proven(ds []*Delivery)
	// SessionClosed tells that nothing more comes from, or goes out by, this session.
	SessionClosed(sessionID string)
}

// Gate is asked by the owner goroutine right before submit_sm are written. While
// it is shut they end with ErrNotWritten. A nil Gate is open.
type Gate interface{ MaySend() bool }

// Lease lets one daemon of several bind: *store.Lease is one.
type Lease interface {
	// Hold calls run each time that this daemon may bind, with a context that ends before that does, until ctx ends.
	Hold(ctx context.Context, run func(ctx context.Context)) error
	// Until is when we may be bound no longer, unless it is put off.
	Until() time.Time
	// Holder is the other daemon that may bind; "": none does.
	Holder() string
}
