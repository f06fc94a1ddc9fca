package smpp

import (
	"errors"
	"strconv"

	"go.uber.org/zap"
)

// handle does what one PDU asks for. Whatever is in it, the session lives on.
func (s *Session) handle(f incoming) {
	s.heard = s.now
	h := ParseHeader(f.frame)
	s.counted(directionIn, h.ID, h.Status)
	if h.ID.IsResponse() {
		s.guard(h.ID, func() { s.response(h, f) })
		return
	}
	switch h.ID {
	case CmdDeliverSM, CmdDataSM:
		s.deliver(h, f)
	case CmdEnquireLink:
		s.write(CmdEnquireLinkResp, StatusROK, h.Seq)
	case CmdUnbind:
		s.peerUnbinds(h.Seq)
	case CmdOutbind, CmdAlertNotification: // neither has a response (§4.1.7, §4.12)
		s.log.Info("ignored", zap.Stringer("command", h.ID))
	default:
		s.o.Metrics.fault(s.o.Name, faultCommand)
		s.log.Warn("unknown or unsupported command", zap.Stringer("command", h.ID))
		s.write(CmdGenericNack, StatusRINVCMDID, h.Seq)
	}
}

// deliver hands a message on, or says why not; answering it is the consumer's.
func (s *Session) deliver(h Header, f incoming) {
	switch {
	case s.state == StateUnbinding || s.leaving.set():
		s.writeAnswer(h, StatusRXTAPPN)
		return
	case !legalFromSMSC(h.ID, s.state):
		s.o.Metrics.fault(s.o.Name, faultState)
		s.log.Warn("not legal in this state", zap.Stringer("command", h.ID), zap.Stringer("state", s.state))
		s.writeAnswer(h, StatusRINVBNDSTS)
		return
	}
	m, status := s.decode(h, f)
	if m == nil {
		s.writeAnswer(h, status)
		return
	}
	receipt := m.isReceipt()
	if inHand := s.inHand - s.receipts; receipt && s.receipts >= s.o.MaxInHand || !receipt && inHand >= s.o.MaxInHand {
		s.o.Metrics.fault(s.o.Name, faultInHand)
		s.writeAnswer(h, StatusRXTAPPN)
		return
	}
	s.count++
	var id [64]byte
	d := &Delivery{
		ID: string(strconv.AppendUint(append(append(id[:0], s.id...), '-'), s.count, 10)), Link: s.o.Name, Session: s, Carrier: s,
		CommandID: h.ID, Message: m, Received: f.at, seq: h.Seq, receipt: receipt,
	}
	s.took(d, 1)
	if !s.guard(h.ID, func() { s.o.Handler.Deliver(d) }) {
		d.Respond(StatusRXTAPPN)
	}
}

// isReceipt tells a delivery receipt by its mark. One that SMPP 3.4 §5.2.12 does not let us know counts as a citizen's message.
func (m *Message) isReceipt() bool {
	_, id := m.TLVs.Get(TagReceiptedMessageID)
	kind := m.ESMClass & ESMTypeMask
	return id || kind == ESMReceipt || kind == ESMIntermediate
}

// decode reads a message, or says what refuses it.
func (s *Session) decode(h Header, f incoming) (m *Message, status Status) {
	var err error
	if !s.guard(h.ID, func() { m, err = DecodeMessage(f.frame) }) {
		return nil, StatusRXTAPPN
	}
	var bad *PDUError
	switch {
	case err == nil:
		return m, StatusROK
	case m != nil && readable(m):
		s.o.Metrics.fault(s.o.Name, faultTLV)
		s.log.Info("broken optional parameters; the text is kept", zap.Error(err))
		return m, StatusROK
	case errors.As(err, &bad):
		status = bad.Status
	default:
		status = StatusRXTAPPN
	}
	s.o.Metrics.fault(s.o.Name, faultBody)
	s.log.Warn("malformed", zap.Error(err))
	return nil, status
}

// readable tells whether a message with broken optional parameters still says
// what it is about: a text, or which message a receipt is for and its state.
func readable(m *Message) bool {
	if _, ok := m.TLVs.Get(TagMessagePayload); ok || len(m.ShortMessage) > 0 {
		return true
	}
	_, id := m.TLVs.Get(TagReceiptedMessageID)
	_, state := m.TLVs.Uint8(TagMessageState)
	return id && state
}

// response ends the request that it answers; it is never answered itself.
func (s *Session) response(h Header, f incoming) {
	r, ok := s.out.bySeq[h.Seq]
	switch {
	case !ok && h.ID == CmdGenericNack:
		s.o.Metrics.fault(s.o.Name, faultNack)
		s.log.Warn("generic_nack of nothing that waits", zap.Stringer("status", h.Status))
		return
	case !ok: // late, twice, or of a number that was never ours
		s.o.Metrics.fault(s.o.Name, faultUnexpected)
		return
	case h.ID != r.id.Response() && h.ID != CmdGenericNack:
		s.o.Metrics.fault(s.o.Name, faultWrongType)
		return
	}
	s.out.remove(r)
	if h.ID == CmdGenericNack && h.Status == StatusROK {
		h.Status = StatusRUNKNOWNERR // a nack accepts nothing
	}
	// Before whoever waits for this response goes on.
	if proven := s.proof.prove(r.pos, f.at); len(proven) > 0 {
		s.guard(h.ID, func() { s.o.Handler.Proven(proven) })
	}
	s.responded(r.id, f.at.Sub(r.written))
	switch r.id {
	case CmdSubmitSM:
		s.setOutstanding()
		result := SubmitResult{Status: h.Status}
		if h.Status == StatusROK {
			var err error
			if result.MessageID, err = DecodeSubmitResp(f.frame); err != nil || result.MessageID == "" {
				s.o.Metrics.fault(s.o.Name, faultNoMessageID) // accepted; no receipt can match
			}
		}
		r.end(outcome{result: result})
	case CmdEnquireLink:
		s.enquiries--
		for _, p := range r.probes {
			p.done <- nil
		}
	case CmdUnbind:
		s.end = errUnbound
	default:
		s.bindAnswered(h, f.frame)
	}
}
