package sender

import (
	"context"
	"errors"
	"fmt"
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
	// Acquire waits for a free place on a bound session.
	Acquire func(ctx context.Context) (Slot, error)
	// Bound reports whether SMS can go out now.
	Bound func() bool
}

// keeper is what the sender needs of the store; *store.Store is one.
type keeper interface {
	BootID() string
	Identify(m msisdn.MSISDN) store.CitizenID
	Done(ctx context.Context, d store.Done) (*store.Outgoing, error)
	Release(ctx context.Context, boot string, sms []store.Outgoing, at time.Time) error
	Receipt(ctx context.Context, r store.ReceiptUpdate) (bool, error)
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
	Links []Link
	// Default carries SMS of links that are not configured any more; "": they wait.
	Default string
	Settler Settler
	Policy  Policy
	// Courier is told when a failed SMS brings an event; may be nil.
	Offer func(ref store.HandoffRef) bool
	// Region reads national numbers in receipts.
	Region        string
	ReceiptsGrace time.Duration
	Now           func() time.Time
	Log           *zap.Logger
	Metrics       *Metrics
}

// Sender submits SMS and stores what becomes of them.
type Sender struct {
	o      Options
	queues map[string]*queue
	doubts *doubts
	inHand *inHand
	room   chan struct{} // one slot: a link that had to refuse has room again
}

// queue is what a link holds in memory: at most two windows' worth, besides what is in the window.
type queue struct {
	link  Link
	limit int
	sms   chan held

	mu       sync.Mutex // guards all below
	reserved int        // places promised or taken
	refused  bool       // SMS of this link went to the store for want of room, and may wait there
	asked    int        // room told at the last look into the store
}

// held is an SMS in memory, and the boot that holds it in the store.
type held struct {
	boot string
	sms  store.Outgoing
}

// New returns a Sender. SMS are taken at once, and go out once Run is called.
func New(o Options) *Sender {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.ReceiptsGrace <= 0 {
		o.ReceiptsGrace = 72 * time.Hour
	}
	o.Policy = o.Policy.withDefaults()
	s := &Sender{o: o, queues: map[string]*queue{}, doubts: newDoubts(), inHand: newInHand(), room: make(chan struct{}, 1)}
	for _, l := range o.Links {
		limit := max(3*l.Window, 3)
		s.queues[l.Name] = &queue{link: l, limit: limit, sms: make(chan held, limit)}
	}
	return s
}

// queue is where SMS of a link wait; those of a link that is not configured
// any more go by the default one.
func (s *Sender) queue(link string) *queue {
	if q := s.queues[link]; q != nil {
		return q
	}
	return s.queues[s.o.Default]
}

// Reserve keeps room for one SMS of a link in memory. It refuses where the
// link is down or its two windows are full: the SMS then waits in the store.
func (s *Sender) Reserve(link string) bool {
	q := s.queue(link)
	return q != nil && q.link.Bound() && q.reserve()
}

// Unreserve gives the room back.
func (s *Sender) Unreserve(link string) {
	if q := s.queue(link); q != nil {
		s.free(q)
	}
}

// reserve takes a place for a new SMS. While others wait in the store for want of room, a part of it is left to them:
// they are older.
func (q *queue) reserve() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	limit := q.limit
	if q.refused {
		limit -= limit / 6
	}
	if q.reserved >= limit {
		q.refused = true
		return false
	}
	q.reserved++
	return true
}

// adopt takes a place for an SMS that waited in the store.
func (q *queue) adopt() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.reserved >= q.limit {
		return false
	}
	q.reserved++
	return true
}

// free gives a place back, and says so where SMS wait for one in the store.
func (s *Sender) free(q *queue) {
	q.mu.Lock()
	q.reserved--
	wanted := q.refused
	q.mu.Unlock()
	if wanted {
		select {
		case s.room <- struct{}{}:
		default:
		}
	}
}

// HasRoom is sent on when a link has room again that SMS in the store wait for: time to claim.
func (s *Sender) HasRoom() <-chan struct{} { return s.room }

func (q *queue) left() int {
	if !q.link.Bound() {
		return -1
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = q.limit - q.reserved
	return q.asked
}

// found notes how many SMS a look into the store brought: where there were some, more may wait (a look gives each shard
// its share of the room), and where there were none, none waits any more.
func (q *queue) found(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.asked > 0 {
		q.refused = n > 0
	}
	q.asked = 0
}

// Room is how many SMS each link can take now, -1 where it is down. It is asked before a claim; what that brings goes to
// [Sender.Adopt].
func (s *Sender) Room() map[string]int {
	room := make(map[string]int, len(s.queues))
	for name, q := range s.queues {
		room[name] = q.left()
	}
	return room
}

// Send takes SMS that this daemon holds in the store. Each uses a reservation.
func (s *Sender) Send(sms []store.Outgoing) {
	boot := s.o.Store.BootID()
	for _, m := range sms {
		if q := s.queue(m.Link); q != nil {
			s.inHand.take(boot, m.ID)
			q.sms <- held{boot: boot, sms: m} // never blocks: reserved
		}
	}
}

// Adopt takes SMS that were claimed from the store without a reservation, as
// far as there is room, and returns the others; also those whose earlier try
// has not quite left this process yet.
func (s *Sender) Adopt(sms []store.Outgoing) (left []store.Outgoing) {
	boot := s.o.Store.BootID()
	brought := make(map[*queue]int, len(s.queues))
	for _, m := range sms {
		q := s.queue(m.Link)
		if q != nil {
			brought[q]++
		}
		if !s.inHand.take(boot, m.ID) {
			left = append(left, m)
			continue
		}
		if q == nil || !q.adopt() {
			s.inHand.drop(boot, m.ID)
			left = append(left, m)
			continue
		}
		q.sms <- held{boot: boot, sms: m}
	}
	for _, q := range s.queues {
		q.found(brought[q])
	}
	return left
}

// Run submits until ctx ends. Then it finishes what is being submitted and
// releases the rest, so that another boot takes it at once.
func (s *Sender) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, q := range s.queues {
		for range max(q.link.Window, 1) {
			g.Go(func() error {
				s.work(ctx, q)
				return nil
			})
		}
	}
	g.Go(func() error {
		s.resolve(ctx)
		return nil
	})
	err := g.Wait()
	s.ReleaseAll()
	return err
}

// work is one place of a link's window: it brings an SMS to its end, then the
// next of the same citizen where that became ready, then another.
func (s *Sender) work(ctx context.Context, q *queue) {
	for ctx.Err() == nil { // a select alone would go on giving SMS back one by one
		select {
		case <-ctx.Done():
		case h := <-q.sms:
			s.bring(ctx, q, h)
		}
	}
}

// giveBackAfter is how long an SMS in memory waits for a link that is down:
// another daemon's may be up.
const giveBackAfter = 5 * time.Second

// acquire waits for a place on the link, and gives up where it stays down.
func (s *Sender) acquire(ctx context.Context, q *queue) (Slot, error) {
	for {
		wait, cancel := context.WithTimeout(ctx, giveBackAfter)
		slot, err := q.link.Acquire(wait)
		cancel()
		if err == nil || ctx.Err() != nil || !q.link.Bound() || !errors.Is(err, context.DeadlineExceeded) {
			return slot, err
		}
	}
}

// bring submits one SMS, and as long as the citizen's next becomes ready, that.
func (s *Sender) bring(ctx context.Context, q *queue, h held) {
	for {
		slot, err := s.acquire(ctx, q)
		if err != nil { // stopping, or the link stays down: it goes back
			s.free(q)
			s.putBack(h)
			return
		}
		if h.boot != s.o.Store.BootID() {
			// This process was fenced or stood still: the SMS is another boot's now.
			slot.Release()
			s.free(q)
			s.inHand.drop(h.boot, h.sms.ID)
			return
		}
		h.sms.Link = q.link.Name // receipts come by it
		next := s.outcome(ctx, q, slot, h)
		slot.Release()
		s.inHand.drop(h.boot, h.sms.ID)
		if next == nil {
			s.free(q)
			return
		}
		if s.queue(next.Link) != q {
			s.free(q)
			s.adoptHeld(held{boot: h.boot, sms: *next})
			return
		}
		if !s.inHand.take(h.boot, next.ID) { // a look at what we hold was faster
			s.free(q)
			return
		}
		h = held{boot: h.boot, sms: *next}
	}
}

// putBack gives an SMS back to the store's due set.
func (s *Sender) putBack(h held) {
	s.inHand.drop(h.boot, h.sms.ID)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.o.Store.Release(ctx, h.boot, []store.Outgoing{h.sms}, s.o.Now()); err != nil {
		s.o.Log.Warn("an SMS stays with this boot until it is taken over", zap.String("sms", h.sms.ID), zap.Error(err))
	}
}

// ReleaseAll gives back all that is still in memory.
func (s *Sender) ReleaseAll() {
	byBoot := map[string][]store.Outgoing{}
	for _, q := range s.queues {
		for empty := false; !empty; {
			select {
			case h := <-q.sms:
				s.free(q)
				s.inHand.drop(h.boot, h.sms.ID)
				byBoot[h.boot] = append(byBoot[h.boot], h.sms)
			default:
				empty = true
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for boot, sms := range byBoot {
		if err := s.o.Store.Release(ctx, boot, sms, s.o.Now()); err != nil {
			s.o.Log.Warn("SMS stay with this boot until they are taken over", zap.Int("sms", len(sms)), zap.Error(err))
		}
	}
}

// Depth is how many SMS a link holds in memory, for tests and `aduan status`.
func (s *Sender) Depth(link string) (int, error) {
	q := s.queues[link]
	if q == nil {
		return 0, fmt.Errorf("sender: no link %q", link)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reserved, nil
}
