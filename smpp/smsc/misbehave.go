package smsc

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"aduan/smpp"
)

// Twist is a wrong way to answer a submit.
type Twist int

// The ways. All but TwistNoID and TwistNack answer rightly too, at once or a moment later.
const (
	TwistTwice     Twist = iota // the answer, and again
	TwistWrongType              // first answers of other commands under its number
	TwistUnknown                // first an answer under a number that nobody used
	TwistNoID                   // ESME_ROK without a message_id
	TwistNack                   // a generic_nack, though the message was taken
)

var twistNames = [...]string{"twice", "wrong type", "unknown number", "no id", "generic_nack"}

// String names the way.
func (t Twist) String() string {
	if t < 0 || int(t) >= len(twistNames) {
		return "?"
	}
	return twistNames[t]
}

// TwistSubmitResps answers the next n submits in a wrong way.
func (s *Server) TwistSubmitResps(t Twist, n int) {
	s.change(func(f *faults) { f.twist, f.twisted = t, n })
}

// twist answers in the wrong way that is asked for; mu is held.
func (s *Server) twist(c *session, h smpp.Header, e *Entry, resp []byte) {
	switch s.faults.twist {
	case TwistTwice:
		c.send(resp)
		c.send(resp)
	case TwistWrongType:
		for _, id := range []smpp.CommandID{smpp.CmdQuerySMResp, smpp.CmdEnquireLinkResp, smpp.CmdDeliverSMResp} {
			c.send(smpp.AppendHeader(nil, id, smpp.StatusROK, h.Seq))
		}
		c.send(resp)
	case TwistUnknown:
		stray := slices.Clone(resp)
		binary.BigEndian.PutUint32(stray[12:], h.Seq^0x10000000)
		c.send(stray)
		c.send(resp)
	case TwistNoID:
		c.send(smpp.AppendHeader(nil, h.ID.Response(), e.Status, h.Seq))
	case TwistNack:
		c.send(smpp.AppendHeader(nil, smpp.CmdGenericNack, smpp.StatusRSYSERR, h.Seq))
	}
}

// HalfOpen lets nothing pass on the connections that stand now, either way, and tells the ESME nothing: as a router that
// has forgotten them. It returns how many; new connections are served.
func (s *Server) HalfOpen() int {
	s.mu.Lock()
	defer s.unlock()
	for _, c := range s.sessions {
		if !c.conn.hole.Swap(true) {
			s.faults.holes = append(s.faults.holes, c.conn)
		}
	}
	return len(s.sessions)
}

// CloseLinks ends all connections without an unbind (FIN) and returns how many.
func (s *Server) CloseLinks() int {
	s.mu.Lock()
	defer s.unlock()
	all := slices.Clone(s.sessions)
	for _, c := range all {
		s.drop(c, "closed")
	}
	return len(all)
}

// Number makes the next request of every session bear this sequence number, where it is free.
func (s *Server) Number(seq uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.sessions {
		c.seq = min(max(seq, 1), maxSeq) - 1
	}
}

// Outbind begins new connections with an outbind, while it is on, and sends one on those that stand.
func (s *Server) Outbind(on bool) {
	s.mu.Lock()
	defer s.unlock()
	s.faults.outbind = on
	for _, c := range s.sessions {
		if on {
			c.send(outbind(s.o.Name))
		}
	}
}

// InPieces writes all that is written in small pieces, a moment apart.
func (s *Server) InPieces(on bool) { s.change(func(f *faults) { f.pieces = on }) }

// Glue holds back what is written, so that what comes within d goes out as one; 0: at once.
func (s *Server) Glue(d time.Duration) { s.change(func(f *faults) { f.hold = d }) }

const pieceEvery = 5 * time.Millisecond

// put writes octets as the faults say.
func (c *session) put(buf []byte) error {
	for len(buf) > 0 {
		c.srv.mu.Lock()
		n, pieces := len(buf), c.srv.faults.pieces
		if pieces {
			n = 1 + c.srv.dice.IntN(min(n, 40))
		}
		c.srv.mu.Unlock()
		if _, err := c.conn.Write(buf[:n]); err != nil {
			return err
		}
		if buf = buf[n:]; pieces && len(buf) > 0 {
			time.Sleep(pieceEvery)
		}
	}
	return nil
}

// glue waits before a write, so that more comes along.
func (s *Server) glue(done <-chan struct{}) {
	s.mu.Lock()
	d := s.faults.hold
	s.mu.Unlock()
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-done:
	}
}

func outbind(name string) []byte {
	pdu := append(smpp.AppendHeader(nil, smpp.CmdOutbind, smpp.StatusROK, 1), fmt.Sprintf("%.15s\x00%s\x00", name, "outbind")...)
	binary.BigEndian.PutUint32(pdu, uint32(len(pdu))) //nolint:gosec // at most 40
	return pdu
}

// BadPDUs are PDUs that are wrong and whole, by name: each is answered at most once and ends nothing.
func BadPDUs() map[string][]byte {
	header := func(id smpp.CommandID, seq uint32, body string) []byte {
		pdu := append(smpp.AppendHeader(nil, id, smpp.StatusROK, seq), body...)
		binary.BigEndian.PutUint32(pdu, uint32(len(pdu))) //nolint:gosec // short
		return pdu
	}
	addresses := "\x00\x01\x01628123456789\x00\x00\x001708\x00"
	return map[string][]byte{
		"unknown command":     header(0x00000FFF, 0x70000001, ""),
		"unknown response":    header(0x80000FFF, 0x70000002, ""),
		"empty deliver_sm":    header(smpp.CmdDeliverSM, 0x70000003, ""),
		"cut deliver_sm":      header(smpp.CmdDeliverSM, 0x70000004, addresses),
		"false sm_length":     header(smpp.CmdDeliverSM, 0x70000005, addresses+"\x00\x00\x00\x00\x00\x00\x00\x00\x00\xC8short"),
		"submit_sm to us":     header(smpp.CmdSubmitSM, 0x70000006, ""),
		"stray submit answer": header(smpp.CmdSubmitSMResp, 0x70000007, "nobody\x00"),
		"stray unbind answer": header(smpp.CmdUnbindResp, 0x70000008, ""),
		"stray nack":          header(smpp.CmdGenericNack, 0x70000009, ""),
	}
}

// BadLength is a header whose command_length cannot be believed: an ESME must close.
func BadLength(length uint32) []byte {
	pdu := smpp.AppendHeader(nil, smpp.CmdDeliverSM, smpp.StatusROK, 0x7000000A)
	binary.BigEndian.PutUint32(pdu, length)
	return pdu
}

// BrokenTLVs is a deliver_sm whose text can be read and whose optional parameters cannot: an ESME may keep it.
func BrokenTLVs(from, to, text string) ([]byte, error) {
	pdu, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, 0x7000000B, &smpp.Message{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: from}, Destination: address(to), ShortMessage: []byte(text),
	})
	if err != nil {
		return nil, fmt.Errorf("smsc: %w", err)
	}
	pdu = append(pdu, 0x14, 0x00, 0x00, 0x09, 'x') // claims nine octets
	binary.BigEndian.PutUint32(pdu, uint32(len(pdu)))
	return pdu, nil
}
