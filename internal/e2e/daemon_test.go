package e2e_test

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/internal/failpoint"
	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/smpp/smsc"
	"aduan/store"
)

// steps are the moments between which a daemon is killed.
var steps = []string{
	failpoint.AfterReceive, failpoint.BeforeCommit, failpoint.AfterCommit, failpoint.BeforeAck, failpoint.AfterAck,
	failpoint.BetweenParts, failpoint.BeforeSettle, failpoint.BeforeSubmit, failpoint.AfterSubmit, failpoint.BeforeDone,
	failpoint.AfterDone,
}

// D1: the daemon is killed at each step of a message's way; another boot goes on.
func TestD1_KilledAtEachStep(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Tags: []string{"failpoints"}, Cold: true})
	var phones []*smsc.Phone
	die := func(point string, do func()) {
		t.Helper()
		l.Daemon.Env = []string{failpoint.Env + "=" + point}
		l.Daemon.Start()
		do()
		if !rig.Poll(15*time.Second, func() bool { return !l.Daemon.Running() }) {
			t.Fatalf("the daemon never came to %s", point)
		}
		if code := l.Daemon.Wait(); code != -1 {
			t.Fatalf("at %s the daemon ended with %d, want SIGKILL", point, code)
		}
	}
	for _, step := range steps {
		die(step+":1", func() {
			one, long := citizen(l.SMSC), citizen(l.SMSC)
			phones = append(phones, one, long)
			long.Send(rig.ShortCode, longReport())
			one.Send(rig.ShortCode, newReport())
		})
	}
	t.Log("between the segments of a push")
	l.Daemon.Env = nil
	begun := time.Now()
	l.Daemon.Start()
	for _, p := range phones {
		reads(t, p, 1)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("what waited was submitted %v after the restart, want within 10 s", took)
	}
	key := l.Daemon.APIKey("tickets:read", "tickets:write")
	pushed := phones[0]
	number := ticketNumber.FindString(pushed.Inbox()[0].Text)
	had := len(pushed.Inbox())
	l.Daemon.Kill9()
	note := strings.TrimSpace(strings.Repeat("tim perbaikan datang besok pagi ", 8))
	die(failpoint.BetweenParts+":1", func() {
		l.Daemon.WaitReady()
		status, body, err := l.Daemon.Post("/v1/tickets/"+number+"/status", key, "", map[string]any{"status": "in_progress", "note": note})
		if err != nil || status != 202 {
			t.Fatalf("push: %d %s %v", status, body, err)
		}
	})
	begun = time.Now()
	l.Daemon.Env = nil
	l.Daemon.Start()
	if push := reads(t, pushed, had+1)[had]; !strings.Contains(push.Text, note) {
		t.Errorf("the telephone reads %q", push.Text)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the rest of the push was submitted %v after the restart, want within 10 s", took)
	}
	t.Log(len(steps)+2, "kills:", l.Audit(t, 2*len(steps)))
}

// D2: SIGTERM under load: what is in hand is finished, the SMSC is told, and the exit code is 0. Once, twice in a row, and
// with Redis gone.
func TestD2_Terminated(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var reasons []string // why sessions ended, as the SMSC saw it
	l := rig.NewLine(t, rig.Options{SMSC: smsc.Options{OnEvent: func(e smsc.Event) {
		if e.Kind == smsc.EventUnbound {
			mu.Lock()
			reasons = append(reasons, e.Reason)
			mu.Unlock()
		}
	}}})
	limit := 6 * time.Second // shutdown_timeout of the rig
	terminate := func(what string, signals int) {
		t.Helper()
		begun := time.Now()
		for range signals {
			l.Daemon.Signal(syscall.SIGTERM)
			time.Sleep(20 * time.Millisecond) // two signals, not one that is repeated at once
		}
		if code := l.Daemon.Wait(); code != 0 {
			t.Errorf("%s: exit code %d", what, code)
		}
		if took := time.Since(begun); took > limit+time.Second {
			t.Errorf("%s: it took %v, shutdown_timeout is %v", what, took, limit)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(reasons) == 0 || !strings.Contains(reasons[len(reasons)-1], "unbound by the ESME") {
			t.Errorf("%s: the SMSC saw no unbind: %q", what, reasons)
		}
		reasons = nil
	}
	telephones := newLoad(t, l.SMSC, 30)
	busy := func() {
		t.Helper()
		if !rig.Poll(10*time.Second, func() bool { return l.Daemon.Metric("aduan_tickets_filed_total") > 30 }) {
			t.Fatal("no tickets are filed")
		}
	}
	busy()
	terminate("under load", 1)
	l.Daemon.Start()
	busy()
	terminate("twice in a row", 2)
	l.Daemon.Start()
	busy()
	l.Redis.Kill()
	l.Daemon.WaitNotReady()
	terminate("with Redis gone", 1)
	l.Redis.Restart()
	l.Daemon.Start()
	l.Daemon.WaitReady()
	sent := telephones.end()
	t.Log(sent, "texts:", l.Audit(t, 20)) // what could not be stored when Redis was gone is sent again: two windows' worth
}

// D3: a text makes the conversation panic. It gets 0x64, and after some tries it is kept as what cannot be read; all
// others are served as if nothing were.
func TestD3_Panic(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Tags: []string{"failpoints"}, Cold: true})
	poison := "racun"
	l.Daemon.Env = []string{failpoint.Env + "=" + failpoint.PanicInStep + ":" + poison}
	l.Daemon.Start()
	l.Daemon.WaitReady()
	pid := l.Daemon.Pid()

	short, long := citizen(l.SMSC), citizen(l.SMSC)
	one := short.Send(rig.ShortCode, newReport()+" "+poison)
	many := long.Send(rig.ShortCode, strings.Repeat("LAPOR jalan rusak di pasar, lubang makin dalam. ", 8)+poison)
	other := citizen(l.SMSC)
	kept(t, other.Send(rig.ShortCode, newReport()))
	reads(t, other, 1)
	kept(t, one, many)
	for name, o := range map[string]*smsc.Outgoing{"a short text": one, "a long text": many} {
		refused := 0
		for _, e := range attempts(l.SMSC, o) {
			if e.Status == smpp.StatusRXTAPPN {
				refused++
			}
		}
		if refused < 2 || refused > 5 {
			t.Errorf("%s: answered 0x64 %d times before it was kept", name, refused)
		}
	}
	for name, p := range map[string]*smsc.Phone{"short": short, "long": long} {
		if answer := reads(t, p, 1)[0].Text; ticketNumber.MatchString(answer) {
			t.Errorf("%s: it is answered with a ticket: %q", name, answer)
		}
	}
	if !rig.Poll(10*time.Second, func() bool { return l.Daemon.Metric("aduan_intake_panics_total") >= 4 }) {
		t.Errorf("%v panics are counted, want at least two for each text", l.Daemon.Metric("aduan_intake_panics_total"))
	}
	if !l.Daemon.Running() || l.Daemon.Pid() != pid {
		t.Fatal("the daemon died of it")
	}
	if n := len(keptFor(t, l, long)); n != 1 {
		t.Errorf("the long text stands %d times among what staff look at", n)
	}
	t.Log("the same citizen goes on")
	kept(t, short.Send(rig.ShortCode, newReport()))
	reads(t, short, 2)
	t.Log(l.Audit(t, 0))
}

// keptFor is what stands with a citizen's conversation because no ticket took it.
func keptFor(t *testing.T, l *rig.Line, p *smsc.Phone) [][]byte {
	t.Helper()
	ctx := within(t, 10*time.Second)
	s, err := store.Open(ctx, store.Options{
		Mode: store.ModeExternal, Addresses: []string{l.Redis.Addr()}, KeyFile: l.Config.KeyFile, DataDir: t.TempDir(), Fsync: "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	number, err := msisdn.FromE164("+" + p.Number())
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.KeptContent(ctx, s.Identify(number))
	if err != nil {
		t.Fatal(err)
	}
	return list
}
