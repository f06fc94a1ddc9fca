package sender_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"aduan/internal/msisdn"
	"aduan/internal/sender"
	"aduan/internal/storemodel"
	"aduan/internal/timers"
	"aduan/smpp"
	"aduan/store"
)

// operator is an SMSC in memory that answers after a while, as a test says.
type operator struct {
	delay  time.Duration // from a submit_sm to its response
	places chan struct{}

	mu        sync.Mutex // guards all below
	bound     bool
	elsewhere bool
	gate      func() bool // whether the daemon may send; nil: always
	status    func(at time.Time, m *smpp.Message) smpp.Status
	taken     []submitted // accepted
	refused   []submitted
}

type submitted struct {
	at   time.Time
	to   string
	text string
}

func newOperator(window int) *operator {
	return &operator{delay: 20 * time.Millisecond, places: make(chan struct{}, window), bound: true}
}

func (o *operator) link(name string, window int) sender.Link {
	return sender.Link{
		Name: name, Window: window, Source: smpp.Address{TON: 3}, Destination: smpp.Address{TON: 1, NPI: 1},
		Acquire: func(ctx context.Context) (sender.Slot, error) {
			if !o.isBound() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case o.places <- struct{}{}:
				return &berth{o: o}, nil
			}
		},
		TryAcquire: func() (sender.Slot, bool) {
			if !o.isBound() {
				return nil, false
			}
			select {
			case o.places <- struct{}{}:
				return &berth{o: o}, true
			default:
				return nil, false
			}
		},
		Bound: o.isBound,
		Elsewhere: func() bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			return o.elsewhere
		},
	}
}

func (o *operator) isBound() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bound
}

func (o *operator) maySend() bool {
	o.mu.Lock()
	gate := o.gate
	o.mu.Unlock()
	return o.isBound() && (gate == nil || gate())
}

func (o *operator) set(f func(o *operator)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
}

// berth is a place in its window.
type berth struct {
	o    *operator
	once sync.Once
}

func (b *berth) Submit(_ context.Context, m *smpp.Message) (smpp.SubmitResult, error) {
	if !b.o.maySend() {
		return smpp.SubmitResult{}, smpp.ErrNotWritten
	}
	at := time.Now()
	b.o.mu.Lock()
	status := smpp.StatusROK
	if b.o.status != nil {
		status = b.o.status(at, m)
	}
	one := submitted{at: at, to: m.Destination.Addr, text: string(m.ShortMessage)}
	id := ""
	if status == smpp.StatusROK {
		b.o.taken = append(b.o.taken, one)
		id = fmt.Sprintf("id%d", len(b.o.taken))
	} else {
		b.o.refused = append(b.o.refused, one)
	}
	delay := b.o.delay
	b.o.mu.Unlock()
	time.Sleep(delay)
	return smpp.SubmitResult{Status: status, MessageID: id}, nil
}

func (b *berth) Release() { b.once.Do(func() { <-b.o.places }) }

// all gives what was taken and what was refused.
func (o *operator) all() (taken, refused []submitted) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]submitted(nil), o.taken...), append([]submitted(nil), o.refused...)
}

// count is how many were submitted.
func (o *operator) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.taken) + len(o.refused)
}

// between counts the submits of a span, whatever they were answered.
func (o *operator) between(from, to time.Time) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, list := range [][]submitted{o.taken, o.refused} {
		for _, s := range list {
			if !s.at.Before(from) && s.at.Before(to) {
				n++
			}
		}
	}
	return n
}

// yard is one daemon's sender and timers on a model of the store, with operators.
type yard struct {
	t      *testing.T
	redis  *storemodel.Redis
	store  *storemodel.Store
	sender *sender.Sender
	links  []sender.Link
	stop   func()

	feeds   sync.WaitGroup
	stopped chan struct{}
}

type yardOptions struct {
	daemons func(link string) int
	boots   bool // its heartbeat runs, and tells among how many a rate is divided
	routes  sender.Routes
	expire  time.Duration
	done    func(d store.Done) error // what storing an outcome fails with; nil, or nil: it does not
}

// spoilt is a store that cannot take some outcomes.
type spoilt struct {
	*storemodel.Store
	fails func(d store.Done) error
}

func (s spoilt) Done(ctx context.Context, d store.Done) (*store.Outgoing, error) {
	if s.fails != nil {
		if err := s.fails(d); err != nil {
			return nil, err
		}
	}
	return s.Store.Done(ctx, d)
}

// newYard runs a daemon. It must be called in a bubble.
func newYard(t *testing.T, r *storemodel.Redis, name string, o yardOptions, links ...sender.Link) *yard {
	t.Helper()
	y := &yard{t: t, redis: r, store: r.Daemon(name), links: links, stopped: make(chan struct{})}
	if o.boots {
		o.daemons = y.store.Daemons
	}
	y.sender = sender.New(sender.Options{
		Store: spoilt{y.store, o.done}, Region: "ID", Now: time.Now, Links: links, Routes: o.routes, Daemons: o.daemons,
		Policy: sender.Policy{Expire: o.expire, Rand: func() float64 { return .5 }},
	})
	look := timers.New(timers.Options{
		Store: y.store, Room: y.sender.Room, HasRoom: y.sender.HasRoom(), Adopt: y.sender.Adopt, Default: y.sender.Default, Now: time.Now,
		Expire: y.sender.Expire, ExpireAfter: y.sender.ExpireAfter,
		Tick: func(context.Context, store.CitizenID) error { return nil },
		Join: func(context.Context, store.GroupRef) error { return nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var g sync.WaitGroup
	runs := []func(context.Context) error{y.sender.Run, look.Run}
	if o.boots {
		runs = append(runs, y.beat)
	}
	for _, run := range runs {
		g.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	y.stop = sync.OnceFunc(func() { close(y.stopped); y.feeds.Wait(); cancel(); g.Wait() })
	t.Cleanup(y.stop)
	return y
}

// beat is the daemon's heartbeat.
func (y *yard) beat(ctx context.Context) error {
	return y.store.RunBoot(ctx, store.BootEvents{
		Dead: func(ctx context.Context, boot string) { _, _ = y.store.TakeOver(ctx, boot) },
		Links: func() (up []string) {
			for _, l := range y.links {
				if l.Bound() {
					up = append(up, l.Name)
				}
			}
			return up
		},
	})
}

// citizen is one of 100,000.
func citizen(n int) msisdn.MSISDN {
	m, err := msisdn.FromE164(fmt.Sprintf("+6281%08d", 23400000+n))
	if err != nil {
		panic(err)
	}
	return m
}

// send commits one SMS as a Turner does.
func (y *yard) send(link string, to msisdn.MSISDN, class store.Class, text string) {
	y.t.Helper()
	for {
		c, err := y.store.Assume(to)
		if err != nil {
			y.t.Fatal(err)
		}
		one := store.SMS{ID: y.store.NewID(c.ID.Shard), Text: text, From: "1708", Link: link, Class: class}
		one.Hold = y.sender.Reserve(context.Background(), link, class)
		out, err := y.store.Commit(context.Background(), &store.Turn{
			Boot: y.store.BootID(), Now: time.Now(), Citizen: c, State: []byte("{}"), SMS: []store.SMS{one},
		})
		if err != nil {
			y.t.Fatal(err)
		}
		if one.Hold && len(out.Send) == 0 {
			y.sender.Unreserve(link)
		}
		y.sender.Send(out.Send)
		if out.Kind != store.Stale {
			return
		}
	}
}

// fill commits n SMS to as many citizens, first numbered from.
func (y *yard) fill(link string, from, n int, class store.Class) {
	for i := range n {
		y.send(link, citizen(from+i), class, fmt.Sprint(from+i))
	}
}

// feed keeps so many SMS in a link's memory until the daemon stops, or total SMS were sent: to as many citizens, first numbered from.
func (y *yard) feed(link string, depth, from, total int) {
	y.feeds.Go(func() {
		for n := 0; n < total; {
			for d, _ := y.sender.Depth(link); d < depth && n < total; d++ {
				y.send(link, citizen(from+n), store.ClassDirect, fmt.Sprint(from+n))
				n++
			}
			select {
			case <-y.stopped:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
}

// count is how many SMS are in each state.
func (y *yard) count() map[string]int {
	all := map[string]int{}
	for _, m := range y.redis.SMS() {
		all[m.State]++
	}
	return all
}

// rate is a route with a rate alone.
func rate(perSecond float64, names ...string) sender.Routes {
	r := sender.Routes{Links: map[string]sender.Route{}, Default: names[0]}
	for _, name := range names {
		r.Links[name] = sender.Route{Rate: perSecond}
	}
	return r
}

func e164(number string) msisdn.MSISDN {
	m, err := msisdn.FromE164(number)
	if err != nil {
		panic(err)
	}
	return m
}
