package smsc

import (
	"slices"
	"sort"
	"time"

	"aduan/smpp"
)

// delivery is one deliver_sm that waits for its ESME_ROK; guarded by mu.
type delivery struct {
	n        uint64 // its place in the lane
	lane     *lane
	out      *Outgoing
	part     int // from 1
	message  *smpp.Message
	pdu      []byte // encoded, without a sequence number
	receipt  string // the message id that it is about; empty: no receipt
	attempts int
	pause    time.Duration
}

// lane keeps the order of one telephone's messages, or of its receipts.
type lane struct {
	queue   []*delivery // waiting, in order
	limit   int         // how many may be outstanding
	out     int         // outstanding
	blocked bool        // pauses after a temporary error
	listed  bool        // stands in Server.lanes
}

// flight is a delivery on its way in a session.
type flight struct {
	d         *delivery
	seq       uint32
	entry     *Entry
	deadline  time.Time
	swallowed bool
	ended     bool
}

// enqueue puts a delivery where it belongs: behind all that are older.
func (s *Server) enqueue(d *delivery) {
	q := d.lane.queue
	if len(q) == 0 || q[len(q)-1].n < d.n {
		d.lane.queue = append(q, d)
	} else {
		i := sort.Search(len(q), func(i int) bool { return q[i].n > d.n })
		d.lane.queue = slices.Insert(q, i, d)
	}
	s.list(d.lane)
}

// list puts a lane among those that can send.
func (s *Server) list(l *lane) {
	if !l.listed && !l.blocked && len(l.queue) > 0 && l.out < l.limit {
		l.listed = true
		s.lanes = append(s.lanes, l)
	}
}

// dispatch sends what can be sent; mu is held.
func (s *Server) dispatch() {
	for len(s.lanes) > 0 {
		c := s.receiver()
		if c == nil {
			return
		}
		l := s.lanes[0]
		s.lanes[0] = nil
		if s.lanes = s.lanes[1:]; len(s.lanes) == 0 {
			s.lanes = nil
		}
		l.listed = false
		if l.blocked || len(l.queue) == 0 || l.out >= l.limit {
			continue
		}
		d := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		s.deliver(c, d)
		s.list(l)
	}
}

// receiver is the next session, in turn, with room in its window; nil: none.
func (s *Server) receiver() *session {
	for range s.sessions {
		s.next++
		c := s.sessions[s.next%len(s.sessions)]
		if c.receives() && len(c.window) < s.o.Window {
			return c
		}
	}
	return nil
}

func (s *Server) deliver(c *session, d *delivery) {
	d.attempts++
	d.lane.out++
	f := &flight{d: d, deadline: time.Now().Add(s.o.ResponseTimeout)}
	f.seq = c.sendPDU(d.pdu)
	f.entry = s.journal.add(&Entry{
		N: s.nextNumber(), Kind: EntryDeliver, At: s.o.Now(), Session: c.id, Seq: f.seq,
		Phone: d.out.phone.number, Message: d.message, OutgoingID: d.out.ID, Part: d.part, Parts: d.out.Segments,
		Attempt: d.attempts, Receipt: d.receipt != "", MessageID: d.receipt,
	})
	s.tally(smpp.CmdDeliverSM)
	c.window[f.seq] = f
	c.flights = append(c.flights, f)
	if d.attempts == 1 && d.part == 1 {
		s.outgoing(d.out, OutgoingSent, smpp.StatusROK)
	}
}

// answered takes the ESME's answer to a deliver_sm; mu is held.
func (s *Server) answered(c *session, seq uint32, status smpp.Status) {
	f, ok := c.window[seq]
	if !ok {
		if e := c.expired[seq]; e != nil { // the SMSC waits no more: this is unseen
			s.note(e, Late, status)
			delete(c.expired, seq)
		}
		return
	}
	if f.swallowed {
		return
	}
	if s.faults.swallowDeliver > 0 {
		s.faults.swallowDeliver--
		f.swallowed = true
		s.note(f.entry, Swallowed, status)
		return
	}
	s.note(f.entry, Answered, status)
	c.land(f)
	d := f.d
	d.lane.out--
	switch status.Class() {
	case smpp.ClassOK:
		s.partDone(d.out)
		s.list(d.lane)
	case smpp.ClassPermanent, smpp.ClassSettings:
		s.refused(d, status)
		s.list(d.lane)
	default:
		s.retryLater(d, status)
	}
	s.dispatch()
}

// land takes a flight out of its session's window.
func (c *session) land(f *flight) {
	delete(c.window, f.seq)
	f.ended = true
	i := 0
	for i < len(c.flights) && c.flights[i].ended {
		c.flights[i] = nil
		i++
	}
	if c.flights = c.flights[i:]; len(c.flights) == 0 {
		c.flights = nil
	}
}

// retryLater pauses a lane, so that nothing overtakes the delivery.
func (s *Server) retryLater(d *delivery, status smpp.Status) {
	d.pause = min(max(2*d.pause, s.o.RetryMin), s.o.RetryMax)
	d.lane.blocked = true
	s.enqueue(d)
	s.outgoing(d.out, OutgoingRetrying, status)
	s.after(d.pause, func() {
		d.lane.blocked = false
		s.list(d.lane)
		s.dispatch()
	})
}

// refused ends a message: what of it has not been sent stays unsent.
func (s *Server) refused(d *delivery, status smpp.Status) {
	d.lane.queue = slices.DeleteFunc(d.lane.queue, func(x *delivery) bool { return x.out == d.out })
	s.ended(d.out, OutgoingRefused, status)
}

// expire gives up waiting for answers: those messages are delivered again.
func (s *Server) expire(c *session, now time.Time) {
	again := false
	for len(c.flights) > 0 {
		f := c.flights[0]
		if !f.ended {
			if now.Before(f.deadline) {
				break
			}
			s.unanswered(f, TimedOut)
			if len(c.expired) >= 10_000 {
				clear(c.expired)
			}
			if !f.swallowed {
				c.expired[f.seq] = f.entry
			}
			again = true
		}
		f.ended = true
		delete(c.window, f.seq)
		c.flights = c.flights[1:]
	}
	if again {
		s.dispatch()
	}
}

// giveBack takes all that a session was carrying back into the lanes.
func (s *Server) giveBack(c *session) {
	for _, f := range c.flights {
		if !f.ended {
			s.unanswered(f, Dropped)
		}
	}
	c.flights = nil
	clear(c.window)
}

func (s *Server) unanswered(f *flight, o Outcome) {
	if f.entry.Outcome == Pending {
		f.entry.Outcome = o
	}
	f.d.lane.out--
	s.enqueue(f.d)
}
