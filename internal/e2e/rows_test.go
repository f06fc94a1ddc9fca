package e2e_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp"
	"aduan/smpp/smsc"
)

// R5: Redis stands still, and then is slow, under load. What comes gets a temporary error in time or waits at the SMSC:
// nothing piles up here, and what was given up writes nothing late.
func TestR5_RedisStandsStill(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{SMSC: smsc.Options{Window: 100}})
	telephones := newLoad(t, l.SMSC, 150)
	flows := func() {
		t.Helper()
		before := l.Daemon.Metric("aduan_tickets_filed_total")
		if !rig.Poll(30*time.Second, func() bool { return l.Daemon.Metric("aduan_tickets_filed_total") > before+100 }) {
			t.Fatal("no tickets are filed any more")
		}
	}
	flows()
	memory := l.Daemon.Metric("process_resident_memory_bytes")
	under := func(what string, lasts time.Duration) (answered, refused int) {
		t.Helper()
		from := time.Now()
		for time.Since(from) < lasts {
			if n := l.Daemon.Metric("go_goroutines"); n > 1000 {
				t.Fatalf("%s: %v goroutines", what, n)
			}
			if grown := l.Daemon.Metric("process_resident_memory_bytes") - memory; grown > 100<<20 {
				t.Fatalf("%s: %v octets more memory", what, grown)
			}
			time.Sleep(100 * time.Millisecond) // between two looks at what must not grow
		}
		for _, e := range l.SMSC.Journal() {
			if e.Kind != smsc.EntryDeliver || e.Receipt || e.At.Before(from) || e.Answered.IsZero() {
				continue
			}
			answered++
			if e.Status == smpp.StatusRXTAPPN {
				refused++
			}
			if took := e.Answered.Sub(e.At); took > 2500*time.Millisecond {
				t.Errorf("%s: answered %v after %v", what, e.Status, took)
			}
		}
		return answered, refused
	}
	l.Redis.Stop()
	answered, refused := under("while Redis stands still", 3*time.Second)
	l.Redis.Cont()
	if refused < 100 || answered-refused > 100 { // a window may have been on its way
		t.Errorf("while Redis stands still %d were answered, %d of them with a temporary error", answered, refused)
	}
	flows()
	l.StoreNet.Delay(300 * time.Millisecond)
	answered, refused = under("while Redis is slow", 3*time.Second)
	l.StoreNet.Delay(0)
	t.Logf("while Redis is slow %d were answered, %d of them with a temporary error", answered, refused)
	flows()
	sent := telephones.end()
	l.Daemon.WaitReady()
	t.Log(sent, "texts:", l.Audit(t, 50)) // an outcome of a submit may have been lost as well
}

// D4: callers of the staff API use up the file descriptors. Link and store keep theirs, and all heals when they go.
func TestD4_NoFileDescriptors(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Cold: true})
	l.Daemon.Wrap = []string{"sh", "-c", `ulimit -n 64; exec "$@"`, "sh"}
	l.Daemon.Start()
	l.Daemon.WaitReady()
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()))
	var callers []net.Conn
	for range 100 {
		c, err := net.DialTimeout("tcp", l.Config.HTTP, time.Second)
		if err != nil {
			break // the listener's own queue is full
		}
		callers = append(callers, c)
	}
	if !rig.Poll(5*time.Second, func() bool { // as long as they are held, nobody else is let in
		c, err := net.DialTimeout("tcp", l.Config.HTTP, 200*time.Millisecond)
		if err != nil {
			return true
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(300 * time.Millisecond))
		_, _ = fmt.Fprintf(c, "GET /livez HTTP/1.1\r\nHost: %s\r\n\r\n", l.Config.HTTP)
		_, err = c.Read(make([]byte, 1))
		return err != nil
	}) {
		t.Error("a hundred callers did not use up 64 descriptors")
	}
	for range 5 {
		kept(t, p.Send(rig.ShortCode, newReport()))
	}
	if sessions := l.SMSC.Sessions(); sessions != 1 {
		t.Errorf("%d sessions are bound", sessions)
	}
	for _, c := range callers {
		_ = c.Close()
	}
	l.Daemon.WaitReady()
	reads(t, p, 6)
	t.Log(l.Audit(t, 0))
}

// D5: a daemon stands still past its heartbeat and wakes. The other has taken over; what the sleeper still had is refused,
// and its sessions are closed unread.
func TestD5_OneStandsStillAndWakes(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	telephones := newLoad(t, p.north, 10)
	if !rig.Poll(20*time.Second, func() bool { return p.one.Metric("aduan_tickets_filed_total") > 20 }) {
		t.Fatal("no tickets are filed")
	}
	p.one.Signal(syscall.SIGSTOP)
	if !rig.Poll(20*time.Second, func() bool { return strings.Contains(p.two.Log(), "a daemon has died; its SMS are taken over") }) {
		t.Error("nobody takes over")
	}
	p.one.Signal(syscall.SIGCONT)
	if !rig.Poll(10*time.Second, func() bool { return strings.Contains(p.one.Log(), "this boot ends: sessions are dropped unread") }) {
		t.Error("who stood still does not notice")
	}
	p.one.WaitReady()
	sent := telephones.end()
	t.Log(sent, "texts:", p.audit(t, window)) // what was on the wire when it was stopped
}

// D7: a configuration that cannot be read, at SIGHUP, and a log that nobody reads any more: it goes on as before.
func TestD7_BadReloadAndClosedLog(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Cold: true})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l.Daemon.Output = w
	l.Daemon.Start()
	_ = w.Close()
	l.Daemon.WaitReady()
	pid := l.Daemon.Pid()
	good, err := os.ReadFile(l.Config.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.Config.Path, []byte("line: {short_code: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.Daemon.Signal(syscall.SIGHUP)
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()))
	_ = r.Close() // each line of the log fails from now on
	if err := os.WriteFile(l.Config.Path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	l.Daemon.Signal(syscall.SIGHUP)
	l.Net.Cut() // much to log
	for range 5 {
		kept(t, p.Send(rig.ShortCode, newReport()))
	}
	reads(t, p, 6)
	if !l.Daemon.Running() || l.Daemon.Pid() != pid {
		t.Error("the daemon has ended")
	}
	t.Log(l.Audit(t, window))
}
