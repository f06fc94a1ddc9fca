package sender

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/store"
)

// Slot is a place in a link's window; *smpp.Slot is one.
type Slot interface {
	Submit(ctx context.Context, m *smpp.Message) (smpp.SubmitResult, error)
	Release()
}

// Link is where SMS go out.
type Link struct {
	Name string
	// Window is how many SMS may be outstanding, over all sessions of the link.
	Window int
	// Source and Destination are the TON and NPI of addresses; ServiceType as
	// the operator wants it.
	Source, Destination smpp.Address
	ServiceType         string
	// Wire is how texts are written: what data_coding 0 means to the SMSC, and
	// which national tables may be used.
	Wire segment.Wire
	// Receipts asks the SMSC for delivery receipts.
	Receipts bool
	// Acquire waits for a free place on a bound session; TryAcquire takes one only if it is free now, and may be nil.
	Acquire    func(ctx context.Context) (Slot, error)
	TryAcquire func() (Slot, bool)
	// Bound reports whether SMS can go out now.
	Bound func() bool
	// Elsewhere reports that another daemon holds the bind: it sends this link's SMS, and no other link stands in. May be nil.
	Elsewhere func() bool
}

// keeper is what the sender needs of the store; *store.Store is one.
type keeper interface {
	BootID() string
	Identify(m msisdn.MSISDN) store.CitizenID
	Done(ctx context.Context, d store.Done) (*store.Outgoing, error)
	Release(ctx context.Context, boot string, sms []store.Outgoing, at time.Time) error
	Receipt(ctx context.Context, r store.ReceiptUpdate) (store.ReceiptOutcome, error)
	Held(ctx context.Context, boot string, shards []int) ([]store.Outgoing, error)
	NewID(shard int) string
}

// Settler gives proven marks of a shard to a commit that settles them along
// with its own work; *intake.Settler is one.
type Settler interface {
	Take(shard int) []store.MarkRef
	Return(refs []store.MarkRef)
}

// Options are the parts of a Sender.
type Options struct {
	Store keeper
	// Links are served by Run; others come and go by Serve.
	Links []Link
	// Routes are which link carries what; where they name no link, those of Links do.
	Routes  Routes
	Settler Settler
	Policy  Policy
	// Courier is told when a failed SMS brings an event; may be nil.
	Offer func(ref store.HandoffRef) bool
	// Daemons is among how many daemons a link's rate is divided, this one included; 0: this one may not send on it yet.
	// It is not asked of a link whose bind one daemon alone holds. Nil: 1.
	Daemons func(link string) int
	// Region reads national numbers in receipts.
	Region        string
	ReceiptsGrace time.Duration
	// StopWithin bounds how long an outcome is tried to be stored while the daemon is stopping; default 4 s.
	StopWithin time.Duration
	// DoubtEvery is the pause between two looks for SMS whose outcome is unknown, and for what was learnt and is not written
	// down; default 1 s, at most a third of how long such SMS are looked for.
	DoubtEvery time.Duration
	Now        func() time.Time
	Log        *zap.Logger
	Metrics    *Metrics
}

// Sender submits SMS and stores what becomes of them.
type Sender struct {
	o       Options
	doubts  *doubts
	inHand  *inHand
	stuck   *stuck
	learner *learner
	room    chan struct{} // one slot: a link that had to refuse has room again

	mu       sync.Mutex // guards all below; taken before a queue's
	routes   Routes
	limits   Limits
	queues   map[string]*queue
	promised map[string][]*queue // places reserved and not used yet, by the name that they were asked for
}

// Limits are what may change while SMS go out.
type Limits struct {
	Expire        time.Duration // how long an SMS may go unaccepted; default 72 h
	ReceiptsGrace time.Duration // how long an SMS waits for its receipts; default 72 h
	Region        string        // in which national numbers of receipts are read
}

// New returns a Sender. SMS are taken at once, and go out once Run is called.
func New(o Options) *Sender {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.StopWithin <= 0 {
		o.StopWithin = 4 * time.Second
	}
	if o.DoubtEvery <= 0 {
		o.DoubtEvery = time.Second
	}
	o.DoubtEvery = min(o.DoubtEvery, doubtFor/3)
	o.Policy = o.Policy.withDefaults()
	s := &Sender{
		o: o, doubts: newDoubts(), inHand: newInHand(), stuck: &stuck{}, learner: newLearner(), room: make(chan struct{}, 1),
		routes: o.Routes, queues: map[string]*queue{}, promised: map[string][]*queue{},
	}
	s.SetLimits(Limits{Expire: o.Policy.Expire, ReceiptsGrace: o.ReceiptsGrace, Region: o.Region})
	if s.routes.Links == nil {
		s.routes.Links = map[string]Route{}
		for _, l := range o.Links {
			s.routes.Links[l.Name] = Route{}
		}
	}
	for _, l := range o.Links {
		s.queues[l.Name] = newQueue(l)
	}
	s.share()
	return s
}

// SetLimits changes the limits.
func (s *Sender) SetLimits(l Limits) {
	if l.Expire <= 0 {
		l.Expire = 72 * time.Hour
	}
	if l.ReceiptsGrace <= 0 {
		l.ReceiptsGrace = 72 * time.Hour
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = l
}

// Limits are those in use.
func (s *Sender) Limits() Limits { return s.limitsNow() }

// Routes are those in use.
func (s *Sender) Routes() Routes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.routes
}

func (s *Sender) limitsNow() Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

// ExpireAfter is how long an SMS may go unaccepted.
func (s *Sender) ExpireAfter() time.Duration { return s.limitsNow().Expire }

// Reserve keeps room for one SMS of a link in memory. It refuses where the
// link is down or its two windows are full and stay so: the SMS then waits in the store.
func (s *Sender) Reserve(ctx context.Context, link string, class store.Class) bool {
	s.mu.Lock()
	q := s.way(link, time.Now())
	s.mu.Unlock()
	if q == nil || !q.link.Bound() || !q.reserve(ctx, class) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.promised[link] = append(s.promised[link], q)
	return true
}

// promise is the queue in which a place was reserved under a link's name.
func (s *Sender) promise(link string) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.promised[link]
	if len(list) == 0 {
		return nil
	}
	q := list[len(list)-1]
	s.promised[link] = list[:len(list)-1]
	return q
}

// Unreserve gives the room back.
func (s *Sender) Unreserve(link string) {
	if q := s.promise(link); q != nil {
		s.free(q)
	}
}

// free gives a place back, and says so where SMS wait for one in the store.
func (s *Sender) free(q *queue) {
	if q.free() {
		select {
		case s.room <- struct{}{}:
		default:
		}
	}
}

// HasRoom is sent on when a link has room again that SMS in the store wait for: time to claim.
func (s *Sender) HasRoom() <-chan struct{} { return s.room }

// Room is how many SMS each link can take now, -1 where it is down. It is asked before a claim; what that brings goes to
// [Sender.Adopt].
func (s *Sender) Room() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	ways, leaning := map[string]*queue{}, map[*queue]int{}
	for name := range s.routes.Links {
		q := s.way(name, now)
		ways[name] = q
		leaning[q]++
	}
	room := make(map[string]int, len(ways))
	for name, q := range ways {
		if room[name] = -1; q == nil {
			continue
		}
		if room[name] = q.left(); room[name] > 0 && leaning[q] > 1 { // it stands in for others: each gets its share
			room[name] = max(1, room[name]/leaning[q])
		}
	}
	return room
}

// Send takes SMS that this daemon holds in the store. Each uses a reservation.
func (s *Sender) Send(sms []store.Outgoing) {
	boot := s.o.Store.BootID()
	for _, m := range sms {
		q := s.promise(m.Link)
		if q == nil {
			continue
		}
		s.inHand.take(boot, m.ID)
		if h := (held{boot: boot, sms: m}); !q.put(h, false) {
			s.giveBack([]held{h}, q)
		}
	}
}

// Adopt takes SMS that were claimed from the store without a reservation, as
// far as there is room, and returns the others; also those whose earlier try
// has not quite left this process yet.
func (s *Sender) Adopt(sms []store.Outgoing) (left []store.Outgoing) {
	boot := s.o.Store.BootID()
	brought := map[*queue][classes]int{}
	for _, m := range sms {
		s.mu.Lock()
		q := s.way(m.Link, time.Now())
		s.mu.Unlock()
		if q != nil {
			n := brought[q]
			n[classOf(m)]++
			brought[q] = n
		}
		if !s.inHand.take(boot, m.ID) {
			left = append(left, m)
			continue
		}
		if q == nil || !q.adopt(m) {
			s.inHand.drop(boot, m.ID)
			left = append(left, m)
			continue
		}
		if h := (held{boot: boot, sms: m}); !q.put(h, false) {
			s.giveBack([]held{h}, q)
		}
	}
	for _, q := range s.all() {
		q.found(brought[q])
	}
	return left
}

func (s *Sender) all() []*queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*queue, 0, len(s.queues))
	for _, q := range s.queues {
		list = append(list, q)
	}
	return list
}

// shareEvery is how often the daemons that send on a link are counted anew.
const shareEvery = store.DivideEvery

// Run serves the links that it was made with, and looks after all, until ctx ends. Then it finishes what is being
// submitted and releases the rest, so that another boot takes it at once.
func (s *Sender) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, q := range s.all() {
		if slices.ContainsFunc(s.o.Links, func(l Link) bool { return l.Name == q.link.Name }) {
			g.Go(func() error { return s.serve(ctx, q) })
		}
	}
	g.Go(func() error {
		s.resolve(ctx)
		return nil
	})
	g.Go(func() error {
		s.receipts(ctx)
		return nil
	})
	if s.o.Daemons != nil {
		g.Go(func() error {
			s.countDaemons(ctx)
			return nil
		})
	}
	err := g.Wait()
	s.ReleaseAll()
	return err
}

// countDaemons divides the rates anew as daemons come and go, until ctx ends.
func (s *Sender) countDaemons(ctx context.Context) {
	t := time.NewTicker(shareEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.share()
		}
	}
}

// putBack gives an SMS back to the store's due set.
func (s *Sender) putBack(h held) { s.release(h.boot, []store.Outgoing{h.sms}) }

// ReleaseAll gives back all that is still in memory.
func (s *Sender) ReleaseAll() {
	byBoot := map[string][]store.Outgoing{}
	for _, q := range s.all() {
		for _, h := range q.drain(true) {
			s.free(q)
			byBoot[h.boot] = append(byBoot[h.boot], h.sms)
		}
	}
	for boot, sms := range byBoot {
		s.release(boot, sms)
	}
}

// Depth is how many SMS a link holds in memory, for tests and `aduan status`.
func (s *Sender) Depth(link string) (int, error) {
	s.mu.Lock()
	q := s.queues[link]
	s.mu.Unlock()
	if q == nil {
		return 0, fmt.Errorf("sender: no link %q", link)
	}
	return q.depth(), nil
}

// Flow is how a link sends; false where it is not served here.
func (s *Sender) Flow(link string) (Flow, bool) {
	s.mu.Lock()
	q := s.queues[link]
	s.mu.Unlock()
	if q == nil {
		return Flow{}, false
	}
	return q.flow(), true
}
