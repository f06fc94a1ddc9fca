package intake

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/internal/failpoint"
	"aduan/store"
)

// settleEvery is how long a proven mark waits for a commit of its shard that
// takes it along, before it gets a round trip of its own.
const settleEvery = 250 * time.Millisecond

// Settler settles the marks whose acknowledgement was surely read. It keeps
// what is expected to be proven, and what was proven and is not yet stored.
// The sender's commits take along what is proven for their shard ([Settler.Take]).
type Settler struct {
	settle func(ctx context.Context, refs []store.MarkRef) error
	log    *zap.Logger

	mu       sync.Mutex // guards all below
	expected map[string]expectation
	swept    time.Time               // when expected was last swept
	pending  map[int][]store.MarkRef // by shard
	wake     chan struct{}           // one slot: something became pending
}

type expectation struct {
	session string
	ref     store.MarkRef
	since   time.Time
}

// expectFor is how long a proof is waited for. A session reports none that
// comes after twice ack_within, nor that an acknowledgement was written too
// late: on one that lives for months these must not add up.
const expectFor = 5 * time.Minute

// NewSettler returns a Settler that stores by settle.
func NewSettler(settle func(ctx context.Context, refs []store.MarkRef) error, log *zap.Logger) *Settler {
	return &Settler{
		settle: settle, log: log,
		expected: map[string]expectation{}, pending: map[int][]store.MarkRef{}, wake: make(chan struct{}, 1),
	}
}

// expect notes a delivery whose acknowledgement is about to be written.
func (s *Settler) expect(delivery, session string, ref store.MarkRef) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected[delivery] = expectation{session: session, ref: ref, since: now}
	if now.Sub(s.swept) < expectFor {
		return
	}
	s.swept = now
	for id, e := range s.expected {
		if now.Sub(e.since) >= expectFor {
			delete(s.expected, id)
		}
	}
}

// forget drops a delivery that will not be proven.
func (s *Settler) forget(delivery string) {
	s.mu.Lock()
	delete(s.expected, delivery)
	s.mu.Unlock()
}

// proven moves a delivery's mark to those that are to be stored as settled.
func (s *Settler) proven(delivery string) {
	s.mu.Lock()
	e, ok := s.expected[delivery]
	if ok {
		delete(s.expected, delivery)
		shard := e.ref.Citizen.Shard
		s.pending[shard] = append(s.pending[shard], e.ref)
	}
	s.mu.Unlock()
	if ok {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// closed drops what a session that ended can no longer prove.
func (s *Settler) closed(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.expected {
		if e.session == session {
			delete(s.expected, id)
		}
	}
}

// Take returns the proven marks of a shard for a commit that settles them
// along with its own work. A commit that fails gives them back by [Settler.Return].
func (s *Settler) Take(shard int) []store.MarkRef {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs := s.pending[shard]
	delete(s.pending, shard)
	return refs
}

// Return puts back what Take gave out and could not be stored.
func (s *Settler) Return(refs []store.MarkRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range refs {
		s.pending[r.Citizen.Shard] = append(s.pending[r.Citizen.Shard], r)
	}
}

// Flush stores all that is proven. What cannot be stored now stays.
func (s *Settler) Flush(ctx context.Context) {
	s.mu.Lock()
	var refs []store.MarkRef
	for shard, rs := range s.pending {
		refs = append(refs, rs...)
		delete(s.pending, shard)
	}
	s.mu.Unlock()
	if len(refs) == 0 {
		return
	}
	failpoint.Hit(failpoint.BeforeSettle)
	if err := s.settle(ctx, refs); err != nil {
		s.log.Warn("marks not settled, tried again", zap.Int("marks", len(refs)), zap.Error(err))
		s.Return(refs)
	}
}

// run flushes a moment after something became pending, until ctx ends; then
// once more, so that a citizen's repetition is known as one after a restart.
func (s *Settler) run(ctx context.Context) {
	defer func() {
		last, cancel := context.WithTimeout(context.Background(), time.Second)
		s.Flush(last)
		cancel()
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		t := time.NewTimer(settleEvery)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		flush, cancel := context.WithTimeout(ctx, 2*time.Second)
		s.Flush(flush)
		cancel()
		if s.left() {
			select {
			case s.wake <- struct{}{}:
			default:
			}
		}
	}
}

func (s *Settler) left() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending) > 0
}
