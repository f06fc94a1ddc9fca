package intake_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/intake"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/store"
)

// Each trace broke an earlier wording of promise 3 or 5 (FAULTS.md).

var oneDaemon = daemonOptions{links: []string{"A", "B"}, window: 10, response: 30 * time.Second}

// pair is two daemons, or one, with a session on A and a session on B.
func pair(l *line, two bool) (a, b *daemon) {
	if !two {
		d := l.daemon("p", oneDaemon)
		return d, d
	}
	o := oneDaemon
	o.links, o.beating = []string{"A"}, true
	a = l.daemon("p", o)
	o.links = []string{"B"}
	b = l.daemon("q", o)
	time.Sleep(1500 * time.Millisecond) // both are registered, and know of each other
	return a, b
}

func bothWays(t *testing.T, play func(t *testing.T, l *line, a, b *daemon)) {
	for name, two := range map[string]bool{"one daemon": false, "two daemons": true} {
		t.Run(name, func(t *testing.T) {
			onLine(t, func(l *line) {
				a, b := pair(l, two)
				play(l.t, l, a, b)
			})
		})
	}
}

func TestTraceTwoEqualTextsWhoseROKsAreLost(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		a := l.smsc.on("A")
		a.deaf(true)
		a.send(complaint)
		a.send(complaint)
		time.Sleep(time.Second)
		a.cut()
		time.Sleep(100 * time.Millisecond)
		b := l.smsc.on("B")
		one, two := b.send(complaint), b.send(complaint)
		time.Sleep(6 * time.Second)
		one.wants(t, smpp.StatusROK)
		two.wants(t, smpp.StatusROK)
		l.turns(2)
	})
}

func TestTraceTheDropIsSeenLate(t *testing.T) {
	bothWays(t, func(t *testing.T, l *line, a, _ *daemon) {
		// A's daemon comes to its copy late, and does not know that A is dead:
		// the SMSC has dropped it, and nothing is read or written any more.
		if a.store.BootID() != "" {
			a.store.Slow(700 * time.Millisecond)
		}
		on := l.smsc.on("A")
		on.send(complaint)
		synctest.Wait() // it was read
		on.deaf(true)
		on.numb(true)
		kept := l.smsc.on("B").send(complaint)
		time.Sleep(20 * time.Second)
		kept.wants(t, smpp.StatusROK)
		l.turns(1)
	})
}

func TestTraceTheDropIsSeenAtOnce(t *testing.T) {
	bothWays(t, func(t *testing.T, l *line, a, b *daemon) {
		a.store.Slow(time.Second)
		if a != b {
			b.store.Slow(0)
		}
		on := l.smsc.on("A")
		on.send(complaint)
		time.Sleep(10 * time.Millisecond)
		on.cut()
		kept := l.smsc.on("B").send(complaint)
		time.Sleep(20 * time.Second)
		kept.wants(t, smpp.StatusROK)
		l.turns(1)
		l.smsc.on("B").send(complaint) // the dropped copy has not touched the mark: this is a repetition
		time.Sleep(5 * time.Second)
		l.turns(2)
	})
}

func TestTraceADroppedCopyDoesNotTouchTheMark(t *testing.T) {
	onLine(t, func(l *line) {
		a, _ := pair(l, true)
		a.store.Slow(time.Second)
		b := l.smsc.on("B")
		l.smsc.on("A").send(complaint)
		synctest.Wait()
		l.smsc.on("A").cut()
		b.mute(true)
		b.deaf(true) // its ROK is proven only after A's copy has come to its turn
		b.send(complaint)
		time.Sleep(5 * time.Second)
		b.deaf(false)
		time.Sleep(5 * time.Second)
		l.turns(1)
		b.send(complaint)
		time.Sleep(5 * time.Second)
		l.turns(2)
	})
}

func TestTraceROKReadAfterTheSMSCsTimer(t *testing.T) {
	bothWays(t, func(t *testing.T, l *line, _, _ *daemon) {
		a := l.smsc.on("A")
		a.deaf(true) // the ROK is written in time, and lies in the link
		a.send(complaint)
		time.Sleep(10 * time.Second) // its timer
		again := l.smsc.on("B").send(complaint)
		time.Sleep(2 * time.Second)
		a.deaf(false) // only now it reads the ROK, and answers our enquire_link
		time.Sleep(10 * time.Second)
		again.wants(t, smpp.StatusROK)
		l.turns(1)
	})
}

func TestTraceTheScriptRunsAfterTheRetry(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		l.redis.Lose("commit", 4*time.Second)
		l.redis.LoseUnrun("commit")
		a := l.smsc.on("A")
		first := a.send(complaint)
		time.Sleep(time.Second)
		first.wants(t, smpp.StatusRXTAPPN)
		time.Sleep(4 * time.Second)
		l.turns(0) // it ran late, and wrote nothing
		if n := len(l.redis.Marks()); n != 0 {
			t.Errorf("%d marks", n)
		}
		again := a.send(complaint)
		time.Sleep(3 * time.Second)
		again.wants(t, smpp.StatusROK)
		l.turns(1)
		if all, most := l.smsc.accepted(); all != 1 || most != 1 {
			t.Errorf("%d SMS, one of them %d times", all, most)
		}
	})
}

func TestTraceSettlingIsTriedAgainWhileTheNextHasTheMark(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		a := l.smsc.on("A")
		a.mute(true) // no Done takes the mark along
		l.redis.Lose("settle", 0)
		a.send(complaint).at = time.Now()
		time.Sleep(1260 * time.Millisecond) // proven after 1 s, settled after 1.25 s, the answer lost
		a.send(complaint)                   // a repetition: it has the mark now
		synctest.Wait()
		a.deaf(true) // its ROK is not read
		time.Sleep(140 * time.Millisecond)
		l.turns(2)
		time.Sleep(400 * time.Millisecond) // the settling was tried again
		if n := l.redis.Ran("settle"); n < 2 {
			t.Fatalf("settled %d times", n)
		}
		a.cut()
		again := l.smsc.on("B").send(complaint)
		time.Sleep(5 * time.Second)
		again.wants(t, smpp.StatusROK)
		l.turns(2)
	})
}

func TestTraceSIGSTOPAndWake(t *testing.T) {
	onLine(t, func(l *line) {
		o := oneDaemon
		o.beating = true
		d := l.daemon("p", o)
		time.Sleep(1500 * time.Millisecond)
		a := l.smsc.on("A")
		a.numb(true) // stopped: both lie in the socket's buffer
		a.deaf(true)
		d.store.Freeze()
		a.send(complaint)
		time.Sleep(10 * time.Second)
		a.send(complaint)
		time.Sleep(2 * time.Second)
		d.store.Thaw()
		d.store.Replace(d.events) // its own ticks have a gap: sessions are closed unread
		a.numb(false)
		a.deaf(false)
		time.Sleep(3 * time.Second)
		l.turns(0)
		again := l.smsc.on("A").send(complaint)
		time.Sleep(5 * time.Second)
		again.wants(t, smpp.StatusROK)
		l.turns(1)
	})
}

func TestTracePipelinedWithoutAnyFault(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		a := l.smsc.on("A")
		one, two := a.send(complaint), a.send(complaint)
		time.Sleep(5 * time.Second)
		if !one.rok() || !two.rok() {
			t.Error("not both acknowledged")
		}
		l.turns(2)
	})
}

func TestTraceThreeTimesWithCommitsOfHalfASecond(t *testing.T) {
	bothWays(t, func(t *testing.T, l *line, _, _ *daemon) {
		l.redis.Latency(250*time.Millisecond, 250*time.Millisecond)
		a, b := l.smsc.on("A"), l.smsc.on("B")
		all := []*sent{a.send(complaint)}
		synctest.Wait()
		all = append(all, b.send(complaint), b.send(complaint))
		time.Sleep(10 * time.Second)
		for i, m := range all {
			if !m.rok() {
				t.Errorf("message %d was not acknowledged", i+1)
			}
		}
		l.turns(3)
	})
}

// deafTurner makes turns whose answer is lost.
type deafTurner struct{ intake.Turner }

func (d deafTurner) Again(ctx context.Context, m turn.Message, sms []string) (turn.Result, error) {
	if _, err := d.Turner.Again(ctx, m, sms); err != nil {
		return turn.Result{}, err
	}
	return turn.Result{}, store.ErrUnknown
}

func TestTraceForHoursUnder0x64(t *testing.T) {
	onLine(t, func(l *line) {
		o := oneDaemon
		o.wrap = func(t intake.Turner) intake.Turner { return deafTurner{t} }
		l.daemon("p", o)
		a := l.smsc.on("A")
		l.redis.Lose("commit", 0)
		l.redis.Lose("commit", 0)
		for minute := range 180 {
			if minute > 0 { // the script is run, and its answer lost, twice
				l.redis.Lose("redeliver", 0)
				l.redis.Lose("redeliver", 0)
			}
			again := a.send(complaint)
			time.Sleep(time.Minute)
			again.wants(t, smpp.StatusRXTAPPN)
			l.redis.Mend()
		}
		if n := len(l.redis.Tickets()); n != 1 {
			t.Errorf("%d tickets", n)
		}
		if all, _ := l.smsc.accepted(); all != 2 {
			t.Errorf("the citizen has %d SMS, want the first and one more", all)
		}
		last := a.send(complaint)
		time.Sleep(time.Minute)
		last.wants(t, smpp.StatusROK)
		if all, _ := l.smsc.accepted(); all != 2 {
			t.Errorf("the citizen has %d SMS, want the first and one more", all)
		}
	})
}

func TestTraceRedisStopsThenACrash(t *testing.T) {
	onLine(t, func(l *line) {
		o := oneDaemon
		o.links, o.window, o.beating = []string{"A"}, 3, true
		p := l.daemon("p", o)
		a := l.smsc.on("A")
		l.daemon("q", o) // binds to A too: it takes over
		time.Sleep(1500 * time.Millisecond)
		a.mute(true)
		for n := range 10 {
			a.sendFrom(n, fmt.Sprintf("%s nomor %d", complaint, n))
		}
		time.Sleep(500 * time.Millisecond)
		l.redis.Stop() // the outcomes cannot be stored
		time.Sleep(2 * time.Second)
		p.store.Kill()
		a.cut()
		p.stop()
		l.redis.Continue()
		time.Sleep(30 * time.Second)
		l.smsc.mu.Lock()
		twice := 0
		for _, n := range l.smsc.took {
			twice += n - 1
		}
		l.smsc.mu.Unlock()
		if twice > 3 {
			t.Errorf("%d SMS twice, the window is 3", twice)
		}
		for _, m := range l.redis.SMS() {
			if m.State != "sent" {
				t.Errorf("an SMS of %s is %s", m.Link, m.State)
			}
		}
		if n := len(l.redis.SMS()); n != 10 {
			t.Errorf("%d SMS", n)
		}
	})
}

func TestTraceACommitStandsThoughItsAnswerIsLostTwice(t *testing.T) {
	onLine(t, func(l *line) {
		l.daemon("p", oneDaemon)
		a := l.smsc.on("A")
		l.redis.Lose("commit", 0)
		l.redis.Lose("commit", 0)
		first := a.send(complaint)
		time.Sleep(500 * time.Millisecond)
		first.wants(t, smpp.StatusRXTAPPN)
		time.Sleep(5 * time.Second)
		l.turns(1)
		if all, _ := l.smsc.accepted(); all != 1 {
			t.Errorf("%d SMS, want 1", all)
		}
		again := a.send(complaint)
		time.Sleep(5 * time.Second)
		again.wants(t, smpp.StatusROK)
		l.turns(1)
		if all, _ := l.smsc.accepted(); all != 1 {
			t.Errorf("%d SMS after the redelivery, want 1", all)
		}
	})
}
