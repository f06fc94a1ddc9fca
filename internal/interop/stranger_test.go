package interop_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/internal/testenv"
)

// stranger is somebody else's SMSC or ESME, in a process of its own: it reads commands and tells events, lines of JSON.
type stranger struct {
	t    testing.TB
	in   io.WriteCloser
	next int

	mu     sync.Mutex // guards events
	events []strangerEvent
}

// strangerEvent is a line that it prints.
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

// patience bounds every wait; nothing waits so long but a failure.
const patience = 30 * time.Second

// program is a stranger's language.
type program struct {
	name string
	run  func(t testing.TB) (dir string, command []string) // before the script
	smsc string
	esme string
}

var (
	onNode = program{
		name: "node-smpp", smsc: "smsc.js", esme: "esme.js",
		run: func(t testing.TB) (string, []string) { return testenv.NodeSMPP(t), []string{testenv.Node(t)} },
	}
	onPerl = program{
		name: "Net::SMPP", smsc: "smsc.pl", esme: "esme.pl",
		run: func(t testing.TB) (string, []string) { return "perl", []string{testenv.NetSMPP(t), "-I."} },
	}
)

// start starts a script of it and waits for its first word.
func (p program) start(t testing.TB, first, script string, args ...string) *stranger {
	t.Helper()
	dir, command := p.run(t)
	s := &stranger{t: t}
	command = append(append(command, script), args...)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	var err error
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
	s.wait(first, func(e strangerEvent) bool { return e.Event == first })
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
	if !rig.Poll(patience, func() bool { found = s.all(match); return len(found) > 0 }) {
		s.t.Fatalf("the stranger saw no %s; it saw %+v", what, s.all(func(strangerEvent) bool { return true }))
	}
	return found[0]
}

// send sends a text, in segments of part characters (0: in one), waits until each was answered, and returns the message
// ids of the answers.
func (s *stranger) send(from, to, text string, part int) (ids []string) {
	s.t.Helper()
	s.next++
	id, parts := s.next, 1
	if part > 0 {
		parts = (len([]rune(text)) + part - 1) / part
	}
	line, err := json.Marshal(map[string]any{"op": "send", "id": id, "from": from, "to": to, "text": text, "part": part})
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
		ids = append(ids, e.Message)
	}
	return ids
}

// sms waits for the n-th whole SMS to an address, from 0.
func (s *stranger) sms(to string, n int) strangerEvent {
	s.t.Helper()
	var got []strangerEvent
	ok := rig.Poll(patience, func() bool {
		got = s.all(func(e strangerEvent) bool { return e.Event == "sms" && e.To == to })
		return len(got) > n
	})
	if !ok {
		s.t.Fatalf("the stranger has %d SMS, want more than %d: %+v", len(got), n, got)
	}
	return got[n]
}
