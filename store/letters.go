package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Letter is something that waits for a person: an SMS in state dead (Event is empty), or an event that was not taken.
type Letter struct {
	ID      string // of the SMS or of the event
	Shard   int
	Event   string // its type; "": an SMS
	Ticket  uint64 // serial; 0: none
	At      time.Time
	Error   string
	Tries   int
	Waiting int       // events of the same subject, the first among them; of an SMS: 1
	Next    time.Time // an event: tried again then by itself
}

// Parked is what is told of an event that was given up for now.
type Parked struct {
	Event Event
	Why   string // constant words
	Tries int
	Since time.Time
	Until time.Time // tried again then by itself
}

// parkedBody is how it stands.
type parkedBody struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Ticket uint64 `json:"ticket"`
	Why    string `json:"why"`
	Tries  int    `json:"tries"`
	Until  int64  `json:"until"` // ms
}

// keys are those of a subject's events, as the scripts about them take them.
func (r HandoffRef) keys() []string {
	return []string{dueKey(r.Shard), handoffKey(r.Shard, r.Subject), parkedKey(r.Shard), lettersKey(r.Shard)}
}

// Park gives the subject's first event up for now: it waits for a person, and is due again at p.Until. Where another event
// is first meanwhile, nothing is written.
func (s *Store) Park(ctx context.Context, ref HandoffRef, p Parked) error {
	told, err := json.Marshal(parkedBody{
		ID: p.Event.ID, Type: p.Event.Type, Ticket: p.Event.Ticket, Why: p.Why, Tries: p.Tries, Until: millis(p.Until),
	})
	if err != nil {
		return fmt.Errorf("park an event: %w", err)
	}
	_, err = s.lines.do(ctx, scriptPark, ref.keys(), ref.Subject, p.Event.ID, millis(p.Since), millis(p.Until), told)
	if err != nil {
		return fmt.Errorf("park an event: %w", err)
	}
	return nil
}

// Waiting gives the first n events of a subject that are still to be handed on; parked: until when they are left alone
// because the first of them waits for a person, zero: it does not.
func (s *Store) Waiting(ctx context.Context, ref HandoffRef, n int) (events []Event, parked time.Time, err error) {
	pipe := s.rdb.Pipeline()
	bodies := pipe.LRange(ctx, handoffKey(ref.Shard, ref.Subject), 0, int64(n)-1)
	info := pipe.HGet(ctx, lettersKey(ref.Shard), ref.Subject)
	if _, err := pipe.Exec(ctx); err != nil && bodies.Err() != nil {
		return nil, time.Time{}, fmt.Errorf("read events to hand on: %w", judge(err))
	}
	var p parkedBody
	if json.Unmarshal([]byte(info.Val()), &p) == nil && p.Until > 0 {
		parked = time.UnixMilli(p.Until).UTC()
	}
	events, err = decodeEvents(ref.Shard, bodies.Val())
	return events, parked, err
}

// Letters gives what waits for a person behind cursor ("": from the beginning), the oldest first, and the cursor behind
// it; "": that was all. ErrCursor where the cursor is none.
func (s *Store) Letters(ctx context.Context, cursor string, limit int, sms, events bool) ([]Letter, string, error) {
	after, err := parseLetter(cursor)
	if err != nil {
		return nil, "", err
	}
	limit = max(1, min(limit, 500))
	var found []letterPlace
	if sms {
		if found, err = s.letterPlaces(ctx, found, deadKey, false, after, limit); err != nil {
			return nil, "", err
		}
	}
	if events {
		if found, err = s.letterPlaces(ctx, found, parkedKey, true, after, limit); err != nil {
			return nil, "", err
		}
	}
	slices.SortFunc(found, letterPlace.compare)
	next := ""
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].String()
	}
	letters, err := s.letters(ctx, found)
	return letters, next, err
}

// letterPlace is where a letter stands among the others; its String is the opaque cursor.
type letterPlace struct {
	ms    int64
	shard int
	event bool
	name  string // id of an SMS, or subject
}

func (p letterPlace) compare(q letterPlace) int {
	return cmp.Or(cmp.Compare(p.ms, q.ms), cmp.Compare(p.shard, q.shard), cmp.Compare(flag(p.event), flag(q.event)), cmp.Compare(p.name, q.name))
}

func (p letterPlace) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %d %s", p.ms, p.shard, flag(p.event), p.name))
}

func parseLetter(cursor string) (letterPlace, error) {
	var p letterPlace
	if cursor == "" {
		p.ms = -1
		return p, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return p, ErrCursor
	}
	f := strings.Split(string(b), " ")
	if len(f) != 4 {
		return p, ErrCursor
	}
	var err2 error
	p.ms, err = strconv.ParseInt(f[0], 10, 64)
	p.shard, err2 = strconv.Atoi(f[1])
	p.event, p.name = f[2] == "1", f[3]
	if err != nil || err2 != nil || p.ms < 0 || p.shard < 0 || p.shard >= Shards {
		return p, ErrCursor
	}
	return p, nil
}

// letterPlaces appends the first limit+1 places of each shard behind after.
func (s *Store) letterPlaces(ctx context.Context, found []letterPlace, key func(int) string, event bool, after letterPlace, limit int) ([]letterPlace, error) {
	offsets := make(map[int]int64, Shards)
	for shard := range Shards {
		offsets[shard] = 0
	}
	from := "-inf"
	if after.ms >= 0 {
		from = strconv.FormatInt(after.ms, 10)
	}
	for len(offsets) > 0 {
		pipe := s.rdb.Pipeline()
		cmds := make(map[int]*redis.ZSliceCmd, len(offsets))
		for shard, off := range offsets {
			cmds[shard] = pipe.ZRangeByScoreWithScores(ctx, key(shard), &redis.ZRangeBy{Min: from, Max: "+inf", Offset: off, Count: int64(limit) + 1})
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return nil, fmt.Errorf("list what waits for a person: %w", judge(err))
		}
		for shard, c := range cmds {
			n := 0
			for _, z := range c.Val() {
				name, _ := z.Member.(string)
				p := letterPlace{ms: int64(z.Score), shard: shard, event: event, name: name}
				if p.compare(after) > 0 {
					found = append(found, p)
					n++
				}
			}
			if got := len(c.Val()); n == 0 && got > limit { // a page of one moment, all before the cursor
				offsets[shard] += int64(got)
				continue
			}
			delete(offsets, shard)
		}
	}
	return found, nil
}

// letters reads what stands at these places.
func (s *Store) letters(ctx context.Context, places []letterPlace) ([]Letter, error) {
	pipe := s.rdb.Pipeline()
	type read struct {
		sms    *redis.SliceCmd
		info   *redis.StringCmd
		behind *redis.IntCmd
	}
	reads := make([]read, len(places))
	for i, p := range places {
		if p.event {
			reads[i].info = pipe.HGet(ctx, lettersKey(p.shard), p.name)
			reads[i].behind = pipe.LLen(ctx, handoffKey(p.shard, p.name))
		} else {
			reads[i].sms = pipe.HMGet(ctx, smsKey(p.shard, p.name), "tk", "er", "tr")
		}
	}
	if len(places) == 0 {
		return nil, nil
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	out := make([]Letter, 0, len(places))
	for i, p := range places {
		l := Letter{ID: p.name, Shard: p.shard, At: time.UnixMilli(p.ms).UTC(), Waiting: 1}
		if !p.event {
			f, err := reads[i].sms.Result()
			if err != nil {
				return nil, fmt.Errorf("read what waits for a person: %w", judge(err))
			}
			l.Ticket, _ = strconv.ParseUint(asString(f[0]), 10, 64)
			l.Error = asString(f[1])
			l.Tries, _ = strconv.Atoi(asString(f[2]))
			out = append(out, l)
			continue
		}
		var b parkedBody
		if err := json.Unmarshal([]byte(reads[i].info.Val()), &b); err != nil {
			continue // taken between the two looks
		}
		l.ID, l.Event, l.Ticket, l.Error, l.Tries = b.ID, b.Type, b.Ticket, b.Why, b.Tries
		l.Waiting, l.Next = int(reads[i].behind.Val()), time.UnixMilli(b.Until).UTC()
		out = append(out, l)
	}
	return out, nil
}

// Letter reads one of them. ErrNotFound: nothing of this id waits for a person.
func (s *Store) Letter(ctx context.Context, id string) (Letter, error) {
	shard, ok := ShardOf(id)
	if !ok {
		return Letter{}, ErrNotFound
	}
	pipe := s.rdb.Pipeline()
	dead := pipe.ZScore(ctx, deadKey(shard), id)
	subject := pipe.HGet(ctx, lettersKey(shard), "e:"+id)
	_, _ = pipe.Exec(ctx)
	p := letterPlace{shard: shard, name: id}
	switch {
	case dead.Err() == nil:
		p.ms = int64(dead.Val())
	case subject.Err() == nil:
		p.event, p.name = true, subject.Val()
		at, err := s.rdb.ZScore(ctx, parkedKey(shard), p.name).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return Letter{}, fmt.Errorf("read what waits for a person: %w", judge(err))
		}
		p.ms = int64(at)
	case errors.Is(dead.Err(), redis.Nil) && errors.Is(subject.Err(), redis.Nil):
		return Letter{}, ErrNotFound
	default:
		return Letter{}, fmt.Errorf("read what waits for a person: %w", judge(errors.Join(ignoreNil(dead.Err()), ignoreNil(subject.Err()))))
	}
	l, err := s.letters(ctx, []letterPlace{p})
	if err != nil {
		return Letter{}, err
	}
	if len(l) == 0 {
		return Letter{}, ErrNotFound
	}
	return l[0], nil
}

// RetryLetter lets an SMS that waits dead go out once more, or an event be handed on now; by stands in the audit trail.
// ErrNotFound: it does not wait any
// more. ErrErased: the text of the SMS is gone.
func (s *Store) RetryLetter(ctx context.Context, id string, now time.Time, by Audit) error {
	by.Action = AuditRetry
	return s.decide(ctx, id, now, false, by)
}

// DropLetter gives it up for good: the SMS ends undeliverable, the event is not handed on (it can still be pulled), and
// what waits behind it goes on.
func (s *Store) DropLetter(ctx context.Context, id string, now time.Time, by Audit) error {
	by.Action = AuditDrop
	return s.decide(ctx, id, now, true, by)
}

func (s *Store) decide(ctx context.Context, id string, now time.Time, drop bool, by Audit) error {
	shard, ok := ShardOf(id)
	if !ok {
		return ErrNotFound
	}
	subject, err := s.rdb.HGet(ctx, lettersKey(shard), "e:"+id).Result()
	by.Ref = id
	var reply any
	switch {
	case err == nil:
		ref := HandoffRef{Shard: shard, Subject: subject}
		reply, err = s.lines.do(ctx, scriptUnpark, append(ref.keys(), auditKey(shard)), subject, id, millis(now), flag(drop), by.encode())
	case errors.Is(err, redis.Nil):
		reply, err = s.lines.do(ctx, scriptRevive, []string{dueKey(shard), smsKey(shard, id), deadKey(shard), queuedKey(shard), auditKey(shard)},
			id, millis(now), flag(drop), by.encode())
	}
	if err != nil {
		return fmt.Errorf("decide on what waits for a person: %w", judge(err))
	}
	switch n, _ := reply.(int64); n {
	case 1:
		return nil
	case -1:
		return ErrErased
	default:
		return ErrNotFound
	}
}

// ignoreNil leaves out what only says that nothing stands there.
func ignoreNil(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}
