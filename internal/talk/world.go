package talk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/internal/intake"
	"aduan/internal/sender"
	"aduan/internal/timers"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/store"
)

// linkName is the link that a played conversation comes by.
const linkName = "main"

// Options are what a played line is made of.
type Options struct {
	Engine          *conversation.Engine
	Location        *time.Location
	ShortCode       string
	Region          string
	SegmentsTimeout time.Duration
	Log             *zap.Logger
}

// World is a whole line without a network: the daemon's own intake, turn,
// sender and timers on the embedded store, with a clock that is set by hand.
type World struct {
	o      Options
	clock  *clock
	store  *store.Store
	intake *intake.Intake
	sender *sender.Sender
	timers *timers.Timers
	desk   *turn.Desk
	phones *phones

	mu        sync.Mutex        // guards languages
	languages map[string]string // an SMS's text → the catalogue it came from

	session  *session
	sessions int
	sms      int
	stop     context.CancelFunc
	ended    sync.WaitGroup
}

// NewWorld starts a line at the given time. Close ends it.
func NewWorld(ctx context.Context, o Options, start time.Time) (*World, error) {
	w := &World{o: o, clock: &clock{now: start}, phones: newPhones(), languages: map[string]string{}}
	var err error
	w.store, err = store.Open(ctx, store.Options{
		Mode: store.ModeEmbedded, AllowTrial: true, Fsync: store.FsyncNone, Now: w.clock.Now, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	w.sender = sender.New(sender.Options{
		Store: w.store, Region: o.Region, Now: w.clock.Now, Log: o.Log,
		Links: []sender.Link{{
			Name: linkName, Window: 1, Source: smpp.Address{TON: 3}, Destination: smpp.Address{TON: 1, NPI: 1},
			Acquire: func(context.Context) (sender.Slot, error) { return w.phones, nil },
			Bound:   func() bool { return true },
		}},
	})
	turner := turn.New(turn.Options{
		Store: w.store, Engine: o.Engine, Outbox: w.sender, Now: w.clock.Now, ShortCode: o.ShortCode, DefaultLink: linkName,
		Observe: w.observe,
	})
	w.desk = turn.NewDesk(turner)
	w.intake = intake.New(intake.Options{
		Store: w.store, Turner: turner, Receipts: w.sender, Region: o.Region, ShortCode: o.ShortCode,
		SegmentsTimeout: o.SegmentsTimeout, Now: w.clock.Now, Log: o.Log,
	})
	w.timers = timers.New(timers.Options{
		Store: w.store, Room: w.sender.Room, Adopt: w.sender.Adopt, Tick: turner.Tick, Join: w.intake.JoinDue, Now: w.clock.Now, Log: o.Log,
	})
	for _, part := range []func(context.Context) error{w.store.Run, w.sender.Run, w.intake.Run} {
		w.ended.Go(func() { _ = part(run) }) // each returns nil when run ends
	}
	w.connect()
	return w, nil
}

// observe remembers which catalogue each SMS came from.
func (w *World) observe(eff conversation.Effects) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range eff.Replies {
		w.languages[r.Text] = r.Language
	}
}

// language is the catalogue that an SMS came from.
func (w *World) language(text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.languages[text]
}

// events are all that the line has told so far, each citizen's in order.
func (w *World) events(ctx context.Context) ([]store.Event, error) {
	var all []store.Event
	for cursor := ""; ; {
		evs, next, err := w.store.Events(ctx, cursor, 1000)
		if err != nil {
			return nil, err
		}
		all = append(all, evs...)
		if len(evs) == 0 || next == cursor {
			break
		}
		cursor = next
	}
	// Order is promised for each ticket only: over shards it is that of time.
	slices.SortStableFunc(all, func(a, b store.Event) int { return a.At.Compare(b.At) })
	return all, nil
}

// Close ends the line and waits for its parts.
func (w *World) Close() error {
	w.stop()
	w.ended.Wait()
	return w.store.Close()
}

// connect begins a new session with the line; the one before is gone.
func (w *World) connect() {
	if w.session != nil {
		w.session.close()
		w.intake.SessionClosed(w.session.id)
	}
	w.sessions++
	w.session = &session{id: fmt.Sprintf("%s.%s.%d", w.store.BootID(), linkName, w.sessions), alive: true, intake: w.intake}
}

// deliver brings one deliver_sm and waits until it is answered.
func (w *World) deliver(ctx context.Context, m *smpp.Message) (smpp.Status, error) {
	w.sms++
	d := &smpp.Delivery{
		ID: fmt.Sprintf("%s-%d", w.session.id, w.sms), Link: linkName, Carrier: w.session,
		CommandID: smpp.CmdDeliverSM, Message: m, Received: w.clock.Now(),
	}
	answer := w.session.expect(d.ID)
	w.intake.Deliver(d)
	select {
	case status := <-answer:
		return status, w.settle(ctx)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// prove tells the line that its last acknowledgements were read.
func (w *World) prove() { w.session.prove() }

// settle waits until all SMS that are ready have reached their telephones.
func (w *World) settle(ctx context.Context) error {
	for {
		n, err := w.sender.Depth(linkName)
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Microsecond):
		}
	}
}

// advance lets time pass, and at each moment at which something falls due, lets it happen.
func (w *World) advance(ctx context.Context, d time.Duration, due func(after time.Time) time.Time) error {
	end := w.clock.Now().Add(d)
	for {
		next := due(w.clock.Now())
		if next.IsZero() || next.After(end) {
			next = end
		}
		if err := w.moveTo(ctx, next); err != nil {
			return err
		}
		if !next.Before(end) {
			return nil
		}
	}
}

func (w *World) moveTo(ctx context.Context, t time.Time) error {
	w.clock.set(t)
	w.store.Tick()
	if _, err := w.timers.Once(ctx); err != nil {
		return err
	}
	return w.settle(ctx)
}
