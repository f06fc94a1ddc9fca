package intake_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"aduan/conversation"
	"aduan/internal/intake"
	"aduan/internal/msisdn"
	"aduan/internal/sender"
	"aduan/internal/storemodel"
	"aduan/internal/timers"
	"aduan/internal/turn"
	"aduan/internal/turn/turntest"
	"aduan/smpp"
	"aduan/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	shortCode = "1708"
	complaint = "LAPOR jalan rusak di depan pasar Minggu"
)

func phone(n int) msisdn.MSISDN {
	m, err := msisdn.FromE164(fmt.Sprintf("+62812345671%02d", n))
	if err != nil {
		panic(err)
	}
	return m
}

var engine = sync.OnceValue(func() *conversation.Engine { return turntest.Engine(turntest.WIB) })

// line is one Redis, one SMSC and the daemons between them.
type line struct {
	t     *testing.T
	redis *storemodel.Redis
	smsc  *smsc
}

// onLine plays a test on virtual time.
func onLine(t *testing.T, play func(l *line)) {
	t.Helper()
	engine() // outside the bubble
	synctest.Test(t, func(t *testing.T) {
		l := &line{t: t, redis: storemodel.New(), smsc: &smsc{sessions: map[string]*session{}, took: map[string]int{}}}
		t.Cleanup(l.smsc.close) // after the daemons have ended
		play(l)
	})
}

// daemon is the way of a message, from sessions to the store's model.
type daemon struct {
	store  *storemodel.Store
	intake *intake.Intake
	sender *sender.Sender
	links  []*smpp.Link
	events store.BootEvents
	stop   func()
}

type daemonOptions struct {
	links    []string // names of links, one session each
	window   int
	response time.Duration // response timeout
	beating  bool          // with a heartbeat
	wrap     func(intake.Turner) intake.Turner
}

// daemon starts one and binds its links.
func (l *line) daemon(name string, o daemonOptions) *daemon {
	st := l.redis.Daemon(name)
	settler := intake.NewSettler(st.Settle, nop)
	d := &daemon{store: st}
	var gate smpp.Gate
	if o.beating {
		gate = st
	}
	var out []sender.Link
	for _, link := range o.links {
		sessions := 0
		opened, err := smpp.NewLink(smpp.LinkOptions{
			Name: link, Address: "smsc:2775", SystemID: "x", Window: o.window, ResponseTimeout: o.response,
			Handler: handler{d}, Gate: gate, Rand: func() float64 { return 0.5 },
			Dial: func(context.Context, string, string) (net.Conn, error) { return l.smsc.dial(link), nil },
			SessionID: func() string {
				sessions++
				return fmt.Sprintf("%s.%s.%d", st.BootID(), link, sessions)
			},
		})
		if err != nil {
			l.t.Fatal(err)
		}
		d.links = append(d.links, opened)
		out = append(out, sender.Link{
			Name: link, Window: max(o.window, 1), Source: smpp.Address{TON: 3}, Destination: smpp.Address{TON: 1, NPI: 1}, Receipts: true,
			Acquire: func(ctx context.Context) (sender.Slot, error) { return opened.Acquire(ctx) }, Bound: opened.Bound,
		})
	}
	d.sender = sender.New(sender.Options{Store: st, Links: out, Settler: settler, Region: "ID", Now: time.Now})
	t := turn.New(turn.Options{
		Store: st, Engine: engine(), Outbox: d.sender, Now: time.Now, ShortCode: shortCode, DefaultLink: o.links[0],
	})
	var turner intake.Turner = t
	if o.wrap != nil {
		turner = o.wrap(t)
	}
	d.intake = intake.New(intake.Options{
		Store: st, Turner: turner, Receipts: d.sender, Settler: settler, Region: "ID", ShortCode: shortCode, Now: time.Now,
	})
	look := timers.New(timers.Options{
		Store: st, Room: d.sender.Room, Adopt: d.sender.Adopt, Tick: t.Tick, Join: d.intake.JoinDue, Now: time.Now,
	})
	d.events = store.BootEvents{
		Dead: func(ctx context.Context, boot string) {
			if _, err := st.TakeOver(ctx, boot); err != nil {
				l.t.Log("take over:", err)
			}
		},
		Fenced: func() {
			for _, link := range d.links {
				link.Drop("fenced")
			}
		},
	}
	l.run(d, look, o.beating)
	return d
}

// run starts a daemon's parts; stop ends them, links first.
func (l *line) run(d *daemon, look *timers.Timers, beating bool) {
	ctx, cancel := context.WithCancel(context.Background())
	late, cancelLate := context.WithCancel(context.Background())
	var edge, inside sync.WaitGroup
	start := func(g *sync.WaitGroup, ctx context.Context, run func(context.Context) error) {
		g.Go(func() {
			if err := run(ctx); err != nil {
				l.t.Error(err)
			}
		})
	}
	start(&inside, late, d.intake.Run)
	start(&edge, ctx, d.sender.Run)
	start(&edge, ctx, look.Run)
	for _, link := range d.links {
		start(&edge, ctx, link.Run)
	}
	if beating {
		start(&inside, late, func(ctx context.Context) error { return d.store.RunBoot(ctx, d.events) })
	}
	stopped := false
	d.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		edge.Wait()
		cancelLate()
		inside.Wait()
		d.sender.ReleaseAll()
	}
	l.t.Cleanup(d.stop)
	synctest.Wait()
}

// handler gives a daemon's intake what its links receive.
type handler struct{ d *daemon }

func (h handler) Deliver(d *smpp.Delivery)   { h.d.intake.Deliver(d) }
func (h handler) Proven(ds []*smpp.Delivery) { h.d.intake.Proven(ds) }
func (h handler) SessionClosed(id string)    { h.d.intake.SessionClosed(id) }

// turns fails unless so many turns of a citizen were kept.
func (l *line) turns(want int) {
	l.t.Helper()
	if got := l.redis.Turns(phone(0)); got != uint64(want) { //nolint:gosec // small
		l.t.Errorf("%d turns, want %d", got, want)
	}
}
