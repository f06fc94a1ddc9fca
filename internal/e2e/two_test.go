package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// pair is two daemons on one Redis, each bound to two operators.
//
//	north ══╦══ one ══╗
//	        ╳         Redis
//	south ══╩══ two ══╝
type pair struct {
	north, south *rig.SMSC
	redis        *storetest.Redis
	one, two     *rig.Daemon
	net          *storetest.Proxy // between north and daemon one
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{redis: storetest.Start(t, storetest.Options{})}
	p.north, p.south = rig.StartSMSC(t, smsc.Options{}), rig.StartSMSC(t, smsc.Options{})
	p.net = storetest.NewProxy(t, p.north.Addr())
	c := rig.NewConfig(t, p.net.Addr(), p.redis.Addr())
	c.Link("south", p.south.Addr())
	c.Set("smpp.default_link", "main")
	second := c.Another(t)
	second.Link("main", p.north.Addr())
	p.one, p.two = rig.StartDaemon(t, c), rig.StartDaemon(t, second)
	for _, s := range []*rig.SMSC{p.north, p.south} {
		if err := s.WaitBound(within(t, 10*time.Second), 2); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *pair) audit(t *testing.T, doubles int) rig.Report {
	t.Helper()
	return rig.Judge{
		T: t, SMSCs: []*rig.SMSC{p.north, p.south}, Daemons: []*rig.Daemon{p.one, p.two}, Redis: p.redis, Config: p.one.Config, Doubles: doubles,
	}.Audit()
}

// Promise 4 across daemons and operators: what was acknowledged before the other was sent is first, and no SMS is sent
// twice as long as nothing fails.
func TestTwoDaemonsKeepOneCitizensOrder(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	const citizens, messages = 15, 12
	type written struct {
		phone  *smsc.Phone
		number string
		words  []string
	}
	done := make(chan written, citizens)
	for range citizens {
		at := []*smsc.Phone{citizen(p.north), nil}
		at[1] = p.south.Phone(at[0].Number()) // the same telephone, roaming
		go func() {
			w := written{phone: at[0]}
			defer func() { done <- w }()
			if at[0].Send(rig.ShortCode, newReport()).Wait(within(t, 20*time.Second)) != nil {
				return
			}
			inbox, err := at[0].WaitSMS(within(t, 20*time.Second), 1)
			if err != nil {
				return
			}
			w.number = ticketNumber.FindString(inbox[0].Text)
			for i := range messages {
				word := rig.Token()
				o := at[(i+i/3)%2].Send(rig.ShortCode, fmt.Sprintf("TAMBAH %s keterangan %s", w.number, word))
				if o.Wait(within(t, 20*time.Second)) != nil {
					return
				}
				w.words = append(w.words, word)
			}
		}()
	}
	key := p.one.APIKey("tickets:read")
	sessions := map[string]bool{}
	for range citizens {
		w := <-done
		if len(w.words) != messages {
			t.Fatalf("a citizen could send %d of %d messages", len(w.words), messages)
		}
		view := p.two.Ticket(key, w.number)
		sent := func() int { return len(submits(p.north, w.phone)) + len(submits(p.south, w.phone)) }
		if rig.Poll(5*time.Second, func() bool { return sent() >= len(view.Messages) }); sent() != len(view.Messages) {
			t.Errorf("ticket %s has %d SMS, and %d were sent", w.number, len(view.Messages), sent())
		}
		var stands []string
		for _, text := range view.Texts[1:] {
			stands = append(stands, text.Text[strings.LastIndexByte(text.Text, ' ')+1:])
		}
		if !slices.Equal(stands, w.words) {
			t.Errorf("ticket %s holds %q, sent was %q", w.number, stands, w.words)
		}
	}
	for _, s := range []*rig.SMSC{p.north, p.south} {
		for _, e := range s.Journal() {
			if e.Kind == smsc.EntryDeliver {
				sessions[s.Addr()+e.Session] = true
			}
		}
	}
	if len(sessions) != 4 {
		t.Errorf("the messages went over %d sessions, want all four", len(sessions))
	}
	t.Log(p.audit(t, 2*citizens)) // the answers to additions are alike, and three are given
	for _, d := range []*rig.Daemon{p.one, p.two} {
		if code := d.Stop(); code != 0 {
			t.Errorf("SIGTERM ends a daemon with %d", code)
		}
	}
}

// S3, another daemon: our response is lost with the connection to one daemon, and the SMSC delivers to the other, while
// the first lives on.
func TestS3_ResponseLostOtherDaemon(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	var sent []*smsc.Outgoing
	lost := 0
	for range 6 {
		p.net.BlackHole(storetest.ToServer, true)
		before := p.one.Metric("aduan_intake_messages_total")
		var round []*smsc.Outgoing
		for range 2 { // one goes to each daemon
			round = append(round, citizen(p.north).Send(rig.ShortCode, newReport()))
		}
		if !rig.Poll(5*time.Second, func() bool { return p.one.Metric("aduan_intake_messages_total") > before }) {
			t.Fatal("nothing came to the first daemon")
		}
		p.net.Refuse() // it cannot come back at once
		p.net.BlackHole(storetest.ToServer, false)
		kept(t, round...)
		for _, o := range round {
			if len(attempts(p.north, o)) > 1 {
				lost++
			}
		}
		sent = append(sent, round...)
		accept(t, p.net)
		if err := p.north.WaitBound(within(t, 10*time.Second), 2); err != nil {
			t.Fatal(err)
		}
	}
	if lost < 6 {
		t.Errorf("%d messages were delivered again, want one in each round", lost)
	}
	t.Log(len(sent), "messages:", p.audit(t, lost)) // the SMS may have been swallowed with the response
}

// A daemon is killed: the other submits within 10 s what it held.
func TestTheOtherDaemonTakesOver(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	t.Log("the first daemon accepts complaints, and its submits reach nobody")
	var phones []*smsc.Phone
	p.two.Kill9() // so that all come to the first
	p.north.DelaySubmitResps(time.Hour)
	for range 15 { // more than the window: some are being submitted, some wait in memory
		phones = append(phones, citizen(p.north))
	}
	for _, phone := range phones {
		kept(t, phone.Send(rig.ShortCode, newReport()))
	}
	p.two.Start()
	p.two.WaitReady()
	if err := p.north.WaitBound(within(t, 10*time.Second), 2); err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, phone := range phones {
		held += 1 - min(1, len(phone.Inbox()))
	}
	if held == 0 {
		t.Fatal("nothing is held")
	}
	p.north.DelaySubmitResps(0)
	begun := time.Now()
	p.one.Kill9()
	for _, phone := range phones {
		reads(t, phone, 1)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the other daemon submitted the last %v after the kill, want within 10 s", took)
	}
	t.Log(held, "held:", p.audit(t, 10)) // a window's worth
}
