package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// AuditReport is what a look at the whole trail found.
type AuditReport struct {
	Records uint64        `json:"records"` // chained, and right
	Waiting int64         `json:"waiting"` // written down and not chained yet
	Octets  int64         `json:"octets"`  // that the chained ones take, packed
	Days    int           `json:"days"`    // daily records of all heads
	Head    string        `json:"head"`    // of the line's own chain: kept elsewhere, it proves that nothing was cut off
	HeadAt  time.Time     `json:"head_at,omitzero"`
	Broken  []AuditBroken `json:"broken"` // the first of each chain; empty: all is right
}

// AuditBroken is the first record of a chain that is not as it was written.
type AuditBroken struct {
	Chain int       `json:"-"`
	Name  string    `json:"chain"`
	Seq   uint64    `json:"record"`
	After time.Time `json:"after,omitzero"` // when the last right one before it was written; zero: there is none
	Why   string    `json:"why"`
}

// Error implements error.
func (b AuditBroken) Error() string {
	s := fmt.Sprintf("audit trail: %s, record %d: %s", b.Name, b.Seq, b.Why)
	if !b.After.IsZero() {
		s += "; all before " + b.After.Format(time.RFC3339) + " is as it was written"
	}
	return s
}

// ChainName is how a chain is told: shard 07, or line.
func ChainName(chain int) string {
	if chain == LineChain {
		return "line"
	}
	return fmt.Sprintf("shard %02d", chain)
}

// VerifyAudit reads every record of the trail and says what is not as it was written. known is a head of the line's chain
// that was noted earlier, in hexadecimal; "": none.
func (s *Store) VerifyAudit(ctx context.Context, known string) (AuditReport, error) {
	known = strings.ToLower(strings.TrimSpace(known))
	r := AuditReport{Broken: []AuditBroken{}}
	v := &verifier{s: s, report: &r, known: known, want: map[int][]knownHead{}, found: known == ""}
	lineOK, err := v.chain(ctx, LineChain)
	if err != nil {
		return r, err
	}
	if lineOK && !v.found {
		r.Broken = append(r.Broken, AuditBroken{Chain: LineChain, Name: ChainName(LineChain), Seq: v.lineLast + 1, Why: "the head that was noted is none of this chain's: its end was cut off, or it was written anew"})
	}
	for chain := range Shards {
		if _, err := v.chain(ctx, chain); err != nil {
			return r, err
		}
	}
	pipe := s.rdb.Pipeline()
	waiting := make([]*redis.IntCmd, chains)
	for chain := range chains {
		waiting[chain] = pipe.XLen(ctx, auditKey(chain))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return r, fmt.Errorf("audit trail: %w", judge(err))
	}
	for _, w := range waiting {
		r.Waiting += w.Val()
	}
	return r, nil
}

// verifier goes through the chains, the line's first: it knows the others' heads.
type verifier struct {
	s        *Store
	report   *AuditReport
	known    string
	found    bool
	lineLast uint64
	want     map[int][]knownHead // of each chain, in order
}

// chain looks at one chain; false: it is broken.
func (v *verifier) chain(ctx context.Context, chain int) (bool, error) {
	head, err := v.s.auditHead(ctx, chain)
	var at time.Time
	broken := func(seq uint64, why string) (bool, error) {
		v.report.Broken = append(v.report.Broken, AuditBroken{Chain: chain, Name: ChainName(chain), Seq: seq, After: at, Why: why})
		return false, nil
	}
	switch {
	case errors.Is(err, ErrDamaged):
		return broken(1, "its head was changed: it does not open")
	case err != nil:
		return false, err
	}
	if head.seq == 0 {
		n, err := v.s.rdb.HLen(ctx, packedKey(chain)).Result()
		if err != nil {
			return false, fmt.Errorf("audit trail: %w", judge(err))
		}
		if n > 0 {
			return broken(1, "the chain's head is missing and its records stand")
		}
	}
	hash, seq := firstHash(chain), uint64(0)
	ended := head.seq == 0
	for number := uint64(1); seq < head.seq; number++ {
		stored, err := v.s.rdb.HGet(ctx, packedKey(chain), segmentField(number)).Result()
		if errors.Is(err, redis.Nil) {
			return broken(seq+1, fmt.Sprintf("it is missing, with all to %d; the head knows %d", min(head.seq, number*segmentRecords), head.seq))
		}
		if err != nil {
			return false, fmt.Errorf("audit trail: %w", judge(err))
		}
		v.report.Octets += int64(len(stored))
		g, err := v.s.keys.openSegment(chain, number, stored)
		if err != nil {
			return broken(seq+1, "the segment that begins with it was changed: it does not open")
		}
		if g.before != hash {
			return broken(seq+1, "it does not follow the record before it")
		}
		for i, l := range g.records {
			next := hash.next(chain, seq+1, l)
			if !bytes.Equal(next[:tagSize], g.tags[i*tagSize:][:tagSize]) {
				return broken(seq+1, "it is not as it was written, or its place is another's")
			}
			hash, seq = next, seq+1
			ended = ended || seq == head.seq && hash == head.hash // it may have grown since the head was read
			at = time.UnixMilli(int64(l.ms)).UTC()                //nolint:gosec // a time of Redis's
			if why := v.passed(chain, seq, hash, l); why != "" {
				return broken(seq, why)
			}
		}
		if hash != g.after {
			return broken(seq, "one of the segment that ends with it is not as it was written")
		}
		if len(g.records) < segmentRecords && seq < head.seq {
			return broken(seq+1, fmt.Sprintf("it is missing; the head knows %d", head.seq))
		}
		v.report.Records += uint64(len(g.records))
	}
	switch {
	case !ended:
		return broken(seq, "the chain does not end as its head says")
	case len(v.want[chain]) > 0:
		return broken(seq+1, fmt.Sprintf("the end of the chain was cut off: the line's record knows %d", v.want[chain][0].seq))
	}
	if chain == LineChain {
		v.lineLast, v.report.Head, v.report.HeadAt = seq, hex.EncodeToString(hash[:]), at
	}
	return true, nil
}

// passed is told of each right record; it says what else is wrong with it.
func (v *verifier) passed(chain int, seq uint64, hash chainHash, l link) string {
	if chain == LineChain {
		if v.known != "" && hex.EncodeToString(hash[:]) == v.known {
			v.found = true
		}
		if r := decodeAudit(chain, "0-0", l.text); r.Action == AuditHeads {
			heads, err := decodeHeads(r.Ref)
			if err != nil {
				return "the heads in it cannot be read"
			}
			v.report.Days++
			for _, h := range heads {
				v.want[h.chain] = append(v.want[h.chain], h)
			}
		}
		return ""
	}
	for len(v.want[chain]) > 0 && v.want[chain][0].seq <= seq {
		h := v.want[chain][0]
		v.want[chain] = v.want[chain][1:]
		if h.seq == seq && !bytes.Equal(hash[:headTag], h.tag[:]) {
			return "it is not what the line's daily record says: the chain was written anew"
		}
	}
	return ""
}
