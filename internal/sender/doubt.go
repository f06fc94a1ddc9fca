package sender

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/store"
)

const (
	// doubtAfter is when the store is first asked for SMS of a commit whose
	// answer was lost; doubtFor is how long it is asked: by then every
	// deadline has passed, so that the commit stands or never will.
	doubtAfter = 2 * time.Second
	doubtFor   = 12 * time.Second
)

// doubts are SMS of commits with an unknown outcome, and shards where a lost
// answer may have left us holding SMS that we do not know of: the boot reads
// again what it holds (promise 5).
type doubts struct {
	mu     sync.Mutex // guards all
	ids    map[string]doubt
	shards map[int]time.Time   // until when they are looked at
	strays map[stray]time.Time // held in the store and not in hand: since when
}

type doubt struct {
	boot  string
	shard int
	since time.Time
}

type stray struct{ boot, id string }

func newDoubts() *doubts {
	return &doubts{ids: map[string]doubt{}, shards: map[int]time.Time{}, strays: map[stray]time.Time{}}
}

// Doubt notes SMS of a commit whose outcome is unknown.
func (s *Sender) Doubt(shard int, ids []string) {
	s.doubts.mu.Lock()
	defer s.doubts.mu.Unlock()
	for _, id := range ids {
		s.doubts.ids[id] = doubt{boot: s.o.Store.BootID(), shard: shard, since: time.Now()}
	}
}

// lookAt notes that this boot holds SMS that are not in hand any more.
func (d *doubts) lookAt(sms []store.Outgoing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range sms {
		d.shards[m.Citizen.Shard] = time.Now().Add(2 * doubtFor)
	}
}

// resolve asks the store what became of doubtful SMS until ctx ends.
func (s *Sender) resolve(ctx context.Context) {
	t := time.NewTicker(s.o.DoubtEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.Resolve(ctx)
			s.unstick(ctx)
		}
	}
}

// Resolve sends the doubtful SMS that stand in the store, and forgets those
// that do not once they never will.
func (s *Sender) Resolve(ctx context.Context) {
	boot := s.o.Store.BootID()
	shards := s.doubts.look(boot, s.recheck())
	if len(shards) == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, 2*time.Second)
	standing, err := s.o.Store.Held(call, boot, shards)
	cancel()
	if err != nil {
		s.o.Log.Warn("what this daemon holds was not looked up, tried again", zap.Int("shards", len(shards)), zap.Error(err))
		return
	}
	seen := map[stray]bool{}
	for _, m := range standing {
		key := stray{boot, m.ID}
		seen[key] = true
		switch {
		case s.inHand.has(boot, m.ID):
			s.doubts.clear(key)
		case s.doubts.ripe(key):
			s.adoptHeld(held{boot: boot, sms: m})
		}
	}
	s.doubts.forget(seen)
}

// recheck asks the store where an answer was lost whose SMS nobody knows.
func (s *Sender) recheck() []int {
	if r, ok := s.o.Store.(interface{ Recheck() []int }); ok {
		return r.Recheck()
	}
	return nil
}

// look gives the shards to look at now.
func (d *doubts) look(boot string, unknown []int) []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, shard := range unknown {
		d.shards[shard] = now.Add(2 * doubtFor)
	}
	wanted := map[int]bool{}
	for shard, until := range d.shards {
		if now.After(until) {
			delete(d.shards, shard)
			continue
		}
		wanted[shard] = true
	}
	for id, q := range d.ids {
		switch {
		case q.boot != boot: // another boot takes it over
			delete(d.ids, id)
		case now.Sub(q.since) >= doubtAfter:
			wanted[q.shard] = true
		}
	}
	shards := make([]int, 0, len(wanted))
	for shard := range wanted {
		shards = append(shards, shard)
	}
	return shards
}

// ripe reports whether an SMS that is held and not in hand is to be sent: one
// that was asked for by name at once; any other when it has stood so for long
// that its commit's answer cannot be on the way any more.
func (d *doubts) ripe(key stray) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, named := d.ids[key.id]; named {
		delete(d.ids, key.id)
		return true
	}
	since, ok := d.strays[key]
	if !ok {
		d.strays[key] = time.Now()
		return false
	}
	return time.Since(since) >= doubtFor
}

// clear drops the doubt about an SMS that is in hand: it came another way.
func (d *doubts) clear(key stray) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.ids, key.id)
	delete(d.strays, key)
}

// forget drops what was looked for long enough, and strays that are gone.
func (d *doubts) forget(seen map[stray]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, q := range d.ids {
		if time.Since(q.since) >= doubtFor {
			delete(d.ids, id)
		}
	}
	for key := range d.strays {
		if !seen[key] {
			delete(d.strays, key)
		}
	}
}
