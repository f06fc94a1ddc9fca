package e2e_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aduan/internal/desk"
	"aduan/internal/e2e/rig"
	"aduan/internal/testenv"
)

// stranger is the SMSC of somebody else: node/smsc.js on node-smpp's server, in a process of its own.
type stranger struct {
	t    testing.TB
	addr string
	in   io.WriteCloser
	next int

	mu     sync.Mutex // guards events
	events []strangerEvent
}

// strangerEvent is a line that node/smsc.js prints.
type strangerEvent struct {
	Event    string   `json:"event"`
	ID       int      `json:"id"`
	Part     int      `json:"part"`
	Status   uint32   `json:"status"`
	From     string   `json:"from"`
	To       string   `json:"to"`
	Text     string   `json:"text"`
	Coding   byte     `json:"coding"`
	Segments int      `json:"segments"`
	IDs      []string `json:"ids"`
	Message  string   `json:"message"`
}

// newStranger starts the SMSC; receipts are "text" or "tlvs".
func newStranger(t *testing.T, receipts string) *stranger {
	t.Helper()
	node, dir := testenv.Node(t), testenv.NodeSMPP(t)
	s := &stranger{t: t, addr: testenv.FreeAddr(t)}
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "smsc.js", port, rig.SystemID, rig.Password, receipts)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if s.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() { // ends with the process's output
		defer close(read)
		s.read(out)
	}()
	t.Cleanup(func() {
		_ = s.in.Close() // it ends when its input does
		ended := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		<-read
		err := cmd.Wait()
		ended.Stop()
		if err != nil || t.Failed() {
			t.Logf("the stranger ends: %v\n%s", err, stderr.String())
		}
	})
	s.wait("listening", func(e strangerEvent) bool { return e.Event == "listening" })
	return s
}

func (s *stranger) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e strangerEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e = strangerEvent{Event: "error", Text: lines.Text()}
		}
		s.mu.Lock()
		s.events = append(s.events, e)
		s.mu.Unlock()
	}
}

func (s *stranger) all(match func(strangerEvent) bool) []strangerEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []strangerEvent
	for _, e := range s.events {
		if match(e) {
			found = append(found, e)
		}
	}
	return found
}

// wait waits for the first event that matches.
func (s *stranger) wait(what string, match func(strangerEvent) bool) strangerEvent {
	s.t.Helper()
	var found []strangerEvent
	if !rig.Poll(10*time.Second, func() bool { found = s.all(match); return len(found) > 0 }) {
		s.t.Fatalf("the stranger saw no %s; it saw %+v", what, s.all(func(strangerEvent) bool { return true }))
	}
	return found[0]
}

// send sends a text from a telephone, in segments of part characters (0: in one), and waits until each was acknowledged.
func (s *stranger) send(from, text string, part int) {
	s.t.Helper()
	s.next++
	id, parts := s.next, 1
	if part > 0 {
		parts = (len([]rune(text)) + part - 1) / part
	}
	line, err := json.Marshal(map[string]any{"op": "send", "id": id, "from": from, "to": rig.ShortCode, "text": text, "part": part})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		s.t.Fatal(err)
	}
	for n := 1; n <= parts; n++ {
		e := s.wait("response", func(e strangerEvent) bool { return e.Event == "resp" && e.ID == id && e.Part == n })
		if e.Status != 0 {
			s.t.Fatalf("part %d of %d is answered 0x%08X", n, parts, e.Status)
		}
	}
}

// sms waits for the n-th whole SMS that a telephone received, from 0.
func (s *stranger) sms(to string, n int) strangerEvent {
	s.t.Helper()
	var got []strangerEvent
	ok := rig.Poll(10*time.Second, func() bool {
		got = s.all(func(e strangerEvent) bool { return e.Event == "sms" && e.To == to })
		return len(got) > n
	})
	if !ok {
		s.t.Fatalf("the telephone has %d SMS, want more than %d: %+v", len(got), n, got)
	}
	return got[n]
}

// What the stranger's telephones write and staff answer.
var (
	longGSM  = "jalan rusak di depan pasar @ Minggu, lubang_dalam {2 m} dan sudah tiga hari tidak diperbaiki; " + strings.Repeat("air masuk ke rumah warga. ", 9)
	longUCS2 = "路灯坏了 di depan pasar Minggu 🚧 " + strings.Repeat("sudah gelap tiga hari — tolong 🙏 ", 5)
)

func TestAStrangersSMSC(t *testing.T) {
	testenv.Require(t, "redis", "node", "node-smpp")
	rows := []struct {
		name, phone, complaint, note string
		part                         int  // characters a segment from the telephone; 0: one SMS
		coding                       byte // of the push
		segments                     int  // of the push, at least
	}{
		{name: "GSM 7-bit, single", phone: "6281300000001", complaint: "jalan rusak di pasar_Minggu @ RT 3 {lubang}", note: "Tim datang besok @ 9.", coding: 0, segments: 1},
		{name: "UCS-2, single", phone: "6281300000002", complaint: "路灯坏了 di pasar Minggu 🚧", note: "修好了 🙏", coding: 8, segments: 1},
		{name: "Latin-1, single", phone: "6281300000003", complaint: "jalan rusak di depan façade", note: "Tim datang.", coding: 0, segments: 1},
		{name: "GSM 7-bit, concatenated", phone: "6281300000004", complaint: strings.TrimSpace(longGSM), part: 140, note: strings.TrimSpace(longGSM), coding: 0, segments: 2},
		{name: "UCS-2, concatenated", phone: "6281300000005", complaint: strings.TrimSpace(longUCS2), part: 60, note: strings.TrimSpace(longUCS2), coding: 8, segments: 2},
	}
	for _, receipts := range []string{"text", "tlvs"} {
		t.Run("receipts as "+receipts, func(t *testing.T) {
			t.Parallel()
			s := newStranger(t, receipts)
			l := rig.NewLine(t, rig.Options{Conf: func(c *rig.Config) { c.Link("main", s.addr) }})
			key := l.Daemon.APIKey("tickets:read", "tickets:write", "pii:read")
			for _, row := range rows {
				t.Run(row.name, func(t *testing.T) {
					s.t = t // a wait that fails ends this row
					text := "LAPOR " + row.complaint
					s.send(row.phone, text, row.part)
					answer := s.sms(row.phone, 0)
					number := ticketNumber.FindString(answer.Text)
					view := l.Daemon.Ticket(key, number)
					if len(view.Texts) != 1 || view.Texts[0].Text != text || view.Texts[0].Missing {
						t.Fatalf("ticket %q of the answer %q holds %+v, want %q", number, answer.Text, view.Texts, text)
					}
					if view.Citizen.Number != "+"+row.phone {
						t.Errorf("the citizen is %q", view.Citizen.Number)
					}

					status, body, err := l.Daemon.Post("/v1/tickets/"+number+"/status", key, "", map[string]any{"status": "verified", "note": row.note, "max_segments": 10})
					if err != nil || status != 202 {
						t.Fatalf("push: %d %s %v", status, body, err)
					}
					push := s.sms(row.phone, 1)
					if !strings.Contains(push.Text, row.note) || push.Coding != row.coding || push.Segments < row.segments || push.From != rig.ShortCode {
						t.Errorf("the telephone reads %+v, want %q in coding %d and %d segments or more", push, row.note, row.coding, row.segments)
					}
					s.delivered(l, key, number, 2)
				})
			}
			s.t = t
			if code := l.Daemon.Stop(); code != 0 {
				t.Errorf("SIGTERM ends the daemon with %d", code)
			}
			s.wait("unbind", func(e strangerEvent) bool { return e.Event == "unbind" })
		})
	}
}

// delivered waits until staff see that all n SMS of a ticket arrived, and looks at how the receipts were answered.
func (s *stranger) delivered(l *rig.Line, key, number string, n int) {
	s.t.Helper()
	var view desk.TicketView
	ok := rig.Poll(10*time.Second, func() bool {
		view = l.Daemon.Ticket(key, number)
		done := 0
		for _, m := range view.Messages {
			if m.State == "delivered" {
				done++
			}
		}
		return done == n && len(view.Messages) == n
	})
	if !ok {
		s.t.Fatalf("not %d SMS are delivered: %+v", n, view.Messages)
	}
	for _, e := range s.all(func(e strangerEvent) bool { return e.Event == "receipt" || e.Event == "error" }) {
		if e.Status != 0 || e.Event == "error" {
			s.t.Errorf("the stranger saw %+v", e)
		}
	}
}
