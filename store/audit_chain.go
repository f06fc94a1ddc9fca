package store

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

const (
	auditEvery   = 10 * time.Second // between two looks for what is to be chained
	auditRetry   = 5                // another daemon was first: from what stands now
	headTag      = 8                // octets of each chain's hash in the line's daily record
	auditTimeout = time.Minute
)

func auditDayKey() string { return lineTag + "audit.day" }

// RunAudit chains what was written down until ctx ends, and once a day the heads of all chains into the line's own. Of
// several daemons, who holds the lease does it.
func (s *Store) RunAudit(ctx context.Context, lease *LineLease) error {
	return lease.Hold(ctx, func(ctx context.Context) {
		failed := false
		tick := time.NewTicker(auditEvery)
		defer tick.Stop()
		for {
			call, cancel := context.WithTimeout(ctx, auditTimeout)
			_, err := s.ChainAudit(call)
			if err == nil {
				err = s.closeAuditDay(call)
			}
			cancel()
			if err != nil && !failed && ctx.Err() == nil {
				s.opt.Log.Error("the audit trail cannot be chained, tried again; what was written down stands", zap.Error(err))
			}
			failed = err != nil
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// ChainAudit chains and packs the records that wait, of every chain, and gives how many they were. A chain that is broken
// does not hold up the others.
func (s *Store) ChainAudit(ctx context.Context) (n int, err error) {
	pipe := s.rdb.Pipeline()
	waiting := make([]*redis.IntCmd, chains)
	for chain := range chains {
		waiting[chain] = pipe.XLen(ctx, auditKey(chain))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, fmt.Errorf("audit trail: %w", judge(err))
	}
	var errs []error
	for chain := range chains {
		if waiting[chain].Val() == 0 {
			continue
		}
		took, err := s.chainOne(ctx, chain)
		n += took
		if err != nil {
			errs = append(errs, err)
		}
	}
	s.met.audited.Add(float64(n))
	return n, errors.Join(errs...)
}

// chainOne chains what waits in one chain, a segment at a time.
func (s *Store) chainOne(ctx context.Context, chain int) (n int, err error) {
	for range 1 << 16 {
		var took int
		for range auditRetry {
			if took, err = s.chainSegment(ctx, chain); took >= 0 || err != nil {
				break
			}
		}
		if took <= 0 || err != nil {
			return n, err
		}
		n += took
	}
	return n, nil
}

// chainSegment fills the last segment of a chain; -1: another was first.
func (s *Store) chainSegment(ctx context.Context, chain int) (int, error) {
	stored, err := s.rdb.HGet(ctx, headKey(chain), "h").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("audit trail: %w", judge(err))
	}
	head, err := s.keys.openHead(chain, stored)
	if err != nil {
		return 0, err
	}
	number := segmentOf(head.seq + 1)
	g := &segment{before: head.hash, after: head.hash}
	if head.seq >= (number-1)*segmentRecords+1 { // it has begun
		packed, err := s.rdb.HGet(ctx, packedKey(chain), segmentField(number)).Result()
		if err != nil {
			return 0, damaged(packedKey(chain), segmentField(number), fmt.Errorf("the head says that it stands: %w", err))
		}
		if g, err = s.keys.openSegment(chain, number, packed); err != nil {
			return 0, err
		}
		if now, err := s.rdb.HGet(ctx, headKey(chain), "h").Result(); err != nil || now != stored {
			return -1, err // another daemon chained in between
		}
		if g.after != head.hash || (number-1)*segmentRecords+uint64(len(g.records)) != head.seq {
			return 0, damaged(packedKey(chain), segmentField(number), errors.New("it does not end as the head says: aduan audit verify"))
		}
	}
	waiting, err := s.rdb.XRangeN(ctx, auditKey(chain), "-", "+", int64(segmentRecords-len(g.records))).Result()
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	args := []any{stored, "", segmentField(number), ""}
	for _, m := range waiting {
		p, err := parsePosition(m.ID)
		if err != nil {
			return 0, damaged(auditKey(chain), m.ID, err)
		}
		head.seq++
		g.add(chain, head.seq, link{ms: p.ms, text: asString(m.Values["a"])})
		args = append(args, m.ID)
	}
	head.hash = g.after
	args[1], args[3] = s.keys.sealHead(chain, head), s.keys.sealSegment(chain, number, g)
	reply, err := s.lines.do(ctx, scriptChain, []string{auditKey(chain), headKey(chain), packedKey(chain)}, args...)
	switch {
	case errors.Is(err, ErrUnknown): // read again: either it stands or it does not
		return -1, nil
	case err != nil:
		return 0, fmt.Errorf("audit trail: %w", err)
	case asInt(asList(reply), 0) != 1:
		return -1, nil
	}
	return len(waiting), nil
}

// closeAuditDay writes the heads of all chains into the line's own, once a day.
func (s *Store) closeAuditDay(ctx context.Context) error {
	today := s.opt.Now().UTC().Format(time.DateOnly)
	last, err := s.rdb.Get(ctx, auditDayKey()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("audit trail: %w", judge(err))
	}
	if last == today {
		return nil
	}
	heads, err := s.auditHeads(ctx)
	if err != nil {
		return err
	}
	rec := Audit{Action: AuditHeads, Ref: encodeHeads(heads)}
	_, err = s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.XAdd(ctx, &redis.XAddArgs{Stream: auditKey(LineChain), Values: []any{"a", rec.encode()}})
		p.Set(ctx, auditDayKey(), today, 0)
		return nil
	})
	if err != nil {
		return fmt.Errorf("audit trail: %w", judge(err))
	}
	if _, err := s.chainOne(ctx, LineChain); err != nil {
		return err
	}
	line, err := s.auditHead(ctx, LineChain)
	if err != nil {
		return err
	}
	s.opt.Log.Info("the audit trail's heads of today are chained: this line, kept elsewhere, proves that nothing was cut off",
		zap.Uint64("records", line.seq), zap.String("head", hex.EncodeToString(line.hash[:])))
	return nil
}

func (s *Store) auditHead(ctx context.Context, chain int) (chainHead, error) {
	stored, err := s.rdb.HGet(ctx, headKey(chain), "h").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return chainHead{}, fmt.Errorf("audit trail: %w", judge(err))
	}
	return s.keys.openHead(chain, stored)
}

// auditHeads are the heads of the shards' chains.
func (s *Store) auditHeads(ctx context.Context) ([]chainHead, error) {
	pipe := s.rdb.Pipeline()
	stored := make([]*redis.StringCmd, Shards)
	for chain := range Shards {
		stored[chain] = pipe.HGet(ctx, headKey(chain), "h")
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("audit trail: %w", judge(err))
	}
	heads := make([]chainHead, Shards)
	for chain := range Shards {
		var err error
		if heads[chain], err = s.keys.openHead(chain, stored[chain].Val()); err != nil {
			return nil, err
		}
	}
	return heads, nil
}

// encodeHeads packs the heads of the chains that have begun: number, length, the beginning of the hash.
func encodeHeads(heads []chainHead) string {
	var b []byte
	for chain, h := range heads {
		if h.seq == 0 {
			continue
		}
		b = append(b, byte(chain)) //nolint:gosec // 0 to 99
		b = binary.AppendUvarint(b, h.seq)
		b = append(b, h.hash[:headTag]...)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// knownHead is what a daily record says of a chain.
type knownHead struct {
	chain int
	seq   uint64
	tag   [headTag]byte
}

func decodeHeads(ref string) ([]knownHead, error) {
	b, err := base64.RawStdEncoding.DecodeString(ref)
	if err != nil {
		return nil, err
	}
	var all []knownHead
	for len(b) > 0 {
		h := knownHead{chain: int(b[0])}
		n, used := binary.Uvarint(b[1:])
		if h.chain >= Shards || used <= 0 || len(b) < 1+used+headTag {
			return nil, errSegment
		}
		h.seq = n
		copy(h.tag[:], b[1+used:])
		all, b = append(all, h), b[1+used+headTag:]
	}
	return all, nil
}
