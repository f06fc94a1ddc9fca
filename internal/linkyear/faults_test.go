package linkyear

import (
	"encoding/binary"
	"fmt"
	"time"

	"aduan/smpp"
)

// begin lets one thing go wrong.
func (w *world) begin(f fault) {
	w.smsc.mu.Lock()
	defer w.smsc.mu.Unlock()
	if !w.smsc.begin(f) && !w.beginRedis(f) && !w.beginDaemon(f) {
		w.fail("unknown fault %q", f.what)
	}
}

// behave ends all that lasts.
func (w *world) behave() {
	w.smsc.locked(func() {
		w.smsc.m, w.smsc.lag = mode{}, 0
		w.smsc.pump()
	})
	w.redis.Continue()
	w.redis.Gone(false)
	w.redis.Latency(0, 0)
	w.redis.Mend()
	w.redis.Jump(-w.jumped)
	w.jumped = 0
}

func span(n int, lo, hi time.Duration) time.Duration { return lo + (hi-lo)*time.Duration(n)/1000 }

var answerModes = map[string]string{
	"answers late": "late", "answers twice": "twice", "answers never": "never", "answers of unknown number": "unknown",
	"answers of wrong type": "wrong", "answers out of order": "shuffled", "answers with generic_nack": "nack", "answers without id": "bare",
}

var bindModes = map[string]string{
	"bind refused": "refused", "bind silent": "silent", "bind late": "late", "bind and gone": "gone", "outbind": "outbind", "before bound": "early",
}

var bindStatuses = []smpp.Status{smpp.StatusRALYBND, smpp.StatusRSYSERR, smpp.StatusRBINDFAIL, smpp.StatusRINVPASWD, smpp.StatusRINVSYSID, smpp.StatusRTHROTTLED}

var submitStatuses = []smpp.Status{
	smpp.StatusRTHROTTLED, smpp.StatusRMSGQFUL, smpp.StatusRSYSERR, smpp.StatusRXTAPPN, smpp.StatusRSUBMITFAIL, smpp.StatusRINVDSTADR, smpp.StatusRINVSRCADR,
}

// begin misbehaves; false where the fault is none of the SMSC's. mu is held.
func (s *smsc) begin(f fault) bool {
	if how, ok := answerModes[f.what]; ok {
		s.m.answer = how
		return true
	}
	if how, ok := bindModes[f.what]; ok {
		s.m.bind, s.m.status = how, bindStatuses[f.n%len(bindStatuses)]
		s.each(func(c *link) { c.drop() })
		return true
	}
	switch f.what {
	case "refuses submits":
		s.m.refuse = submitStatuses[f.n%len(submitStatuses)]
	case "enquire_link unanswered":
		s.m.enquire = "never"
	case "enquire_link late":
		s.m.enquire = "late"
	case "in pieces":
		s.m.pieces = true
	case "dial refused", "dial hangs":
		s.m.dial = f.what[len("dial "):]
		s.each(func(c *link) { c.drop() })
	case "receipts early", "receipts strange":
		s.m.receipts = f.what[len("receipts "):]
	default:
		return s.once(f)
	}
	return true
}

// each does something to all links, of which it may drop some.
func (s *smsc) each(f func(c *link)) {
	for _, c := range append([]*link(nil), s.links...) {
		if !c.gone {
			f(c)
		}
	}
}

// once misbehaves at this moment, on every connection or on one of several.
func (s *smsc) once(f fault) bool {
	do := map[string]func(c *link){
		"half-open":       func(c *link) { c.halfOpen(f.n) },
		"stall":           func(c *link) { c.stall(f.n) },
		"numbers restart": func(c *link) { c.seq = 0 },
		"numbers wrap":    func(c *link) { c.seq = 0x7FFFFFFD },
		"unbind":          func(c *link) { c.unbind(); s.later(span(f.n, time.Second, 12*time.Second), c.drop) },
		"unbind and gone": func(c *link) { c.unbind(); c.drop() },
		"FIN":             func(c *link) { c.drop() },
		"reset":           func(c *link) { c.conn.abort(); c.drop() },
		"cut in a PDU":    func(c *link) { whole := deliver("628000", "half"); c.write(whole[:1+f.n%(len(whole)-1)]); c.drop() },
		"bad length":      func(c *link) { c.badLength(f.n) },
		"bad PDUs":        func(c *link) { c.badPDUs() },
		"bad TLVs":        func(*link) {},
		"glued":           func(c *link) { c.hold(nil, span(f.n, 100*time.Millisecond, 2*time.Second)) },
		"held back":       func(c *link) { c.hold(nil, span(f.n, time.Second, 4*time.Second)) },
		"stray responses": func(c *link) { c.strayResponses() },
	}[f.what]
	if do == nil {
		return false
	}
	if f.what == "bad TLVs" {
		s.w.write(true)
	}
	if live := s.live(); f.n%2 == 1 && len(live) > 1 { // the others go on
		do(live[f.n/2%len(live)])
		return true
	}
	s.each(do)
	return true
}

// live are the connections that carry something, as far as the SMSC knows.
func (s *smsc) live() (list []*link) {
	for _, c := range s.links {
		if !c.gone && !c.hole && c.bound != 0 {
			list = append(list, c)
		}
	}
	return list
}

// halfOpen: nothing passes any more and nobody is told. The SMSC gives the connection up some time later.
func (c *link) halfOpen(n int) {
	c.conn.blackHole()
	c.hole = true
	c.s.later(span(n, time.Second, time.Minute), c.drop)
}

// stall reads nothing for a while; little fits into the connection meanwhile.
func (c *link) stall(n int) {
	in := c.conn.in
	in.change(func() { in.held, in.limit = true, len(in.buf)+n })
	c.odd = true
	c.s.later(span(n, time.Second, 25*time.Second), func() {
		in.change(func() { in.held, in.limit = false, 64<<10 })
	})
}

func (c *link) unbind() {
	if c.bound != 0 && !c.leaving {
		c.ask(smpp.CmdUnbind, smpp.AppendHeader(nil, smpp.CmdUnbind, 0, 0))
	}
	c.leaving = true
}

// badLength writes a command_length after which nothing can be read.
func (c *link) badLength(n int) {
	lengths := []uint32{0, 15, 70_001, 1 << 31, 0xFFFFFFFF}
	bad := smpp.AppendHeader(nil, smpp.CmdDeliverSM, 0, 4711)
	binary.BigEndian.PutUint32(bad, lengths[n%len(lengths)])
	c.odd, c.leaving = true, true
	c.write(bad)
	c.giveBack()
	c.s.later(3*time.Second, c.drop)
}

// badPDUs are whole and wrong. Each request of them is answered at most once.
func (c *link) badPDUs() {
	whole := deliver("628000", "never mind")
	cut := func(n int) []byte { return sized(append([]byte(nil), whole[:n]...)) }
	c.ask(smpp.CmdDeliverSM, cut(20))
	c.ask(smpp.CmdDeliverSM, cut(smpp.HeaderLen))
	long := append([]byte(nil), whole...)
	long[len(long)-len("never mind")-1] = 200 // sm_length
	c.ask(smpp.CmdDeliverSM, long)
	c.ask(smpp.CmdSubmitSM, smpp.AppendHeader(nil, smpp.CmdSubmitSM, 0, 0))
	c.ask(0x00000FFF, smpp.AppendHeader(nil, 0x00000FFF, 0, 0))
	c.write(alert())
	c.write(smpp.AppendHeader(nil, 0x80000FFF, 0, 1))
}

func (c *link) strayResponses() {
	for _, id := range []smpp.CommandID{
		smpp.CmdSubmitSMResp, smpp.CmdEnquireLinkResp, smpp.CmdDeliverSMResp, smpp.CmdBindTransceiverResp, smpp.CmdUnbindResp, smpp.CmdGenericNack,
	} {
		c.write(smpp.AppendHeader(nil, id, 0, 0x70000000))
		c.write(smpp.AppendHeader(nil, id, smpp.StatusRSYSERR, 0))
	}
}

// receipt sends what became of an accepted SMS.
func (s *smsc) receipt(m *smpp.Message, id string) {
	send := func(id, stat string) {
		if c := s.receiver(); c != nil {
			c.ask(smpp.CmdDeliverSM, receiptOf(m.Destination.Addr, id, stat))
		}
	}
	switch s.m.receipts {
	case "early":
		send(id, "DELIVRD")
	case "strange":
		send("f"+id, "DELIVRD")
		send(id, "ENROUTE")
		s.later(time.Second, func() { send(id, "DELIVRD"); send(id, "DELIVRD"); send(id, "ACCEPTD") })
	default:
		s.later(time.Duration(s.dice.IntN(5000))*time.Millisecond, func() { send(id, "DELIVRD") })
	}
}

// beginRedis: mu of the SMSC is held, and nothing here waits.
func (w *world) beginRedis(f fault) bool {
	scripts := []string{"commit", "done", "redeliver", "settle", "claim", "receipt"}
	switch f.what {
	case "redis stops":
		w.redis.Stop()
		time.AfterFunc(span(f.n, time.Second, 8*time.Second), w.redis.Continue)
	case "redis gone":
		w.redis.Gone(true)
		time.AfterFunc(span(f.n, time.Second, 20*time.Second), func() { w.redis.Gone(false) })
	case "redis slow":
		w.redis.Latency(span(f.n, 0, 800*time.Millisecond), span(999-f.n, 0, 800*time.Millisecond))
	case "redis loses answers":
		for i := range 1 + f.n%4 {
			w.redis.Lose(scripts[(f.n/4+i)%len(scripts)], span(f.n, 0, 4*time.Second))
			w.redis.Lose(scripts[(f.n/4+i)%len(scripts)], 0)
		}
	case "redis loses requests":
		for i := range 1 + f.n%4 {
			w.redis.LoseUnrun(scripts[(f.n/4+i)%len(scripts)])
		}
	case "redis clock jumps":
		d := time.Hour
		if f.n%2 == 0 {
			d = -d
		}
		w.jumped += d
		w.redis.Jump(d)
	default:
		return false
	}
	return true
}

func outbind() []byte {
	return sized(append(smpp.AppendHeader(nil, smpp.CmdOutbind, 0, 1), "smsc\x00secret\x00"...))
}

func alert() []byte {
	return sized(append(smpp.AppendHeader(nil, smpp.CmdAlertNotification, 0, 1), "\x01\x01628000\x00\x00\x001708\x00"...))
}

// sized writes the length of a PDU where it belongs.
func sized(pdu []byte) []byte {
	binary.BigEndian.PutUint32(pdu, uint32(len(pdu))) //nolint:gosec // short
	return pdu
}

func deliver(from, text string) []byte {
	pdu, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, 1, message(from, text))
	if err != nil {
		panic(err)
	}
	return pdu
}

func message(from, text string) *smpp.Message {
	return &smpp.Message{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: from}, Destination: smpp.Address{Addr: shortCode}, ShortMessage: []byte(text),
	}
}

func receiptOf(from, id, stat string) []byte {
	m := message(from, fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:2611230800 done date:2611230801 stat:%s err:000 text:", id, stat))
	m.ESMClass = smpp.ESMReceipt
	pdu, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, 1, m)
	if err != nil {
		panic(err)
	}
	return pdu
}
