package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// TicketQuery says which tickets a list holds. The zero value is all of them.
type TicketQuery struct {
	Status     []string  // any of these; none: whatever it is
	Agency     *string   // of this agency, "" the triage desk; nil: of any
	Open       bool      // open ones only: found by their index, at once
	OverdueAt  time.Time // whose time had run out by then; zero: whether or not
	ExternalID string    // that the case system knows by this id; empty: any
}

// How much of the store one page looks at. A page that would take more ends early, with a cursor.
const (
	listMost    = 500    // tickets of a page, at most
	listLooks   = 1024   // of the open tickets of a shard, at a time
	listLooksIn = 200000 // of all open tickets, for a page
	walkOnce    = 64     // serials of a shard, at a time
	walkIn      = 8000   // of all serials, for a page
)

// Wants tells whether a ticket with this index belongs to the list.
func (q *TicketQuery) Wants(x TicketIndex) bool {
	return (!q.Open || x.Open) &&
		(len(q.Status) == 0 || slices.Contains(q.Status, x.Status)) &&
		(q.Agency == nil || x.Agency == *q.Agency) &&
		(q.OverdueAt.IsZero() || (!x.DueAt.IsZero() && !q.OverdueAt.Before(x.DueAt))) &&
		(q.ExternalID == "" || x.ExternalID == q.ExternalID)
}

// ListTickets gives the tickets that q wants, newest first, and where the list goes on; "" is its end. A page may hold fewer
// than limit, even none, and go on all the same: what a page looks at is bounded. A cursor stays right while tickets come
// and change: none is given twice, and none that stood all the while is left out. It belongs to the query: with another it is
// ErrCursor.
func (s *Store) ListTickets(ctx context.Context, q TicketQuery, cursor string, limit int) ([]TicketRecord, string, error) {
	limit = min(max(limit, 1), listMost)
	if q.ExternalID != "" {
		return s.listExternal(ctx, q, cursor, limit)
	}
	at, err := s.readListCursor(&q, cursor)
	if err != nil {
		return nil, "", err
	}
	if cursor == "" && (!q.Open || !s.indexReady(ctx)) {
		if at, err = s.walkFrom(ctx); err != nil {
			return nil, "", err
		}
	}
	var refs []ticketRef
	var next *listCursor
	if at.walk {
		refs, next, err = s.walkPage(ctx, &q, at, limit)
	} else {
		refs, next, err = s.openPage(ctx, &q, at, limit)
	}
	if err != nil {
		return nil, "", fmt.Errorf("list tickets: %w", err)
	}
	recs, err := s.listed(ctx, &q, refs)
	return recs, s.listCursor(&q, next), err
}

// FindExternal says which ticket the case system knows by id. ErrNotFound where none.
func (s *Store) FindExternal(ctx context.Context, id string) (shard int, serial uint64, err error) {
	recs, _, err := s.ListTickets(ctx, TicketQuery{ExternalID: id}, "", 1)
	if err != nil {
		return 0, 0, err
	}
	if len(recs) == 0 {
		return 0, 0, fmt.Errorf("a ticket by its external id: %w", ErrNotFound)
	}
	return recs[0].Shard, recs[0].Serial, nil
}

// listExternal looks into all shards at once: an external id does not tell its shard.
func (s *Store) listExternal(ctx context.Context, q TicketQuery, cursor string, limit int) ([]TicketRecord, string, error) {
	if cursor != "" {
		return nil, "", ErrCursor // such a list has one page
	}
	name := s.keys.externalName(q.ExternalID)
	pipe := s.rdb.Pipeline()
	var cmds [Shards]*redis.StringCmd
	for shard := range Shards {
		cmds[shard] = pipe.HGet(ctx, aliasKey(shard, name), name)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var refs []ticketRef
	for shard, cmd := range cmds {
		v, err := cmd.Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, "", fmt.Errorf("look for an external id: %w", err)
		}
		for serial := range strings.SplitSeq(v, ",") {
			if serial != "" {
				refs = append(refs, ticketRef{shard: shard, serial: serial})
			}
		}
	}
	recs, err := s.listed(ctx, &q, refs)
	slices.SortStableFunc(recs, func(a, b TicketRecord) int { return filedAt(b).Compare(filedAt(a)) })
	return recs[:min(len(recs), limit)], "", err
}

func filedAt(r TicketRecord) time.Time {
	x, _ := IndexOf(r.Head)
	return x.FiledAt
}

// ticketRef is a ticket as lists find it.
type ticketRef struct {
	ms     int64 // when it was filed
	shard  int
	serial string
}

// compare puts the newest first; of one moment by shard, and in it as Redis sorts them.
func (r ticketRef) compare(o ticketRef) int {
	return cmp.Or(cmp.Compare(o.ms, r.ms), cmp.Compare(r.shard, o.shard), cmp.Compare(o.serial, r.serial))
}

// listed reads the tickets of a page, all at once. Each is looked at again: what changed meanwhile is left out.
func (s *Store) listed(ctx context.Context, q *TicketQuery, refs []ticketRef) ([]TicketRecord, error) {
	jobs := make([]*job, len(refs))
	for i, r := range refs {
		jobs[i] = s.lines.start(ctx, scriptRead, []string{tag(r.shard) + "t:" + r.serial}, []any{"o"})
	}
	recs := make([]TicketRecord, 0, len(refs))
	for i, r := range refs {
		reply, err := s.lines.wait1(ctx, jobs[i])
		if err != nil {
			return nil, fmt.Errorf("read a ticket of a list: %w", err)
		}
		rec, err := s.ticketOf(r.shard, r.number(), asList(reply))
		var x TicketIndex
		if err == nil {
			x, err = IndexOf(rec.Head)
		}
		switch {
		case errors.Is(err, ErrNotFound):
		case errors.Is(s.hurt(err), ErrDamaged):
			s.opt.Log.Error("a ticket of a list cannot be read", zap.Int("shard", r.shard), zap.Uint64("serial", r.number()), zap.Error(err))
		case err != nil:
			return nil, err
		case q.Wants(x):
			recs = append(recs, rec)
		}
	}
	return recs, nil
}
