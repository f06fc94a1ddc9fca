package store

import (
	"context"
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

// Announce tells the case system something of the line as a whole. data is JSON without anything personal.
func (s *Store) Announce(ctx context.Context, kind string, now time.Time, data []byte) error {
	const shard = 0 // order among themselves is worth more than a spread of so few
	e := Event{ID: s.NewID(shard), Type: kind, At: now, Data: data}
	due := ""
	if s.Keeping().Handoffs {
		due = fmt.Sprint(millis(now))
	}
	_, err := s.lines.do(ctx, scriptAnnounce, []string{eventsKey(shard), dueKey(shard), handoffKey(shard, lineSubject)},
		lineSubject, encodeEvent(e, CitizenID{Shard: shard}), due)
	if err != nil {
		return fmt.Errorf("announce %s: %w", kind, err)
	}
	return nil
}
