package linkyear

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/intake"
	"aduan/internal/sender"
	"aduan/internal/storemodel"
	"aduan/internal/timers"
	"aduan/internal/turn"
	"aduan/internal/turn/turntest"
	"aduan/smpp"
	"aduan/store"
)

var engine = sync.OnceValue(func() *conversation.Engine { return turntest.Engine(turntest.WIB) })

// world is one seed: an SMSC, a Redis, and the daemons between them.
type world struct {
	t     *testing.T
	set   setting
	redis *storemodel.Redis
	smsc  *smsc
	audit *audit
	wg    sync.WaitGroup // connections of the SMSC, and daemons that end

	// the player's own
	dice    *rand.Rand
	daemons []*daemon
	born    int
	citizen int
	written int
	lanes   []*lane
	longs   []*long
	jumped  time.Duration
	digest  func(parts ...[]byte) string
}

// daemon is one process.
type daemon struct {
	w      *world
	name   string
	store  *storemodel.Store
	intake *intake.Intake
	sender *sender.Sender
	link   *smpp.Link
	events store.BootEvents
	dead   bool // guarded by the SMSC's mu: it can dial no more
	still  bool
	stop   func()
}

// Deliver, Proven and SessionClosed make a daemon its link's handler.
func (d *daemon) Deliver(x *smpp.Delivery)   { d.intake.Deliver(x) }
func (d *daemon) Proven(xs []*smpp.Delivery) { d.intake.Proven(xs) }
func (d *daemon) SessionClosed(id string)    { d.intake.SessionClosed(id) }

func (d *daemon) elsewhere() bool { return d.w.set.exclusive && d.link.Elsewhere() }

// start begins a daemon and binds its link.
func (w *world) start() *daemon {
	w.born++
	name := fmt.Sprintf("d%d-", w.born)
	d := &daemon{w: w, name: name, store: w.redis.Daemon(name)}
	o := w.linkOptions(d)
	if w.set.daemons > 1 {
		o.Gate = d.store
	}
	if w.set.exclusive {
		o.Lease = d.store.LineLease("link.main", takeover)
	}
	var err error
	if d.link, err = smpp.NewLink(o); err != nil {
		w.t.Fatal(err)
	}
	settler := intake.NewSettler(d.store.Settle, o.Log)
	var daemons func(string) int
	if w.set.daemons > 1 {
		daemons = d.store.Daemons
	}
	d.sender = sender.New(sender.Options{
		Routes:  sender.Routes{Links: map[string]sender.Route{"main": {Rate: w.set.rate, Alone: w.set.exclusive}}, Default: "main"},
		Daemons: daemons, DoubtEvery: w.set.look,
		Store: d.store, Settler: settler, Region: "ID", Now: time.Now,
		Policy: sender.Policy{Max: 30 * time.Second, Rand: w.random(uint64(w.born) + 100)},
		Links: []sender.Link{{
			Name: "main", Window: w.set.window * w.set.sessions, Source: smpp.Address{TON: 3}, Destination: smpp.Address{TON: 1, NPI: 1},
			Receipts: true, Bound: d.link.Bound, Elsewhere: d.elsewhere,
			Acquire: func(ctx context.Context) (sender.Slot, error) {
				s, err := d.link.Acquire(ctx)
				if err != nil {
					return nil, err
				}
				return w.audit.occupied(d, s), nil
			},
		}},
	})
	t := turn.New(turn.Options{
		Store: d.store, Engine: engine(), Outbox: d.sender, Now: time.Now, ShortCode: shortCode, DefaultLink: "main",
	})
	d.intake = intake.New(intake.Options{
		Store: d.store, Turner: t, Receipts: d.sender, Settler: settler, Region: "ID", ShortCode: shortCode, Now: time.Now, Log: o.Log,
		SegmentsTimeout: partsWithin,
	})
	look := timers.New(timers.Options{
		Store: d.store, Room: d.sender.Room, Adopt: d.sender.Adopt, HasRoom: d.sender.HasRoom(), Tick: t.Tick, Join: d.intake.JoinDue,
		Every: w.set.look, Now: time.Now,
	})
	d.events = store.BootEvents{
		Links: func() []string {
			if d.link.Bound() {
				return []string{"main"}
			}
			return nil
		},
		Dead: func(ctx context.Context, boot string) {
			_, _ = d.store.TakeOver(ctx, boot) // where it fails, it is seen as dead again
		},
		Fenced: func() {
			w.audit.crashed()
			d.link.Drop("fenced")
		},
	}
	w.run(d, look)
	w.daemons = append(w.daemons, d)
	return d
}

func (w *world) linkOptions(d *daemon) smpp.LinkOptions {
	o := smpp.LinkOptions{
		Name: "main", Address: "smsc:2775", SystemID: "year", Password: "x", Handler: d, Metrics: metrics,
		Sessions: w.set.sessions, Window: w.set.window, EnquireLink: w.set.enquire, ResponseTimeout: w.set.response,
		ReconnectMin: w.set.reconnectMin, ReconnectMax: w.set.reconnectMax, Rand: w.random(uint64(w.born)),
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return w.smsc.dial(ctx, d) },
		Log:  logger(),
	}
	if w.set.pair {
		o.Bind = smpp.BindPair
	}
	var mu sync.Mutex
	n := 0
	o.SessionID = func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("%s.main.%d", d.store.BootID(), n)
	}
	return o
}

// random is a source of the seed's own that may be shared.
func (w *world) random(stream uint64) func() float64 {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(w.audit.seed, stream))
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return r.Float64()
	}
}

// run starts a daemon's parts; stop ends them, links first.
func (w *world) run(d *daemon, look *timers.Timers) {
	ctx, cancel := context.WithCancel(context.Background())
	late, cancelLate := context.WithCancel(context.Background())
	var edge, inside sync.WaitGroup
	start := func(g *sync.WaitGroup, ctx context.Context, run func(context.Context) error) {
		g.Go(func() {
			if err := run(ctx); err != nil {
				w.fail("a part of a daemon ended: %v", err)
			}
		})
	}
	start(&inside, late, d.intake.Run)
	start(&edge, ctx, d.sender.Run)
	start(&edge, ctx, look.Run)
	start(&edge, ctx, smpp.NewPool([]*smpp.Link{d.link}).Run)
	if w.set.daemons > 1 {
		start(&inside, late, func(ctx context.Context) error { return d.store.RunBoot(ctx, d.events) })
	}
	d.stop = sync.OnceFunc(func() {
		cancel()
		edge.Wait()
		cancelLate()
		inside.Wait()
		d.sender.ReleaseAll()
	})
}

// beginDaemon lets something happen to a process; the SMSC's mu is held.
func (w *world) beginDaemon(f fault) bool {
	d := w.daemons[f.n%len(w.daemons)]
	switch f.what {
	case "daemon killed":
		if len(w.daemons) < w.set.daemons || d.still { // one at a time
			return true
		}
		w.kill(d)
	case "daemon stands still":
		if len(w.daemons) < w.set.daemons || w.anyStill() {
			return true
		}
		d.still = true
		d.store.Freeze()
		w.smsc.each(func(c *link) {
			if c.d == d {
				c.halfOpen(f.n)
			}
		})
	case "daemon slow":
		d.store.Slow(span(f.n, 0, 1200*time.Millisecond))
	case "daemon apart": // it alone cannot reach Redis in time
		d.store.Slow(span(f.n, 3*time.Second, 20*time.Second))
	default:
		return false
	}
	return true
}

func (w *world) anyStill() bool {
	for _, d := range w.daemons {
		if d.still {
			return true
		}
	}
	return false
}

// kill ends a daemon as kill -9 does: what it had in hand is lost, and its connections are reset. The SMSC's mu is held.
func (w *world) kill(d *daemon) {
	d.store.Kill()
	d.dead = true
	w.smsc.each(func(c *link) {
		if c.d == d {
			c.conn.abort()
			c.drop()
		}
	})
	w.audit.crashed()
	w.daemons = remove(w.daemons, d)
	w.wg.Go(d.stop)
}

func remove(list []*daemon, d *daemon) (rest []*daemon) {
	for _, x := range list {
		if x != d {
			rest = append(rest, x)
		}
	}
	return rest
}

// revive brings all daemons back: what stood still wakes and finds that it did, what was killed is started anew.
func (w *world) revive() {
	for _, d := range w.daemons {
		d.store.Slow(0)
		if d.still {
			d.still = false
			d.store.Thaw()
			d.store.Replace(d.events)
		}
	}
	for len(w.daemons) < w.set.daemons {
		w.start()
	}
}

func (w *world) fail(format string, args ...any) { w.audit.fail(format, args...) }
