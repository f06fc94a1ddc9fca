package smsc

import (
	"strings"
	"time"

	"aduan/smpp"
	"aduan/smpp/segment"
)

// submit takes a submit_sm or data_sm (SMPP 3.4 §4.4, §4.7).
func (s *Server) submit(c *session, h smpp.Header, frame []byte) {
	m, err := smpp.DecodeMessage(frame)
	s.mu.Lock()
	bound, decide := c.state.bound() && c.bind != smpp.CmdBindReceiver, s.faults.submitStatus
	s.mu.Unlock()

	status := smpp.StatusROK
	var number string
	switch {
	case !bound:
		status = smpp.StatusRINVBNDSTS
	case err != nil:
		status = statusOf(err)
	default:
		number, status = s.judge(m)
		if status == smpp.StatusROK && decide != nil {
			status = decide(m)
		}
	}
	var id string
	if status == smpp.StatusROK {
		id = s.o.MessageID()
	}

	s.mu.Lock()
	defer s.mu.Unlock() // told to the writer by the reader, when nothing more is buffered
	if c.state == stateClosed {
		return // read, but its session is gone: as if lost on the way
	}
	c.lastRead = time.Now()
	s.tally(smpp.CmdSubmitSM)
	e := s.journal.add(&Entry{
		N: s.nextNumber(), Kind: EntrySubmit, At: s.o.Now(), Session: c.id, Seq: h.Seq,
		Phone: number, Message: m, MessageID: id, Status: status,
	})
	var p *Phone
	if status == smpp.StatusROK {
		p = s.phone(number)
		if first := s.faults.receiptFirst; first > 0 {
			p.take(m, id)
			s.dispatch()
			s.after(max(first, s.faults.submitDelay), func() { s.answerSubmit(c, h, e) })
			return
		}
	}
	if s.faults.submitDelay > 0 {
		s.after(s.faults.submitDelay, func() {
			s.answerSubmit(c, h, e)
			if p != nil {
				p.take(m, id)
			}
		})
		return
	}
	s.answerSubmit(c, h, e)
	if p != nil {
		p.take(m, id)
	}
}

// answerSubmit writes the response, unless a fault swallows it; mu is held.
func (s *Server) answerSubmit(c *session, h smpp.Header, e *Entry) {
	if c.state == stateClosed {
		e.Outcome = Dropped
		return
	}
	if s.faults.swallowSubmit > 0 {
		s.faults.swallowSubmit--
		s.note(e, Swallowed, e.Status)
		return
	}
	s.note(e, Answered, e.Status)
	resp, err := smpp.AppendResp(nil, h.ID.Response(), e.Status, h.Seq, e.MessageID)
	if err != nil { // a MessageID of more than 64 octets
		resp = smpp.AppendHeader(nil, h.ID.Response(), smpp.StatusRSYSERR, h.Seq)
	}
	if s.faults.twisted > 0 {
		s.faults.twisted--
		s.twist(c, h, e, resp)
		return
	}
	c.send(resp)
}

// judge checks a well-formed message and finds its telephone.
func (s *Server) judge(m *smpp.Message) (number string, status smpp.Status) {
	number = s.number(m.Destination.Addr)
	switch {
	case number == "":
		return "", smpp.StatusRINVDSTADR
	case m.Source.Addr == "":
		return number, smpp.StatusRINVSRCADR
	case m.ESMClass&smpp.ESMTypeMask != 0 && m.ESMClass&smpp.ESMTypeMask != 0x08 && m.ESMClass&smpp.ESMTypeMask != 0x10:
		return number, smpp.StatusRINVESMCLASS
	case s.o.StrictLength && len(m.ShortMessage) > 0 && tooLong(m, s.o.Alphabet):
		return number, smpp.StatusRINVMSGLEN
	}
	return number, smpp.StatusROK
}

// tooLong says that a short_message does not fit one SMS of 140 octets.
func tooLong(m *smpp.Message, alphabet string) bool {
	udh, text := m.Content()
	septets := m.DataCoding == segment.DataCodingDefault && alphabet != segment.AlphabetGSM7Packed
	if septets {
		return (len(udh)*8+6)/7+len(text) > 160
	}
	return len(udh)+len(text) > 140
}

// number brings a destination to E.164 digits; empty: it is none.
func (s *Server) number(addr string) string {
	addr = strings.TrimPrefix(addr, "+")
	for i := range len(addr) {
		if addr[i] < '0' || addr[i] > '9' {
			return ""
		}
	}
	switch {
	case strings.HasPrefix(addr, "00"):
		return addr[2:]
	case strings.HasPrefix(addr, "0"):
		return s.o.CountryCode + addr[1:]
	}
	return addr
}
