package sender

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/store"
)

const (
	// doubtAfter is when the store is asked for SMS of a commit whose answer
	// was lost: by then its deadline has passed, so it stands or never will.
	doubtAfter = 2 * time.Second
	doubtEvery = time.Second
)

// doubts are SMS of commits with an unknown outcome: the boot reads again what
// it holds (promise 5).
type doubts struct {
	mu  sync.Mutex // guards all
	ids map[string]doubt
}

type doubt struct {
	boot  string
	shard int
	since time.Time
}

func newDoubts() *doubts { return &doubts{ids: map[string]doubt{}} }

// Doubt notes SMS of a commit whose outcome is unknown.
func (s *Sender) Doubt(shard int, ids []string) {
	s.doubts.mu.Lock()
	defer s.doubts.mu.Unlock()
	for _, id := range ids {
		s.doubts.ids[id] = doubt{boot: s.o.Store.BootID(), shard: shard, since: time.Now()}
	}
}

// resolve asks the store what became of doubtful SMS until ctx ends.
func (s *Sender) resolve(ctx context.Context) {
	t := time.NewTicker(doubtEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.Resolve(ctx)
		}
	}
}

// Resolve sends the doubtful SMS that stand in the store, and forgets those that do not.
func (s *Sender) Resolve(ctx context.Context) {
	ripe := s.ripe()
	if len(ripe) == 0 {
		return
	}
	shards, boots := map[int]bool{}, map[string][]int{}
	for _, d := range ripe {
		if !shards[d.shard] {
			shards[d.shard] = true
			boots[d.boot] = append(boots[d.boot], d.shard)
		}
	}
	for boot, list := range boots {
		call, cancel := context.WithTimeout(ctx, 2*time.Second)
		standing, err := s.o.Store.Held(call, boot, list)
		cancel()
		if err != nil {
			s.o.Log.Warn("SMS of lost commits not looked up, tried again", zap.Int("sms", len(ripe)), zap.Error(err))
			continue
		}
		found := map[string]store.Outgoing{}
		for _, m := range standing {
			found[m.ID] = m
		}
		s.settleDoubts(boot, ripe, found)
	}
}

func (s *Sender) settleDoubts(boot string, ripe map[string]doubt, found map[string]store.Outgoing) {
	for id, d := range ripe {
		if d.boot != boot {
			continue
		}
		if m, ok := found[id]; ok && boot == s.o.Store.BootID() {
			if left := s.Adopt([]store.Outgoing{m}); len(left) > 0 {
				s.putBack(held{boot: boot, sms: m})
			}
		}
		s.doubts.mu.Lock()
		delete(s.doubts.ids, id)
		s.doubts.mu.Unlock()
	}
}

func (s *Sender) ripe() map[string]doubt {
	s.doubts.mu.Lock()
	defer s.doubts.mu.Unlock()
	ripe := map[string]doubt{}
	for id, d := range s.doubts.ids {
		if time.Since(d.since) >= doubtAfter {
			ripe[id] = d
		}
	}
	return ripe
}
