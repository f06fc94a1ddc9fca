package e2e_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// exclusive makes a link one that one daemon of several holds.
func exclusive(c *rig.Config) {
	c.Set("smpp.links.main.exclusive", true)
	c.Set("smpp.links.main.takeover", "2s")
}

// S17: the operator allows one bind, and there are two daemons.
func TestS17_OneBindTwoDaemons(t *testing.T) {
	t.Parallel()
	redis := storetest.Start(t, storetest.Options{})
	sim := rig.StartSMSC(t, smsc.Options{BindLimit: 1})
	c := rig.NewConfig(t, sim.Addr(), redis.Addr())
	exclusive(c)
	one := rig.StartDaemon(t, c)
	second := c.Another(t)
	two := rig.NewDaemon(t, second)
	two.Start()
	standby := func(d *rig.Daemon) func() bool {
		return func() bool {
			_, body, err := d.Get("/readyz", "")
			return err == nil && strings.Contains(string(body), `"standby"`)
		}
	}
	if !rig.Poll(10*time.Second, standby(two)) {
		t.Fatalf("the second daemon does not say that it stands by:\n%s", two.Log())
	}
	p := citizen(sim)
	kept(t, p.Send(rig.ShortCode, newReport()))
	number := ticketNumber.FindString(reads(t, p, 1)[0].Text)

	t.Log("a push that staff give to the daemon without the bind is sent by the one with it")
	push := func(d *rig.Daemon, status string) {
		t.Helper()
		code, body, err := d.Post("/v1/tickets/"+number+"/status", d.APIKey("tickets:write"), "", map[string]any{"status": status})
		if err != nil || code != 202 {
			t.Fatalf("push: %d %s %v", code, body, err)
		}
	}
	push(two, "in_progress")
	reads(t, p, 2)

	t.Log("the holder is killed")
	begun := time.Now()
	one.Kill9()
	if !rig.Poll(10*time.Second, func() bool { return sim.Sessions() == 1 }) {
		t.Fatal("nobody took the bind over")
	}
	two.WaitReady()
	took := time.Since(begun)
	if took > 2*time.Second+500*time.Millisecond { // takeover, and the time to dial and to ask
		t.Errorf("the bind was taken over after %v, takeover is 2 s", took)
	}
	kept(t, p.Send(rig.ShortCode, newReport()))
	reads(t, p, 3)

	t.Log("the first comes back, stands by, and has the bind at once when the second ends in order")
	one.Start()
	if !rig.Poll(10*time.Second, standby(one)) {
		t.Fatal("the first daemon does not stand by")
	}
	if code := two.Stop(); code != 0 {
		t.Errorf("SIGTERM ends the holder with %d", code)
	}
	ended := time.Now()
	one.WaitReady()
	if d := time.Since(ended); d > 1500*time.Millisecond {
		t.Errorf("a bind that was given back was taken after %v", d)
	}

	t.Log("the holder stands still: the other has the bind, and no two are bound at a time")
	two.Start()
	if !rig.Poll(10*time.Second, standby(two)) {
		t.Fatal("the second daemon does not stand by")
	}
	sim.LimitBinds(10) // now nothing but the lease keeps them apart
	one.Signal(syscall.SIGSTOP)
	two.WaitReady()
	one.Signal(syscall.SIGCONT)
	if !rig.Poll(5*time.Second, func() bool { return sim.Sessions() == 1 && standby(one)() }) {
		t.Errorf("%d are bound after the first woke", sim.Sessions())
	}
	kept(t, p.Send(rig.ShortCode, newReport()))
	reads(t, p, 4)
	if code := one.Stop(); code != 0 { // one that stands by is not ready, and so no matter of the audit
		t.Errorf("SIGTERM ends a daemon that stands by with %d", code)
	}
	t.Log("takeover took", took, rig.Judge{
		T: t, SMSCs: []*rig.SMSC{sim}, Daemons: []*rig.Daemon{two}, Redis: redis, Config: second, Doubles: 3,
	}.Audit())
}

// A holder that cannot reach Redis unbinds before another could have the lease.
func TestAHolderThatCannotRenewUnbinds(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Conf: exclusive})
	begun := time.Now()
	l.StoreNet.BlackHole(storetest.ToServer, true)
	l.StoreNet.BlackHole(storetest.ToClient, true)
	if !rig.Poll(5*time.Second, func() bool { return l.SMSC.Sessions() == 0 }) {
		t.Fatal("it stays bound")
	}
	if took := time.Since(begun); took > 1600*time.Millisecond {
		t.Errorf("it unbound after %v; another may take the lease 1.4 s after it was renewed last", took)
	}
	l.StoreNet.BlackHole(storetest.ToServer, false)
	l.StoreNet.BlackHole(storetest.ToClient, false)
	l.StoreNet.Cut()
	l.Daemon.WaitReady()
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()))
	reads(t, p, 1)
	t.Log(l.Audit(t, 1))
}

// hangup writes the configuration and has the daemon read it.
func hangup(t *testing.T, d *rig.Daemon, says string) {
	t.Helper()
	before := strings.Count(d.Log(), says)
	d.Config.Write(t)
	d.Signal(syscall.SIGHUP)
	if !rig.Poll(10*time.Second, func() bool { return strings.Count(d.Log(), says) > before }) {
		t.Fatalf("SIGHUP: the log does not say %q", says)
	}
}

const readAgain = "the configuration was read again"

func TestSIGHUPTakesUpLinksUnderTraffic(t *testing.T) {
	t.Parallel()
	north, south := rig.StartSMSC(t, smsc.Options{}), rig.StartSMSC(t, smsc.Options{})
	l := rig.NewLine(t, rig.Options{})
	bindsOf := func(link string) int {
		return int(l.Daemon.Metric(`aduan_smpp_binds_total{link="` + link + `",status="ESME_ROK"}`))
	}
	var sent []*smsc.Outgoing
	var phones []*smsc.Phone
	traffic := func(sims ...*rig.SMSC) {
		for range 4 {
			for _, s := range sims {
				p := citizen(s)
				phones = append(phones, p)
				sent = append(sent, p.Send(rig.ShortCode, newReport()))
			}
		}
	}
	traffic(l.SMSC)

	t.Log("two links are added; the first does not bind anew")
	l.Config.Link("north", north.Addr())
	l.Config.Link("south", south.Addr())
	l.Config.Set("smpp.default_link", "main")
	hangup(t, l.Daemon, readAgain)
	for _, s := range []*rig.SMSC{north, south} {
		if err := s.WaitBound(within(t, 10*time.Second), 1); err != nil {
			t.Fatal(err)
		}
	}
	traffic(l.SMSC, north, south)

	t.Log("one is changed: it alone binds anew")
	l.Config.Set("smpp.links.north.system_type", "VMA")
	hangup(t, l.Daemon, readAgain)
	traffic(l.SMSC, north, south)
	if !rig.Poll(10*time.Second, func() bool { return bindsOf("north") == 2 && north.Sessions() == 1 }) {
		t.Errorf("north was bound %d times, want 2", bindsOf("north"))
	}

	t.Log("an invalid file changes nothing")
	l.Config.Set("smpp.links.north.window", 0)
	hangup(t, l.Daemon, "the configuration is invalid: nothing changed")
	l.Config.Set("smpp.links.north.window", 10)

	t.Log("what needs a restart is told")
	l.Config.Set("http.listen", "127.0.0.1:1")
	hangup(t, l.Daemon, "a changed setting takes effect at the next start")
	l.Config.Set("http.listen", l.Config.HTTP)

	t.Log("one is removed while its SMS wait: they go by the default")
	south.SubmitStatus(func(*smpp.Message) smpp.Status { return smpp.StatusRTHROTTLED })
	away := citizen(south)
	kept(t, away.Send(rig.ShortCode, newReport()))
	delete(l.Config.Tree["smpp"].(map[string]any)["links"].(map[string]any), "south")
	kept(t, sent...)
	hangup(t, l.Daemon, readAgain)
	if !rig.Poll(10*time.Second, func() bool { return south.Sessions() == 0 }) {
		t.Error("a removed link is still bound")
	}
	here := l.SMSC.Phone(away.Number())
	reads(t, here, 1)
	traffic(l.SMSC, north)
	kept(t, sent...)
	for _, p := range phones {
		reads(t, p, 1)
	}
	if n := bindsOf("main"); n != 1 {
		t.Errorf("a link that did not change was bound %d times", n)
	}
	t.Log(len(sent), "complaints:", rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC, north, south}, Daemons: []*rig.Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config,
	}.Audit())
}

// A push goes by the citizen's last link, else by the prefix, else by the default; another stands in where it may.
func TestLinksOfAPush(t *testing.T) {
	t.Parallel()
	north, south, old := rig.StartSMSC(t, smsc.Options{}), rig.StartSMSC(t, smsc.Options{}), rig.StartSMSC(t, smsc.Options{})
	l := rig.NewLine(t, rig.Options{Cold: true})
	l.Config.Link("north", north.Addr())
	l.Config.Link("south", south.Addr())
	l.Config.Link("old", old.Addr())
	l.Config.Set("smpp.default_link", "main")
	l.Config.Set("smpp.links.north.prefixes", []string{"62811"})
	l.Config.Set("smpp.links.south.prefixes", []string{"628119"})
	l.Config.Set("smpp.links.north.fallback", []string{"south"})
	l.Config.Set("smpp.links.north.sessions", 2)
	l.Config.Set("smpp.links.south.bind", "pair")
	l.Daemon.Start()
	l.Daemon.WaitReady()
	for s, n := range map[*rig.SMSC]int{l.SMSC: 1, old: 1, north: 2, south: 2} {
		if err := s.WaitBound(within(t, 10*time.Second), n); err != nil {
			t.Fatal(err)
		}
	}
	key := l.Daemon.APIKey("tickets:write")
	push := func(number string) {
		t.Helper()
		if code, body, err := l.Daemon.Post("/v1/tickets/"+number+"/status", key, "", map[string]any{"status": "in_progress"}); err != nil || code != 202 {
			t.Fatalf("push: %d %s %v", code, body, err)
		}
	}
	tickets := map[string]string{}
	for _, number := range []string{"6281234560001", "6281134560002", "6281194560003", "6281134560005", "6281234560006"} {
		p := old.Phone(number)
		kept(t, p.Send(rig.ShortCode, newReport()))
		tickets[number] = ticketNumber.FindString(reads(t, p, 1)[0].Text)
	}
	t.Log("the link that they wrote by is gone: the longest prefix, else the default")
	delete(l.Config.Tree["smpp"].(map[string]any)["links"].(map[string]any), "old")
	hangup(t, l.Daemon, readAgain)
	for _, row := range []struct {
		number string
		by     *rig.SMSC
	}{{"6281234560001", l.SMSC}, {"6281134560002", north}, {"6281194560003", south}} {
		push(tickets[row.number])
		reads(t, row.by.Phone(row.number), 1)
	}

	t.Log("who wrote by another operator reads by it")
	roaming := l.SMSC.Phone("6281134560004")
	kept(t, roaming.Send(rig.ShortCode, newReport()))
	number := ticketNumber.FindString(reads(t, roaming, 1)[0].Text)
	push(number)
	reads(t, roaming, 2)

	t.Log("north goes away: its SMS go by south, those of main by no other")
	north.Stop()
	l.SMSC.Stop()
	push(tickets["6281134560005"])
	push(tickets["6281234560006"])
	reads(t, south.Phone("6281134560005"), 1)
	if n := len(south.Phone("6281234560006").Inbox()); n != 0 {
		t.Errorf("%d SMS went by a link that is no fallback", n)
	}
	l.SMSC.Start()
	north.Start()
	reads(t, l.SMSC.Phone("6281234560006"), 1)
	t.Log(rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC, north, south, old}, Daemons: []*rig.Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config,
	}.Audit())
}
