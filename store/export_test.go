package store

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// NewForTest makes a store on any client, with a key of its own.
func NewForTest(rdb redis.UniversalClient, master []byte, opt Options) *Store {
	keys, err := newSealer(master)
	if err != nil {
		panic(err)
	}
	opt.Handoffs = true
	return newStore(rdb, keys, opt)
}

// CloseForTest waits for the committers.
func (s *Store) CloseForTest() { s.close() }

// EarlyMost is how many receipts of a shard may wait.
const EarlyMost = earlyMost

// Keys under their test names.
var (
	CitizenKey = citizenKey
	OutKey     = outKey
	TicketKey  = ticketKey
	SMSKey     = smsKey
	HeldKey    = heldKey
	DueKey     = dueKey
	QueuedKey  = queuedKey
	EventsKey  = eventsKey
	FenceKey   = fenceKey
	HandoffKey = handoffKey
	BootsKey   = bootsKey
	DeadKey    = deadKey
	ParkedKey  = parkedKey
	LettersKey = lettersKey
	GroupKey   = groupKey
	KeptKey    = keptKey
	SerialKey  = serialKey
	OpenKey    = openKey
	ShelfKey   = shelfKey
	IndexKey   = indexKey
	EarliesKey = earliesKey
)

// MarkKey is the key of a mark.
func (s *Store) MarkKey(id CitizenID, digest string) string { return markKey(id, s.keys.veil(digest)) }

// WireForTest is a turn as commit.lua takes it.
func (s *Store) WireForTest(t *Turn) ([]string, []any) {
	s.name(t)
	return t.wire(s.keys, 0, s.Keeping().Redelivery, s.Keeping().Handoffs)
}

// CommitSHA is the commit script's name in Redis.
func CommitSHA() (sha, text string) { return scriptCommit.sha, scriptCommit.text }

// IndexWhole is what stands under IndexKey once every ticket was looked at.
const IndexWhole = indexWhole

// Renew is one heartbeat.
func (s *Store) Renew(ctx context.Context, boot string) (bool, map[string]string, error) {
	r, err := s.renew(ctx, boot, nil)
	return r.fenced, r.boots, err
}

// NewQuietForTest is a store of a line without a case system.
func NewQuietForTest(rdb redis.UniversalClient, master []byte) *Store {
	s := NewForTest(rdb, master, Options{})
	k := s.Keeping()
	k.Handoffs = false
	s.Keep(k)
	return s
}

// TakeForTest is the next pipeline of a server for which so many scripts wait: how many that are in a hurry, how many that
// can wait. busy: a pipeline of nothing but the latter is under way.
func TakeForTest(hurried, waiting int, busy bool) (h, w int) {
	t := &target{alone: busy}
	for range hurried {
		t.queue = append(t.queue, &job{script: scriptCommit})
	}
	for range waiting {
		t.later = append(t.later, &job{script: scriptReceipt})
	}
	batch, _ := t.take()
	for _, j := range batch {
		if j.script.later {
			w++
		} else {
			h++
		}
	}
	return h, w
}

// SettleForTest brings the store to this version's form, if it may.
func (s *Store) SettleForTest(ctx context.Context) bool { return s.settled(ctx) }

// ForgetIndexForTest forgets that the index was seen whole.
func (s *Store) ForgetIndexForTest() { s.indexed.Store(false) }
