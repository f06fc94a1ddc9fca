package sender_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/sender"
	"aduan/internal/storemodel"
	"aduan/smpp"
	"aduan/store"
)

func TestAnotherLinkStandsInOnlyWhereItMayAndWhileTheFirstIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c := newOperator(10), newOperator(10), newOperator(10)
		routes := sender.Routes{Default: "C", Links: map[string]sender.Route{"A": {Fallback: []string{"B"}}, "B": {}, "C": {}}}
		y := newYard(t, storemodel.New(), "p", yardOptions{routes: routes}, a.link("A", 10), b.link("B", 10), c.link("C", 10))
		n := func(o *operator) int { taken, _ := o.all(); return len(taken) }
		want := func(what string, inA, inB, inC int) {
			t.Helper()
			if n(a) != inA || n(b) != inB || n(c) != inC {
				t.Errorf("%s: %d by A, %d by B, %d by C; want %d, %d, %d", what, n(a), n(b), n(c), inA, inB, inC)
			}
		}
		y.fill("A", 0, 5, store.ClassPush)
		time.Sleep(time.Second)
		want("all are up", 5, 0, 0)
		a.set(func(o *operator) { o.bound = false })
		y.fill("A", 10, 5, store.ClassPush)
		time.Sleep(3 * time.Second)
		want("A is down for 3 s: a link binds anew in so long", 5, 0, 0)
		time.Sleep(5 * time.Second)
		want("A is down for 8 s", 5, 5, 0)
		y.fill("A", 20, 5, store.ClassDirect)
		time.Sleep(time.Second)
		want("A stays down", 5, 10, 0)
		for _, m := range y.redis.SMS()[5:] {
			if m.Link != "B" {
				t.Errorf("an SMS went by B and is said to have gone by %s: its receipt comes by B", m.Link)
			}
		}
		a.set(func(o *operator) { o.bound = true })
		y.fill("A", 30, 5, store.ClassPush)
		time.Sleep(time.Second)
		want("A is back", 10, 10, 0)

		b.set(func(o *operator) { o.bound = false })
		y.fill("B", 40, 5, store.ClassPush)
		time.Sleep(time.Minute)
		want("B is down, and none may stand in", 10, 10, 0)
		b.set(func(o *operator) { o.bound = true })
		time.Sleep(time.Second)
		want("B is back", 10, 15, 0)

		a.set(func(o *operator) { o.bound, o.elsewhere = false, true })
		y.fill("A", 50, 5, store.ClassPush)
		time.Sleep(time.Minute)
		want("A is bound by another daemon: none stands in", 10, 15, 0)
		a.set(func(o *operator) { o.bound, o.elsewhere = true, false })
		time.Sleep(time.Second)
		y.fill("gone", 60, 5, store.ClassPush)
		time.Sleep(time.Second)
		want("of a link that is not configured", 15, 15, 5)
		y.stop()
	})
}

func TestTheLinkOfAPush(t *testing.T) {
	routes := sender.Routes{Default: "C", Links: map[string]sender.Route{
		"A": {Prefixes: []string{"6281", "62811"}}, "B": {Prefixes: []string{"628"}}, "C": {},
	}}
	for _, c := range []struct{ last, number, want string }{
		{"B", "+6281112345678", "B"},
		{"", "+6281112345678", "A"},
		{"gone", "+6281112345678", "A"},
		{"", "+6285512345678", "B"},
		{"", "+491711234567", "C"},
	} {
		if got := routes.Choose(c.last, e164(c.number)); got != c.want {
			t.Errorf("last link %q, number %s…: %q, want %q", c.last, c.number[:6], got, c.want)
		}
	}
}

// An outcome that what stands in the store can never take gives its place back, and its SMS is not sent again.
func TestAnOutcomeThatCanNeverBeStoredGivesItsPlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOperator(1)
		var mu sync.Mutex
		poisoned := true
		y := newYard(t, storemodel.New(), "p", yardOptions{done: func(d store.Done) error {
			mu.Lock()
			defer mu.Unlock()
			if poisoned && d.SMS.Text == "0" {
				return fmt.Errorf("%w: WRONGTYPE", store.ErrDamaged)
			}
			return nil
		}}, op.link("A", 1))
		y.fill("A", 0, 4, store.ClassDirect)
		time.Sleep(time.Minute)
		if got := y.count(); got[store.StateSent] != 3 {
			t.Errorf("%v: the others wait for its place", got)
		}
		if n, _ := y.sender.Depth("A"); n != 0 {
			t.Errorf("%d places are still taken", n)
		}
		mu.Lock()
		poisoned = false
		mu.Unlock()
		time.Sleep(time.Minute)
		taken, _ := op.all()
		if got := y.count(); got[store.StateSent] != 4 || len(taken) != 4 {
			t.Errorf("mended: %v after %d submits; want 4 sent, each once", got, len(taken))
		}
		y.stop()
	})
}

// Redis stands still when the daemon is told to end: an outcome in hand is stored when it goes on.
func TestAnOutcomeInHandIsStoredWhileTheDaemonEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOperator(1)
		op.delay = 100 * time.Millisecond
		y := newYard(t, storemodel.New(), "p", yardOptions{}, op.link("A", 1))
		y.fill("A", 0, 1, store.ClassDirect)
		time.Sleep(10 * time.Millisecond)
		y.redis.Gone(true)
		time.AfterFunc(2*time.Second, func() { y.redis.Gone(false) })
		begun := time.Now()
		y.stop()
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("it ended after %v", took)
		}
		if got := y.count(); got[store.StateSent] != 1 {
			t.Errorf("%v", got)
		}
	})
}

func TestALinkComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newOperator(10), newOperator(10)
		routes := sender.Routes{Default: "A", Links: map[string]sender.Route{"A": {}, "B": {}}}
		y := newYard(t, storemodel.New(), "p", yardOptions{routes: routes}, a.link("A", 10))
		y.fill("B", 0, 3, store.ClassDirect)
		time.Sleep(10 * time.Second)
		if got := y.count(); got[store.StateQueued] != 3 {
			t.Errorf("B is configured and not served yet: %v", got)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- y.sender.Serve(ctx, b.link("B", 10)) }()
		time.Sleep(time.Second)
		if taken, _ := b.all(); len(taken) != 3 {
			t.Errorf("%d by B once it is served", len(taken))
		}
		b.set(func(o *operator) {
			o.status = func(time.Time, *smpp.Message) smpp.Status { return smpp.StatusRTHROTTLED }
		})
		y.fill("B", 10, 20, store.ClassDirect)
		time.Sleep(time.Second)
		y.sender.SetRoutes(sender.Routes{Default: "A", Links: map[string]sender.Route{"A": {}}})
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if taken, _ := a.all(); len(taken) != 20 {
			t.Errorf("%d of the removed link's 20 SMS went by the default", len(taken))
		}
		y.stop()
	})
}
