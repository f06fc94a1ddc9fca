package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// model is a Redis that counts heartbeats on virtual time. It can stand still, be gone, answer late, and have a clock
// that jumps.
type model struct {
	mu     sync.Mutex // held for moments only
	counts map[string]int
	fenced map[string]bool
	until  time.Time     // it stands still until then: what came meanwhile is done then
	late   time.Duration // the answer takes so long
	gone   bool
	jump   time.Duration
}

func newModel() *model { return &model{counts: map[string]int{}, fenced: map[string]bool{}} }

func (m *model) set(f func()) { m.mu.Lock(); f(); m.mu.Unlock() }

func (m *model) renew(ctx context.Context, boot string, sends []string) (renewal, error) {
	m.mu.Lock()
	pause, late, gone := time.Until(m.until), m.late, m.gone
	m.mu.Unlock()
	if gone {
		return renewal{}, errors.New("refused")
	}
	if err := sleep(ctx, pause); err != nil {
		return renewal{}, err
	}
	m.mu.Lock()
	if m.fenced[boot] {
		m.mu.Unlock()
		return renewal{fenced: true}, nil
	}
	m.counts[boot]++
	r := renewal{clock: time.Now().Add(m.jump), boots: map[string]string{}}
	for id, n := range m.counts {
		r.boots[id] = strconv.Itoa(n)
	}
	m.mu.Unlock()
	return r, sleep(ctx, late)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// daemon is one RunBoot on a model.
type daemon struct {
	*bootState
	stop  func()
	mu    sync.Mutex
	dead  []string
	fence int
	born  time.Time
	died  map[string]time.Duration // boot → when it was found dead
}

func (m *model) daemon(t *testing.T) *daemon {
	d := &daemon{bootState: newBootState(Options{Now: time.Now}), born: time.Now(), died: map[string]time.Duration{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	d.stop = func() { cancel(); <-ended }
	loop := newBootLoop(d.bootState, m, BootEvents{
		Dead: func(_ context.Context, boot string) {
			d.mu.Lock()
			d.dead, d.died[boot] = append(d.dead, boot), time.Since(d.born)
			d.mu.Unlock()
			m.set(func() { m.fenced[boot] = true; delete(m.counts, boot) })
			d.markDead(boot)
		},
		Fenced: func() {
			if err := d.allowed(d.current()); err == nil {
				t.Error("the new boot may write before the sessions are dropped")
			}
			d.mu.Lock()
			d.fence++
			d.mu.Unlock()
		},
	}, zap.NewNop(), func() {})
	go func() {
		defer close(ended)
		if err := loop.run(ctx); err != nil {
			t.Error(err)
		}
	}()
	return d
}

func (d *daemon) sends() bool { return d.maySend(time.Now()) }

func (d *daemon) found() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.dead)
}

func (d *daemon) fences() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fence
}

func TestABootIsDeadWhenItsCounterStandsStillFor5s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a, b := m.daemon(t), m.daemon(t)
		time.Sleep(10 * time.Second)
		if !a.sends() || !b.sends() {
			t.Fatal("two living boots may send")
		}
		a.stop()
		time.Sleep(4 * time.Second)
		if len(b.found()) != 0 {
			t.Fatal("too early")
		}
		time.Sleep(4 * time.Second)
		b.stop()
		if got := b.found(); !slices.Equal(got, []string{a.id}) {
			t.Fatalf("found dead: %v", got)
		}
		if when := b.died[a.id]; when < 14*time.Second || when > 17*time.Second {
			t.Errorf("after %v", when)
		}
	})
}

func TestRedisStopsFor9sAndTheFirstDaemonBackFencesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a, b := m.daemon(t), m.daemon(t)
		time.Sleep(5 * time.Second)
		m.set(func() { m.until = time.Now().Add(9 * time.Second) })
		time.Sleep(8 * time.Second)
		if a.sends() || b.sends() {
			t.Error("they send although no renewal was answered for 3 s")
		}
		time.Sleep(20 * time.Second)
		if !a.sends() || !b.sends() {
			t.Error("they do not send again")
		}
		a.stop()
		b.stop()
		if len(a.found())+len(b.found())+a.fences()+b.fences() != 0 {
			t.Errorf("dead %v %v, fenced %d %d", a.found(), b.found(), a.fences(), b.fences())
		}
	})
}

func TestOneThatDiedWhileRedisStoodStillIsFoundAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a, b := m.daemon(t), m.daemon(t)
		time.Sleep(5 * time.Second)
		m.set(func() { m.until = time.Now().Add(9 * time.Second) })
		a.stop()
		time.Sleep(13 * time.Second) // 4 s after Redis is back
		if len(b.found()) != 0 {
			t.Error("its silence while Redis was silent was counted")
		}
		time.Sleep(5 * time.Second)
		b.stop()
		if len(b.found()) != 1 {
			t.Error("it was not found")
		}
	})
}

func TestRedissClockJumpsAnHourAndNobodyIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a, b := m.daemon(t), m.daemon(t)
		for _, jump := range []time.Duration{time.Hour, -time.Hour, 0} {
			time.Sleep(10 * time.Second)
			m.set(func() { m.jump = jump })
			time.Sleep(1100 * time.Millisecond)
			at, ok := a.toRedis(time.Now())
			if off := time.UnixMilli(at).Sub(time.Now().Add(jump)); !ok || off.Abs() > 10*time.Millisecond {
				t.Errorf("jump %v: deadlines are off by %v", jump, off)
			}
		}
		time.Sleep(10 * time.Second)
		a.stop()
		b.stop()
		if len(a.found())+len(b.found())+a.fences()+b.fences() != 0 {
			t.Error("a living boot was taken over")
		}
	})
}

// A renewal is sent at 10 s, answered at 12 s; then Redis is gone: submitting stops at 13 s, not at 15 s.
func TestSubmittingStops3sAfterTheRenewalWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a := m.daemon(t)
		time.Sleep(9500 * time.Millisecond)
		m.set(func() { m.late = 2 * time.Second })
		time.Sleep(time.Second) // it is under way
		m.set(func() { m.gone = true })
		time.Sleep(2 * time.Second) // 12.5 s
		if !a.sends() {
			t.Error("12.5 s: it may still send")
		}
		time.Sleep(600 * time.Millisecond) // 13.1 s
		if a.sends() {
			t.Error("13.1 s: it sends, 3.1 s after the renewal was sent")
		}
		a.stop()
	})
}

func TestAFencedBootDropsItsSessionsAndBecomesAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a := m.daemon(t)
		time.Sleep(5500 * time.Millisecond)
		old := a.current()
		m.set(func() { m.fenced[old] = true; delete(m.counts, old) })
		time.Sleep(time.Second)
		if a.fences() != 1 || a.current() == old {
			t.Fatalf("fenced %d times", a.fences())
		}
		if !errors.Is(a.allowed(old), ErrFenced) || a.allowed(a.current()) != nil || !a.sends() {
			t.Error("the old boot may write, or the new one may not")
		}
		if !a.isDead(old, time.Now()) || a.isDead(a.current(), time.Now()) {
			t.Error("the old boot is not dead, or the new one is")
		}
		a.stop()
	})
}

func TestAProcessThatStoodStillEndsItsBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a := m.daemon(t)
		time.Sleep(5100 * time.Millisecond)
		old := a.current()
		a.bootState.mu.Lock()
		a.ticked = time.Now().Add(-stoodStill) // SIGSTOP, then SIGCONT: the next tick is not there yet
		a.bootState.mu.Unlock()
		if !errors.Is(a.allowed(old), ErrFenced) || a.sends() {
			t.Error("before the next tick, it writes or sends")
		}
		time.Sleep(tickEvery)
		synctest.Wait()
		if a.fences() != 1 || a.current() == old || a.allowed(a.current()) != nil {
			t.Errorf("fenced %d times; %v", a.fences(), a.allowed(a.current()))
		}
		time.Sleep(8 * time.Second) // nobody counts the old boot up: we find it ourselves
		a.stop()
		if got := a.found(); !slices.Equal(got, []string{old}) {
			t.Errorf("found dead: %v", got)
		}
	})
}

func TestABootThatCannotReachRedisKeepsItsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a := m.daemon(t)
		time.Sleep(3 * time.Second)
		old := a.current()
		m.set(func() { m.gone = true })
		time.Sleep(time.Minute)
		if a.fences() != 0 || a.current() != old || a.sends() {
			t.Errorf("fenced %d times, sends %v", a.fences(), a.sends())
		}
		m.set(func() { m.gone = false })
		time.Sleep(1500 * time.Millisecond)
		if !a.sends() || a.current() != old {
			t.Error("it does not send again")
		}
		a.stop()
	})
}

func TestABootNotInTheListIsDeadOnlyByALaterList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		a := m.daemon(t)
		time.Sleep(500 * time.Millisecond)
		if a.isDead("unknown", time.Now()) {
			t.Error("at the first question it may have registered a moment ago")
		}
		newcomer := m.daemon(t) // registers after a's list
		time.Sleep(100 * time.Millisecond)
		if a.isDead(newcomer.current(), time.Now()) {
			t.Error("a newcomer is not dead")
		}
		time.Sleep(2 * time.Second)
		if !a.isDead("unknown", time.Now()) || a.isDead(newcomer.current(), time.Now()) {
			t.Error("a later list tells")
		}
		newcomer.stop()
		a.stop()
	})
}

func TestNothingIsWrittenBeforeTheBootIsRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel()
		m.gone = true
		a := m.daemon(t)
		time.Sleep(100 * time.Millisecond)
		if err := a.allowed(a.current()); !errors.Is(err, errNotRegistered) {
			t.Errorf("%v", err)
		}
		a.stop()
	})
}
