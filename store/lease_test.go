package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// leaseModel is lease.lua in memory, with a way to it that takes time and may be cut.
type leaseModel struct {
	mu   sync.Mutex
	by   string
	n    int
	slow time.Duration
	cut  map[string]bool // whose way is cut
}

func (m *leaseModel) lease(ctx context.Context, _, who string, seen leaseAnswer, give bool) (leaseAnswer, error) {
	m.mu.Lock()
	slow, cut := m.slow, m.cut[who]
	m.mu.Unlock()
	if cut {
		<-ctx.Done()
		return leaseAnswer{}, ctx.Err()
	}
	time.Sleep(slow / 2)
	m.mu.Lock()
	var out leaseAnswer
	switch {
	case give:
		if m.by == who {
			m.by = ""
		}
	case m.by == "" || m.by == who || m.by == seen.by && strconv.Itoa(m.n) == seen.n:
		m.by = who
		m.n++
		out = leaseAnswer{mine: who}
	default:
		out = leaseAnswer{by: m.by, n: strconv.Itoa(m.n)}
	}
	cut = m.cut[who]
	m.mu.Unlock()
	if cut {
		return leaseAnswer{}, errors.New("the answer was lost")
	}
	time.Sleep(slow / 2)
	return out, nil
}

func (m *leaseModel) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// bound watches who is bound: at most one at a time.
type boundWatch struct {
	t     *testing.T
	mu    sync.Mutex
	who   string
	since time.Time
}

// hold is what a link does with a lease: it stays until the end is told, and leaves in good order, or is dropped.
func (b *boundWatch) hold(l *LineLease, leaves time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		b.mu.Lock()
		if b.who != "" {
			b.t.Errorf("%s binds while %s is bound", l.id, b.who)
		}
		b.who, b.since = l.id, time.Now()
		b.mu.Unlock()
		<-ctx.Done()
		for left := leaves; left > 0; { // dropped when the lease ends
			rest := min(left, time.Until(l.Until()))
			if rest <= 0 {
				break
			}
			time.Sleep(rest)
			left -= rest
		}
		b.mu.Lock()
		b.who = ""
		b.mu.Unlock()
	}
}

func (b *boundWatch) now() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.who
}

// Over many seeds of cut ways, lost answers and slow holders no two daemons are ever bound, and whoever can reach Redis
// is bound within takeover.
func TestNoTwoDaemonsHoldALease(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			takeover := time.Duration(1+rng.IntN(20)) * time.Second
			m := &leaseModel{cut: map[string]bool{}, slow: time.Duration(rng.IntN(40)) * time.Millisecond}
			b := &boundWatch{t: t}
			ctx, stop := context.WithCancel(context.Background())
			var g sync.WaitGroup
			var leases []*LineLease
			for _, name := range []string{"p", "q", "r"} {
				l := newLease(m, "link.main", name, takeover, zap.NewNop())
				leases = append(leases, l)
				leaves := time.Duration(rng.IntN(2000)) * time.Millisecond
				g.Go(func() { _ = l.Hold(ctx, b.hold(l, leaves)) })
			}
			for range 60 {
				time.Sleep(time.Duration(rng.Int64N(int64(takeover))))
				who := leases[rng.IntN(len(leases))].id
				m.set(func() { m.cut[who] = rng.IntN(2) == 0 })
			}
			m.set(func() { clear(m.cut) })
			holder := b.now()
			m.set(func() { m.cut[holder] = holder != "" })
			begun := time.Now()
			time.Sleep(takeover)
			if now := b.now(); now == "" || now == holder {
				t.Errorf("seed %d: %q is bound %v after %q was cut off, takeover is %v", seed, now, time.Since(begun), holder, takeover)
			}
			stop()
			g.Wait()
		})
		if t.Failed() {
			return
		}
	}
}

func TestALeaseThatIsGivenUpIsTakenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &leaseModel{cut: map[string]bool{}}
		b := &boundWatch{t: t}
		one, two := newLease(m, "x", "p", 10*time.Second, zap.NewNop()), newLease(m, "x", "q", 10*time.Second, zap.NewNop())
		ctx1, stop1 := context.WithCancel(context.Background())
		ctx2, stop2 := context.WithCancel(context.Background())
		var g sync.WaitGroup
		g.Go(func() { _ = one.Hold(ctx1, b.hold(one, time.Second)) })
		time.Sleep(time.Second)
		g.Go(func() { _ = two.Hold(ctx2, b.hold(two, time.Second)) })
		time.Sleep(30 * time.Second)
		if b.now() != one.id || two.Holder() != "p" || one.Holder() != "" {
			t.Errorf("bound: %q; the second sees %q, the first %q", b.now(), two.Holder(), one.Holder())
		}
		stop1()
		time.Sleep(time.Second + 600*time.Millisecond) // it leaves in order for a second
		if b.now() != two.id {
			t.Errorf("bound: %q", b.now())
		}
		stop2()
		g.Wait()
	})
}

// Redis is away for longer than takeover, for all: the holder leaves, and has it again when Redis is back.
func TestRedisIsAwayForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &leaseModel{cut: map[string]bool{}}
		b := &boundWatch{t: t}
		one, two := newLease(m, "x", "p", 10*time.Second, zap.NewNop()), newLease(m, "x", "q", 10*time.Second, zap.NewNop())
		ctx, stop := context.WithCancel(context.Background())
		var g sync.WaitGroup
		g.Go(func() { _ = one.Hold(ctx, b.hold(one, time.Second)) })
		time.Sleep(time.Second)
		g.Go(func() { _ = two.Hold(ctx, b.hold(two, time.Second)) })
		time.Sleep(5 * time.Second)
		m.set(func() { m.cut[one.id], m.cut[two.id] = true, true })
		time.Sleep(6*time.Second + 500*time.Millisecond)
		if b.now() != "" {
			t.Error("the holder is still bound when its lease has ended")
		}
		time.Sleep(time.Minute)
		m.set(func() { clear(m.cut) })
		time.Sleep(4 * time.Second)
		if b.now() != one.id {
			t.Errorf("bound: %q, want the one that held it", b.now())
		}
		stop()
		g.Wait()
	})
}
