package storemodel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"aduan/store"
)

// The times of DESIGN, promise 5, as package store has them.
const (
	renewEvery = time.Second
	stoodStill = 3 * time.Second
	deadAfter  = 5 * time.Second
	inTouch    = 2500 * time.Millisecond
)

var errNotRegistered = errors.New("this boot is not registered yet")

// bootState is guarded by the server's lock.
type bootState struct {
	id         string
	count      int
	running    bool
	registered bool
	renewed    time.Time // when the last answered renewal was sent
	listed     map[string]int
	listedAt   time.Time
	asked      map[string]time.Time
	dead       map[string]bool
	clockAt    time.Time
	clock      time.Time
	clockRead  bool
	frozen     bool

	shares store.Shares  // has its own lock, which is never taken under the server's
	kick   chan struct{} // one slot: renew now
}

// BootID is the boot that this daemon acts as.
func (s *Store) BootID() (id string) {
	s.r.locked(func() { id = s.boot.id })
	return id
}

// MaySend is false when the last answered renewal was sent 3 s ago or more.
// Without a heartbeat it is true.
func (s *Store) MaySend() (may bool) {
	s.r.locked(func() {
		b := &s.boot
		may = !b.running || (b.registered && time.Since(b.renewed) < stoodStill)
	})
	return may
}

func (s *Store) allowed(boot string) (err error) {
	s.r.locked(func() {
		b := &s.boot
		switch {
		case boot == "" || !b.running:
		case boot != b.id:
			err = store.ErrFenced
		case !b.registered:
			err = errNotRegistered
		}
	})
	return err
}

// BootDead reports whether a boot is known to be dead.
func (s *Store) BootDead(id string) (dead bool) {
	s.r.locked(func() {
		b := &s.boot
		switch {
		case id == b.id:
		case b.dead[id]:
			dead = true
		case b.listed == nil:
		default:
			if _, stands := b.listed[id]; stands {
				delete(b.asked, id)
				return
			}
			since, ok := b.asked[id]
			if !ok {
				b.asked[id] = time.Now()
				return
			}
			dead = b.listedAt.After(since)
		}
	})
	return dead
}

// Daemons is among how many daemons a link's rate is divided; 0: this one may not send on it yet.
func (s *Store) Daemons(link string) int {
	registered := false
	s.r.locked(func() { registered = s.boot.registered })
	if !registered {
		return 0
	}
	n, ask := s.boot.shares.Daemons(link, time.Now())
	if ask {
		select {
		case s.boot.kick <- struct{}{}:
		default:
		}
	}
	return n
}

// RedisNow is Redis's time as of the last heartbeat's answer; without a
// heartbeat, as it is.
func (s *Store) RedisNow() (at time.Time, ok bool) {
	s.r.locked(func() {
		b := &s.boot
		if !b.running {
			at, ok = s.r.clock(), true
			return
		}
		at, ok = b.clock.Add(s.r.now().Sub(b.clockAt)), b.clockRead
	})
	return at, ok
}

func (s *Store) toRedis(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	redis, _ := s.RedisNow()
	s.r.locked(func() { redis = redis.Add(t.Sub(s.r.now())) })
	return redis
}

// RunBoot counts a heartbeat up each second until ctx ends, and watches the
// others. It models store.RunBoot without the standstill of its own process,
// for which there is [Store.Replace].
func (s *Store) RunBoot(ctx context.Context, ev store.BootEvents) error {
	s.boot.shares.SetUp(ev.Links)
	s.r.locked(func() { s.boot.running = true })
	defer s.r.locked(func() { s.boot.running = false })
	type sighting struct {
		counter int
		since   time.Time
	}
	seen, last := map[string]sighting{}, time.Time{}
	t := time.NewTicker(renewEvery)
	defer t.Stop()
	for {
		if a, ok := s.renew(ctx, ev); ok {
			now, own := time.Now(), s.BootID()
			if now.Sub(last) > inTouch {
				clear(seen)
			}
			last = now
			for id, counter := range a.boots {
				switch was, ok := seen[id]; {
				case id == own:
				case !ok || was.counter != counter:
					seen[id] = sighting{counter, now}
				case now.Sub(was.since) >= deadAfter && ev.Dead != nil:
					delete(a.sends, id)
					ev.Dead(ctx, id)
				}
			}
			s.boot.shares.Answered(a.sent, now, a.named, a.sends)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.boot.kick:
		case <-t.C:
		}
	}
}

// beat is one heartbeat and its answer.
type beat struct {
	sent   time.Time
	named  []string // the links that it named
	fenced bool
	clock  time.Time
	boots  map[string]int
	sends  map[string][]string // what each boot says of its links
}

func (s *Store) renew(ctx context.Context, ev store.BootEvents) (*beat, bool) {
	id, sent := s.BootID(), time.Now()
	frozen := false
	s.r.locked(func() { frozen = s.boot.frozen })
	if frozen {
		return nil, false
	}
	wait, cancel := context.WithTimeout(ctx, stoodStill)
	defer cancel()
	a := &beat{sent: sent, named: s.boot.shares.Named(sent), sends: map[string][]string{}}
	err := s.do(wait, "renew", func() {
		if a.fenced = s.r.fences[id]; !a.fenced {
			s.r.boots[id]++
			s.r.sends[id] = a.named
		}
		a.clock, a.boots = s.r.clock(), maps.Clone(s.r.boots)
		for boot := range a.boots {
			a.sends[boot] = s.r.sends[boot]
		}
	})
	if err != nil {
		return nil, false
	}
	if a.fenced {
		s.Replace(ev)
		return nil, false
	}
	ok := false
	s.r.locked(func() {
		b := &s.boot
		if ok = b.id == id; ok {
			b.registered, b.renewed, b.listed, b.listedAt = true, sent, a.boots, sent
			b.clockAt, b.clock, b.clockRead = s.r.now(), a.clock, true
		}
	})
	return a, ok
}

// Replace gives this daemon a new boot: it was fenced, or stood still.
func (s *Store) Replace(ev store.BootEvents) {
	var old string
	s.r.locked(func() {
		b := &s.boot
		old = b.id
		b.count++
		b.id, b.registered = fmt.Sprintf("%s%d", s.name, b.count), false
	})
	s.boot.shares.Reset()
	if ev.Fenced != nil {
		ev.Fenced()
	}
	s.r.locked(func() { s.boot.dead[old] = true })
}

// Freeze stops the heartbeat, as a process that is stopped or dead; Thaw goes on.
func (s *Store) Freeze() { s.r.locked(func() { s.boot.frozen = true }) }

// Thaw ends Freeze.
func (s *Store) Thaw() { s.r.locked(func() { s.boot.frozen = false }) }

// TakeOver is takeover.lua and bury.lua.
func (s *Store) TakeOver(ctx context.Context, dead string) (int, error) {
	n := new(int)
	err := s.do(ctx, "takeover", func() {
		s.r.fences[dead] = true
		for _, m := range s.r.sms {
			if m.holder == dead {
				m.holder = ""
				s.r.due[dueKey{shard: m.citizen.Shard, kind: 's', name: m.id}] = m.queued
				*n++
			}
		}
		delete(s.r.boots, dead)
	})
	if err != nil {
		return 0, err
	}
	s.r.locked(func() { s.boot.dead[dead] = true })
	return *n, nil
}
