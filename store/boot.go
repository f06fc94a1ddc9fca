package store

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// The times of DESIGN, promise 5.
const (
	renewEvery  = time.Second             // the heartbeat
	tickEvery   = 200 * time.Millisecond  // our own ticks: a gap in them is a process that stood still
	stoodStill  = 3 * time.Second         // a gap this long; and how long one answered renewal lets us send
	deadAfter   = 5 * time.Second         // a counter stood still so long, seen by one who was in touch throughout
	inTouch     = 2500 * time.Millisecond // answered renewals no further apart than this
	fencesKept  = 1000                    // a fence is looked at by a boot that wakes; the latest are kept
	renewalWait = 3 * time.Second         // until a renewal is given up
)

var errNotRegistered = errors.New("this boot is not registered yet: Redis has not answered its first heartbeat")

// bootState is who we are at this moment, and what time it is in Redis. Everything is guarded by mu.
type bootState struct {
	now func() time.Time // Options.Now: the clock of deadlines. The rest goes by time.Now

	mu         sync.Mutex
	id         string
	running    bool      // RunBoot runs
	registered bool      // a renewal of id was answered
	renewed    time.Time // when the last answered renewal was sent
	ticked     time.Time // our own last tick

	clockAt   time.Time // by now, when Redis's time was answered
	clock     time.Time // Redis's time then
	clockRead bool

	standing map[string]bool      // boots registered, by the last answered renewal
	listedAt time.Time            // when that renewal was sent
	living   int                  // boots whose counter moves, ours included; 0: not known yet
	since    time.Time            // when our first renewal of this boot was answered
	asked    map[string]time.Time // boots asked for that were not registered: since when
	dead     map[string]bool      // boots fenced by us, and our own earlier ones
}

func newBootState(opt Options) *bootState {
	return &bootState{now: opt.Now, id: newBootID(), asked: map[string]time.Time{}, dead: map[string]bool{}}
}

// newBootID names a life of this process: time first, so that a list of them reads in order.
func newBootID() string { return ulid.MustNew(ulid.Timestamp(time.Now()), rand.Reader).String() }

// BootID is the boot that this process acts as; another one stands after it was fenced or stood still.
func (s *Store) BootID() string {
	s.boot.mu.Lock()
	defer s.boot.mu.Unlock()
	return s.boot.id
}

// MaySend reports whether submitting is allowed: the last answered renewal was sent less than 3 s ago, our own ticks have
// no gap, and nobody has fenced us. It is asked before each submit_sm is written.
func (s *Store) MaySend() bool { return s.boot.maySend(time.Now()) }

func (b *bootState) maySend(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.running && b.registered && now.Sub(b.renewed) < stoodStill && now.Sub(b.ticked) < stoodStill
}

// allowed says whether a boot may write: nil, ErrFenced, or errNotRegistered. Without RunBoot (tools) every boot may.
func (b *bootState) allowed(boot string) error {
	if boot == "" {
		return nil
	}
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.running:
		return nil
	case boot != b.id || now.Sub(b.ticked) >= stoodStill:
		return ErrFenced
	case !b.registered:
		return errNotRegistered
	}
	return nil
}

// BootDead reports whether a boot is known to be dead: fenced, or not registered any more. Of a boot that is not in
// the list, only a list asked for after the first question tells: it may have registered a moment ago.
func (s *Store) BootDead(bootID string) bool { return s.boot.isDead(bootID, time.Now()) }

func (b *bootState) isDead(id string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case id == b.id:
		return false
	case b.dead[id]:
		return true
	case b.standing == nil || b.standing[id]:
		delete(b.asked, id)
		return false
	}
	since, ok := b.asked[id]
	if !ok {
		if len(b.asked) > fencesKept {
			clear(b.asked)
		}
		b.asked[id] = now
		return false
	}
	return b.listedAt.After(since)
}

func (b *bootState) markDead(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead[id] = true
	delete(b.asked, id)
}

// settleIn is how long a new boot that has company leaves a rate to the others: so long they may not know of it yet.
const settleIn = renewEvery + renewEvery/2

// Daemons is how many daemons live on this store, this one included, as their heartbeats tell; 0: not known yet, or the
// others may not know of us.
func (s *Store) Daemons() int { return s.boot.daemons(time.Now()) }

func (b *bootState) daemons(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.registered || b.living > 1 && now.Sub(b.since) < settleIn {
		return 0
	}
	return b.living
}

// RedisNow is Redis's time as of the last heartbeat's answer and our own clock since; false before the first.
func (s *Store) RedisNow() (time.Time, bool) {
	s.boot.mu.Lock()
	defer s.boot.mu.Unlock()
	return s.boot.clock.Add(s.opt.Now().Sub(s.boot.clockAt)), s.boot.clockRead
}

func (b *bootState) setClock(answered, redis time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clockAt, b.clock, b.clockRead = answered, redis, true
}

// toRedis is a time of our clock in Redis's, ms. Redis read its clock before we had the answer, so the result is early
// by at most the round trip: a deadline never ends late.
func (b *bootState) toRedis(t time.Time) (int64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock.Add(t.Sub(b.clockAt)).UnixMilli(), b.clockRead
}
