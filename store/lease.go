package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// A lease that may be taken over within T of its holder's death:
//
//	holder     renewed (sent) ─── T/10 ── T/10 ── … unanswered … ──▶ T/2: leaves in order ──▶ 0.65 T: ended, whatever is left
//	contender                       sees the counter stand still ──────────────────────────────────▶ 0.7 T: takes it
//
// The holder counts from the sending of its last renewal that was answered, the contender from the answer that first
// brought the counter: each by its own monotonic clock, so the holder's time always ends first.
const (
	leaseRenew = 10 // T over this: between two renewals
	leaseLook  = 20 // T over this: between two looks of a contender
)

func leaseLeave(t time.Duration) time.Duration { return t / 2 }
func leaseEnd(t time.Duration) time.Duration   { return t * 65 / 100 }
func leaseTake(t time.Duration) time.Duration  { return t * 70 / 100 }

// leaseAnswer is what lease.lua returns.
type leaseAnswer struct{ mine, by, n string }

// leaser is what a lease needs of Redis; tests put a model here.
type leaser interface {
	lease(ctx context.Context, key, who string, seen leaseAnswer, give bool) (leaseAnswer, error)
}

// LineLease lets one daemon of several do something: hold a link's only bind.
type LineLease struct {
	line     leaser
	key, id  string
	name     string
	takeover time.Duration
	log      *zap.Logger

	mu     sync.Mutex // guards all below
	until  time.Time  // we hold it until then
	holder string     // another that holds it, as last seen; "": nobody, or we do
}

// LineLease is a lease of the whole line. Another daemon has it within takeover of its holder's death.
func (s *Store) LineLease(name string, takeover time.Duration) *LineLease {
	return newLease(s, name, s.BootID(), takeover, s.opt.Log)
}

func newLease(line leaser, name, boot string, takeover time.Duration, log *zap.Logger) *LineLease {
	var b [4]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return &LineLease{line: line, key: leaseKey(name), name: name, id: boot + "." + hex.EncodeToString(b[:]), takeover: takeover, log: log}
}

// LeaseAsk is lease.lua on a model of Redis: it says whether who has the lease now, else who has it and its counter.
type LeaseAsk func(ctx context.Context, key, who, seenBy, seenCount string, give bool) (mine bool, by, count string, err error)

func (ask LeaseAsk) lease(ctx context.Context, key, who string, seen leaseAnswer, give bool) (leaseAnswer, error) {
	mine, by, count, err := ask(ctx, key, who, seen.by, seen.n, give)
	if err == nil && mine {
		return leaseAnswer{mine: who}, nil
	}
	return leaseAnswer{by: by, n: count}, err
}

// LineLease is a lease whose Redis is a model.
func (ask LeaseAsk) LineLease(name, boot string, takeover time.Duration) *LineLease {
	return newLease(ask, name, boot, takeover, zap.NewNop())
}

// Until is when our hold surely ends unless it is renewed; in the past: we do not hold it.
func (l *LineLease) Until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

// Holder is the boot of the other daemon that holds it, as last seen; "": nobody does, or we do.
func (l *LineLease) Holder() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	boot, _, _ := strings.Cut(l.holder, ".")
	return boot
}

// Hold calls run each time that this daemon gets the lease, with a context that ends well before it does, until ctx ends.
// It renews until run has returned, and gives the lease up then.
func (l *LineLease) Hold(ctx context.Context, run func(ctx context.Context)) error {
	for l.contend(ctx) {
		l.serve(ctx, run)
	}
	return nil
}

// contend asks until the lease is ours; false: ctx has ended.
func (l *LineLease) contend(ctx context.Context) bool {
	var seen leaseAnswer
	var since, touched time.Time
	failed := false
	for ctx.Err() == nil {
		sent := time.Now()
		stale := leaseAnswer{}
		if seen.by != "" && sent.Sub(since) >= leaseTake(l.takeover) && sent.Sub(touched) <= leaseTake(l.takeover)/2 {
			stale = seen
		}
		got, err := l.ask(ctx, stale)
		now := time.Now()
		switch {
		case err != nil:
			if !failed && ctx.Err() == nil {
				l.log.Warn("a lease cannot be asked for, tried again", zap.String("lease", l.name), zap.Error(err))
			}
			failed = true
		case got.mine != "":
			if stale.by != "" {
				l.log.Warn("a lease is taken over: its holder has not renewed it", zap.String("lease", l.name), zap.String("holder", stale.by))
			}
			l.set(sent.Add(leaseEnd(l.takeover)), "")
			return true
		default:
			failed = false
			// One that was silent while Redis was silent, for us too, is watched anew.
			if got.by != seen.by || got.n != seen.n || now.Sub(touched) > leaseTake(l.takeover)/2 {
				seen, since = got, now
			}
			touched = now
			l.set(time.Time{}, got.by)
		}
		select {
		case <-ctx.Done():
		case <-time.After(l.takeover / leaseLook):
		}
	}
	return false
}

func (l *LineLease) ask(ctx context.Context, seen leaseAnswer) (leaseAnswer, error) {
	call, cancel := context.WithTimeout(ctx, max(l.takeover/4, 200*time.Millisecond))
	defer cancel()
	return l.line.lease(call, l.key, l.id, seen, false)
}

func (l *LineLease) set(until time.Time, holder string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until, l.holder = until, holder
}

// serve holds the lease while run runs.
func (l *LineLease) serve(ctx context.Context, run func(ctx context.Context)) {
	held, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	ended := make(chan struct{})
	go func() { // serve waits for it
		defer close(ended)
		run(held)
	}()
	outlived := time.AfterFunc(time.Until(l.Until())-(leaseEnd(l.takeover)-leaseLeave(l.takeover)), func() {
		l.log.Error("a lease could not be renewed: what it allows ends in order", zap.String("lease", l.name))
		leave()
	})
	defer outlived.Stop()
	tick := time.NewTicker(l.takeover / leaseRenew)
	defer tick.Stop()
	stop := ctx.Done()
	for {
		select {
		case <-stop:
			stop = nil
			leave()
		case <-ended:
			if ctx.Err() != nil {
				l.give()
			}
			l.set(time.Time{}, l.Holder())
			return
		case <-tick.C:
			l.renew(ctx, outlived, leave)
		}
	}
}

func (l *LineLease) renew(ctx context.Context, outlived *time.Timer, leave func()) {
	sent := time.Now()
	got, err := l.ask(context.WithoutCancel(ctx), leaseAnswer{})
	switch {
	case err != nil: // until it is answered, time runs
	case got.mine == "":
		l.log.Error("a lease was taken by another daemon", zap.String("lease", l.name), zap.String("holder", got.by))
		l.set(time.Now(), got.by)
		leave()
	default:
		if outlived.Stop() {
			outlived.Reset(leaseLeave(l.takeover) - time.Since(sent))
		}
		l.set(sent.Add(leaseEnd(l.takeover)), "")
	}
}

// give leaves the lease to whoever asks next.
func (l *LineLease) give() {
	ctx, cancel := context.WithTimeout(context.Background(), max(l.takeover/10, 200*time.Millisecond))
	defer cancel()
	if _, err := l.line.lease(ctx, l.key, l.id, leaseAnswer{}, true); err != nil {
		l.log.Warn("a lease was not given back: another daemon has it after takeover", zap.String("lease", l.name), zap.Error(err))
	}
}

// lease is lease.lua, on the line's slot and not behind the commits; as a heartbeat, it counts once the replicas have it.
func (s *Store) lease(ctx context.Context, key, who string, seen leaseAnswer, give bool) (leaseAnswer, error) {
	args := []any{who, seen.by, seen.n, flag(give)}
	reply, err := s.lines.alone(ctx, scriptLease, []string{key}, args...)
	if err != nil {
		return leaseAnswer{}, fmt.Errorf("lease: %w", err)
	}
	list := asList(reply)
	switch {
	case asInt(list, 0) == 1:
		return leaseAnswer{mine: who}, nil
	case len(list) == 3:
		return leaseAnswer{by: asString(list[1]), n: asString(list[2])}, nil
	}
	return leaseAnswer{}, fmt.Errorf("lease: an answer of %d elements", len(list))
}
