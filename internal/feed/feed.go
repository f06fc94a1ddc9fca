package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/turn"
	"aduan/store"
)

// reader reads events; *store.Store is one.
type reader interface {
	EventsAfter(ctx context.Context, at store.Cursor, limit int) ([]store.Event, store.Cursor, error)
	LastEvent(ctx context.Context) (store.Cursor, error)
	SignCursor(use, cursor string) string
	OpenCursor(use, signed string) (string, error)
}

// bodies makes what an event tells; *turn.Desk is one. Of an event that tells nothing any more the Pulled is nil.
type bodies interface {
	Pull(ctx context.Context, ev store.Event) (*turn.Pulled, error)
	// Shown writes down that a viewer is about to see whole numbers, of these tickets.
	Shown(ctx context.Context, v desk.Viewer, numbers []conversation.Number) error
}

// Options are the parts and limits of a Feed. Store, Bodies and Now are required.
type Options struct {
	Store  reader
	Bodies bodies
	Source func() string // CloudEvents source, a URI reference; default "/aduan"

	Every time.Duration // how often the reader looks while somebody waits; default 250 ms
	Keep  int           // events in memory while somebody waits; default 1000
	Now   func() time.Time
	Log   *zap.Logger
}

// Now is the cursor behind all that has come.
const Now = "now"

const (
	defaultLimit = 100
	maxLimit     = 1000
	looksAt      = 5000            // events of other agencies that one page steps over
	bodyFor      = 5 * time.Second // so long is a body the same for all who read it
)

// Feed is where events are pulled from. Create it with New.
type Feed struct {
	o Options // immutable

	mu      sync.Mutex
	waiting int           // guarded by mu: how many wait
	wanted  chan struct{} // guarded by mu: closed when somebody begins to wait
	news    chan struct{} // guarded by mu: closed when there is news
	live    bool          // guarded by mu: latest is what came behind floor, up to a moment ago
	floor   store.Cursor  // guarded by mu
	latest  []*told       // guarded by mu
}

// told is an event in memory. Its body is made by the first who reads it.
type told struct {
	ev store.Event

	mu   sync.Mutex
	at   time.Time    // guarded by mu: when the body was made
	body *turn.Pulled // guarded by mu
}

// New returns a Feed; nobody is woken before Run.
func New(o Options) *Feed {
	o.Every = cmp.Or(o.Every, 250*time.Millisecond)
	o.Keep = cmp.Or(o.Keep, 1000)
	if o.Source == nil {
		o.Source = func() string { return "/aduan" }
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Feed{o: o, wanted: make(chan struct{}), news: make(chan struct{})}
}

// Run reads for all who wait until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	tick := time.NewTicker(f.o.Every)
	defer tick.Stop()
	failed := false
	for {
		f.mu.Lock()
		wanted, idle := f.wanted, f.waiting == 0
		if idle {
			f.live, f.latest = false, nil
		}
		f.mu.Unlock()
		if idle {
			select {
			case <-ctx.Done():
				return nil
			case <-wanted:
			}
		}
		if err := f.look(ctx); err != nil && ctx.Err() == nil {
			if !failed {
				f.o.Log.Warn("events not read for those who wait", zap.Error(err))
			}
			failed = true
		} else {
			failed = false
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look reads what is new.
func (f *Feed) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	f.mu.Lock()
	live, at := f.live, f.floor
	for _, t := range f.latest {
		at.Pass(t.ev)
	}
	f.mu.Unlock()
	if !live {
		last, err := f.o.Store.LastEvent(ctx)
		if err != nil {
			return err
		}
		f.mu.Lock()
		f.live, f.floor, f.latest = true, last, nil
		f.ring() // what came before is read from the store
		f.mu.Unlock()
		return nil
	}
	events, _, err := f.o.Store.EventsAfter(ctx, at, maxLimit)
	if err != nil {
		f.mu.Lock()
		f.live, f.latest = false, nil // begin anew: the store may have been another
		f.mu.Unlock()
		return err
	}
	if len(events) == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ev := range events {
		f.latest = append(f.latest, &told{ev: ev})
	}
	for len(f.latest) > f.o.Keep {
		f.floor.Pass(f.latest[0].ev)
		f.latest[0] = nil
		f.latest = f.latest[1:]
	}
	f.ring()
	return nil
}

// ring wakes all who wait. The lock is held.
func (f *Feed) ring() {
	close(f.news)
	f.news = make(chan struct{})
}

// Read gives the events behind r.After that the viewer may see. Where there are none it waits for the next; when the time is
// over, or ctx ends, the page is empty. A page may hold fewer than r.Limit, and more follow all the same.
func (f *Feed) Read(ctx context.Context, r desk.EventsRequest) (desk.EventsPage, error) {
	at, err := f.open(ctx, r)
	if err != nil {
		return desk.EventsPage{}, err
	}
	limit := r.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	if r.Wait <= 0 {
		page, _, err := f.page(ctx, r.Viewer, at, limit, false)
		return page, err
	}
	f.enter()
	defer f.leave()
	waited, cancel := context.WithTimeout(ctx, r.Wait)
	defer cancel()
	for {
		f.mu.Lock()
		news := f.news // before the look, so that nothing comes in between
		f.mu.Unlock()
		page, next, err := f.page(waited, r.Viewer, at, limit, true)
		if waited.Err() != nil && (err != nil || len(page.Items) == 0) {
			return f.made(r.Viewer, nil, next), nil
		}
		if err != nil || len(page.Items) > 0 {
			return page, err
		}
		if moved := next; !at.Reaches(&moved) { // others' events were stepped over
			at = next
			continue
		}
		select {
		case <-news:
		case <-waited.Done():
			return f.made(r.Viewer, nil, at), nil
		}
	}
}

func (f *Feed) open(ctx context.Context, r desk.EventsRequest) (store.Cursor, error) {
	if r.After == Now {
		at, err := f.o.Store.LastEvent(ctx)
		if err != nil {
			return at, fmt.Errorf("%w: %w", desk.ErrUnavailable, err)
		}
		return at, nil
	}
	cursor, err := f.o.Store.OpenCursor(use(r.Viewer), r.After)
	if err != nil {
		return store.Cursor{}, desk.ErrCursor
	}
	at, err := store.ParseCursor(cursor)
	if err != nil {
		return store.Cursor{}, desk.ErrCursor
	}
	return at, nil
}

// use is what a cursor of this viewer is good for.
func use(v desk.Viewer) string { return "events:" + v.Agency }

func (f *Feed) enter() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting++; f.waiting == 1 {
		close(f.wanted)
		f.wanted = make(chan struct{})
	}
}

func (f *Feed) leave() {
	f.mu.Lock()
	f.waiting--
	f.mu.Unlock()
}

// page gives one page and the cursor behind all that was looked at.
func (f *Feed) page(ctx context.Context, v desk.Viewer, at store.Cursor, limit int, waits bool) (desk.EventsPage, store.Cursor, error) {
	var items []item
	var named []conversation.Number
	for looked := 0; len(items) < limit && looked < looksAt; {
		events, err := f.behind(ctx, &at, limit, waits)
		if err != nil {
			return desk.EventsPage{}, at, err
		}
		if len(events) == 0 {
			break
		}
		looked += len(events)
		for _, t := range events {
			data, mine, names, err := f.data(ctx, t, v)
			if err != nil {
				return desk.EventsPage{}, at, err
			}
			at.Pass(t.ev)
			if !mine {
				continue
			}
			if n := conversation.NewNumber(t.ev.Shard, t.ev.Ticket); names && t.ev.Ticket != 0 && !slices.Contains(named, n) {
				named = append(named, n)
			}
			if items = append(items, item{f.event(t.ev, data), at}); len(items) == limit {
				break
			}
		}
	}
	if len(named) > 0 {
		if err := f.o.Bodies.Shown(ctx, v, named); err != nil {
			return desk.EventsPage{}, at, err
		}
	}
	return f.made(v, items, at), at, nil
}

// item is an event with the cursor behind it.
type item struct {
	event desk.Event
	at    store.Cursor
}

func (f *Feed) made(v desk.Viewer, items []item, next store.Cursor) desk.EventsPage {
	page := desk.EventsPage{Next: f.o.Store.SignCursor(use(v), next.String())}
	for _, i := range items {
		page.Items = append(page.Items, i.event)
		page.After = append(page.After, f.o.Store.SignCursor(use(v), i.at.String()))
	}
	return page
}

// behind gives the next events behind at. Who waits gets them from memory where that reaches back so far; else they come
// from the store.
func (f *Feed) behind(ctx context.Context, at *store.Cursor, limit int, waits bool) ([]*told, error) {
	f.mu.Lock()
	live, floor := f.live && waits, f.floor
	if live && at.Reaches(&floor) {
		var found []*told
		for _, t := range f.latest {
			if !at.Passed(t.ev) {
				found = append(found, t)
			}
		}
		f.mu.Unlock()
		return found, nil
	}
	f.mu.Unlock()
	events, _, err := f.o.Store.EventsAfter(ctx, *at, limit)
	switch {
	case errors.Is(err, store.ErrCursor):
		return nil, desk.ErrGone
	case err != nil:
		return nil, fmt.Errorf("%w: %w", desk.ErrUnavailable, err)
	}
	if live && len(events) == 0 { // what lies between was forgotten long ago
		at.Join(&floor)
		return f.behind(ctx, at, limit, waits)
	}
	found := make([]*told, len(events))
	for i, ev := range events {
		found[i] = &told{ev: ev}
	}
	return found, nil
}

// data is what an event tells the viewer, whether that is anything, and whether it names a whole telephone number.
func (f *Feed) data(ctx context.Context, t *told, v desk.Viewer) (data []byte, mine, names bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at.IsZero() || f.o.Now().Sub(t.at) > bodyFor {
		body, err := f.o.Bodies.Pull(ctx, t.ev)
		if err != nil {
			return nil, false, false, err
		}
		t.body, t.at = body, f.o.Now()
	}
	if t.body == nil {
		return nil, false, false, nil
	}
	data, mine = t.body.For(v)
	return data, mine, mine && t.body.Names(v), nil
}

// event is the envelope.
func (f *Feed) event(ev store.Event, data []byte) desk.Event {
	e := desk.Event{
		SpecVersion: "1.0", ID: ev.ID, Source: f.o.Source(), Type: ev.Type, Time: ev.At, ContentType: "application/json", Data: data,
	}
	if ev.Ticket != 0 {
		e.Subject = conversation.NewNumber(ev.Shard, ev.Ticket).String()
	}
	return e
}
