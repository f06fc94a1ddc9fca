package smsc

import (
	"slices"
	"time"

	"aduan/smpp"
)

// faults is what goes wrong on demand; guarded by the server's mu.
type faults struct {
	pause          pause // has its own lock
	refuse         smpp.Status
	ignoreBinds    bool
	bindLimit      int // 0: Options.BindLimit
	submitStatus   func(*smpp.Message) smpp.Status
	deafEnquire    bool
	swallowDeliver int
	swallowSubmit  int
	submitDelay    time.Duration
	bindDelay      time.Duration
	receiptFirst   time.Duration
	twist          Twist
	twisted        int
	outbind        bool
	pieces         bool
	hold           time.Duration
	holes          []*conn // until Run ends
}

// Refuse answers binds with a status; ESME_ROK: accept them again. Sessions
// that are bound stay.
func (s *Server) Refuse(status smpp.Status) {
	s.change(func(f *faults) { f.refuse = status })
}

// IgnoreBinds leaves binds without any answer.
func (s *Server) IgnoreBinds(on bool) { s.change(func(f *faults) { f.ignoreBinds = on }) }

// LimitBinds answers ESME_RALYBND beyond n bound sessions; 0: as Options say.
func (s *Server) LimitBinds(n int) { s.change(func(f *faults) { f.bindLimit = n }) }

// SubmitStatus decides what a well-formed submit is answered with; nil: ESME_ROK.
// It may be called from several goroutines at once.
func (s *Server) SubmitStatus(decide func(*smpp.Message) smpp.Status) {
	s.change(func(f *faults) { f.submitStatus = decide })
}

// SwallowDeliverResps treats the next n answers to deliver_sm as unseen: each
// message is delivered again after ResponseTimeout or a drop.
func (s *Server) SwallowDeliverResps(n int) { s.change(func(f *faults) { f.swallowDeliver = n }) }

// SwallowSubmitResps sends no answer to the next n submits, which are taken nonetheless.
func (s *Server) SwallowSubmitResps(n int) { s.change(func(f *faults) { f.swallowSubmit = n }) }

// DelaySubmitResps answers submits so much later.
func (s *Server) DelaySubmitResps(d time.Duration) { s.change(func(f *faults) { f.submitDelay = d }) }

// DelayBindResps answers binds so much later.
func (s *Server) DelayBindResps(d time.Duration) { s.change(func(f *faults) { f.bindDelay = d }) }

// ReceiptsFirst sends the receipt of a submit d before its submit_sm_resp; 0: after it.
func (s *Server) ReceiptsFirst(d time.Duration) { s.change(func(f *faults) { f.receiptFirst = d }) }

// StopEnquire leaves enquire_link unanswered.
func (s *Server) StopEnquire(on bool) { s.change(func(f *faults) { f.deafEnquire = on }) }

// StopReading reads nothing from any connection until it is switched off.
func (s *Server) StopReading(on bool) { s.faults.pause.set(on) }

func (s *Server) change(f func(*faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.faults)
}

// CutLinks resets all connections (RST) and returns how many.
func (s *Server) CutLinks() int {
	s.mu.Lock()
	defer s.unlock()
	all := slices.Clone(s.sessions)
	for _, c := range all {
		c.conn.reset()
	}
	for _, c := range all {
		s.drop(c, "cut")
	}
	return len(all)
}

// CutAfterWriting cuts every connection that stands now after n more octets to
// the ESME have been written: inside a PDU, where n says so.
func (s *Server) CutAfterWriting(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.sessions {
		c.conn.writeLeft.Store(int64(n))
	}
}

// CutAfterReading resets every connection that stands now after n more octets
// from the ESME have been read.
func (s *Server) CutAfterReading(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.sessions {
		c.conn.readLeft.Store(int64(n))
	}
}

// WriteRaw writes octets, whatever they are, on all bound sessions and returns
// on how many.
func (s *Server) WriteRaw(b []byte) int {
	s.mu.Lock()
	defer s.unlock()
	n := 0
	for _, c := range s.sessions {
		if c.state.bound() {
			c.send(b)
			n++
		}
	}
	return n
}
