package intake_test

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"aduan/smpp"
	"aduan/smpp/segment"
)

var nop = zap.NewNop()

// smsc is an SMSC that does what the test says: it writes deliver_sm, notes
// their answers, answers everything else, and can be made deaf.
type smsc struct {
	mu       sync.Mutex
	sessions map[string]*session // by link, the latest
	all      []*session
	took     map[string]int // text of a submit_sm → how often it was accepted
	order    []string       // texts accepted, in order
	refuse   func(text string) smpp.Status
}

// session is one bound connection as the SMSC sees it.
type session struct {
	s    *smsc
	link string
	conn *pipe

	mu   sync.Mutex
	seq  uint32
	dumb bool // submit_sm are taken and not answered
	sent map[uint32]*sent
}

// sent is one deliver_sm.
type sent struct {
	mu     sync.Mutex
	at     time.Time
	status smpp.Status
	answer time.Time // zero: none
}

func (s *smsc) dial(link string) net.Conn {
	ours, theirs := newPipe()
	se := &session{s: s, link: link, conn: ours, sent: map[uint32]*sent{}}
	s.mu.Lock()
	s.sessions[link] = se
	s.all = append(s.all, se)
	s.mu.Unlock()
	go se.serve() // ends when either side closes
	return theirs
}

func (s *smsc) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, se := range s.all {
		se.cut()
	}
}

// on is the latest session of a link.
func (s *smsc) on(link string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[link]
}

func (se *session) serve() {
	defer func() { _ = se.conn.Close() }()
	fr := smpp.NewFrameReader(se.conn, 0)
	for {
		frame, err := fr.Next()
		if err != nil {
			return
		}
		se.take(smpp.ParseHeader(frame), frame)
	}
}

func (se *session) take(h smpp.Header, frame []byte) {
	switch h.ID {
	case smpp.CmdBindTransceiver:
		resp, err := smpp.AppendBindResp(nil, smpp.CmdBindTransceiverResp, 0, h.Seq, "smsc")
		se.write(resp, err)
	case smpp.CmdEnquireLink:
		se.write(smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, 0, h.Seq), nil)
	case smpp.CmdUnbind:
		se.write(smpp.AppendHeader(nil, smpp.CmdUnbindResp, 0, h.Seq), nil)
	case smpp.CmdDeliverSMResp:
		se.mu.Lock()
		if m := se.sent[h.Seq]; m != nil {
			m.mu.Lock()
			m.status, m.answer = h.Status, time.Now()
			m.mu.Unlock()
		}
		se.mu.Unlock()
	case smpp.CmdSubmitSM:
		se.submit(h, frame)
	}
}

func (se *session) submit(h smpp.Header, frame []byte) {
	m, err := smpp.DecodeMessage(frame)
	if err != nil {
		panic(err)
	}
	_, body := m.Content()
	text, _ := segment.DecodeText(m.DataCoding, "gsm7", body)
	se.s.mu.Lock()
	status := smpp.Status(0)
	if se.s.refuse != nil {
		status = se.s.refuse(text)
	}
	if status == 0 {
		se.s.took[text]++
		se.s.order = append(se.s.order, text)
	}
	n := len(se.s.order)
	se.s.mu.Unlock()
	se.mu.Lock()
	mute := se.dumb
	se.mu.Unlock()
	if mute {
		return
	}
	id := ""
	if status == 0 {
		id = fmt.Sprintf("id%d", n)
	}
	resp, err := smpp.AppendResp(nil, smpp.CmdSubmitSMResp, status, h.Seq, id)
	se.write(resp, err)
}

func (se *session) write(pdu []byte, err error) {
	if err != nil {
		panic(err)
	}
	_, _ = se.conn.Write(pdu) // a session that has ended reads nothing
}

// send writes a citizen's text.
func (se *session) send(text string) *sent { return se.sendFrom(0, text) }

func (se *session) sendFrom(n int, text string) *sent {
	return se.sendPDU(message(n, text))
}

func message(n int, text string) *smpp.Message {
	encoded := segment.Split(text, 1)
	return &smpp.Message{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: phone(n).Digits()}, Destination: smpp.Address{Addr: shortCode},
		DataCoding: encoded.DataCoding, ShortMessage: encoded.Parts[0].Text,
	}
}

func (se *session) sendPDU(m *smpp.Message) *sent {
	one := &sent{at: time.Now()}
	se.mu.Lock()
	se.seq++
	seq := se.seq
	se.sent[seq] = one
	se.mu.Unlock()
	pdu, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, seq, m)
	se.write(pdu, err)
	return one
}

// mute makes the SMSC take submit_sm without an answer.
func (se *session) mute(mute bool) {
	se.mu.Lock()
	defer se.mu.Unlock()
	se.dumb = mute
}

// deaf makes the SMSC read nothing of what the link writes from now on.
func (se *session) deaf(deaf bool) { se.conn.in.change(func() { se.conn.in.held = deaf }) }

// numb makes the daemon read nothing of what the SMSC writes from now on.
func (se *session) numb(numb bool) { se.conn.out.change(func() { se.conn.out.held = numb }) }

// cut ends the connection: what was written and not read is lost.
func (se *session) cut() { _ = se.conn.Close() }

// answered is the status of a deliver_sm, false while there is none.
func (m *sent) answered() (smpp.Status, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status, !m.answer.IsZero()
}

func (m *sent) rok() bool {
	status, ok := m.answered()
	return ok && status == smpp.StatusROK
}

func (m *sent) wants(t *testing.T, want smpp.Status) {
	t.Helper()
	if got, ok := m.answered(); !ok || got != want {
		t.Errorf("answered %v (%v), want %v", got, ok, want)
	}
}

// accepted is how many SMS the SMSC took, and the most often that one was.
func (s *smsc) accepted() (all, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.took {
		all += n
		most = max(most, n)
	}
	return all, most
}
