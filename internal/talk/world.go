package talk

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/internal/timers"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/store"
)

// Options are what a played line is made of.
type Options struct {
	Engine          *conversation.Engine
	Location        *time.Location
	ShortCode       string
	Region          string
	SegmentsTimeout time.Duration
	Log             *zap.Logger
	// Build makes another line than the one in memory, in the given time;
	// observe must be shown what each turn brings. Nil: in memory.
	Build func(ctx context.Context, now func() time.Time, observe func(conversation.Effects)) (Line, error)
}

// Line are the parts of a running line as a dialogue needs them.
type Line struct {
	Store  *store.Store
	Desk   *turn.Desk
	Timers *timers.Timers
	Air    Air
	// Waiting is how many SMS are on their way to telephones.
	Waiting func(ctx context.Context) (int, error)
	// Close ends the line and waits for its parts.
	Close func() error
}

// Air is what lies between the telephones and the line.
type Air interface {
	// Deliver brings a message to the line and waits until it is kept. Where
	// lost is set, the acknowledgement is lost on its way.
	Deliver(ctx context.Context, m *smpp.Message, lost bool) error
	// Redeliver brings the messages again whose acknowledgement was lost, and
	// where lost is set loses it again.
	Redeliver(ctx context.Context, ms []*smpp.Message, lost bool) error
	// Take returns what reached the telephones since the last call.
	Take() []Received
}

// World is a line with a clock that is set by hand.
type World struct {
	Line
	clock *clock

	mu        sync.Mutex        // guards languages, effects
	languages map[string]string // an SMS's text → the catalogue it came from
	effects   []conversation.Effects
}

// NewWorld starts a line at the given time. Close ends it.
func NewWorld(ctx context.Context, o Options, start time.Time) (*World, error) {
	w := &World{clock: &clock{now: start}, languages: map[string]string{}}
	build := o.Build
	if build == nil {
		build = func(ctx context.Context, now func() time.Time, observe func(conversation.Effects)) (Line, error) {
			return inMemory(ctx, o, now, observe)
		}
	}
	var err error
	w.Line, err = build(ctx, w.clock.Now, w.observe)
	return w, err
}

// observe remembers which catalogue each SMS came from.
func (w *World) observe(eff conversation.Effects) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range eff.Replies {
		w.languages[r.Text] = r.Language
	}
	if len(w.effects) < effectsKept {
		w.effects = append(w.effects, eff)
	}
}

// effectsKept bounds what takeEffects gives at a time.
const effectsKept = 100

// takeEffects returns what the turns since the last call have brought.
func (w *World) takeEffects() []conversation.Effects {
	w.mu.Lock()
	defer w.mu.Unlock()
	eff := w.effects
	w.effects = nil
	return eff
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
		evs, next, err := w.Store.Events(ctx, cursor, 1000)
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

// deliver brings one deliver_sm and waits until all that it brings is done.
func (w *World) deliver(ctx context.Context, m *smpp.Message, lost bool) error {
	if err := w.Air.Deliver(ctx, m, lost); err != nil {
		return err
	}
	return w.settle(ctx)
}

// stuck is how long SMS are waited for that nobody sends, before the clock goes
// on by a second: a link that was cut makes them try again.
const stuck = 20 * time.Millisecond

// settle waits until all SMS that are ready have reached their telephones.
func (w *World) settle(ctx context.Context) error {
	since := time.Now()
	for {
		n, err := w.Waiting(ctx)
		if err != nil || n == 0 {
			return err
		}
		if time.Since(since) > stuck {
			since = time.Now()
			w.clock.set(w.clock.Now().Add(time.Second))
			if _, err := w.Timers.Once(ctx); err != nil {
				return err
			}
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
	w.Store.Tick()
	if _, err := w.Timers.Once(ctx); err != nil {
		return err
	}
	return w.settle(ctx)
}
