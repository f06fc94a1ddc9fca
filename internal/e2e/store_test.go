package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// load is citizens who send one complaint after another, each when the one before was acknowledged.
type load struct {
	stop  context.CancelFunc
	ended sync.WaitGroup
	mu    sync.Mutex
	sent  int // guarded by mu
}

// perCitizen is how many complaints one citizen sends: a day's answers are limited.
const perCitizen = 40

// newLoad lets n citizens send at a time.
func newLoad(t *testing.T, s *rig.SMSC, n int) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop}
	t.Cleanup(func() { stop(); l.ended.Wait() })
	for i := range n {
		l.ended.Go(func() {
			p := citizen(s)
			for turn := 0; ctx.Err() == nil; turn++ {
				if turn%perCitizen == perCitizen-1 {
					p = citizen(s)
				}
				text := newReport()
				if (i+turn)%5 == 0 {
					text = longReport()
				}
				o := p.Send(rig.ShortCode, text)
				l.mu.Lock()
				l.sent++
				l.mu.Unlock()
				_ = o.Wait(ctx) // what is still open when the load ends, the audit waits for
			}
		})
	}
	return l
}

// end stops the telephones and returns how many texts they sent.
func (l *load) end() int {
	l.stop()
	l.ended.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// R1: Redis is killed in the middle of commits and replays its append-only file.
func TestR1_KilledInMidCommit(t *testing.T) { killRedis(t, 6) }

func killRedis(t *testing.T, kills int) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{})
	type gap struct{ from, to time.Time }
	var gaps []gap
	telephones := newLoad(t, l.SMSC, 20)
	for i := range kills {
		before := l.Daemon.Metric("aduan_tickets_filed_total")
		if !rig.Poll(20*time.Second, func() bool { return l.Daemon.Metric("aduan_tickets_filed_total") > before+5 }) {
			t.Fatal("no tickets are filed any more")
		}
		time.Sleep(time.Duration(i*37%100) * time.Millisecond) // a random moment of the load
		l.Redis.Kill()
		from := time.Now()
		if !rig.Poll(2*time.Second, func() bool { return refusals(l.SMSC, from) > 0 }) {
			t.Error("nothing is answered with a temporary error while Redis is gone")
		}
		gaps = append(gaps, gap{from, time.Now()})
		l.Redis.Restart()
	}
	sent := telephones.end()
	l.Daemon.WaitReady()
	for _, e := range l.SMSC.Journal() {
		for _, g := range gaps {
			// What was kept before is acknowledged within a moment.
			if e.Acknowledged() && !e.Receipt && e.Answered.After(g.from.Add(100*time.Millisecond)) && e.Answered.Before(g.to) {
				t.Errorf("acknowledged %v after Redis was gone", e.Answered.Sub(g.from))
			}
		}
	}
	t.Log(kills, "kills,", sent, "texts:", l.Audit(t, kills*10))
}

// refusals counts the temporary errors since a moment.
func refusals(s *rig.SMSC, since time.Time) int {
	n := 0
	for _, e := range s.Journal() {
		if e.Kind == smsc.EntryDeliver && e.Answered.After(since) && e.Status == smpp.StatusRXTAPPN {
			n++
		}
	}
	return n
}

// R2: the commit stands, and its answer is lost.
func TestR2_AnswerLost(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{})
	first := citizen(l.SMSC)
	kept(t, first.Send(rig.ShortCode, newReport()))
	reads(t, first, 1)

	t.Log("every answer is lost: no ESME_ROK, and the redelivery finds what stands")
	stood, sent := 0, 1
	for ; stood < 2 && sent < 20; sent++ {
		before := tickets(t, l)
		l.StoreNet.BlackHole(storetest.ToClient, true)
		o := first.Send(rig.ShortCode, newReport()) // whose shard has ticket numbers at hand
		e := answered(t, l.SMSC, o, true)
		if e.Status != smpp.StatusRXTAPPN || e.Answered.Sub(e.At) > 2*time.Second {
			t.Errorf("answered %v after %v, want ESME_RX_T_APPN within 2 s", e.Status, e.Answered.Sub(e.At))
		}
		stood += tickets(t, l) - before // 0: another script was being waited for, and the commit never left
		l.StoreNet.Cut()                // a connection out of which octets were taken must end
		l.StoreNet.BlackHole(storetest.ToClient, false)
		kept(t, o)
		if inbox := reads(t, first, sent+1); len(inbox) != sent+1 {
			t.Errorf("%d SMS for %d complaints", len(inbox), sent+1)
		}
	}
	if stood == 0 {
		t.Errorf("no commit stood whose answer was lost")
	}

	t.Log("the connection is reset before the next octet of an answer, whatever that is: tried again once, at once")
	cuts := l.StoreNet.Cuts()
	for range 15 {
		l.StoreNet.CutAfter(storetest.ToClient, 0)
		p := citizen(l.SMSC)
		kept(t, p.Send(rig.ShortCode, newReport()))
		reads(t, p, 1)
	}
	if l.StoreNet.Cuts()-cuts < 10 {
		t.Errorf("cut %d times", l.StoreNet.Cuts()-cuts)
	}
	t.Log(l.Audit(t, 5)) // an outcome of a submit may have been lost as well
}

// tickets counts the tickets in Redis.
func tickets(t *testing.T, l *rig.Line) int {
	t.Helper()
	keys, err := l.Redis.Client().Keys(context.Background(), "{*}:t:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return len(keys)
}

// R3: the store is down, at the start and later.
func TestR3_StoreDown(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{Cold: true})
	down := func(what string) *smsc.Outgoing {
		t.Helper()
		l.Daemon.WaitNotReady()
		if err := l.SMSC.WaitBound(within(t, 10*time.Second), 1); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		status, body, err := l.Daemon.Get("/readyz", "")
		if err != nil || status != 503 || !strings.Contains(string(body), `"ok":false`) {
			t.Errorf("%s: /readyz is %d %s %v", what, status, body, err)
		}
		o := citizen(l.SMSC).Send(rig.ShortCode, newReport())
		e := answered(t, l.SMSC, o, true)
		if e.Status != smpp.StatusRXTAPPN || e.Answered.Sub(e.At) > 2*time.Second {
			t.Errorf("%s: answered %v after %v, want ESME_RX_T_APPN within 2 s", what, e.Status, e.Answered.Sub(e.At))
		}
		return o
	}
	l.Redis.Kill()
	l.Daemon.Start()
	first := down("at the start")
	l.Redis.Restart()
	l.Daemon.WaitReady()
	kept(t, first)
	l.Redis.Kill()
	second := down("later")
	if sessions := l.SMSC.Sessions(); sessions != 1 {
		t.Errorf("%d sessions are bound while the store is down", sessions)
	}
	l.Redis.Restart()
	l.Daemon.WaitReady()
	kept(t, second)
	t.Log(l.Audit(t, 0))
}

// R9: a script fails half-way: a key of another type stands in its way, or the login may not run a command. Redis does not
// undo what a script has written, so nothing may have been.
func TestR9_ScriptFailsHalfWay(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{})
	ctx, rdb := context.Background(), l.Redis.Client()
	first := citizen(l.SMSC)
	kept(t, first.Send(rig.ShortCode, newReport()))
	reads(t, first, 1)

	for _, kind := range []string{"due", "ev", "q", "fence"} {
		for shard := range 100 { // the citizen's shard is a secret of the key file
			key := fmt.Sprintf("{%02d}:%s", shard, kind)
			if err := rdb.Rename(ctx, key, key+".away").Err(); err != nil && !strings.Contains(err.Error(), "no such key") {
				t.Fatal(err)
			}
			rdb.SetBit(ctx, key, 7, 1) // a string
		}
		before := tickets(t, l)
		o := citizen(l.SMSC).Send(rig.ShortCode, newReport())
		answered(t, l.SMSC, o, true)
		if after := tickets(t, l); after != before {
			t.Errorf("%s: a ticket was written by a turn that failed", kind)
		}
		for shard := range 100 {
			key := fmt.Sprintf("{%02d}:%s", shard, kind)
			rdb.Del(ctx, key)
			rdb.Rename(ctx, key+".away", key) // where there was one
		}
		kept(t, o)
	}
	for _, command := range []string{"zadd", "hset", "xadd"} {
		if err := rdb.Do(ctx, "ACL", "SETUSER", "default", "-"+command).Err(); err != nil {
			t.Fatal(err)
		}
		before := tickets(t, l)
		o := citizen(l.SMSC).Send(rig.ShortCode, newReport())
		answered(t, l.SMSC, o, true)
		if after := tickets(t, l); after != before {
			t.Errorf("-%s: a ticket was written by a turn that failed", command)
		}
		rdb.Do(ctx, "ACL", "SETUSER", "default", "+"+command)
		kept(t, o)
	}
	t.Log("at the start: it stays up, says which command, and heals")
	l.Daemon.Stop()
	rdb.Do(ctx, "ACL", "SETUSER", "default", "-zadd")
	l.Daemon.Start()
	l.Daemon.WaitNotReady()
	var body []byte
	if !rig.Poll(5*time.Second, func() bool {
		_, body, _ = l.Daemon.Get("/readyz", "")
		return strings.Contains(strings.ToLower(string(body)), "zadd")
	}) {
		t.Errorf("/readyz does not name the command: %s", body)
	}
	o := citizen(l.SMSC).Send(rig.ShortCode, newReport())
	answered(t, l.SMSC, o, true)
	rdb.Do(ctx, "ACL", "SETUSER", "default", "+zadd")
	l.Daemon.WaitReady()
	kept(t, o)
	t.Log(l.Audit(t, 0))
}
