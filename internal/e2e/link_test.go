package e2e_test

import (
	"strings"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// quick makes a link notice in half a second what else takes four.
func quick(c *rig.Config) {
	c.Set("smpp.links.main.enquire_link", "500ms")
	c.Set("smpp.links.main.response_timeout", "500ms")
	c.Set("smpp.links.main.reconnect", map[string]any{"min": "10ms", "max": "50ms"})
}

// S1: the connection is reset inside a PDU, at any octet, both ways.
func TestS1_DropInMidPDU(t *testing.T) { cutWithin(t, 5) }

func cutWithin(t *testing.T, step int64) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Conf: quick})
	cuts := 0
	var phones []*smsc.Phone
	for _, way := range []struct {
		direction storetest.Direction
		octets    int64 // of what a complaint causes in this direction, about
	}{{storetest.ToClient, 110}, {storetest.ToServer, 220}} {
		for n := int64(0); n < way.octets; n += step {
			before := l.Net.Cuts()
			l.Net.CutAfter(way.direction, n)
			p := citizen(l.SMSC)
			phones = append(phones, p)
			kept(t, p.Send(rig.ShortCode, newReport()))
			cuts += l.Net.Cuts() - before
		}
		l.Net.CutAfter(way.direction, -1)
	}
	if cuts < 20 {
		t.Errorf("the network was cut only %d times", cuts)
	}
	for _, p := range phones {
		reads(t, p, 1)
	}
	t.Log(cuts, "cuts:", l.Audit(t, cuts))
}

// S2: the network swallows everything, both ways, without a word.
func TestS2_HalfOpen(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Conf: quick})
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()))
	reads(t, p, 1)
	hole := func(on bool) {
		l.Net.BlackHole(storetest.ToServer, on)
		l.Net.BlackHole(storetest.ToClient, on)
	}

	t.Log("idle: noticed by enquire_link")
	begun := time.Now()
	hole(true)
	l.Daemon.WaitNotReady()
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("a dead connection is noticed after %v; enquire_link and response_timeout are 500 ms each", took)
	}
	hole(false)
	l.Daemon.WaitReady()

	t.Log("with a message in hand: the acknowledgement, the answer and its response are swallowed")
	l.Net.BlackHole(storetest.ToServer, true)
	second := p.Send(rig.ShortCode, newReport())
	l.Daemon.WaitNotReady()
	l.Net.BlackHole(storetest.ToServer, false)
	kept(t, second)
	reads(t, p, 2)

	t.Log("enquire_link alone is not answered")
	l.SMSC.StopEnquire(true)
	l.Daemon.WaitNotReady()
	l.SMSC.StopEnquire(false)
	l.Daemon.WaitReady()
	t.Log(l.Audit(t, 1))
}

// S3: our response is lost, and the SMSC delivers again: over a new session, over another link, or because its timer ran
// out before the response came. (Another daemon: see TestS3_ResponseLostOtherDaemon.)
func TestS3_ResponseLost(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{SMSC: smsc.Options{ResponseTimeout: 2 * time.Second}, Cold: true})
	other := storetest.NewProxy(t, l.SMSC.Addr())
	l.Config.Link("second", other.Addr())
	l.Config.Set("smpp.links.main.response_timeout", "5s") // a stalled SMSC is waited for
	l.Config.Set("smpp.links.second.response_timeout", "5s")
	l.Daemon.Start()
	l.Daemon.WaitReady()
	var sent []*smsc.Outgoing
	bothBound := func() {
		t.Helper()
		if err := l.SMSC.WaitBound(within(t, 10*time.Second), 2); err != nil {
			t.Fatal(err)
		}
	}
	cutBoth := func() { l.Net.Cut(); other.Cut() }
	for _, row := range []struct {
		name, text string
		parts      int
		other      bool // the second link is away when it is sent, and there when it comes again
		cut        func()
	}{
		{name: "a new session of either link", text: newReport(), parts: 1, cut: cutBoth},
		{name: "a new session of either link, a long one", text: longReport(), parts: 3, cut: cutBoth},
		{name: "the other link", text: newReport(), parts: 1, other: true, cut: l.Net.Cut},
		{name: "a new session, and the other link is gone", text: newReport(), parts: 1, cut: func() { l.Net.Cut(); other.Refuse() }},
	} {
		bothBound()
		if row.other {
			other.Refuse()
			if !rig.Poll(5*time.Second, func() bool { return l.SMSC.Sessions() == 1 }) {
				t.Fatal("the second link is still bound")
			}
		}
		before := l.Daemon.Metric("aduan_intake_messages_total")
		l.Net.BlackHole(storetest.ToServer, true)
		if !row.other { // a stream out of which octets were taken must end: no TCP goes on after that
			other.BlackHole(storetest.ToServer, true)
		}
		o := citizen(l.SMSC).Send(rig.ShortCode, row.text)
		sent = append(sent, o)
		if !rig.Poll(5*time.Second, func() bool { return l.Daemon.Metric("aduan_intake_messages_total") > before }) {
			t.Fatalf("%s: the message was not handled", row.name)
		}
		if row.other {
			accept(t, other)
			bothBound()
		}
		row.cut()
		l.Net.BlackHole(storetest.ToServer, false)
		other.BlackHole(storetest.ToServer, false)
		kept(t, o)
		tries := attempts(l.SMSC, o)
		if len(tries) <= row.parts {
			t.Errorf("%s: %d deliver_sm in all: no redelivery", row.name, len(tries))
		}
		if first, last := tries[0].Session, tries[len(tries)-1].Session; first == last {
			t.Errorf("%s: it came again over the same session", row.name)
		}
		accept(t, other)
	}
	t.Log("the response is written in time, and read after the SMSC's timer")
	bothBound()
	l.SMSC.StopReading(true)
	late := citizen(l.SMSC).Send(rig.ShortCode, newReport())
	if !rig.Poll(10*time.Second, func() bool { return len(attempts(l.SMSC, late)) > 1 }) {
		t.Fatal("the SMSC's timer did not run out")
	}
	time.Sleep(300 * time.Millisecond) // it stays so a little longer than twice ack_within
	l.SMSC.StopReading(false)
	kept(t, late)
	if tries := attempts(l.SMSC, late); tries[0].Outcome != smsc.Late || tries[0].Status != smpp.StatusROK {
		t.Errorf("the first response was %v %v", tries[0].Outcome, tries[0].Status)
	}
	t.Log(l.Audit(t, len(sent)+1)) // the cuts may have taken responses to submit_sm along
}

// accept lets a network take connections again.
func accept(t *testing.T, p *storetest.Proxy) {
	t.Helper()
	if err := p.Accept(); err != nil {
		t.Fatal(err)
	}
}

// S4: the citizen sends the same twice, and both were acknowledged: two turns.
func TestS4_TheSameTwice(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{})
	key := l.Daemon.APIKey("tickets:read")
	p := citizen(l.SMSC)
	kept(t, p.Send(rig.ShortCode, newReport()))
	number := ticketNumber.FindString(reads(t, p, 1)[0].Text)

	same := "TAMBAH " + number + " lubangnya makin dalam " + rig.Token()
	texts := func(want int) {
		t.Helper()
		if view := l.Daemon.Ticket(key, number); len(view.Texts) != want {
			t.Fatalf("the ticket has %d texts, want %d", len(view.Texts), want)
		}
		reads(t, p, want)
	}
	t.Log("one right after the other")
	kept(t, p.Send(rig.ShortCode, same), p.Send(rig.ShortCode, same))
	texts(3)
	t.Log("over another session, once the first has proven what it acknowledged")
	if !rig.Poll(5*time.Second, func() bool { return l.Daemon.Metric("aduan_intake_copies_total") >= 1 }) {
		t.Fatal("no copy was counted")
	}
	time.Sleep(time.Second) // the proof comes after ack_within/5, and is stored 250 ms later: nothing outside tells of it
	l.SMSC.CutLinks()
	kept(t, p.Send(rig.ShortCode, same))
	texts(4)
	t.Log(l.Audit(t, 2)) // the answers to equal texts are equal
}

// S5: the response to submit_sm is lost: the SMS is sent once more, and the receipt of the second ends it.
func TestS5_SubmitResponseLost(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Conf: quick})
	key := l.Daemon.APIKey("tickets:read")
	one, two := citizen(l.SMSC), citizen(l.SMSC)

	l.SMSC.SwallowSubmitResps(1)
	kept(t, one.Send(rig.ShortCode, newReport()))
	inbox := reads(t, one, 2)
	if inbox[0].Text != inbox[1].Text {
		t.Errorf("it was sent again as %q, was %q", inbox[1].Text, inbox[0].Text)
	}
	t.Log("a long push loses the response to its second segment: only what was not accepted is sent again")
	kept(t, two.Send(rig.ShortCode, newReport()))
	number := ticketNumber.FindString(reads(t, two, 1)[0].Text)
	write := l.Daemon.APIKey("tickets:read", "tickets:write")
	n := 0
	l.SMSC.SubmitStatus(func(m *smpp.Message) smpp.Status {
		if n++; n == 2 {
			l.SMSC.SwallowSubmitResps(1)
		}
		return smpp.StatusROK
	})
	note := strings.TrimSpace(strings.Repeat("tim perbaikan datang besok pagi ", 8))
	status, body, err := l.Daemon.Post("/v1/tickets/"+number+"/status", write, "", map[string]any{"status": "in_progress", "note": note})
	if err != nil || status != 202 {
		t.Fatalf("push: %d %s %v", status, body, err)
	}
	if push := reads(t, two, 2)[1]; !strings.Contains(push.Text, note) {
		t.Errorf("the telephone reads %q", push.Text)
	}

	t.Log(l.Audit(t, 3))
	for _, p := range []*smsc.Phone{one, two} {
		view := l.Daemon.Ticket(key, ticketNumber.FindString(p.Inbox()[0].Text))
		for _, m := range view.Messages {
			if m.State != "delivered" {
				t.Errorf("an SMS is %s, want delivered: %+v", m.State, m)
			}
		}
	}
	if got := len(submits(l.SMSC, one)); got != 2 {
		t.Errorf("%d submit_sm for one SMS whose response was lost once", got)
	}
	if got := len(submits(l.SMSC, two)); got != 4 {
		t.Errorf("%d submit_sm for the answer and a push of two segments, one sent again; want 4", got)
	}
}
