package linkyear

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"aduan/smpp"
)

// what names a submit_sm by its telephone and octets.
func what(m *smpp.Message) string {
	return m.Destination.Addr + "|" + hex.EncodeToString(m.ShortMessage)
}

// submit takes an SMS for a citizen.
func (c *link) submit(h smpp.Header, frame []byte) {
	s := c.s
	m, err := smpp.DecodeMessage(frame)
	if err != nil {
		s.w.fail("a submit_sm that cannot be read: %v", err)
		return
	}
	if c.bound == 0 || c.bound == smpp.CmdBindReceiver {
		s.w.fail("a submit_sm on a session that does not transmit")
	}
	c.countWindow(h)
	c.inOrder(m)
	key := what(m)
	s.seen[key]++
	status, id := s.m.refuse, ""
	if status != 0 && s.dice.IntN(3) == 0 {
		status = 0
	}
	if s.m.answer == "nack" && s.dice.IntN(2) == 0 {
		status = smpp.StatusRSYSERR
	}
	if status == 0 {
		s.numbers++
		id = fmt.Sprintf("%x", s.numbers)
		s.ids[id] = key
		s.accepted[key]++
	} else {
		s.refused(key, status)
	}
	s.went(m, status == 0)
	resp, err := smpp.AppendResp(nil, smpp.CmdSubmitSMResp, status, h.Seq, id)
	switch {
	case err != nil:
		panic(err)
	case s.m.answer == "nack" && status != 0:
		resp = smpp.AppendHeader(nil, smpp.CmdGenericNack, status, h.Seq)
	case s.m.answer == "bare":
		resp = smpp.AppendHeader(nil, smpp.CmdSubmitSMResp, status, h.Seq)
	}
	if status == 0 && m.RegisteredDelivery != 0 {
		s.receipt(m, id)
	}
	c.respond(smpp.CmdSubmitSMResp, h.Seq, resp)
}

func (s *smsc) refused(key string, status smpp.Status) {
	if s.refusals[key] == nil {
		s.refusals[key] = map[smpp.Status]bool{}
	}
	s.refusals[key][status] = true
}

// countWindow: what was read a moment ago and is not answered is outstanding for the link too; what has been so for long
// may have been given up there, and came late by the lag.
func (c *link) countWindow(h smpp.Header) {
	now := time.Now()
	for seq, at := range c.open {
		if now.Sub(at) >= c.s.w.set.response/2 {
			delete(c.open, seq)
		}
	}
	if _, twice := c.open[h.Seq]; twice {
		c.s.w.fail("sequence number %d is used for two requests at once", h.Seq)
	}
	c.open[h.Seq] = now
	if n := len(c.open); !c.odd && now.Sub(c.behind) > c.s.w.set.response && n > c.s.w.set.window {
		c.s.w.fail("%d submit_sm outstanding on a session, the window is %d", n, c.s.w.set.window)
	}
}

// respond writes a response as the mode says.
func (c *link) respond(id smpp.CommandID, seq uint32, resp []byte) {
	s := c.s
	write := func() { delete(c.open, seq); c.write(resp) }
	how := s.m.answer
	if s.dice.IntN(3) == 0 {
		how = "" // not all of them
	}
	switch how {
	case "late":
		s.later(s.w.set.response+time.Duration(s.dice.IntN(5000))*time.Millisecond, func() { c.write(resp) })
	case "twice":
		write()
		s.later(time.Duration(s.dice.IntN(2000))*time.Millisecond, func() { c.write(resp) })
	case "never":
	case "unknown":
		other := slices.Clone(resp)
		other[12] ^= 0x10
		c.write(other)
		write()
	case "wrong":
		for _, wrong := range []smpp.CommandID{smpp.CmdQuerySMResp, smpp.CmdDeliverSMResp, smpp.CmdBindTransceiverResp, smpp.CmdEnquireLinkResp, smpp.CmdSubmitSMResp} {
			if wrong != id {
				c.write(smpp.AppendHeader(nil, wrong, smpp.StatusRINVSRCADR, seq)) // which is never meant
			}
		}
		s.later(100*time.Millisecond, write)
	case "shuffled":
		s.later(time.Duration(s.dice.IntN(3000))*time.Millisecond, write)
	default:
		write()
	}
}
