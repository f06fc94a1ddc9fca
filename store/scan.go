package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// ScanOptions say what a scan of all tickets gives, and where it begins.
type ScanOptions struct {
	Cursor string        // as an earlier scan told it; empty: from the first ticket
	Whole  bool          // whole tickets; else shard, serial and head alone, which are read ten times as fast
	Pause  time.Duration // between two steps, for whoever else uses the store
}

// How much one step of a scan reads. One script holds Redis for some tenths of a millisecond.
const (
	scanKeys    = 64 // heads that one script reads
	scanScripts = 8  // scripts in one round trip
	scanWhole   = 64 // whole tickets in one round trip
)

// ScanTickets gives every ticket that stood when it began and still does, shard by shard, the oldest serial first, in small
// steps; each is told the tickets of a step (none may be among them) and the cursor behind them, with which a later scan goes
// on. A ticket that cannot be read is left out and logged. An error of each ends the scan.
func (s *Store) ScanTickets(ctx context.Context, o ScanOptions, each func(step []TicketRecord, cursor string) error) error {
	shard, serial, err := parseScan(o.Cursor)
	if err != nil {
		return err
	}
	for ; shard < Shards; shard, serial = shard+1, firstSerial {
		last, err := s.rdb.Get(ctx, serialKey(shard)).Uint64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("scan: read the serials of shard %02d: %w", shard, err)
		}
		for serial <= last {
			var step []TicketRecord
			to := serial
			if o.Whole {
				to = min(serial+scanWhole-1, last)
				step, err = s.scanWhole(ctx, shard, serial, to)
			} else {
				to = min(serial+scanKeys*scanScripts-1, last)
				step, err = s.scanHeads(ctx, shard, serial, to)
			}
			if err != nil {
				return fmt.Errorf("scan tickets: %w", err)
			}
			serial = to + 1
			if err := each(step, scanCursor(shard, serial)); err != nil {
				return err
			}
			if o.Pause > 0 {
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-time.After(o.Pause):
				}
			}
		}
	}
	return nil
}

func scanCursor(shard int, serial uint64) string { return fmt.Sprintf("%02d-%d", shard, serial) }

func parseScan(cursor string) (shard int, serial uint64, err error) {
	if cursor == "" {
		return 0, firstSerial, nil
	}
	a, b, _ := strings.Cut(cursor, "-")
	shard, err1 := strconv.Atoi(a)
	serial, err2 := strconv.ParseUint(b, 10, 64)
	if err1 != nil || err2 != nil || shard < 0 || shard >= Shards || serial < firstSerial {
		return 0, 0, fmt.Errorf("scan: %q: %w", cursor, ErrCursor)
	}
	return shard, serial, nil
}

func (s *Store) scanHeads(ctx context.Context, shard int, from, to uint64) ([]TicketRecord, error) {
	var jobs []*job
	for n := from; n <= to; n += scanKeys {
		keys := make([]string, 0, scanKeys)
		for i := n; i <= min(to, n+scanKeys-1); i++ {
			keys = append(keys, ticketKey(shard, i))
		}
		jobs = append(jobs, s.lines.start(ctx, scriptHeads, keys, []any{"h"}))
	}
	recs := make([]TicketRecord, 0, to-from+1)
	serial := from
	for _, j := range jobs {
		reply, err := s.lines.wait1(ctx, j)
		if err != nil {
			return nil, err
		}
		for i, stored := range asStrings(asList(reply)) {
			r := TicketRecord{Shard: shard, Serial: serial}
			serial++
			if stored == "" {
				continue
			}
			if r.Head, err = decodeHead(j.keys[i], stored); err != nil {
				s.opt.Log.Error("a ticket's head cannot be read", zap.Int("shard", shard), zap.Uint64("serial", r.Serial), zap.Error(s.hurt(err)))
				continue
			}
			recs = append(recs, r)
		}
	}
	return recs, nil
}

func (s *Store) scanWhole(ctx context.Context, shard int, from, to uint64) ([]TicketRecord, error) {
	refs := make([]ticketRef, 0, to-from+1)
	for n := from; n <= to; n++ {
		refs = append(refs, ticketRef{shard: shard, serial: strconv.FormatUint(n, 10)})
	}
	return s.listed(ctx, &TicketQuery{}, refs)
}

// decodeHead reads what heads.lua gave of one ticket.
func decodeHead(key, stored string) ([]byte, error) {
	if stored[0] == packedForm {
		return packedHead(key, []byte(stored[1:]))
	}
	return decodePlain(key, "h", []byte(stored))
}
