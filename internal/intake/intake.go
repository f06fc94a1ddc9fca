package intake

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/smpp/receipt"
	"aduan/store"
)

// Turner makes the turn of a message; *turn.Turner is one.
type Turner interface {
	SMS(ctx context.Context, m turn.Message) (turn.Result, error)
	Again(ctx context.Context, m turn.Message, sms []string) (turn.Result, error)
	Late(ctx context.Context, l turn.LatePart) (store.Outcome, error)
}

// Keeper is what intake asks of the store; *store.Store is one.
type Keeper interface {
	BootID() string
	BootDead(bootID string) bool
	Identify(m msisdn.MSISDN) store.CitizenID
	Assume(m msisdn.MSISDN) (store.Citizen, error)
	Load(ctx context.Context, id store.CitizenID) (store.Citizen, error)
	Digest(parts ...[]byte) string
	RedisNow() (time.Time, bool)
	Mark(ctx context.Context, id store.CitizenID, digest string) (store.Mark, bool, error)
	Redeliver(ctx context.Context, id store.CitizenID, boot string, deadline time.Time, digest, expect, newID, session string) (store.Mark, bool, error)
	KeepPart(ctx context.Context, p store.Part) (store.PartOutcome, error)
	Group(ctx context.Context, ref store.GroupRef) (store.Group, bool, error)
	Settle(ctx context.Context, refs []store.MarkRef) error
}

// ReceiptTaker is given delivery receipts; it reports whether the receipt is kept.
type ReceiptTaker interface {
	Receipt(ctx context.Context, d *smpp.Delivery, r receipt.Receipt) error
}

// Link is what intake must know of a link.
type Link struct {
	// Alphabet is what data_coding 0 means: gsm7, gsm7-packed, latin1, ascii or utf8.
	Alphabet string
	// AckWithin is how late after its arrival an ESME_ROK still counts as
	// read by the SMSC; default 5 s.
	AckWithin time.Duration
}

// Settings are what may change while messages come in.
type Settings struct {
	// Region reads national numbers (ISO 3166), e.g. ID.
	Region string
	// ShortCode is our own address: what claims to come from it is never answered.
	ShortCode string
	// SegmentsTimeout is how long the parts of a long SMS are waited for; default 10 min.
	SegmentsTimeout time.Duration
}

// Options are the parts of an Intake.
type Options struct {
	Store    Keeper
	Turner   Turner
	Receipts ReceiptTaker
	// Settler settles marks; nil: one of its own.
	Settler *Settler
	// Links by name; a link that is not named has the defaults.
	Links func(name string) Link
	// Region, ShortCode and SegmentsTimeout are those of the start; see [Settings].
	Region          string
	ShortCode       string
	SegmentsTimeout time.Duration
	Now             func() time.Time
	// Age is how long ago a delivery came; nil: by Now. Where Now is no real
	// time, deliveries are dated by another clock.
	Age     func(*smpp.Delivery) time.Duration
	Log     *zap.Logger
	Metrics *Metrics
}

// Intake is the consumer of every link's deliveries.
type Intake struct {
	o        Options
	settings atomic.Pointer[Settings]
	settler  *Settler
	sessions *sessions
	poison   *poison
	receipts chan struct{} // a place for each receipt on its way to the store

	mu      sync.Mutex // guards lanes, closed
	lanes   map[string]*lane
	closed  bool
	working sync.WaitGroup // lanes and receipts under way
	workers sync.WaitGroup // the goroutines of lanes, also those that wait for one
	spare   chan task      // to a worker that waits for a lane
	spares  atomic.Int32   // how many wait
	ctx     context.Context
	cancel  context.CancelFunc
}

// New returns an Intake that takes deliveries at once; Run must be called to
// settle marks and to end it.
func New(o Options) *Intake {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Links == nil {
		o.Links = func(string) Link { return Link{} }
	}
	if o.Settler == nil {
		o.Settler = NewSettler(o.Store.Settle, o.Log)
	}
	if o.Age == nil {
		o.Age = func(d *smpp.Delivery) time.Duration { return o.Now().Sub(d.Received) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	in := &Intake{
		o: o, settler: o.Settler, sessions: newSessions(o.Store),
		poison: newPoison(), receipts: make(chan struct{}, receiptsAtOnce), lanes: map[string]*lane{}, spare: make(chan task), ctx: ctx, cancel: cancel,
	}
	in.Use(Settings{Region: o.Region, ShortCode: o.ShortCode, SegmentsTimeout: o.SegmentsTimeout})
	return in
}

// Use handles the messages that come from now on with other settings.
func (in *Intake) Use(s Settings) {
	if s.SegmentsTimeout <= 0 {
		s.SegmentsTimeout = 10 * time.Minute
	}
	in.settings.Store(&s)
}

// Settings are those in use.
func (in *Intake) Settings() Settings { return *in.settings.Load() }

// Run settles marks until ctx ends; then it refuses new deliveries, waits for
// those in hand and returns.
func (in *Intake) Run(ctx context.Context) error {
	settling, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.settler.run(settling)
	}()
	<-ctx.Done()
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	in.working.Wait()
	stop()
	<-done
	in.cancel()
	in.workers.Wait()
	return nil
}

// Deliver takes one deliver_sm or data_sm from a session. It never blocks: the
// message joins the lane of its sender.
func (in *Intake) Deliver(d *smpp.Delivery) {
	in.sessions.seen(d.Carrier, in.o.Store.BootID())
	if r, ok := receipt.Parse(d.Message); ok {
		in.receipt(d, r)
		return
	}
	it := &item{d: d, boot: in.o.Store.BootID()}
	var err error
	set := in.settings.Load()
	it.from, err = msisdn.Parse(d.Message.Source.Addr, d.Message.Source.TON, set.Region)
	if err != nil || d.Message.Source.Addr == set.ShortCode {
		it.machine = true
		it.from = msisdn.FromAddress(d.Message.Source.Addr)
	}
	if !in.enter(it) {
		d.Respond(smpp.StatusRXTAPPN)
	}
}

// Proven is told by a session which of its acknowledgements were surely read.
func (in *Intake) Proven(ds []*smpp.Delivery) {
	for _, d := range ds {
		in.settler.proven(d.ID)
	}
}

// SessionClosed is told by a link that a session has ended.
func (in *Intake) SessionClosed(id string) {
	in.sessions.closed(id)
	in.settler.closed(id)
}

// receiptsAtOnce is how many receipts may be on their way to the store: nearly as many come
// through as with 64, and a citizen beside them waits half as long. They travel
// together, and a flood of them waits here, not before the citizens' commits; what
// waits longer than a commit may take stays with the SMSC.
const receiptsAtOnce = 16

// receipt hands a delivery receipt on; it is acknowledged when it is kept.
func (in *Intake) receipt(d *smpp.Delivery, r receipt.Receipt) {
	if !in.begin() {
		d.Respond(smpp.StatusRXTAPPN)
		return
	}
	go func() {
		defer in.working.Done()
		ctx, cancel := context.WithTimeout(in.ctx, in.commitWait(d.Link))
		defer cancel()
		defer func() {
			if r := recover(); r != nil {
				in.panicked(r, d.Link)
				d.Respond(smpp.StatusRXTAPPN)
			}
		}()
		select {
		case in.receipts <- struct{}{}:
			defer func() { <-in.receipts }()
		case <-ctx.Done():
			in.o.Metrics.refused("receipt")
			d.Respond(smpp.StatusRXTAPPN)
			return
		}
		if err := in.o.Receipts.Receipt(ctx, d, r); err != nil {
			in.o.Metrics.refused("receipt")
			d.Respond(smpp.StatusRXTAPPN)
			return
		}
		d.Respond(smpp.StatusROK)
	}()
}

// begin counts a piece of work that Run waits for; false once Run is ending.
func (in *Intake) begin() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.working.Add(1)
	return true
}

func (in *Intake) ackWithin(link string) time.Duration {
	if w := in.o.Links(link).AckWithin; w > 0 {
		return w
	}
	return 5 * time.Second
}

// commitWait is how long one commit may take before the SMSC is told to keep
// the message: below 2 s, and well inside ack_within.
func (in *Intake) commitWait(link string) time.Duration {
	return min(1500*time.Millisecond, in.ackWithin(link)*3/10)
}

// copyWait is how long a copy waits for its earlier message to be settled.
func (in *Intake) copyWait(link string) time.Duration {
	return min(3*time.Second, in.ackWithin(link)*3/5)
}
