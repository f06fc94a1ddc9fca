package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Surge is how many complaints of one kind make one.
type Surge struct {
	Count int           // in an hour, at least
	Times float64       // and so many times the usual hour of the week before
	Pause time.Duration // in which it is not told again
}

// Rise is what CountComplaints found.
type Rise struct {
	Hour  int     // complaints of the last hour
	Usual float64 // of an hour of the week before; meaningful where Told
	Told  bool    // a surge, to be told now: nobody else tells it
}

const (
	surgeSlot  = 10 * time.Minute
	surgeHours = 167 // of the week before the last hour
)

func surgeKey(kind string) string  { return lineTag + "surge:" + digest(kind) }
func answersKey(hour int64) string { return lineTag + "answers:" + fmt.Sprint(hour) }

// CountComplaints counts n more complaints of a kind (a category and a place, of which only a digest is kept), and says
// whether the last hour is a surge.
func (s *Store) CountComplaints(ctx context.Context, kind string, n int, now time.Time, g Surge) (Rise, error) {
	reply, err := s.lines.do(ctx, scriptSurge, []string{surgeKey(kind)},
		now.Unix()/int64(surgeSlot/time.Second), n, g.Count, int64(g.Times*1000), int64(g.Pause/surgeSlot))
	if err != nil {
		return Rise{}, fmt.Errorf("count complaints: %w", err)
	}
	l := asList(reply)
	return Rise{Hour: int(asInt(l, 0)), Usual: float64(asInt(l, 1)) / surgeHours, Told: asInt(l, 2) == 1}, nil
}

// CountAnswers counts n more answers of the line, and gives all of this hour.
func (s *Store) CountAnswers(ctx context.Context, n int, now time.Time) (int, error) {
	key := answersKey(now.Unix() / 3600)
	var total *redis.IntCmd
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		total = p.IncrBy(ctx, key, int64(n))
		p.Expire(ctx, key, 2*time.Hour)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count answers: %w", judge(err))
	}
	return int(total.Val()), nil
}

// lineSubject is what events of the line stay in order for.
const lineSubject = "line"

const lineShard = 0 // of events of the line: order among themselves is worth more than a spread of so few

func toldKey() string { return tag(lineShard) + "told" }
func onceKey() string { return tag(lineShard) + "once" }

// Announce tells the case system something of the line as a whole. data is JSON without anything personal.
func (s *Store) Announce(ctx context.Context, kind string, now time.Time, data []byte) error {
	_, err := s.announce(ctx, kind, "", now, data)
	return err
}

// AnnounceOnce tells something of the line once for each mark, whoever else would tell it too; marks of a kind grow (a day,
// as 2026-11-23). told: this call did.
func (s *Store) AnnounceOnce(ctx context.Context, kind, mark string, now time.Time, data []byte) (told bool, err error) {
	return s.announce(ctx, kind, mark, now, data)
}

// AnnouncedMark is the mark of what AnnounceOnce told last of a kind; "": nothing yet.
func (s *Store) AnnouncedMark(ctx context.Context, kind string) (string, error) {
	mark, err := s.rdb.HGet(ctx, onceKey(), kind).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("announced: %w", judge(err))
	}
	return mark, nil
}

// Announced are the events of the line from one time to another, without those that were told once a mark. The last 2,000
// are known.
func (s *Store) Announced(ctx context.Context, from, to time.Time) ([]Event, error) {
	bodies, err := s.rdb.ZRangeByScore(ctx, toldKey(), &redis.ZRangeBy{Min: fmt.Sprint(millis(from)), Max: fmt.Sprintf("(%d", millis(to))}).Result()
	if err != nil {
		return nil, fmt.Errorf("announced: %w", judge(err))
	}
	return decodeEvents(lineShard, bodies)
}

func (s *Store) announce(ctx context.Context, kind, mark string, now time.Time, data []byte) (bool, error) {
	e := Event{ID: s.NewID(lineShard), Type: kind, At: now, Data: data}
	due, once := "", ""
	if s.Keeping().Handoffs {
		due = fmt.Sprint(millis(now))
	}
	if mark != "" {
		once = kind
	}
	reply, err := s.lines.do(ctx, scriptAnnounce,
		[]string{eventsKey(lineShard), dueKey(lineShard), handoffKey(lineShard, lineSubject), toldKey(), onceKey()},
		lineSubject, encodeEvent(e, CitizenID{Shard: lineShard}), due, millis(now), once, mark)
	if err != nil {
		return false, fmt.Errorf("announce %s: %w", kind, err)
	}
	n, _ := reply.(int64)
	return n == 1, nil
}
