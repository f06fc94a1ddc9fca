package sender_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/storemodel"
	"aduan/internal/testenv"
	"aduan/smpp"
	"aduan/store"
)

// most is the largest number of submits within any span of that length.
func most(all []submitted, span time.Duration) int {
	best, from := 0, 0
	for i := range all {
		for all[i].at.Sub(all[from].at) >= span {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}

// lasting is a long time; with the race detector, under which each SMS costs some ten times as much, a fourth of it.
func lasting(d time.Duration) time.Duration {
	if testenv.Race {
		return d / 4
	}
	return d
}

func TestARateIsExactOverASecondAndOverAnHour(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		lasts time.Duration
	}{
		{1, time.Minute}, {37, time.Minute}, {1, lasting(time.Hour)}, {0.25, time.Hour}, {2.5, 10 * time.Minute}, {1000, lasting(10 * time.Second)}, {37, lasting(10 * time.Minute)},
	} {
		t.Run(fmt.Sprintf("%g a second for %v", c.rate, c.lasts), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				op := newOperator(50)
				y := newYard(t, storemodel.New(), "p", yardOptions{routes: rate(c.rate, "A")}, op.link("A", 50))
				want := c.rate * c.lasts.Seconds()
				y.feed("A", 120, 0, int(want+2*c.rate)+200)
				time.Sleep(time.Second) // the first second is that of filling
				begun := time.Now()
				time.Sleep(c.lasts)
				got := op.between(begun, begun.Add(c.lasts))
				if math.Abs(float64(got)-want) > max(want/1000, 1) {
					t.Errorf("%d submitted, want %g", got, want)
				}
				taken, _ := op.all()
				if n, top := most(taken, time.Second), int(math.Ceil(c.rate)); n > top {
					t.Errorf("%d within one second, want at most %d", n, top)
				}
				y.stop()
			})
		})
	}
}

func TestARateIsDividedAmongTheDaemonsThatLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := storemodel.New()
		var ops []*operator
		var yards []*yard
		var living atomic.Int32
		living.Store(3)
		for i, name := range []string{"p", "q", "r"} {
			op := newOperator(20)
			ops = append(ops, op)
			o := yardOptions{routes: rate(30, "A"), daemons: func(string) int { return int(living.Load()) }}
			yards = append(yards, newYard(t, r, name, o, op.link("A", 20)))
			yards[i].feed("A", 40, 10_000*i, 1500)
		}
		span := func(d time.Duration) (n int) {
			begun := time.Now()
			time.Sleep(d)
			for _, op := range ops {
				n += op.between(begun, begun.Add(d))
			}
			return n
		}
		time.Sleep(time.Second)
		if n := span(20 * time.Second); n < 594 || n > 606 {
			t.Errorf("three daemons submitted %d in 20 s, the link's rate is 30", n)
		}
		living.Store(2)
		yards[0].stop()
		time.Sleep(time.Second)
		if n := span(20 * time.Second); n < 594 || n > 606 {
			t.Errorf("two daemons submitted %d in 20 s, the link's rate is 30", n)
		}
		for _, y := range yards {
			y.stop()
		}
	})
}

// limited refuses with ESME_RTHROTTLED what comes beyond a rate, counted by a token bucket of one second.
func limited(perSecond float64) func(time.Time, *smpp.Message) smpp.Status {
	tokens, last := perSecond, time.Time{}
	return func(at time.Time, _ *smpp.Message) smpp.Status {
		if !last.IsZero() {
			tokens = min(tokens+perSecond*at.Sub(last).Seconds(), perSecond)
		}
		last = at
		if tokens < 1 {
			return smpp.StatusRTHROTTLED
		}
		tokens--
		return smpp.StatusROK
	}
}

func TestTheOperatorsRateIsLearnt(t *testing.T) {
	for _, allowed := range []float64{2, 10, 100} {
		t.Run(fmt.Sprintf("%g a second", allowed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				op := newOperator(50)
				op.status = limited(allowed)
				y := newYard(t, storemodel.New(), "p", yardOptions{}, op.link("A", 50))
				y.feed("A", 100, 0, int(allowed*200))
				time.Sleep(30 * time.Second) // to learn
				_, before := op.all()
				begun := time.Now()
				time.Sleep(2 * time.Minute)
				taken, refused := op.all()
				n := 0
				for _, s := range taken {
					if s.at.After(begun) {
						n++
					}
				}
				asked := n + len(refused) - len(before)
				if use := float64(n) / (allowed * 120); use < 0.75 {
					t.Errorf("%.0f %% of what the operator allows is used", 100*use)
				}
				if share := float64(asked-n) / float64(asked); share > 0.12 {
					t.Errorf("%.1f %% of what we send is refused", 100*share)
				}
				t.Logf("%d accepted of %g allowed, %d refused", n, allowed*120, asked-n)
				if f, _ := y.sender.Flow("A"); f.Learnt <= 0 || f.Learnt > 4*allowed {
					t.Errorf("learnt: %g a second", f.Learnt)
				}
				y.stop()
			})
		})
	}
}

// S8: half a minute of throttling, of a full queue, or of errors of the operator's own.
func TestS8ThirtySecondsOfThrottling(t *testing.T) {
	for _, status := range []smpp.Status{smpp.StatusRTHROTTLED, smpp.StatusRMSGQFUL, smpp.StatusRSYSERR} {
		t.Run(status.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				op := newOperator(20)
				y := newYard(t, storemodel.New(), "p", yardOptions{routes: rate(40, "A")}, op.link("A", 20))
				y.feed("A", 40, 0, 3600)
				time.Sleep(10 * time.Second)
				begun := time.Now()
				op.set(func(o *operator) { o.status = func(time.Time, *smpp.Message) smpp.Status { return status } })
				time.Sleep(30 * time.Second)
				op.set(func(o *operator) { o.status = nil })
				ended := time.Now()
				time.Sleep(30 * time.Second)
				slow := op.between(begun.Add(10*time.Second), ended)
				if status.Class() == smpp.ClassThrottled && slow > 40 {
					t.Errorf("%d submitted in 20 s to an operator that throttles all", slow)
				}
				if fast := op.between(ended.Add(15*time.Second), ended.Add(30*time.Second)); fast < 570 {
					t.Errorf("%d submitted from 15 to 30 s after the throttling, want about 600", fast)
				}
				time.Sleep(time.Minute)
				if got := y.count(); got[store.StateSent] != 3600 {
					t.Errorf("in the end: %v", got)
				}
				y.stop()
			})
		})
	}
}

// S9: our own sender is refused. No SMS is to blame; the link's sending waits, and asks again now and then.
func TestS9RefusedSettingsStopTheLinkAndNothingIsDeadLettered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op, free := newOperator(10), newOperator(10)
		op.status = func(time.Time, *smpp.Message) smpp.Status { return smpp.StatusRINVSRCADR }
		y := newYard(t, storemodel.New(), "p", yardOptions{}, op.link("A", 10), free.link("B", 10))
		y.fill("A", 0, 500, store.ClassDirect)
		time.Sleep(30 * time.Second)
		y.fill("B", 1000, 100, store.ClassDirect)
		begun := time.Now()
		time.Sleep(10 * time.Minute)
		if n := op.between(begun, time.Now()); n > 12 {
			t.Errorf("%d submitted in 10 min to an operator that refuses our settings", n)
		}
		if f, _ := y.sender.Flow("A"); !strings.HasPrefix(f.Stopped, "ESME_RINVSRCADR: ") {
			t.Errorf("stopped: %q", f.Stopped)
		}
		if got := y.count(); got[store.StateQueued] != 500 || got[store.StateSent] != 100 {
			t.Errorf("%v: the other link's must be sent, these must wait", got)
		}
		op.set(func(o *operator) { o.status = nil })
		time.Sleep(3 * time.Minute)
		if got := y.count(); got[store.StateSent] != 600 {
			t.Errorf("3 min after the operator takes us again: %v", got)
		}
		y.stop()
	})
}

func TestUnderThrottlingNothingIsLostAndNoCitizensOrderChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOperator(10)
		slow := limited(15)
		n := 0
		op.status = func(at time.Time, m *smpp.Message) smpp.Status {
			if n++; n%7 == 0 { // and errors in between
				return smpp.StatusRXTAPPN
			}
			return slow(at, m)
		}
		y := newYard(t, storemodel.New(), "p", yardOptions{}, op.link("A", 10))
		const citizens, each = 40, 6
		for k := range each {
			for i := range citizens {
				y.send("A", citizen(i), store.ClassDirect, fmt.Sprint(k))
			}
		}
		time.Sleep(15 * time.Minute)
		taken, _ := op.all()
		got := map[string][]string{}
		for _, s := range taken {
			got[s.to] = append(got[s.to], s.text)
		}
		want := []string{"0", "1", "2", "3", "4", "5"}
		for to, texts := range got {
			if !slices.Equal(texts, want) {
				t.Errorf("a citizen (…%s) read %q", to[len(to)-2:], texts)
			}
		}
		if len(got) != citizens {
			t.Errorf("%d citizens were reached", len(got))
		}
		y.stop()
	})
}

// One link is held to 5 a second by its operator; the other is free.
func TestAThrottledLinkStallsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone := func(throttled bool) (free int) {
			slow, fast := newOperator(10), newOperator(10)
			slow.status = limited(5)
			y := newYard(t, storemodel.New(), "p", yardOptions{}, slow.link("A", 10), fast.link("B", 10))
			if throttled {
				y.feed("A", 20, 0, 1000)
			}
			begun := time.Now()
			y.feed("B", 20, 10_000, 20_000)
			time.Sleep(20 * time.Second)
			y.stop()
			return fast.between(begun, begun.Add(20*time.Second))
		}
		without, with := alone(false), alone(true)
		if float64(with) < 0.99*float64(without) {
			t.Errorf("%d beside a throttled link, %d without", with, without)
		}
		t.Logf("%d in 20 s beside a link throttled to 5 a second, %d without it", with, without)
	})
}

func TestDirectAnswersGoBeforePushesAndPushesBeforeBroadcasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOperator(10)
		y := newYard(t, storemodel.New(), "p", yardOptions{routes: rate(1, "A")}, op.link("A", 10))
		y.fill("A", 0, 200, store.ClassBroadcast) // more than memory takes
		time.Sleep(5 * time.Second)
		y.fill("A", 1000, 3, store.ClassPush)
		time.Sleep(time.Millisecond)
		y.fill("A", 2000, 3, store.ClassDirect)
		asked := time.Now()
		time.Sleep(10 * time.Second)
		taken, _ := op.all()
		var after []string
		for _, s := range taken {
			if s.at.After(asked) {
				after = append(after, s.text)
			}
		}
		if want := []string{"2000", "2001", "2002", "1000", "1001", "1002"}; len(after) < 6 || !slices.Equal(after[:6], want) {
			t.Errorf("sent %q", after)
		}
		y.stop()
	})
}

// A long SMS goes in order on one session, and others go between its parts.
func TestPartsOfALongSMSLeaveOthersTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOperator(5)
		y := newYard(t, storemodel.New(), "p", yardOptions{routes: rate(1, "A")}, op.link("A", 5))
		y.send("A", citizen(0), store.ClassDirect, strings.Repeat("panjang sekali ", 60)) // 6 parts
		for i := range 4 {
			y.send("A", citizen(1+i), store.ClassDirect, "pendek")
		}
		time.Sleep(30 * time.Second)
		taken, _ := op.all()
		long := citizen(0).Digits()
		var parts []byte
		var order []string
		for _, s := range taken {
			if s.to == long {
				parts = append(parts, s.text[5])
				order = append(order, "part")
			} else {
				order = append(order, "short")
			}
		}
		if !slices.Equal(parts, []byte{1, 2, 3, 4, 5, 6}) {
			t.Errorf("parts in the order %v", parts)
		}
		want := []string{"part", "part", "short", "part", "short", "part", "short", "part", "short", "part"}
		if !slices.Equal(order, want) {
			t.Errorf("sent %v", order)
		}
		y.stop()
	})
}
