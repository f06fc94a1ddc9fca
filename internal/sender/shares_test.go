package sender_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/sender"
	"aduan/internal/storemodel"
	"aduan/store"
)

// fleet is several daemons that share a link of a rate; each has its own operator's side of it.
type fleet struct {
	t     *testing.T
	redis *storemodel.Redis
	rate  float64
	ops   []*operator
	yards []*yard
	ended chan struct{}
	fed   sync.WaitGroup
}

func newFleet(t *testing.T, rate float64) *fleet {
	return &fleet{t: t, redis: storemodel.New(), rate: rate, ended: make(chan struct{})}
}

// start begins one more daemon.
func (f *fleet) start(routes sender.Routes) *operator {
	op := newOperator(10)
	f.ops = append(f.ops, op)
	f.yards = append(f.yards, newYard(f.t, f.redis, string(rune('p'+len(f.yards))), yardOptions{routes: routes, boots: true}, op.link("A", 10)))
	op.set(func(o *operator) { o.gate = f.yards[len(f.yards)-1].store.MaySend })
	return op
}

// feed keeps SMS waiting in the store, for whichever daemon takes them.
func (f *fleet) feed() {
	front := &yard{t: f.t, store: f.redis.Daemon("front"), sender: sender.New(sender.Options{Store: f.redis.Daemon("none"), Now: time.Now})}
	ops := slices.Clone(f.ops)
	f.fed.Go(func() {
		for n := 0; ; {
			sent := 0
			for _, op := range ops {
				sent += op.count()
			}
			for ; n < sent+int(3*f.rate)+30; n++ {
				front.send("A", citizen(n), store.ClassDirect, "x")
			}
			select {
			case <-f.ended:
				return
			case <-time.After(time.Second):
			}
		}
	})
}

func (f *fleet) bound(op *operator, up bool) { op.set(func(o *operator) { o.bound = up }) }

// waits checks whether a daemon says that its link is up and waits for its share of the rate.
func (f *fleet) waits(i int, want bool) {
	f.t.Helper()
	if flow, _ := f.yards[i].sender.Flow("A"); flow.Waits != want {
		f.t.Errorf("it says %+v; waits for its share: want %v", flow, want)
	}
}

// span is how many were submitted over all daemons while d passed.
func (f *fleet) span(d time.Duration) (n int) {
	begun := time.Now()
	time.Sleep(d)
	for _, op := range f.ops {
		n += op.between(begun, begun.Add(d))
	}
	return n
}

// check looks at each second there was, over all daemons.
func (f *fleet) check() {
	f.t.Helper()
	var all []submitted
	for _, op := range f.ops {
		taken, refused := op.all()
		all = append(append(all, taken...), refused...)
	}
	sortByTime(all)
	span := max(time.Second, time.Duration(float64(time.Second)/f.rate)) // of a rate below 1: of one SMS
	if n := most(all, span); n > max(int(f.rate), 1) {
		f.t.Errorf("%d submitted within %v over all daemons, the link's rate is %g", n, span, f.rate)
	}
}

func (f *fleet) stop() {
	close(f.ended)
	f.fed.Wait()
	for _, y := range f.yards {
		y.stop()
	}
}

func near(t *testing.T, what string, got int, want float64) {
	t.Helper()
	if float64(got) < 0.98*want || float64(got) > want+1 {
		t.Errorf("%s: %d submitted, the link's rate allows %g", what, got, want)
	}
}

// The share of a daemon whose link is down is the others' until the link is back, and the sum never exceeds the rate.
func TestADaemonWhoseLinkIsDownLeavesItsShareToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 30)
		a := f.start(rate(30, "A"))
		f.start(rate(30, "A"))
		f.start(rate(30, "A"))
		f.feed()
		time.Sleep(8 * time.Second)
		near(t, "three daemons", f.span(20*time.Second), 600)
		f.bound(a, false)
		time.Sleep(8 * time.Second)
		near(t, "one's link is down", f.span(20*time.Second), 600)
		f.waits(0, false) // it is down: nothing else holds its SMS
		f.bound(a, true)
		back := time.Now()
		time.Sleep(2 * time.Second)
		f.waits(0, true)
		time.Sleep(6 * time.Second)
		f.waits(0, false)
		if n := a.between(back, back.Add(3*time.Second)); n > 0 {
			t.Errorf("%d submitted before the others surely counted it", n)
		}
		near(t, "it is back", f.span(20*time.Second), 600)
		if n := a.between(back.Add(8*time.Second), time.Now()); n < 190 {
			t.Errorf("%d submitted by the one that came back, want a third of 600", n)
		}
		f.check()
		f.stop()
	})
}

// A daemon is killed and started anew; while the dead one still counts, the new one waits for its share, and yet all is sent
// in time.
func TestTenSecondsAfterAKillAndARestartEveryWaitingSMSIsSubmittedAlsoAtARate(t *testing.T) {
	for _, others := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, 20)
			op := f.start(rate(20, "A"))
			for range others {
				f.start(rate(20, "A"))
			}
			time.Sleep(8 * time.Second)
			for i := range 60 {
				f.yards[0].send("A", citizen(i), store.ClassDirect, "x")
			}
			time.Sleep(time.Second)
			f.yards[0].store.Kill()
			f.bound(op, false)
			f.start(rate(20, "A"))
			time.Sleep(10 * time.Second)
			if got := f.yards[len(f.yards)-1].count(); got[store.StateSent] != 60 {
				t.Errorf("beside %d others, 10 s after the restart: %v", others, got)
			}
			f.check()
			f.stop()
		})
	}
}

func TestALinkThatIsDownForAMomentKeepsItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 20)
		a := f.start(rate(20, "A"))
		f.start(rate(20, "A"))
		f.feed()
		time.Sleep(8 * time.Second)
		f.bound(a, false)
		time.Sleep(3 * time.Second)
		f.bound(a, true)
		back := time.Now()
		time.Sleep(2 * time.Second)
		if n := a.between(back, time.Now()); n < 15 {
			t.Errorf("%d submitted in the first 2 s after a reconnect, want 20", n)
		}
		f.check()
		f.stop()
	})
}

// Links go down and come back, heartbeats stop until their daemon is taken for dead: an hour of it, less under the race detector.
func TestOverAnHourOfComingAndGoingTheSumOfTheSharesIsNeverMoreThanTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 6)
		for range 3 {
			f.start(rate(6, "A"))
		}
		f.feed()
		begun := time.Now()
		for i := 0; time.Since(begun) < lasting(time.Hour); i++ {
			time.Sleep(time.Duration(i*i*37%11_900+100) * time.Millisecond)
			if op := f.ops[i%3]; i%7 != 3 {
				f.bound(op, !op.isBound())
			}
			switch i % 20 {
			case 10:
				f.yards[i/20%3].store.Freeze()
			case 12:
				f.yards[i/20%3].store.Thaw()
			}
		}
		f.check()
		all := 0
		for _, op := range f.ops {
			all += op.count()
		}
		if most := 6 * time.Since(begun).Seconds(); float64(all) > most+1 || float64(all) < most/2 {
			t.Errorf("%d submitted in %v at 6 a second", all, time.Since(begun))
		}
		f.stop()
	})
}

// An exclusive link's rate is its holder's alone, and he who takes the bind over begins when the one before is surely still.
func TestAnExclusiveLinksRateIsItsHoldersAlone(t *testing.T) {
	for _, perSecond := range []float64{10, 0.5} {
		synctest.Test(t, func(t *testing.T) {
			r := rate(perSecond, "A")
			r.Links["A"] = sender.Route{Rate: perSecond, Alone: true}
			f := newFleet(t, perSecond)
			a, b := f.start(r), f.start(r)
			f.bound(b, false)
			f.feed()
			time.Sleep(5 * time.Second)
			near(t, "the holder", f.span(20*time.Second), 20*perSecond)
			for range 5 {
				f.bound(a, false)
				f.bound(b, true)
				time.Sleep(3 * time.Second)
				near(t, "its successor", f.span(20*time.Second), 20*perSecond)
				a, b = b, a
			}
			f.check()
			f.stop()
		})
	}
}

// A daemon of an older version says nothing of its links, and counts for each.
func TestADaemonThatSaysNothingOfItsLinksCountsForEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 30)
		old := f.redis.Daemon("old")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = old.RunBoot(ctx, noEvents) }()
		f.start(rate(30, "A"))
		f.feed()
		time.Sleep(8 * time.Second)
		near(t, "beside an older daemon", f.span(20*time.Second), 300)
		cancel()
		<-ended
		f.stop()
	})
}

var noEvents = store.BootEvents{Dead: func(context.Context, string) {}}

func sortByTime(all []submitted) {
	slices.SortFunc(all, func(a, b submitted) int { return a.at.Compare(b.at) })
}
