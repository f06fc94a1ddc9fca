package smsc

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"aduan/smpp"
)

// handle takes one PDU. It returns why the session must end, or nothing. A PDU
// that breaks our reading is answered as a temporary fault; the link lives.
func (s *Server) handle(c *session, frame []byte) (why string) {
	h := smpp.ParseHeader(frame)
	defer func() {
		if p := recover(); p != nil {
			s.o.Log.Error("panic while handling a PDU", zap.String("session", c.id), zap.Stringer("command", h.ID), zap.String("panic", fmt.Sprint(p)))
			s.mu.Lock()
			if !h.ID.IsResponse() {
				c.send(smpp.AppendHeader(nil, h.ID.Response(), smpp.StatusRSYSERR, h.Seq))
			}
			s.unlock()
		}
	}()
	switch h.ID {
	case smpp.CmdSubmitSM, smpp.CmdDataSM:
		s.submit(c, h, frame)
		return ""
	case smpp.CmdBindReceiver, smpp.CmdBindTransmitter, smpp.CmdBindTransceiver:
		s.bindRequest(c, h, frame)
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock() // told to the writer by the reader, when nothing more is buffered
	if c.state == stateClosed {
		return ""
	}
	c.lastRead = time.Now()
	s.tally(h.ID)
	switch h.ID {
	case smpp.CmdDeliverSMResp, smpp.CmdDataSMResp:
		s.answered(c, h.Seq, h.Status)
	case smpp.CmdGenericNack:
		status := h.Status
		if status == smpp.StatusROK {
			status = smpp.StatusRSYSERR
		}
		s.answered(c, h.Seq, status)
	case smpp.CmdEnquireLink:
		if !s.faults.deafEnquire {
			c.send(smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, 0, h.Seq))
		}
	case smpp.CmdEnquireLinkResp:
		c.asked = time.Time{}
	case smpp.CmdUnbind:
		if !c.state.bound() {
			c.send(smpp.AppendHeader(nil, smpp.CmdUnbindResp, smpp.StatusRINVBNDSTS, h.Seq))
			return ""
		}
		c.send(smpp.AppendHeader(nil, smpp.CmdUnbindResp, 0, h.Seq))
		s.release(c, unboundByESME)
		return unboundByESME
	case smpp.CmdUnbindResp:
		if c.state == stateUnbinding {
			return unboundByUs
		}
	default:
		if !h.ID.IsResponse() {
			c.send(smpp.AppendHeader(nil, smpp.CmdGenericNack, smpp.StatusRINVCMDID, h.Seq))
		}
	}
	return ""
}

// bindRequest answers a bind (SMPP 3.4 §4.1).
func (s *Server) bindRequest(c *session, h smpp.Header, frame []byte) {
	b, err := smpp.DecodeBind(frame)
	s.mu.Lock()
	defer s.unlock()
	if c.state == stateClosed {
		return
	}
	c.lastRead = time.Now()
	s.tally(CountBind)
	if s.faults.ignoreBinds {
		return
	}
	status := s.judgeBind(c, b, err)
	if s.faults.bindDelay > 0 {
		s.after(s.faults.bindDelay, func() {
			if c.state == stateOpen {
				s.answerBind(c, h, b, status)
			}
		})
		return
	}
	s.answerBind(c, h, b, status)
}

func (s *Server) judgeBind(c *session, b *smpp.Bind, err error) smpp.Status {
	limit := s.o.BindLimit
	if s.faults.bindLimit > 0 {
		limit = s.faults.bindLimit
	}
	switch {
	case err != nil:
		return statusOf(err)
	case c.state != stateOpen:
		return smpp.StatusRALYBND
	case s.faults.refuse != smpp.StatusROK:
		return s.faults.refuse
	case s.o.SystemID != "" && b.SystemID != s.o.SystemID:
		return smpp.StatusRINVSYSID
	case s.o.Password != "" && b.Password != s.o.Password:
		return smpp.StatusRINVPASWD
	case limit > 0 && s.bound >= limit:
		return smpp.StatusRALYBND
	}
	return smpp.StatusROK
}

func (s *Server) answerBind(c *session, h smpp.Header, b *smpp.Bind, status smpp.Status) {
	resp, err := smpp.AppendBindResp(nil, h.ID.Response(), status, h.Seq, s.o.Name)
	if err != nil { // Options.Name is too long
		resp, _ = smpp.AppendBindResp(nil, h.ID.Response(), status, h.Seq, "aduan-smsc")
	}
	c.send(resp)
	var systemID string
	if b != nil {
		systemID = b.SystemID
	}
	if status != smpp.StatusROK {
		s.emit(Event{Kind: EventRefused, Session: c.id, SystemID: systemID, Bind: h.ID, Status: status, Sessions: s.bound})
		s.o.Log.Info("bind refused", zap.String("session", c.id), zap.Stringer("bind", h.ID), zap.Stringer("status", status))
		return
	}
	c.state, c.bind, c.systemID = stateBound, h.ID, systemID
	s.tally(CountBound)
	s.bound++
	s.emit(Event{Kind: EventBound, Session: c.id, SystemID: systemID, Bind: h.ID, Sessions: s.bound})
	s.o.Log.Info("bound", zap.String("session", c.id), zap.Stringer("bind", h.ID))
	s.changed.fire()
	s.dispatch()
}

// statusOf is what a PDU that cannot be read is answered with.
func statusOf(err error) smpp.Status {
	if bad, ok := errors.AsType[*smpp.PDUError](err); ok {
		return bad.Status
	}
	return smpp.StatusRSYSERR
}
