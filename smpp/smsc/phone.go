package smsc

import (
	"context"
	"fmt"
	"slices"
	"time"

	"aduan/smpp"
	"aduan/smpp/segment"
)

// Phone is a simulated telephone.
type Phone struct {
	srv    *Server
	number string // E.164 digits, immutable

	// guarded by srv.mu
	texts, receipts lane
	ref             byte // of its next long message
	state           PhoneState
	inbox           []SMS
	taken           int // SMS that fell out of the inbox at its limit
	partial         map[groupKey]*group
	held            []heldSMS // waits for the telephone to be reachable
	arrived         signal
}

func newPhone(s *Server, number string) *Phone {
	return &Phone{
		srv: s, number: number,
		texts:    lane{limit: s.o.PerPhone},
		receipts: lane{limit: s.o.Window},
		partial:  make(map[groupKey]*group),
	}
}

// Number is the telephone's number, E.164 digits without '+'.
func (p *Phone) Number() string { return p.number }

// OutgoingState is where a telephone's message stands.
type OutgoingState int

// The states.
const (
	OutgoingQueued   OutgoingState = iota
	OutgoingSent                   // its first part was sent to the ESME, unanswered yet
	OutgoingRetrying               // the ESME answered with a temporary error
	OutgoingAccepted               // ESME_ROK for every part: final
	OutgoingRefused                // a permanent error: final
)

var outgoingNames = [...]string{"queued", "sent", "retrying", "accepted", "refused"}

// String names the state.
func (o OutgoingState) String() string {
	if o < 0 || int(o) >= len(outgoingNames) {
		return "?"
	}
	return outgoingNames[o]
}

// Outgoing is a message that a telephone sends.
type Outgoing struct {
	ID       uint64
	Text     string // empty for SendPDU
	Alphabet string // "gsm7" or "ucs2"; empty for SendPDU
	Segments int
	Sent     time.Time

	phone *Phone
	err   error         // set before done is closed
	done  chan struct{} // closed at the end

	// guarded by phone.srv.mu
	left   int
	state  OutgoingState
	status smpp.Status
}

// RefusedError is the ESME's permanent refusal of a message.
type RefusedError struct{ Status smpp.Status }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("smsc: the ESME refuses the message for good: %v", e.Status)
}

// Wait waits until every part was answered ESME_ROK. A permanent error is a
// *[RefusedError].
func (o *Outgoing) Wait(ctx context.Context) error {
	select {
	case <-o.done:
		return o.err
	default:
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		state, status := o.State()
		return fmt.Errorf("smsc: message %d is %v (%v): %w", o.ID, state, status, context.Cause(ctx))
	}
}

// State is where the message stands, with the last answer of the ESME.
func (o *Outgoing) State() (OutgoingState, smpp.Status) {
	o.phone.srv.mu.Lock()
	defer o.phone.srv.mu.Unlock()
	return o.state, o.status
}

// Send stores a text for an address (a short code, or E.164 digits) and delivers
// it to the ESME: over any bound receiver, in order, again and again until ESME_ROK
// or a permanent error. A text beyond 255 segments is refused at once.
func (p *Phone) Send(to, text string) *Outgoing {
	s := p.srv
	s.mu.Lock()
	defer s.unlock()
	p.ref++
	e, err := segment.SplitFor(text, p.ref, s.o.Alphabet)
	o := p.newOutgoing(len(e.Parts))
	o.Text, o.Alphabet = text, e.Alphabet
	if err != nil {
		o.err = err
		s.ended(o, OutgoingRefused, smpp.StatusRINVMSGLEN)
		return o
	}
	ms := make([]*smpp.Message, len(e.Parts))
	for i, part := range e.Parts {
		ms[i] = &smpp.Message{
			Source:       smpp.Address{TON: 1, NPI: 1, Addr: p.number},
			Destination:  address(to),
			DataCoding:   e.DataCoding,
			ShortMessage: part.Payload(),
		}
		if len(part.UDH) > 0 {
			ms[i].ESMClass = smpp.ESMUDHI
		}
	}
	s.store(&p.texts, o, ms, "")
	return o
}

// SendPDU is Send of a message as it shall stand on the wire; an empty source
// becomes the telephone's number. m is not to be changed afterwards.
func (p *Phone) SendPDU(m *smpp.Message) *Outgoing {
	s := p.srv
	s.mu.Lock()
	defer s.unlock()
	if m.Source.Addr == "" {
		filled := *m
		filled.Source = smpp.Address{TON: 1, NPI: 1, Addr: p.number}
		m = &filled
	}
	o := p.newOutgoing(1)
	s.store(&p.texts, o, []*smpp.Message{m}, "")
	return o
}

// address dresses a number as SMSCs do: short codes without a type.
func address(addr string) smpp.Address {
	if len(addr) <= 6 {
		return smpp.Address{NPI: 1, Addr: addr}
	}
	return smpp.Address{TON: 1, NPI: 1, Addr: addr}
}

func (p *Phone) newOutgoing(parts int) *Outgoing {
	return &Outgoing{
		ID: p.srv.nextNumber(), Segments: parts, Sent: p.srv.o.Now(),
		phone: p, left: parts, done: make(chan struct{}),
	}
}

// store encodes the parts and puts them into a lane; mu is held.
func (s *Server) store(l *lane, o *Outgoing, ms []*smpp.Message, receipt string) {
	ds := make([]*delivery, len(ms))
	for i, m := range ms {
		pdu, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, 0, m)
		if err != nil {
			o.err = fmt.Errorf("smsc: the message cannot be written: %w", err)
			s.ended(o, OutgoingRefused, statusOf(err))
			return
		}
		ds[i] = &delivery{lane: l, out: o, part: i + 1, message: m, pdu: pdu, receipt: receipt}
	}
	s.outgoing(o, OutgoingQueued, smpp.StatusROK)
	for _, d := range ds {
		d.n = s.nextNumber()
		s.enqueue(d)
	}
	s.dispatch()
}

// outgoing changes a message's state; receipts are not shown.
func (s *Server) outgoing(o *Outgoing, state OutgoingState, status smpp.Status) {
	if o.state == OutgoingAccepted || o.state == OutgoingRefused {
		return
	}
	o.state, o.status = state, status
	if o.phone != nil && !o.isReceipt() {
		s.emit(Event{Kind: EventOutgoing, Phone: o.phone.number, Outgoing: o, State: state, Status: status})
	}
}

func (o *Outgoing) isReceipt() bool { return o.Alphabet == receiptAlphabet }

// receiptAlphabet marks the Outgoing of a receipt, which no person wrote.
const receiptAlphabet = "receipt"

func (s *Server) partDone(o *Outgoing) {
	if o.left--; o.left == 0 {
		s.ended(o, OutgoingAccepted, smpp.StatusROK)
	}
}

func (s *Server) ended(o *Outgoing, state OutgoingState, status smpp.Status) {
	if o.state == OutgoingAccepted || o.state == OutgoingRefused {
		return
	}
	if state == OutgoingRefused && o.err == nil {
		o.err = &RefusedError{status}
	}
	s.outgoing(o, state, status)
	close(o.done)
}

// Inbox is the newest whole messages that arrived (Options.InboxLimit), oldest first.
func (p *Phone) Inbox() []SMS {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	return slices.Clone(p.inbox)
}

// WaitSMS waits until n messages have arrived in all, and returns the inbox.
func (p *Phone) WaitSMS(ctx context.Context, n int) ([]SMS, error) {
	for {
		p.srv.mu.Lock()
		have, inbox, arrived := p.taken+len(p.inbox), p.inbox, p.arrived.wait()
		if have >= n {
			inbox = slices.Clone(inbox)
			p.srv.mu.Unlock()
			return inbox, nil
		}
		p.srv.mu.Unlock()
		select {
		case <-arrived:
		case <-ctx.Done():
			return p.Inbox(), fmt.Errorf("smsc: %d of %d messages arrived: %w", have, n, context.Cause(ctx))
		}
	}
}
