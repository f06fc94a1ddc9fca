package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// How a store of form 1 becomes one of form 2, beside daemons of the version before:
//
//	form 1 ──each daemon that lives knows form 2 (its heartbeat says so)──▶ form 2: an older program is refused from now on
//	       ──every ticket is looked at once, in small steps──▶ {line}:index is whole: lists come from the index
//	       ──nothing happened for Options.RestAfter──▶ a citizen and the tickets rest
//
// Until then both forms are read and written, and a list is found by walking all tickets. Each step may be cut off anywhere
// and is taken up where it stood.

// indexOnce is how many tickets one script enters into the index.
const indexOnce = 24

// settled tells whether the store has this version's form, every daemon knows it, and every ticket is in the index; it does
// what is still to be done for that.
func (s *Store) settled(ctx context.Context) bool {
	n, err := s.lines.do(ctx, scriptForm, []string{schemaKey(), bootsKey(), formsKey()}, schemaVersion, schemaVersion-1)
	if err != nil {
		s.opt.Log.Warn("the stored form is not known", zap.Error(err))
		return false
	}
	if n, ok := n.(int64); !ok || n != 1 {
		return false
	}
	if s.indexReady(ctx) {
		return true
	}
	err = s.buildIndex(ctx)
	if err != nil && ctx.Err() == nil {
		s.opt.Log.Warn("the index of open tickets is not whole yet: lists look at every ticket", zap.Error(err))
	}
	return err == nil
}

// buildIndex enters every ticket of an older version into the index, from where the last one who did so had come.
func (s *Store) buildIndex(ctx context.Context) error {
	from, err := s.rdb.Get(ctx, indexKey()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("read how far the index is: %w", err)
	}
	if from == indexWhole {
		return nil
	}
	s.opt.Log.Info("the index of open tickets is being made", zap.String("from", from))
	shard, serial, err := parseScan(from)
	if err != nil {
		shard, serial = 0, firstSerial
	}
	for ; shard < Shards; shard, serial = shard+1, firstSerial {
		last, err := s.rdb.Get(ctx, serialKey(shard)).Uint64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("read the serials of shard %02d: %w", shard, err)
		}
		for serial <= last {
			to := min(serial+8*indexOnce-1, last)
			if err := s.index(ctx, shard, serial, to); err != nil {
				return err
			}
			serial = to + 1
			if err := s.rdb.Set(ctx, indexKey(), scanCursor(shard, serial), 0).Err(); err != nil {
				return fmt.Errorf("write how far the index is: %w", err)
			}
		}
	}
	if err := s.rdb.Set(ctx, indexKey(), indexWhole, 0).Err(); err != nil {
		return fmt.Errorf("write that the index is whole: %w", err)
	}
	s.opt.Log.Info("the index of open tickets is whole")
	return nil
}

// index enters the tickets of a range.
func (s *Store) index(ctx context.Context, shard int, from, to uint64) error {
	var reads, writes []*job
	for n := from; n <= to; n += indexOnce {
		var keys []string
		for i := n; i <= min(to, n+indexOnce-1); i++ {
			keys = append(keys, ticketKey(shard, i))
		}
		reads = append(reads, s.lines.start(ctx, scriptHeads, keys, []any{"h"}))
	}
	for _, j := range reads {
		reply, err := s.lines.wait1(ctx, j)
		if err != nil {
			return fmt.Errorf("read tickets for the index: %w", err)
		}
		var keys []string
		args := []any{millis(s.opt.Now())}
		for i, stored := range asStrings(asList(reply)) {
			if stored == "" || strings.HasPrefix(stored, string(packedForm)) {
				continue
			}
			head, err := decodeHead(j.keys[i], stored)
			var x TicketIndex
			if err == nil {
				x, err = IndexOf(head)
			}
			if err != nil { // whoever reads it is told
				s.opt.Log.Error("a ticket does not enter the index", zap.String("ticket", j.keys[i]), zap.Error(s.hurt(err)))
				continue
			}
			keys, args = append(keys, j.keys[i]), append(args, stored, x.entry(s.keys, j.keys[i]))
		}
		if len(keys) > 0 {
			writes = append(writes, s.lines.start(ctx, scriptIndex, keys, args))
		}
	}
	for _, j := range writes {
		if _, err := s.lines.wait1(ctx, j); err != nil {
			return fmt.Errorf("write the index: %w", err)
		}
	}
	return nil
}
