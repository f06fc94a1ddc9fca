package sender

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"aduan/store"
)

const (
	damagedTries = 3                // until an outcome gives its place in the window back
	stuckEvery   = 30 * time.Second // then it is tried again so often
)

// stuck are outcomes that what stands in the store cannot take: a key of another type, a value that nobody can read. They
// stay in hand, so that their SMS are not sent again by this daemon, and are tried again until a person has mended it.
type stuck struct {
	mu    sync.Mutex // guards all
	done  []store.Done
	tried time.Time
}

func (k *stuck) add(d store.Done) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.done = append(k.done, d)
	k.tried = time.Now()
}

func (k *stuck) has(boot, id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.done, func(d store.Done) bool { return d.Boot == boot && d.SMS.ID == id })
}

// due gives all, where it is time to try them again.
func (k *stuck) due() []store.Done {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.done) == 0 || time.Since(k.tried) < stuckEvery {
		return nil
	}
	all := k.done
	k.done = nil
	return all
}

// unstick tries the outcomes again that could not be stored.
func (s *Sender) unstick(ctx context.Context) {
	for _, d := range s.stuck.due() {
		d.HoldNext = false // there is no place for it
		_, err := s.storeDone(ctx, d)
		if err != nil && !errors.Is(err, store.ErrFenced) {
			s.stuck.add(d)
			continue
		}
		s.inHand.drop(d.Boot, d.SMS.ID)
	}
}
