package smpp

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Respond leaves the answer to a delivery with the owner. Consumers call
// Delivery.Respond, which lets only the first answer pass.
func (s *Session) Respond(d *Delivery, status Status) {
	if !s.box.put(func(m *mail) { m.answers = append(m.answers, answer{d, status}) }) {
		s.o.Metrics.fault(s.o.Name, faultTooLate)
	}
}

// answer appends the response to a delivery; it is flushed with all the others.
func (s *Session) answer(d *Delivery, status Status) {
	s.took(d, -1)
	s.writeAnswer(Header{ID: d.CommandID, Seq: d.seq}, status)
	s.answered(s.now.Sub(d.Received))
	if status == StatusROK {
		s.proof.add(d, s.pos)
	}
}

// writeAnswer appends deliver_sm_resp or data_sm_resp, whose message_id is empty.
func (s *Session) writeAnswer(h Header, status Status) {
	s.wbuf, _ = AppendResp(s.wbuf, h.ID.Response(), status, h.Seq, "") // an empty id always fits
	s.pos++
	s.counted(directionOut, h.ID.Response(), status)
}

// write appends a PDU that is only a header.
func (s *Session) write(id CommandID, status Status, seq uint32) {
	s.wbuf = AppendHeader(s.wbuf, id, status, seq)
	s.pos++
	s.counted(directionOut, id, status)
}

// request appends a header-only request and waits for its response.
func (s *Session) request(r *request) {
	r.seq = s.out.next()
	r.written = s.now
	s.write(r.id, StatusROK, r.seq)
	r.pos = s.pos
	s.out.add(r)
}

// flush writes what the turn gathered, in one write: answers first, then, if the
// gate still lets them, the submit_sm.
func (s *Session) flush() {
	answers := len(s.wbuf)
	sent := s.appendSubmits()
	if len(sent) > 0 && !s.maySend() { // it shut in between: nothing is written yet
		s.takeBack(sent)
		s.wbuf, sent = s.wbuf[:answers], nil
	}
	if len(s.wbuf) == 0 || s.dropped.Load() {
		return
	}
	s.tapped(true, s.wbuf)
	err := s.conn.SetWriteDeadline(time.Now().Add(s.writeTimeout()))
	if err == nil {
		_, err = s.conn.Write(s.wbuf)
	}
	if cap(s.wbuf) > 4*maxCoalesced {
		s.wbuf = nil
	}
	s.wbuf = s.wbuf[:0]
	if err != nil {
		s.dead.Store(true)
		s.o.Metrics.fault(s.o.Name, faultWrite)
		if s.end == nil {
			s.end = fmt.Errorf("%w: %w", errCannotWrite, err)
		}
		return
	}
	now := time.Now()
	s.proof.wrote(now)
	for _, r := range sent {
		r.written = now
		s.counted(directionOut, CmdSubmitSM, StatusROK)
	}
}

// appendSubmits takes the waiting submit_sm into the buffer; those whose waiter
// has given up, or that the gate or the state forbids, are not written.
func (s *Session) appendSubmits() (sent []*request) {
	for _, r := range s.submits {
		if !r.progress.CompareAndSwap(requestQueued, requestTaken) {
			continue
		}
		if s.end != nil || !s.state.Transmits() {
			r.end(outcome{err: joinReason(ErrNotWritten, ErrSessionClosed)})
			continue
		}
		if !s.maySend() {
			r.end(outcome{err: joinReason(ErrNotWritten, errGate)})
			continue
		}
		r.seq = s.out.next()
		r.written = s.now
		s.pos++
		r.pos = s.pos
		start := len(s.wbuf)
		s.wbuf = append(s.wbuf, r.body...)
		binary.BigEndian.PutUint32(s.wbuf[start+12:], r.seq)
		s.out.add(r)
		sent = append(sent, r)
	}
	clear(s.submits)
	s.submits = s.submits[:0]
	if len(sent) > 0 {
		s.setOutstanding()
	}
	return sent
}

func (s *Session) takeBack(sent []*request) {
	for _, r := range sent {
		s.out.remove(r)
		r.end(outcome{err: joinReason(ErrNotWritten, errGate)})
	}
	s.setOutstanding()
}

func (s *Session) maySend() (may bool) {
	if s.o.Lease != nil && !time.Now().Before(s.o.Lease.Until()) {
		return false
	}
	if s.o.Gate == nil {
		return true
	}
	return s.guard(CmdSubmitSM, func() { may = s.o.Gate.MaySend() }) && may
}

// writeTimeout bounds one write: a peer that reads nothing for so long is gone.
func (s *Session) writeTimeout() time.Duration {
	if s.leaving.set() {
		return max(min(s.o.ResponseTimeout, time.Until(s.leaving.by)), time.Millisecond)
	}
	return s.o.ResponseTimeout
}

// took counts what is in hand: receipts by themselves, so that a flood of them has no citizen's message refused.
func (s *Session) took(d *Delivery, n int) {
	s.inHand += n
	if d.receipt {
		s.receipts += n
	}
	s.counts.inHand.Store(int32(s.inHand))
}

func (s *Session) setOutstanding() { s.counts.outstanding.Store(int32(s.out.submits)) }
