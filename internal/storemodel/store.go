package storemodel

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"

	"aduan/internal/msisdn"
	"aduan/store"
)

// Store is one daemon's view of a [Redis]; it has the methods of *store.Store
// that intake, turn, sender and timers use. Its fields are guarded by the
// server's lock.
type Store struct {
	r     *Redis
	name  string
	cache map[store.CitizenID]store.Citizen
	free  map[int][]uint64 // serials given back
	ids   uint64

	unknown map[int]bool
	boot    bootState
	slow    time.Duration // its way to the server, beyond the others'
	killed  bool
}

// Slow makes this daemon's way to the server longer.
func (s *Store) Slow(d time.Duration) { s.r.locked(func() { s.slow = d }) }

// Kill ends this daemon as kill -9 does, as far as the server sees it: nothing
// that it sends from now on arrives, and its heartbeat has stopped.
func (s *Store) Kill() { s.r.locked(func() { s.killed, s.boot.frozen = true, true }) }

func (s *Store) do(ctx context.Context, name string, script func()) error {
	var killed bool
	var slow time.Duration
	s.r.locked(func() { killed, slow = s.killed, s.slow })
	if killed {
		return fmt.Errorf("%w: this daemon was killed", store.ErrNotKept)
	}
	return s.r.do(ctx, slow, name, script)
}

// Daemon is a new daemon on this server, with a boot of its own. It has no
// heartbeat until RunBoot: then every boot may write, as with the real store.
func (r *Redis) Daemon(name string) *Store {
	return &Store{
		r: r, name: name, cache: map[store.CitizenID]store.Citizen{}, free: map[int][]uint64{}, unknown: map[int]bool{},
		boot: bootState{id: name + "1", count: 1, dead: map[string]bool{}, asked: map[string]time.Time{}, kick: make(chan struct{}, 1)},
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// twice sends a script, and once more where the answer is lost and the caller
// still waits. attempt gives each sending an answer of its own, and what to do
// with it when it has come.
func (s *Store) twice(ctx context.Context, name string, attempt func() (script, accept func())) error {
	script, accept := attempt()
	err := s.do(ctx, name, script)
	if errors.Is(err, store.ErrUnknown) && ctx.Err() == nil {
		script, accept = attempt()
		if err = s.do(ctx, name, script); err != nil { // the first may stand
			return fmt.Errorf("%w; tried again: %v", store.ErrUnknown, err) //nolint:errorlint // as committers.twice: not to be taken for ErrNotKept
		}
	}
	if err == nil {
		accept()
	}
	return err
}

func (c *citizen) seen(id store.CitizenID) store.Citizen {
	return store.Citizen{ID: id, Number: c.number, Version: c.version, State: slices.Clone(c.state)}
}

func (s *Store) remember(c store.Citizen) { s.r.locked(func() { s.cache[c.ID] = c }) }
func (s *Store) forget(id store.CitizenID) {
	s.r.locked(func() { delete(s.cache, id) })
}

func (s *Store) noteUnknown(shard int) { s.r.locked(func() { s.unknown[shard] = true }) }

// Recheck gives the shards with an unknown outcome since the last call.
func (s *Store) Recheck() (shards []int) {
	s.r.locked(func() {
		for n := range s.unknown {
			shards = append(shards, n)
		}
		clear(s.unknown)
	})
	return shards
}

// Identify derives a citizen's id.
func (s *Store) Identify(m msisdn.MSISDN) store.CitizenID { return Identify(m) }

// Identify derives a citizen's id, the same on every daemon.
func Identify(m msisdn.MSISDN) store.CitizenID {
	sum := sha256.Sum256([]byte(m.Reveal()))
	return store.CitizenID{
		Shard: int(binary.BigEndian.Uint64(sum[16:24]) % store.Shards),
		Hash:  base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
}

// Digest names content.
func (s *Store) Digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:", len(p))
		_, _ = h.Write(p)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Assume gives the citizen as last seen, else as never seen.
func (s *Store) Assume(m msisdn.MSISDN) (c store.Citizen, err error) {
	id := Identify(m)
	s.r.locked(func() {
		var ok bool
		if c, ok = s.cache[id]; !ok {
			c = store.Citizen{ID: id, Number: m}
		}
	})
	return c, nil
}

// Load reads a citizen.
func (s *Store) Load(ctx context.Context, id store.CitizenID) (store.Citizen, error) {
	var got *store.Citizen
	answer := &store.Citizen{}
	err := s.do(ctx, "read", func() {
		if c := s.r.citizens[id]; c != nil {
			*answer = c.seen(id)
			got = answer
		}
	})
	if err != nil {
		return store.Citizen{}, err
	}
	if got == nil {
		return store.Citizen{}, store.ErrNotFound
	}
	return *got, nil
}

// Ticket reads a ticket.
func (s *Store) Ticket(ctx context.Context, shard int, serial uint64) (store.TicketRecord, error) {
	var got *store.TicketRecord
	answer := &store.TicketRecord{Shard: shard, Serial: serial, Entries: map[string][]byte{}}
	err := s.do(ctx, "read", func() {
		t := s.r.tickets[ticketKey{shard, serial}]
		if t == nil {
			return
		}
		answer.Owner, answer.Head = t.owner, slices.Clone(t.head)
		answer.Citizen = s.r.citizens[t.owner].seen(t.owner)
		answer.Number = answer.Citizen.Number
		for f, v := range t.entries {
			answer.Entries[f] = slices.Clone(v)
		}
		got = answer
	})
	if err != nil {
		return store.TicketRecord{}, err
	}
	if got == nil {
		return store.TicketRecord{}, store.ErrNotFound
	}
	return *got, nil
}

// TicketsOf gives the serials of a citizen's tickets.
func (s *Store) TicketsOf(ctx context.Context, id store.CitizenID) ([]uint64, error) {
	found := new([]uint64)
	err := s.do(ctx, "read", func() {
		for key, t := range s.r.tickets {
			if t.owner == id {
				*found = append(*found, key.serial)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(*found)
	return *found, nil
}

// FirstAnswer reads an idempotency record.
func (s *Store) FirstAnswer(ctx context.Context, shard int, key string) (store.Idempotency, bool, error) {
	got, ok := new(store.Idempotency), new(bool)
	err := s.do(ctx, "read", func() { *got, *ok = s.r.answers[answerKey{shard, key}] })
	if err != nil {
		return store.Idempotency{}, false, err
	}
	return *got, *ok, nil
}

// TakeSerial gives a serial of a shard; from 10001 on.
func (s *Store) TakeSerial(_ context.Context, shard int) (n uint64, err error) {
	s.r.locked(func() {
		if free := s.free[shard]; len(free) > 0 {
			n, s.free[shard] = free[0], free[1:]
			return
		}
		s.r.serial[shard]++
		n = 10_000 + s.r.serial[shard]
	})
	return n, nil
}

// ReturnSerial gives one back that surely stands nowhere.
func (s *Store) ReturnSerial(shard int, serial uint64) {
	s.r.locked(func() { s.free[shard] = append(s.free[shard], serial) })
}

// Free is how many serials of a shard were given back.
func (s *Store) Free(shard int) (n int) {
	s.r.locked(func() { n = len(s.free[shard]) })
	return n
}

// NewID makes an id whose shard can be told.
func (s *Store) NewID(shard int) (id string) {
	s.r.locked(func() {
		s.ids++
		var u ulid.ULID
		if err := u.SetTime(ulid.Timestamp(time.Now())); err != nil {
			panic(err) // after the year 10889
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", s.name, s.ids))
		binary.BigEndian.PutUint64(u[6:14], s.ids)
		copy(u[14:], sum[:2])
		id = fmt.Sprintf("%s%02d", u, shard)
	})
	return id
}
