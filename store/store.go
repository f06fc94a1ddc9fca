package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"aduan/internal/msisdn"
)

// Store is all of Redis. Its methods may be called from any goroutine.
type Store struct {
	// immutable
	rdb  redis.UniversalClient
	keys *sealer
	opt  Options
	met  *metrics

	keeping atomic.Pointer[Keeping]

	lines *committers // what travels together
	boot  *bootState  // who we are, and what time it is in Redis
	cache *citizens   // citizens at hand, so that the usual next turn costs one round trip

	entropyMu sync.Mutex // guards opt.Entropy

	turn      atomic.Uint32 // whose room comes first in the next claim
	recheckMu sync.Mutex
	recheck   map[int]bool // shards where a commit's outcome is unknown

	manager // what open.go adds: the server behind rdb, the serials, the promise
}

// newStore makes a store on a client that is already configured; it sends nothing yet.
func newStore(rdb redis.UniversalClient, keys *sealer, opt Options) *Store {
	opt = opt.atLeast()
	met := newMetrics(opt.Metrics)
	s := &Store{
		rdb: rdb, keys: keys, opt: opt, met: met,
		lines:   newCommitters(rdb, opt, met),
		boot:    newBootState(opt),
		cache:   newCitizens(8192),
		recheck: map[int]bool{},
	}
	s.Keep(Keeping{Retention: opt.Retention, Redelivery: opt.Redelivery, SettledFor: opt.SettledFor, Handoffs: opt.Handoffs})
	return s
}

// Keeping is what may change of the options while the store is open.
type Keeping struct {
	Retention  Retention
	Redelivery time.Duration // how long the mark of an unproven message stands; default 24 h
	SettledFor time.Duration // how long a settled mark stands; default 60 s
	Handoffs   bool          // events are kept for the case system too
}

// Keep keeps from now on what k says; what was kept before ends when it was to.
func (s *Store) Keep(k Keeping) {
	setDefault(&k.Retention.Tickets, 1825*24*time.Hour)
	setDefault(&k.Retention.Events, 30*24*time.Hour)
	setDefault(&k.Redelivery, 24*time.Hour)
	setDefault(&k.SettledFor, time.Minute)
	s.keeping.Store(&k)
}

// Keeping is what is in use.
func (s *Store) Keeping() Keeping { return *s.keeping.Load() }

// atLeast fills in what no method can do without.
func (o Options) atLeast() Options {
	setDefault(&o.Wait, time.Second)
	setDefault(&o.Retention.Events, 30*24*time.Hour)
	setDefault(&o.Redelivery, 24*time.Hour)
	setDefault(&o.SettledFor, time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Entropy == nil {
		o.Entropy = rand.Reader
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return o
}

// close waits for what is under way; nothing is kept afterwards.
func (s *Store) close() { s.lines.close() }

// Citizen is what stands of one citizen: the state of the conversation, sealed in Redis.
type Citizen struct {
	ID      CitizenID
	Number  msisdn.MSISDN
	Version uint64 // 0: never seen
	State   []byte // not to be changed

	key     *dataKey
	damaged string // the state as it stands, where it does not open: State is then that of somebody never seen
}

// Proof is what the store keeps of an SMS's text beyond the text itself: a hash under the citizen's own key, which dies
// with it. Empty: the citizen was erased.
func (c Citizen) Proof(text string) string {
	if c.key == nil {
		return ""
	}
	return c.key.proof(text)
}

// Identify says who a number is, without a round trip.
func (s *Store) Identify(m msisdn.MSISDN) CitizenID { return s.keys.identify(m) }

// Assume gives the citizen as last seen by this process, else a citizen never seen, with a fresh data key. The commit
// compares, and says where the assumption was wrong.
func (s *Store) Assume(m msisdn.MSISDN) (Citizen, error) {
	id := s.keys.identify(m)
	if c, ok := s.cache.get(id); ok {
		return c, nil
	}
	return s.newCitizen(id, m)
}

func (s *Store) newCitizen(id CitizenID, m msisdn.MSISDN) (Citizen, error) {
	key, err := s.keys.newDataKey(citizenKey(id))
	if err != nil {
		return Citizen{}, err
	}
	return Citizen{ID: id, Number: m, key: key}, nil
}

// Load reads a citizen whose number is not at hand. ErrNotFound where none stands.
func (s *Store) Load(ctx context.Context, id CitizenID) (Citizen, error) {
	v, err := s.rdb.HMGet(ctx, citizenKey(id), citizenFields...).Result()
	if err != nil {
		return Citizen{}, fmt.Errorf("load citizen %s: %w", id, err)
	}
	c, err := s.citizen(id, asStrings(v))
	if err != nil {
		return c, s.hurt(err)
	}
	s.aside(ctx, c)
	s.cache.put(c)
	return c, nil
}

// aside keeps a state that does not open beside the next one, once, and says so. Nobody can read it, but a person may
// compare it with a backup's.
func (s *Store) aside(ctx context.Context, c Citizen) {
	if c.damaged == "" {
		return
	}
	s.met.damaged.Inc()
	err := s.rdb.HSetNX(ctx, citizenKey(c.ID), "s.damaged", c.damaged).Err()
	s.opt.Log.Error("the state of a citizen's conversation is damaged: it begins anew, the tickets stand",
		zap.Stringer("citizen", c.ID), zap.NamedError("aside", err))
}

// citizenFields is the order in which scripts, too, give a citizen.
var citizenFields = []string{"v", "k", "n", "s"}

// citizen unseals what stands: version, wrapped key, number, state.
func (s *Store) citizen(id CitizenID, f []string) (Citizen, error) {
	if len(f) < 4 || f[1] == "" {
		return Citizen{}, fmt.Errorf("citizen %s: %w", id, ErrNotFound)
	}
	key := citizenKey(id)
	version, err := strconv.ParseUint(f[0], 10, 64)
	if err != nil {
		return Citizen{}, damaged(key, "v", err)
	}
	c := Citizen{ID: id, Version: version}
	if c.key, err = s.keys.openDataKey(key, []byte(f[1])); err != nil {
		return Citizen{}, err
	}
	number, err := c.key.unseal(key, "n", []byte(f[2]))
	if err != nil {
		return Citizen{}, err
	}
	c.Number = msisdn.FromRevealed(string(number))
	if f[3] != "" {
		if c.State, err = c.key.unseal(key, "s", []byte(f[3])); err != nil {
			c.State, c.damaged = nil, f[3] // who has no state is served all the same
		}
	}
	return c, nil
}

// noteUnknown remembers a shard where something may be held that nobody in this process knows of.
func (s *Store) noteUnknown(shard int) {
	s.recheckMu.Lock()
	s.recheck[shard] = true
	s.recheckMu.Unlock()
}

// Recheck gives the shards with an unknown outcome since the last call: there, [Store.Held] says what this boot holds.
func (s *Store) Recheck() []int {
	s.recheckMu.Lock()
	defer s.recheckMu.Unlock()
	var shards []int
	for n := range s.recheck {
		shards = append(shards, n)
	}
	clear(s.recheck)
	return shards
}
