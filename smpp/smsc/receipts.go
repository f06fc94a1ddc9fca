package smsc

import (
	"fmt"
	"strings"
	"time"

	"aduan/smpp"
	"aduan/smpp/receipt"
	"aduan/smpp/segment"
)

// PhoneState says what becomes of messages to a telephone.
type PhoneState int

// The states of a telephone.
const (
	Reachable   PhoneState = iota // delivered at once
	Unreachable                   // undeliverable
	Expiring                      // never reached in time: expired
	Silent                        // switched off: kept until the state changes, no receipt meanwhile
)

var phoneStateNames = [...]string{"delivered", "undeliverable", "expired", "never"}

// String names what receipts will say; "never" is none.
func (s PhoneState) String() string {
	if s < 0 || int(s) >= len(phoneStateNames) {
		return "?"
	}
	return phoneStateNames[s]
}

// SetState sets what becomes of messages from now on, and of those that a
// silent telephone has not got yet.
func (p *Phone) SetState(state PhoneState) {
	s := p.srv
	s.mu.Lock()
	defer s.unlock()
	p.state = state
	if state == Silent {
		return
	}
	held := p.held
	p.held = nil
	for _, h := range held {
		p.take(h.m, h.id)
	}
}

// State is what becomes of messages now.
func (p *Phone) State() PhoneState {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	return p.state
}

// take brings an accepted submit to the telephone and sends its receipts; mu is held.
func (p *Phone) take(m *smpp.Message, id string) {
	final := receipt.StateDelivered
	switch p.state {
	case Silent:
		p.held = append(p.held, heldSMS{m, id})
		return
	case Unreachable:
		final = receipt.StateUndeliverable
	case Expiring:
		final = receipt.StateExpired
	default:
		p.arrive(m, id)
	}
	if p.srv.o.Receipts == ReceiptsNever {
		return
	}
	asked := m.RegisteredDelivery
	always := p.srv.o.Receipts == ReceiptsAlways
	if asked&0x10 != 0 {
		p.queueReceipt(m, id, receipt.StateEnroute, true)
	}
	// SMPP 3.4 §5.2.17: 1 both, 2 failure only; 5.0: 3 success only.
	switch want := asked & 0x03; {
	case always, want == 1, want == 2 && final != receipt.StateDelivered, want == 3 && final == receipt.StateDelivered:
		p.queueReceipt(m, id, final, false)
	}
}

// queueReceipt stores a receipt about a submit.
func (p *Phone) queueReceipt(m *smpp.Message, id string, state receipt.State, intermediate bool) {
	s := p.srv
	now := s.o.Now()
	var words string
	if _, text := m.Content(); len(text) > 0 {
		words, _ = segment.DecodeText(m.DataCoding, s.o.Alphabet, text)
	}
	r := s.receiptMessage(id, state, words, now)
	r.Source = smpp.Address{TON: 1, NPI: 1, Addr: p.number}
	r.Destination = m.Source
	if intermediate {
		r.ESMClass = smpp.ESMIntermediate
	}
	p.sendReceipt(r, id)
}

func (p *Phone) sendReceipt(r *smpp.Message, id string) *Outgoing {
	o := p.newOutgoing(1)
	o.Alphabet = receiptAlphabet
	p.srv.store(&p.receipts, o, []*smpp.Message{r}, id)
	return o
}

// SendReceipt sends a receipt of any id and state, at any time: late, twice,
// backwards, or about nothing. to is the address that had submitted.
func (p *Phone) SendReceipt(to, id string, state receipt.State) *Outgoing {
	s := p.srv
	s.mu.Lock()
	defer s.unlock()
	r := s.receiptMessage(id, state, "", s.o.Now())
	r.Source = smpp.Address{TON: 1, NPI: 1, Addr: p.number}
	r.Destination = address(to)
	return p.sendReceipt(r, id)
}

// receiptMessage writes a receipt in the server's form (SMPP 3.4 appendix B, §5.3.2).
func (s *Server) receiptMessage(id string, state receipt.State, words string, now time.Time) *smpp.Message {
	if s.o.ReceiptID != nil {
		id = s.o.ReceiptID(id)
	}
	r := &smpp.Message{ESMClass: smpp.ESMReceipt}
	if s.o.ReceiptForm != FormTLVs {
		dlvrd, code := "000", "000"
		switch state {
		case receipt.StateDelivered:
			dlvrd = "001"
		case receipt.StateUndeliverable:
			code = "011" // common for "teleservice not provisioned"
		}
		date := now.UTC().Format("0601021504")
		r.ShortMessage = fmt.Appendf(nil, "id:%s sub:001 dlvrd:%s submit date:%s done date:%s stat:%s err:%s text:%s",
			id, dlvrd, date, date, state.Short(), code, plainWords(words))
	}
	if s.o.ReceiptForm != FormText {
		r.TLVs = smpp.TLVs{
			{Tag: smpp.TagReceiptedMessageID, Value: append([]byte(id), 0)},
			{Tag: smpp.TagMessageState, Value: []byte{state.MessageState()}},
		}
	}
	return r
}

// plainWords are the first 20 characters, where ASCII and GSM 7-bit agree: a
// receipt is read by either.
func plainWords(s string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > 20 {
			return -1
		}
		if r < 0x20 || r > 0x7E || strings.ContainsRune("@$_`[]{}\\^|~", r) {
			return '.'
		}
		return r
	}, s)
}
