package e2e_test

import (
	"strings"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp"
	"aduan/smpp/smsc"
)

// reports has n citizens report by a simulator, and waits until all is kept.
func reports(t *testing.T, s *rig.SMSC, n int) []*smsc.Phone {
	t.Helper()
	phones, sent := make([]*smsc.Phone, n), make([]*smsc.Outgoing, n)
	for i := range phones {
		phones[i] = citizen(s)
		sent[i] = phones[i].Send(rig.ShortCode, newReport())
	}
	kept(t, sent...)
	return phones
}

// submitted is how many submit_sm a simulator has taken.
func submitted(s *rig.SMSC) int { return s.Count(smpp.CmdSubmitSM) }

// readBy waits until each telephone has an answer, by whichever operator, and tells how many came by the second.
func readBy(t *testing.T, phones []*smsc.Phone, second *rig.SMSC) int {
	t.Helper()
	other := 0
	for _, p := range phones {
		there := second.Phone(p.Number())
		if !rig.Poll(40*time.Second, func() bool { return len(p.Inbox())+len(there.Inbox()) > 0 }) {
			t.Fatal("a citizen has no answer")
		}
		if len(there.Inbox()) > 0 {
			other++
		}
	}
	return other
}

// S15: the SMSC unbinds, or closes the connection, while the window is full. What was outstanding is decided by a response
// that still comes, else it is sent again; while the operator stays away another carries it.
func TestS15_UnbindAndFINWithAFullWindow(t *testing.T) {
	t.Parallel()
	const window = 10 // the rig's
	second := rig.StartSMSC(t, smsc.Options{})
	l := rig.NewLine(t, rig.Options{Cold: true})
	l.Config.Link("second", second.Addr())
	l.Config.Set("smpp.default_link", "main")
	l.Config.Set("smpp.links.main.fallback", []string{"second"})
	l.Daemon.Start()
	l.Daemon.WaitReady()
	for _, s := range []*rig.SMSC{l.SMSC, second} {
		if err := s.WaitBound(within(t, 10*time.Second), 1); err != nil {
			t.Fatal(err)
		}
	}
	full := func() {
		t.Helper()
		if !rig.Poll(10*time.Second, func() bool { return l.Daemon.Metric(`aduan_smpp_window_used{link="main"}`) == window }) {
			t.Fatal("the window is not full")
		}
	}

	t.Log("unbind: the responses still come within the grace, and nothing is sent twice")
	l.SMSC.DelaySubmitResps(500 * time.Millisecond)
	phones := reports(t, l.SMSC, 4*window)
	full()
	l.SMSC.UnbindLinks()
	if !rig.Poll(5*time.Second, func() bool { return l.SMSC.Count(smpp.CmdUnbindResp) == 1 }) {
		t.Error("no unbind_resp")
	}
	if n := readBy(t, phones, second); n != 0 {
		t.Errorf("%d SMS went by the other operator, though the first was away for a moment only", n)
	}
	if n := submitted(l.SMSC); n != len(phones) {
		t.Errorf("%d submit_sm for %d SMS: an unbind doubled some", n, len(phones))
	}

	t.Log("FIN: what was outstanding has no response any more; the operator stays away, another carries all")
	l.SMSC.DelaySubmitResps(1500 * time.Millisecond)
	before := submitted(l.SMSC)
	phones = reports(t, l.SMSC, 4*window)
	full()
	l.SMSC.Refuse(smpp.StatusRBINDFAIL)
	l.SMSC.CloseLinks()
	unanswered := submitted(l.SMSC) - before
	elsewhere := readBy(t, phones, second)
	if !rig.Poll(20*time.Second, func() bool { return submitted(second) >= len(phones)-unanswered+window }) || submitted(second) > len(phones) {
		for _, reason := range []string{"closed_by_smsc", "response_timeout", "unbound_by_smsc"} {
			t.Log("second ended by", reason, l.Daemon.Metric(`aduan_smpp_reconnects_total{link="second",reason="`+reason+`"}`))
		}
		t.Errorf("%d SMS went by the other operator, of %d; %d were sent by the first, %d of them not answered", submitted(second), len(phones), unanswered, window)
	}
	t.Log(elsewhere, "of", len(phones), "telephones read by the other operator")

	t.Log("the operator is back: its SMS go by it")
	l.SMSC.DelaySubmitResps(0)
	l.SMSC.Refuse(smpp.StatusROK)
	if err := l.SMSC.WaitBound(within(t, 10*time.Second), 1); err != nil {
		t.Fatal(err)
	}
	reads(t, reports(t, l.SMSC, 1)[0], 1)
	t.Log(rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC, second}, Daemons: []*rig.Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config, Doubles: window,
	}.Audit())
}

// A link is removed while hundreds of its SMS wait: they go by the default; without one they wait in the store until the
// link is there again. None is lost, and none sent twice beyond the window.
func TestARemovedLinksSMSGoOtherWays(t *testing.T) {
	t.Parallel()
	const crowd, window = 200, 10
	south, third := rig.StartSMSC(t, smsc.Options{}), rig.StartSMSC(t, smsc.Options{})
	l := rig.NewLine(t, rig.Options{Cold: true})
	links := func() map[string]any { return l.Config.Tree["smpp"].(map[string]any)["links"].(map[string]any) }
	l.Config.Link("south", south.Addr())
	l.Config.Link("third", third.Addr())
	l.Config.Set("smpp.default_link", "main")
	l.Daemon.Start()
	l.Daemon.WaitReady()
	if err := south.WaitBound(within(t, 10*time.Second), 1); err != nil {
		t.Fatal(err)
	}
	waiting := func() []*smsc.Phone { // a crowd that the operator answers slowly
		t.Helper()
		south.DelaySubmitResps(400 * time.Millisecond)
		before := submitted(south)
		phones := reports(t, south, crowd)
		if n := submitted(south) - before; n < window || n > crowd-5*window {
			t.Fatalf("%d of %d are sent: the link is removed too early or too late", n, crowd)
		}
		return phones
	}

	t.Log("a default takes them over")
	phones := waiting()
	delete(links(), "south")
	hangup(t, l.Daemon, readAgain)
	if n := readBy(t, phones, l.SMSC); n < crowd/2 {
		t.Errorf("only %d of %d were read by the default", n, crowd)
	}
	if !rig.Poll(5*time.Second, func() bool { return south.Sessions() == 0 }) {
		t.Error("a removed link is still bound")
	}
	_, metrics, err := l.Daemon.Get("/metrics", "")
	for line := range strings.Lines(string(metrics)) {
		for _, gauge := range []string{"window_", "link_state", "sessions_bound", "bound_since"} {
			if strings.HasPrefix(line, "aduan_smpp_"+gauge) && strings.Contains(line, `"south"`) {
				t.Errorf("of a removed link there stands %s", line)
			}
		}
	}
	if err != nil {
		t.Error(err)
	}

	t.Log("without a default they wait, and go when the link is there again")
	l.Config.Link("south", south.Addr())
	hangup(t, l.Daemon, readAgain)
	if err := south.WaitBound(within(t, 10*time.Second), 1); err != nil {
		t.Fatal(err)
	}
	phones = waiting()
	delete(links(), "south")
	l.Config.Set("smpp.default_link", "")
	hangup(t, l.Daemon, readAgain)
	if !rig.Poll(5*time.Second, func() bool { return south.Sessions() == 0 }) {
		t.Error("a removed link is still bound")
	}
	read := 0
	for _, p := range phones {
		read += len(p.Inbox())
	}
	if read > crowd-window {
		t.Errorf("%d of %d were read: nothing waits", read, crowd)
	}
	south.DelaySubmitResps(0)
	l.Config.Link("south", south.Addr())
	hangup(t, l.Daemon, readAgain)
	for _, p := range phones {
		reads(t, p, 1)
	}
	t.Log(rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC, south, third}, Daemons: []*rig.Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config, Doubles: 2 * window,
	}.Audit())
}
