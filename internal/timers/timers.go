// Package timers lets happen what has fallen due: SMS to try again, questions
// that nobody answered, long messages whose parts stayed away, events for the
// case system.
//
//	store's due sets (one a shard) ─claim─▶ SMS ─▶ sender
//	                                  ├──▶ citizens ─▶ turn
//	                                  ├──▶ groups ─▶ intake
//	                                  └──▶ hand-offs ─▶ handoff
//
// What is claimed is leased, so that a daemon that dies leaves it to another.
// The usual way of a message does not pass here; what was left behind does,
// which keeps the end of promise 5.
package timers

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/store"
)

const (
	defaultEvery = 500 * time.Millisecond
	soonest      = 25 * time.Millisecond // between two looks, however much room there is
	perShard     = 20                    // entries claimed of a shard at a time
	workers      = 8                     // turns made side by side
)

// Options are the parts of Timers.
type Options struct {
	Store interface {
		BootID() string
		Claim(ctx context.Context, c store.Claim) (store.Claimed, error)
		Release(ctx context.Context, boot string, sms []store.Outgoing, at time.Time) error
	}
	// Room is how many SMS each link can take now; Adopt takes them and
	// returns what found no room after all.
	Room  func() map[string]int
	Adopt func(sms []store.Outgoing) (left []store.Outgoing)
	// Expire ends those SMS that have gone unaccepted for too long, and returns the others. ExpireAfter is how long that is.
	Expire      func(ctx context.Context, sms []store.Outgoing) []store.Outgoing
	ExpireAfter func() time.Duration
	// Default is the link that carries SMS of links that Room does not name; nil, or "": they wait.
	Default func() string
	// HasRoom is sent on when there is room again for SMS that wait for it: they are looked for at once. May be nil.
	HasRoom <-chan struct{}
	Tick    func(ctx context.Context, id store.CitizenID) error
	Join    func(ctx context.Context, ref store.GroupRef) error
	// Offer hands on events; nil: nobody does. Hands tells whether somebody does now: nil: whenever there is an Offer.
	Offer func(ref store.HandoffRef) bool
	Hands func() bool
	// Every is the pause between two looks; default 500 ms.
	Every time.Duration
	Now   func() time.Time
	Log   *zap.Logger
}

// Timers looks again and again for what is due.
type Timers struct{ o Options }

// New returns Timers.
func New(o Options) *Timers {
	if o.Every <= 0 {
		o.Every = defaultEvery
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Timers{o: o}
}

// Run looks for what is due until ctx ends.
func (t *Timers) Run(ctx context.Context) error {
	tick := time.NewTicker(t.o.Every)
	defer tick.Stop()
	failed := false
	var pause <-chan time.Time
	for room := t.o.HasRoom; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-pause:
			room, pause = t.o.HasRoom, nil
			continue
		case <-room:
			room, pause = nil, time.After(soonest)
		}
		_, err := t.Once(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			t.o.Log.Warn("what is due cannot be looked up, tried again", zap.Error(err))
		}
		failed = err != nil
	}
}

// Once lets happen what is due now, and returns how much that was. It goes on
// until a look finds nothing more.
func (t *Timers) Once(ctx context.Context) (int, error) {
	total := 0
	for {
		n, more, err := t.look(ctx)
		total += n
		if err != nil || !more || ctx.Err() != nil {
			return total, err
		}
	}
}

func (t *Timers) look(ctx context.Context) (int, bool, error) {
	boot := t.o.Store.BootID()
	now := t.o.Now()
	var expired time.Time
	if t.o.Expire != nil {
		expired = now.Add(-t.o.ExpireAfter())
	}
	other := ""
	if t.o.Default != nil {
		other = t.o.Default()
	}
	c, err := t.o.Store.Claim(ctx, store.Claim{
		Boot: boot, Now: now, PerShard: perShard, Expired: expired, Room: t.o.Room(), Otherwise: other, Handoffs: t.o.Offer != nil && (t.o.Hands == nil || t.o.Hands()),
	})
	if t.o.Store.BootID() != boot {
		c.SMS = nil // held by a boot that has ended meanwhile: another takes them over
	}
	// What some shards gave is ours although others failed.
	var left []store.Outgoing
	sms := c.SMS
	if t.o.Expire != nil {
		sms = t.o.Expire(ctx, sms)
	}
	if len(c.SMS) > 0 || err == nil {
		left = t.o.Adopt(sms)
	}
	if len(left) > 0 {
		if err := t.o.Store.Release(ctx, boot, left, t.o.Now().Add(time.Second)); err != nil {
			t.o.Log.Warn("claimed SMS stay with this boot", zap.Int("sms", len(left)), zap.Error(err))
		}
	}
	for _, ref := range c.Handoffs {
		t.o.Offer(ref) // refused: it is due again when its lease ends
	}
	var g errgroup.Group
	g.SetLimit(workers)
	for _, id := range c.Ticks {
		g.Go(func() error {
			t.report("turn", guard(func() error { return t.o.Tick(ctx, id) }))
			return nil
		})
	}
	for _, ref := range c.Groups {
		g.Go(func() error {
			t.report("long message", guard(func() error { return t.o.Join(ctx, ref) }))
			return nil
		})
	}
	_ = g.Wait() // errors are reported one by one; what failed is due again
	n := len(c.SMS) + len(c.Handoffs) + len(c.Ticks) + len(c.Groups)
	return n, c.More && n > 0, err
}

// guard turns a panic into an error, without its value, which may hold a
// citizen's text: one poisoned entry must not end the daemon.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("timers: panic: %T: %s", r, debug.Stack())
		}
	}()
	return f()
}

func (t *Timers) report(what string, err error) {
	if err != nil {
		t.o.Log.Warn("what was due could not be done, it stays due", zap.String("what", what), zap.Error(err))
	}
}
