package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Stats is how much waits in the store.
type Stats struct {
	Queued   int       // SMS not accepted yet, nor ended
	Held     int       // of these, in the hands of this boot
	Later    int       // of these, held by quiet hours
	Oldest   time.Time // since when the oldest of the others waits; zero: none
	Dead     int       // SMS that wait for a person
	Parked   int       // subjects whose first event waits for a person
	DueSMS   int       // entries that wait for their time
	DueTicks int
	Groups   int // long SMS not whole
	Handoffs int // subjects with events to hand on
}

// Stats counts, in one pipeline over all shards.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	type counts struct {
		queued, later, held, dead, parked *redis.IntCmd
		oldest                            *redis.ZSliceCmd
	}
	pipe := s.rdb.Pipeline()
	all := make([]counts, Shards)
	now := strconv.FormatInt(millis(s.opt.Now()), 10)
	boot := s.BootID()
	for shard := range Shards {
		all[shard] = counts{
			queued: pipe.ZCard(ctx, queuedKey(shard)),
			later:  pipe.ZCount(ctx, queuedKey(shard), "("+now, "+inf"),
			held:   pipe.SCard(ctx, heldKey(shard, boot)),
			dead:   pipe.ZCard(ctx, deadKey(shard)),
			parked: pipe.ZCard(ctx, parkedKey(shard)),
			oldest: pipe.ZRangeWithScores(ctx, queuedKey(shard), 0, 0),
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return Stats{}, fmt.Errorf("count what waits: %w", err)
	}
	var st Stats
	for _, c := range all {
		st.Queued += int(c.queued.Val())
		st.Later += int(c.later.Val())
		st.Held += int(c.held.Val())
		st.Dead += int(c.dead.Val())
		st.Parked += int(c.parked.Val())
		if z := c.oldest.Val(); len(z) > 0 && c.queued.Val() > c.later.Val() {
			at := time.UnixMilli(int64(z[0].Score)).UTC()
			if st.Oldest.IsZero() || at.Before(st.Oldest) {
				st.Oldest = at
			}
		}
	}
	return st, s.countDue(ctx, &st)
}

// countDue counts the due entries by kind: all shards' scans travel together.
func (s *Store) countDue(ctx context.Context, st *Stats) error {
	cursors := map[int]uint64{}
	for shard := range Shards {
		cursors[shard] = 0
	}
	for len(cursors) > 0 {
		pipe := s.rdb.Pipeline()
		scans := map[int]*redis.ScanCmd{}
		for shard, cursor := range cursors {
			scans[shard] = pipe.ZScan(ctx, dueKey(shard), cursor, "", 1000)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("count what is due: %w", err)
		}
		for shard, scan := range scans {
			members, next, _ := scan.Result()
			st.add(members)
			if cursors[shard] = next; next == 0 {
				delete(cursors, shard)
			}
		}
	}
	return nil
}

// add counts members of a due set; each is followed by its score.
func (st *Stats) add(members []string) {
	for i := 0; i < len(members); i += 2 {
		switch members[i][0] {
		case dueSMS:
			st.DueSMS++
		case dueTick:
			st.DueTicks++
		case dueGroup:
			st.Groups++
		case dueHandoff:
			st.Handoffs++
		}
	}
}
