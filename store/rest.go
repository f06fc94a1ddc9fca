package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// Rested makes a citizen's state small once nothing happened for long. head gives a ticket's head, as it stands in the store;
// nil where there is none. (conversation.Rest, in this package's words.)
type Rested func(state []byte, now time.Time, head func(serial uint64) []byte) ([]byte, error)

const (
	restEvery   = 5 * time.Second // between two looks for what may rest
	restOnce    = 4               // citizens of a shard in one look
	restDefault = 73 * time.Hour  // longer than receipts are waited for
)

// NewSMSID makes the id of an SMS about a ticket: it names the ticket, so that the SMS is found in it when both rest.
func (s *Store) NewSMSID(shard int, serial uint64) string {
	s.entropyMu.Lock()
	defer s.entropyMu.Unlock()
	return SMSIDAt(s.opt.Entropy, s.opt.Now(), shard, serial)
}

// ticketOfSMS is the serial that an id would name. Others name none, and one that they never had may come out.
func ticketOfSMS(id string) uint64 {
	if len(id) < ulid.EncodedSize {
		return 0
	}
	u, err := ulid.ParseStrict(id[:ulid.EncodedSize])
	if err != nil {
		return 0
	}
	return binary.BigEndian.Uint64(append([]byte{0, 0, 0}, u[6:11]...))
}

// Rest lays to rest the citizens to whom, and whose tickets, nothing happened since before: some of each shard. It tells
// how many; 0: there are no more. One that still waits for something is looked at again after as long.
func (s *Store) Rest(ctx context.Context, before time.Time) (int, error) {
	pipe := s.rdb.Pipeline()
	var cmds [Shards]*redis.StringSliceCmd
	for shard := range Shards {
		cmds[shard] = pipe.ZRangeByScore(ctx, restKey(shard), &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(millis(before), 10), Count: restOnce})
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	n := 0
	for shard, cmd := range cmds {
		hashes, err := cmd.Result()
		if err != nil {
			return n, fmt.Errorf("look for what may rest: %w", err)
		}
		for _, hash := range hashes {
			id := CitizenID{Shard: shard, Hash: hash}
			n++
			if err := s.rest(ctx, id, before); errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotFound) {
				if errors.Is(s.hurt(err), ErrDamaged) {
					s.opt.Log.Error("a citizen is not laid to rest", zap.String("citizen", id.String()), zap.Error(err))
				}
				err = s.rdb.ZRem(ctx, restKey(shard), hash).Err()
				if err != nil {
					return n, err
				}
			} else if err != nil {
				return n, fmt.Errorf("lay a citizen to rest: %w", err)
			}
		}
	}
	return n, nil
}

// resting is what is read of a citizen who may rest.
type resting struct {
	citizen Citizen
	fields  []string // version, wrapped key, number, state, serials awake
	before  time.Time
	tickets []*restedTicket // nil: it stays awake
	serials []uint64
	states  []string // of the SMS that go with their tickets
	sms     []string // their keys
	awake   []string
}

func (s *Store) rest(ctx context.Context, id CitizenID, before time.Time) error {
	v, err := s.rdb.HMGet(ctx, citizenKey(id), append(slices.Clone(citizenFields), "up")...).Result()
	if err != nil {
		return err
	}
	r := resting{fields: asStrings(v), before: before}
	if r.citizen, err = s.citizen(id, r.fields[:4]); err != nil {
		return err
	}
	for serial := range strings.SplitSeq(r.fields[4], ",") {
		n, err := strconv.ParseUint(serial, 10, 64)
		if err != nil {
			continue
		}
		if err := s.restTicket(ctx, &r, n); err != nil {
			return err
		}
	}
	state, err := s.restState(ctx, &r)
	if err != nil {
		return err
	}
	keys := []string{restKey(id.Shard), citizenKey(id)}
	args := []any{id.Hash, r.fields[0], r.fields[1], strings.Join(r.awake, ","), millis(s.opt.Now()), state, len(r.tickets)}
	for i, t := range r.tickets {
		key := ticketKey(id.Shard, r.serials[i])
		packed, err := t.pack(s.keys, key, r.citizen.key)
		if err != nil {
			return err
		}
		keys, args = append(keys, key), append(args, packed)
	}
	keys = append(keys, r.sms...)
	for _, st := range r.states {
		args = append(args, st)
	}
	_, err = s.lines.do(ctx, scriptRest, keys, args...)
	return err
}

// restState is the citizen's state as it stands at rest, sealed.
func (s *Store) restState(ctx context.Context, r *resting) ([]byte, error) {
	state := r.citizen.State
	if s.opt.Rested != nil {
		var err error
		state, err = s.opt.Rested(state, s.opt.Now(), func(serial uint64) []byte {
			if i := slices.Index(r.serials, serial); i >= 0 {
				return r.tickets[i].head
			}
			if slices.Contains(r.awake, strconv.FormatUint(serial, 10)) {
				return nil
			}
			rec, err := s.ticket(ctx, r.citizen.ID.Shard, serial)
			if err != nil || rec.awake {
				return nil
			}
			return rec.Head
		})
		if err != nil {
			return nil, fmt.Errorf("%w: the state of a citizen: %w", ErrDamaged, err)
		}
	}
	return r.citizen.key.seal(citizenKey(r.citizen.ID), "s", state), nil
}

// restTicket reads a ticket with its SMS; where all of them have ended, it goes to rest.
func (s *Store) restTicket(ctx context.Context, r *resting, serial uint64) error {
	shard := r.citizen.ID.Shard
	rec, err := s.ticket(ctx, shard, serial)
	if errors.Is(err, ErrNotFound) || (err == nil && !rec.awake) {
		return nil
	}
	if err != nil {
		return err
	}
	t := &restedTicket{owner: rec.Owner.Hash, head: rec.Head, plain: map[string][]byte{}, sealed: map[string][]byte{}, sms: rec.rested}
	if t.index, err = IndexOf(rec.Head); err != nil {
		return err
	}
	for f, data := range rec.Entries {
		switch {
		case slices.ContainsFunc(t.sms, func(m restedSMS) bool { return f == "m"+strconv.Itoa(m.field) }):
		case rec.plain[f] && f[0] == 'w': // how a text came, by which session: it tells of a link's hours, as the ways of tries do
		case rec.plain[f]:
			t.plain[f] = data
		default:
			t.sealed[f] = data
		}
	}
	keys, states := []string{}, []string{}
	for f, data := range t.plain {
		n, err := strconv.Atoi(strings.TrimPrefix(f, "m"))
		if err != nil || f[0] != 'm' || ticketOfSMS(string(data)) != serial {
			continue
		}
		m, ended, err := s.restSMS(ctx, r, string(data))
		if err != nil {
			return err
		}
		if !ended {
			r.awake = append(r.awake, strconv.FormatUint(serial, 10))
			return nil
		}
		if m == nil {
			continue
		}
		m.field = n
		t.sms = append(t.sms, *m)
		keys, states = append(keys, smsKey(shard, m.id)), append(states, m.fields["st"])
	}
	for _, m := range t.sms {
		delete(t.plain, "m"+strconv.Itoa(m.field))
	}
	slices.SortFunc(t.sms, func(a, b restedSMS) int { return a.field - b.field })
	r.tickets, r.serials = append(r.tickets, t), append(r.serials, serial)
	r.sms, r.states = append(r.sms, keys...), append(r.states, states...)
	return nil
}

// restSMS reads an SMS that has ended; nil: it does not stand.
func (s *Store) restSMS(ctx context.Context, r *resting, id string) (m *restedSMS, ended bool, err error) {
	shard := r.citizen.ID.Shard
	f, err := s.rdb.HGetAll(ctx, smsKey(shard, id)).Result()
	if err != nil || len(f) == 0 {
		return nil, true, err
	}
	switch f["st"] {
	case StateDelivered, StateUndeliverable, StateExpired:
	case StateSent:
		if !fromMillis(f["t:sent"]).Before(r.before) {
			return nil, false, nil // a receipt may come
		}
	default:
		return nil, false, nil
	}
	m = &restedSMS{id: id, fields: f}
	if f["x"] != "" {
		text, err := r.citizen.key.unseal(smsKey(shard, id), "x", []byte(f["x"]))
		if err != nil {
			return nil, false, err
		}
		m.text = string(text)
	}
	return m, true, nil
}

// restLoop lays to rest what may, until ctx ends.
func (s *Store) restLoop(ctx context.Context) {
	tick := time.NewTicker(restEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if ok, _ := s.Health(); !ok || !s.settled(ctx) {
			continue
		}
		for ctx.Err() == nil {
			n, err := s.Rest(ctx, s.opt.Now().Add(-s.opt.RestAfter))
			if err != nil && ctx.Err() == nil {
				s.opt.Log.Warn("what may rest is not laid to rest yet", zap.Error(err))
			}
			if n == 0 || err != nil {
				break
			}
		}
	}
}
