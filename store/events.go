package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// HandoffRef names a subject with events to hand on, in order: a ticket, or a citizen.
type HandoffRef struct {
	Shard   int
	Subject string
}

// eventBody is an event as it stands in the stream and in what is handed on.
type eventBody struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Ticket  uint64          `json:"ticket"`
	Citizen string          `json:"citizen"`
	At      int64           `json:"at"` // ms
	Data    json.RawMessage `json:"data,omitempty"`
}

func encodeEvent(e Event, c CitizenID) []byte {
	b, err := json.Marshal(eventBody{ID: e.ID, Type: e.Type, Ticket: e.Ticket, Citizen: c.Hash, At: millis(e.At), Data: e.Data})
	if err != nil { // only Data can be no JSON; the event is worth more than its indexes
		b, _ = json.Marshal(eventBody{ID: e.ID, Type: e.Type, Ticket: e.Ticket, Citizen: c.Hash, At: millis(e.At)})
	}
	return b
}

func decodeEvent(shard int, stored string) (Event, error) {
	var b eventBody
	if err := json.Unmarshal([]byte(stored), &b); err != nil {
		return Event{}, damaged(eventsKey(shard), "e", errors.New("it is no event"))
	}
	return Event{
		ID: b.ID, Type: b.Type, Ticket: b.Ticket, At: fromMillis(strconv.FormatInt(b.At, 10)), Data: b.Data,
		Shard: shard, Citizen: b.Citizen,
	}, nil
}

// subjectOf is what events must stay in order for: the ticket, else the citizen.
func subjectOf(ticket uint64, c CitizenID) string {
	if ticket != 0 {
		return "t" + strconv.FormatUint(ticket, 10)
	}
	return "c" + c.Hash
}

// Handoff gives the first n events of a subject that are still to be handed on.
func (s *Store) Handoff(ctx context.Context, ref HandoffRef, n int) ([]Event, error) {
	bodies, err := s.rdb.LRange(ctx, handoffKey(ref.Shard, ref.Subject), 0, int64(n)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("read events to hand on: %w", err)
	}
	return decodeEvents(ref.Shard, bodies)
}

func decodeEvents(shard int, bodies []string) ([]Event, error) {
	events := make([]Event, 0, len(bodies))
	for _, b := range bodies {
		e, err := decodeEvent(shard, b)
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

// Handed says that the subject's first event was handed on. Where more wait behind it, they are left to the caller
// until leaseUntil.
func (s *Store) Handed(ctx context.Context, ref HandoffRef, eventID string, leaseUntil time.Time) (more bool, err error) {
	reply, err := s.lines.do(ctx, scriptHanded, ref.keys(),
		ref.Subject, eventID, millis(leaseUntil))
	if err != nil {
		return false, err
	}
	n, _ := reply.(int64)
	return n > 0, nil
}

// Postpone leaves a subject's events alone until at.
func (s *Store) Postpone(ctx context.Context, ref HandoffRef, at time.Time) error {
	err := s.rdb.ZAddXX(ctx, dueKey(ref.Shard), redis.Z{Score: float64(millis(at)), Member: string(dueHandoff) + ref.Subject}).Err()
	if err != nil {
		return fmt.Errorf("postpone events to hand on: %w", judge(err))
	}
	return nil
}

// Events gives up to limit events behind cursor ("": the oldest kept), in order for each ticket, and the cursor behind
// them. ErrCursor where events behind the cursor are no longer kept.
func (s *Store) Events(ctx context.Context, cursor string, limit int) ([]Event, string, error) {
	at, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	events, behind, err := s.EventsAfter(ctx, Cursor{at}, limit)
	return events, behind.String(), err
}

// EventsAfter is [Store.Events] for who reads on and on.
func (s *Store) EventsAfter(ctx context.Context, cursor Cursor, limit int) ([]Event, Cursor, error) {
	at := cursor.at
	limit = max(1, min(limit, 1000))
	pipe := s.rdb.Pipeline()
	found := make([]*redis.XMessageSliceCmd, Shards)
	first := make([]*redis.XMessageSliceCmd, Shards)
	for shard := range Shards {
		from := "-"
		if at[shard] != (position{}) {
			from = "(" + at[shard].String()
			first[shard] = pipe.XRangeN(ctx, eventsKey(shard), "-", "+", 1)
		}
		found[shard] = pipe.XRangeN(ctx, eventsKey(shard), from, "+", int64(limit))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, Cursor{}, fmt.Errorf("read events: %w", err)
	}
	type entry struct {
		at    position
		shard int
		body  string
	}
	var all []entry
	gone := position{ms: uint64(max(0, s.opt.Now().Add(-s.Keeping().Retention.Events).UnixMilli()))}
	for shard := range Shards {
		if c := first[shard]; c != nil {
			oldest := gone
			if msgs := c.Val(); len(msgs) > 0 {
				oldest, _ = parsePosition(msgs[0].ID)
			}
			if at[shard].ms < gone.ms && at[shard].before(oldest) {
				return nil, Cursor{}, ErrCursor
			}
		}
		for _, m := range found[shard].Val() {
			p, err := parsePosition(m.ID)
			if err != nil {
				return nil, Cursor{}, damaged(eventsKey(shard), m.ID, err)
			}
			all = append(all, entry{p, shard, asString(m.Values["e"])})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		if c := a.at.compare(b.at); c != 0 {
			return c
		}
		return a.shard - b.shard
	})
	all = all[:min(limit, len(all))]
	events := make([]Event, 0, len(all))
	for _, e := range all {
		ev, err := decodeEvent(e.shard, e.body)
		if err != nil {
			return nil, Cursor{}, err
		}
		ev.at = e.at
		events = append(events, ev)
		at[e.shard] = e.at
	}
	return events, Cursor{at}, nil
}

// LastEvent is the cursor behind all events that are there now.
func (s *Store) LastEvent(ctx context.Context) (Cursor, error) {
	pipe := s.rdb.Pipeline()
	last := make([]*redis.XMessageSliceCmd, Shards)
	for shard := range Shards {
		last[shard] = pipe.XRevRangeN(ctx, eventsKey(shard), "+", "-", 1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return Cursor{}, fmt.Errorf("look for the last events: %w", err)
	}
	var c Cursor
	for shard := range Shards {
		for _, m := range last[shard].Val() {
			p, err := parsePosition(m.ID)
			if err != nil {
				return Cursor{}, damaged(eventsKey(shard), m.ID, err)
			}
			c.at[shard] = p
		}
	}
	return c, nil
}

// TrimEvents forgets the events older than they are kept, in every shard.
func (s *Store) TrimEvents(ctx context.Context) error {
	oldest := strconv.FormatInt(s.opt.Now().Add(-s.Keeping().Retention.Events).UnixMilli(), 10)
	pipe := s.rdb.Pipeline()
	for shard := range Shards {
		pipe.XTrimMinID(ctx, eventsKey(shard), oldest)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("trim events: %w", err)
	}
	return nil
}
