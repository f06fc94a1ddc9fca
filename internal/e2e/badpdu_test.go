package e2e_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp"
	"aduan/smpp/smsc"
)

// rawSMSC is an SMSC that says what the test tells it, octet by octet. It accepts every bind, answers enquire_link and
// submit_sm, and hands on everything else that it reads.
type rawSMSC struct {
	t  testing.TB
	ln net.Listener

	mu   sync.Mutex
	conn net.Conn // guarded by mu; nil: not bound
	gone chan struct{}

	frames chan []byte // answers to what the test wrote
	texts  chan string // of submit_sm
}

func newRawSMSC(t testing.TB) *rawSMSC {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawSMSC{t: t, ln: ln, frames: make(chan []byte, 1000), texts: make(chan string, 1000)}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		s.mu.Lock()
		if s.conn != nil {
			_ = s.conn.Close()
		}
		s.mu.Unlock()
		serving.Wait()
	})
	return s
}

func (s *rawSMSC) serve(conn net.Conn) {
	gone := make(chan struct{})
	defer func() {
		s.mu.Lock()
		s.conn = nil
		s.mu.Unlock()
		_ = conn.Close()
		close(gone)
	}()
	frames := smpp.NewFrameReader(conn, 0)
	for {
		frame, err := frames.Next()
		if err != nil {
			return
		}
		h := smpp.ParseHeader(frame)
		var answer []byte
		switch h.ID {
		case smpp.CmdBindTransceiver:
			answer, _ = smpp.AppendBindResp(nil, h.ID.Response(), smpp.StatusROK, h.Seq, "raw")
		case smpp.CmdEnquireLink, smpp.CmdUnbind:
			answer = smpp.AppendHeader(nil, h.ID.Response(), smpp.StatusROK, h.Seq)
		case smpp.CmdSubmitSM:
			answer, _ = smpp.AppendResp(nil, h.ID.Response(), smpp.StatusROK, h.Seq, fmt.Sprint("raw", h.Seq))
			if m, err := smpp.DecodeMessage(frame); err == nil {
				s.texts <- string(m.ShortMessage)
			}
		default:
			s.frames <- slices.Clone(frame)
			continue
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
		if h.ID == smpp.CmdBindTransceiver {
			s.mu.Lock()
			s.conn, s.gone = conn, gone
			s.mu.Unlock()
		}
	}
}

// bound waits for a bound connection.
func (s *rawSMSC) bound() (conn net.Conn, gone <-chan struct{}) {
	s.t.Helper()
	ok := rig.Poll(10*time.Second, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		conn, gone = s.conn, s.gone
		return conn != nil
	})
	if !ok {
		s.t.Fatal("the daemon does not bind to the raw SMSC")
	}
	return conn, gone
}

// says writes octets and returns the next answer; nil where the connection ends without one.
func (s *rawSMSC) says(b []byte) (answer []byte, closed bool) {
	s.t.Helper()
	conn, gone := s.bound()
	if _, err := conn.Write(b); err != nil {
		s.t.Fatalf("write: %v", err)
	}
	select {
	case answer = <-s.frames:
		select { // a generic_nack may be the last word
		case <-gone:
			closed = true
		case <-time.After(300 * time.Millisecond):
		}
		return answer, closed
	case <-gone:
		select {
		case answer = <-s.frames:
		default:
		}
		return answer, true
	case <-time.After(5 * time.Second):
		return nil, false
	}
}

// deliver is a deliver_sm of a telephone, and its octets may be changed.
func deliver(t testing.TB, seq uint32, from, text string) []byte {
	t.Helper()
	b, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, seq, &smpp.Message{
		Source:       smpp.Address{TON: 1, NPI: 1, Addr: from},
		Destination:  smpp.Address{NPI: 1, Addr: rig.ShortCode},
		ShortMessage: []byte(text),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// resized sets a PDU's command_length to its true length.
func resized(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// smLength is where sm_length stands in a deliver_sm from deliver.
func smLength(b []byte, text string) int { return len(b) - len(text) - 1 }

// S6: PDUs that no correct SMSC writes. Each is answered as the specification says; the process and its other link live.
func TestS6_BadPDU(t *testing.T) {
	t.Parallel()
	raw := newRawSMSC(t)
	var unbound atomic.Int32
	l := rig.NewLine(t, rig.Options{
		SMSC: smsc.Options{OnEvent: func(e smsc.Event) {
			if e.Kind == smsc.EventUnbound {
				unbound.Add(1)
			}
		}},
		Conf: func(c *rig.Config) {
			quick(c)
			c.Link("raw", raw.ln.Addr().String())
			c.Set("smpp.links.raw.reconnect", map[string]any{"min": "10ms", "max": "50ms"})
		},
	})
	pid := l.Daemon.Pid()
	header := func(length, id, seq uint32) []byte {
		b := smpp.AppendHeader(nil, smpp.CommandID(id), 0, seq)
		binary.BigEndian.PutUint32(b, length)
		return b
	}
	text := func(word string) string { return "LAPOR lampu jalan mati " + word }
	falseLength := deliver(t, 17, "628119000017", text("panjang"))
	falseLength[smLength(falseLength, text("panjang"))] = 200
	noNUL := deliver(t, 16, "628119000016", text("nul"))
	noNUL = resized(noNUL[:16+5]) // in the middle of the source address
	rows := []struct {
		name   string
		pdu    []byte
		answer smpp.CommandID // 0: none
		status smpp.Status
		seq    uint32
		closed bool
		kept   string // a word of the text that is kept
	}{
		{name: "length 0", pdu: header(0, 5, 11), answer: smpp.CmdGenericNack, status: smpp.StatusRINVCMDLEN, closed: true},
		{name: "length 15", pdu: header(15, 5, 12), answer: smpp.CmdGenericNack, status: smpp.StatusRINVCMDLEN, closed: true},
		{name: "length 2^31", pdu: header(1<<31, 5, 13), answer: smpp.CmdGenericNack, status: smpp.StatusRINVCMDLEN, closed: true},
		{name: "unknown command", pdu: header(16, 0x99, 14), answer: smpp.CmdGenericNack, status: smpp.StatusRINVCMDID, seq: 14},
		{
			name: "a TLV past the end", pdu: resized(append(deliver(t, 15, "628119000015", text("ekor")), 0x04, 0x24, 0x00, 0x09, 'x')),
			answer: smpp.CmdDeliverSMResp, seq: 15, kept: "ekor",
		},
		{name: "no NUL", pdu: noNUL, answer: smpp.CmdDeliverSMResp, status: smpp.StatusRINVCMDLEN, seq: 16},
		{name: "false sm_length", pdu: falseLength, answer: smpp.CmdDeliverSMResp, status: smpp.StatusRINVMSGLEN, seq: 17},
		{
			name: "a response to nothing", pdu: append(header(16, 0x80000099, 18), deliver(t, 19, "628119000019", text("jawab"))...),
			answer: smpp.CmdDeliverSMResp, seq: 19, kept: "jawab",
		},
	}
	for _, row := range rows {
		answer, closed := raw.says(row.pdu)
		if len(answer) < 16 {
			t.Errorf("%s: no answer", row.name)
			continue
		}
		h := smpp.ParseHeader(answer)
		if h.ID != row.answer || h.Status != row.status || row.seq != 0 && h.Seq != row.seq || closed != row.closed {
			t.Errorf("%s: answered %v %v seq %d, closed=%v; want %v %v seq %d, closed=%v", row.name, h.ID, h.Status, h.Seq, closed, row.answer, row.status, row.seq, row.closed)
		}
		if row.kept != "" {
			raw.answers(row.name)
		}
	}
	raw.mangled(rand.New(rand.NewPCG(6, 6)), 25)

	if l.Daemon.Pid() != pid || !l.Daemon.Running() {
		t.Fatal("the daemon did not survive")
	}
	if n := unbound.Load(); n != 0 {
		t.Errorf("the other link was unbound %d times", n)
	}
	if mb := l.Daemon.Metric("process_resident_memory_bytes") / (1 << 20); mb > 500 {
		t.Errorf("the daemon takes %.0f MB: something was allocated by a claimed length", mb)
	}
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()))
	reads(t, p, 1)
	t.Log(rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC}, Daemons: []*rig.Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config,
		Unanswered: true, // what the raw SMSC took stands in no journal
	}.Audit())
}

// answers waits for the SMS that answers a text that was kept.
func (s *rawSMSC) answers(what string) {
	s.t.Helper()
	select {
	case text := <-s.texts:
		if ticketNumber.FindString(text) == "" {
			s.t.Errorf("%s: the answer %q names no ticket", what, text)
		}
	case <-time.After(10 * time.Second):
		s.t.Errorf("%s: the text was not answered with an SMS", what)
	}
}

// mangled writes deliver_sm with octets changed, cut out or put in, and after each a good one, which must be kept: over
// this connection, or over the next where the stream was lost.
func (s *rawSMSC) mangled(random *rand.Rand, n int) {
	s.t.Helper()
	for i := range n {
		b := deliver(s.t, uint32(1000+i), fmt.Sprintf("62811910%04d", i), fmt.Sprintf("LAPOR parit mampet nomor %d", i))
		for range 1 + random.IntN(3) {
			at := random.IntN(len(b))
			switch random.IntN(3) {
			case 0:
				b[at] = byte(random.UintN(256))
			case 1:
				b = slices.Delete(b, at, min(at+1+random.IntN(4), len(b)))
			case 2:
				b = slices.Insert(b, at, byte(random.UintN(256)), byte(random.UintN(256)))
			}
		}
		if random.IntN(2) == 0 && len(b) >= 16 {
			resized(b) // the frame is whole, only its body is not
		}
		conn, _ := s.bound()
		_, _ = conn.Write(b) // it may be closed already by what came before
		s.good(uint32(5000 + i))
	}
}

// good writes a good deliver_sm until it is acknowledged, with a new connection where the old one is lost.
func (s *rawSMSC) good(seq uint32) {
	s.t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		conn, gone := s.bound()
		if _, err := conn.Write(deliver(s.t, seq, "628119200000", "CEK")); err != nil {
			<-gone
			continue
		}
		patience := time.After(400 * time.Millisecond)
	waiting:
		for {
			select {
			case frame := <-s.frames:
				h := smpp.ParseHeader(frame)
				if h.ID == smpp.CmdDeliverSMResp && h.Seq == seq && h.Status == smpp.StatusROK {
					return
				}
			case <-gone:
				break waiting
			case <-patience: // the mangled one has a long length: it swallowed this one
				_ = conn.Close()
				<-gone
				break waiting
			case <-deadline:
				s.t.Fatalf("a good deliver_sm is not acknowledged after a bad one")
			}
		}
	}
}
