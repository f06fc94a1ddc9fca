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
	asked    map[string]time.Time // boots asked for that were not registered: since when
	dead     map[string]bool      // boots fenced by us, and our own earlier ones

	shares Shares        // has its own lock
	kick   chan struct{} // one slot: renew now
}

func newBootState(opt Options) *bootState {
	return &bootState{now: opt.Now, id: newBootID(), asked: map[string]time.Time{}, dead: map[string]bool{}, kick: make(chan struct{}, 1)}
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

// Daemons is among how many daemons a link's rate is divided, this one included, as their heartbeats tell: those on which
// the link is up, or was a moment ago, and those of an older version. 0: this daemon may not send on it yet, since the others
// may not count it.
func (s *Store) Daemons(link string) int { return s.boot.daemons(link, time.Now()) }

func (b *bootState) daemons(link string, now time.Time) int {
	b.mu.Lock()
	registered := b.registered
	b.mu.Unlock()
	if !registered {
		return 0
	}
	n, ask := b.shares.Daemons(link, now)
	if ask {
		b.renewNow()
	}
	return n
}

func (b *bootState) renewNow() {
	select {
	case b.kick <- struct{}{}:
	default:
	}
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
