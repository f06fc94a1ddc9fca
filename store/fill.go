package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"
)

// What fills a store with the tickets of years, for tests and measurements. It writes citizens at rest, packed by what packs
// those of the daemon; a line in use is never filled.

// FilledCitizen is a citizen with all tickets, to whom nothing happened for long.
type FilledCitizen struct {
	Citizen Citizen // from Assume
	State   []byte
	TickAt  time.Time
	Tickets []FilledTicket
}

// FilledTicket is a ticket of such a citizen.
type FilledTicket struct {
	Serial  uint64
	Head    []byte
	Entries []Entry // but for the ids of SMS
	SMS     []FilledSMS
}

// FilledSMS is an SMS of such a ticket that has come to its end.
type FilledSMS struct {
	SMS
	State    string
	Error    string
	Accepted []string
	Times    map[string]time.Time
}

// SMSIDAt makes the id that an SMS about a ticket would have got at a time.
func SMSIDAt(entropy io.Reader, at time.Time, shard int, serial uint64) string {
	id := ulid.MustNew(ulid.Timestamp(at), entropy)
	if serial != 0 && serial < 1<<40 {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], serial)
		copy(id[6:11], b[3:])
	}
	return fmt.Sprintf("%s%02d", id, shard)
}

// ReserveSerials takes n serials of a shard, and gives the first.
func (s *Store) ReserveSerials(ctx context.Context, shard, n int) (uint64, error) {
	got, err := s.serials.reserveBlocks(ctx, map[int]uint64{shard: uint64(n)})
	if err != nil {
		return 0, err
	}
	return got[shard].last - uint64(n) + 1, nil
}

// fillTries is how often a write is tried whose answer did not come in time: the same once more changes nothing.
const fillTries = 10

// Fill writes citizens at rest, all in one go.
func (s *Store) Fill(ctx context.Context, citizens []FilledCitizen) error {
	for try := 1; ; try++ {
		pipe := s.rdb.Pipeline()
		for i := range citizens {
			if err := s.fill(ctx, pipe, &citizens[i]); err != nil {
				return err
			}
		}
		_, err := pipe.Exec(ctx)
		var slow net.Error
		if err == nil || try == fillTries || ctx.Err() != nil || !errors.As(err, &slow) {
			return err
		}
	}
}

func (s *Store) fill(ctx context.Context, pipe redis.Pipeliner, f *FilledCitizen) error {
	c, shard := f.Citizen, f.Citizen.ID.Shard
	key, state := citizenKey(c.ID), f.State
	if s.opt.Rested != nil {
		var err error
		state, err = s.opt.Rested(state, s.opt.Now(), func(serial uint64) []byte {
			if i := slices.IndexFunc(f.Tickets, func(t FilledTicket) bool { return t.Serial == serial }); i >= 0 {
				return f.Tickets[i].Head
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	pipe.HSet(ctx, key, "v", c.Version, "k", c.key.wrapped, "n", c.key.seal(key, "n", []byte(c.Number.Reveal())), "s", c.key.seal(key, "s", state), "f", "1")
	if !f.TickAt.IsZero() {
		pipe.ZAdd(ctx, dueKey(shard), redis.Z{Score: float64(millis(f.TickAt)), Member: string(dueTick) + c.ID.Hash})
	}
	for i := range f.Tickets {
		t := f.Tickets[i].rested(c)
		var err error
		if t.index, err = IndexOf(t.head); err != nil {
			return err
		}
		serial, key := f.Tickets[i].Serial, ticketKey(shard, f.Tickets[i].Serial)
		packed, err := t.pack(s.keys, key, c.key)
		if err != nil {
			return err
		}
		pipe.Set(ctx, key, packed, 0)
		if x := &t.index; x.Open {
			z := redis.Z{Score: float64(millis(x.FiledAt)), Member: serial}
			pipe.ZAdd(ctx, openKey(shard), z)
			if x.Agency != "" {
				pipe.ZAdd(ctx, shelfKey(shard, x.Agency), z)
			}
		}
		if name := s.keys.externalName(t.index.ExternalID); name != "" {
			pipe.HSet(ctx, aliasKey(shard, name), name, serial)
		}
	}
	return nil
}

// rested is the ticket as [Store.Rest] would have packed it.
func (f *FilledTicket) rested(c Citizen) *restedTicket {
	t := &restedTicket{owner: c.ID.Hash, head: f.Head, plain: map[string][]byte{}, sealed: map[string][]byte{}}
	for _, e := range f.Entries {
		if e.Plain && e.Field[0] == 'w' {
			continue
		}
		if e.Plain {
			t.plain[e.Field] = e.Data
		} else {
			t.sealed[e.Field] = e.Data
		}
	}
	for i, m := range f.SMS {
		delete(t.plain, "m"+strconv.Itoa(i+1))
		fields := map[string]string{
			"st": m.State, "l": m.Link, "fr": m.From, "cl": strconv.Itoa(int(m.Class)), "tr": "0", "er": m.Error,
			"q": strconv.FormatInt(millis(m.Times[StateQueued]), 10),
		}
		for state, at := range maps.All(m.Times) {
			fields["t:"+state] = strconv.FormatInt(millis(at), 10)
		}
		if len(m.Accepted) > 0 {
			acc, _ := json.Marshal(m.Accepted) // strings: cannot fail
			fields["acc"] = string(acc)
		}
		t.sms = append(t.sms, restedSMS{field: i + 1, id: m.ID, fields: fields, text: m.Text})
	}
	return t
}
