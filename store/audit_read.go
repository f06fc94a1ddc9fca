package store

import (
	"container/heap"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// AuditQuery says which records of the trail are wanted, the newest first. Zero values ask for all.
type AuditQuery struct {
	Shard  int             // with Ticket: where it is
	Ticket uint64          // serial
	Keys   map[string]bool // only what these keys did; nil: all
	Action string          // "sms" too: all that begins with it and a dot
	Since  time.Time
	Until  time.Time
	Cursor string // "": from the newest on
	Limit  int    // 1 to 1000; default 100
}

// auditScan bounds how many segments one call reads: what a rare filter does not find in them, the next call looks for.
const auditScan = 4000

// auditWaiting bounds how many records of a chain that are not chained yet are shown, the newest: within seconds they are.
const auditWaiting = 2000

// AuditTrail gives a page of the trail, and where the next begins; "": there is none. A page may hold less than asked for,
// even nothing, and be followed by more.
func (s *Store) AuditTrail(ctx context.Context, q AuditQuery) ([]AuditRecord, string, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	at, begun, err := parseAuditCursor(q.Cursor)
	if err != nil {
		return nil, "", err
	}
	r := &trail{s: s, q: q, left: auditScan}
	for chain := range chains {
		if q.Ticket != 0 && chain != q.Shard {
			continue
		}
		c := &chainReader{chain: chain}
		if begun {
			if c.next = at[chain]; c.next == 0 {
				continue // read to its first
			}
		}
		r.chains = append(r.chains, c)
	}
	if err := r.open(ctx, begun); err != nil {
		return nil, "", err
	}
	page, err := r.page(ctx)
	if err != nil {
		return nil, "", err
	}
	return page, r.cursor(), nil
}

// chainReader reads one chain backwards.
type chainReader struct {
	chain   int
	next    uint64        // number of the record to be read next; 0: none is left
	waiting []AuditRecord // not chained yet, the newest last; read first, and not part of the cursor
	records []link        // of the segment that has next
	first   uint64        // number of records[0]
	now     *AuditRecord  // read, not given yet
	nowMS   uint64
}

// trail merges the chains by time.
type trail struct {
	s      *Store
	q      AuditQuery
	chains []*chainReader
	left   int // segments that may still be read
	out    []*chainReader
}

func (r *trail) Len() int           { return len(r.out) }
func (r *trail) Less(i, j int) bool { return r.out[i].nowMS > r.out[j].nowMS }
func (r *trail) Swap(i, j int)      { r.out[i], r.out[j] = r.out[j], r.out[i] }
func (r *trail) Push(x any)         { r.out = append(r.out, x.(*chainReader)) } //nolint:forcetypeassert // heap's own
func (r *trail) Pop() any {
	last := r.out[len(r.out)-1]
	r.out = r.out[:len(r.out)-1]
	return last
}

// open finds where each chain begins: at its newest record, or where the cursor says.
func (r *trail) open(ctx context.Context, begun bool) error {
	pipe := r.s.rdb.Pipeline()
	heads := make([]*redis.StringCmd, len(r.chains))
	waiting := make([]*redis.XMessageSliceCmd, len(r.chains))
	if !begun {
		for i, c := range r.chains {
			heads[i] = pipe.HGet(ctx, headKey(c.chain), "h")
			waiting[i] = pipe.XRevRangeN(ctx, auditKey(c.chain), "+", "-", auditWaiting)
		}
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("audit trail: %w", judge(err))
		}
		for i, c := range r.chains {
			head, err := r.s.keys.openHead(c.chain, heads[i].Val())
			if err != nil {
				return err
			}
			c.next = head.seq
			for _, m := range slices.Backward(waiting[i].Val()) {
				c.waiting = append(c.waiting, decodeAudit(c.chain, m.ID, asString(m.Values["a"])))
			}
		}
	}
	if err := r.load(ctx, r.chains); err != nil {
		return err
	}
	for _, c := range r.chains {
		if err := r.advance(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// load reads the segments that chains need next, in one round trip.
func (r *trail) load(ctx context.Context, of []*chainReader) error {
	pipe := r.s.rdb.Pipeline()
	cmds := map[*chainReader]*redis.StringCmd{}
	for _, c := range of {
		if c.next > 0 && (c.records == nil || c.next < c.first) {
			cmds[c] = pipe.HGet(ctx, packedKey(c.chain), segmentField(segmentOf(c.next)))
		}
	}
	if len(cmds) == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("audit trail: %w", judge(err))
	}
	for c, cmd := range cmds {
		n := segmentOf(c.next)
		if cmd.Err() != nil {
			return damaged(packedKey(c.chain), segmentField(n), errors.New("it is missing: aduan audit verify"))
		}
		g, err := r.s.keys.openSegment(c.chain, n, cmd.Val())
		if err != nil {
			return err
		}
		r.left--
		c.records, c.first = g.records, (n-1)*segmentRecords+1
		if c.next-c.first >= uint64(len(c.records)) {
			return damaged(packedKey(c.chain), segmentField(n), errors.New("its end is missing: aduan audit verify"))
		}
	}
	return nil
}

// advance finds the next record of a chain that is wanted, and puts the chain back among the others.
func (r *trail) advance(ctx context.Context, c *chainReader) error {
	c.now = nil
	for len(c.waiting) > 0 {
		last := c.waiting[len(c.waiting)-1]
		c.waiting = c.waiting[:len(c.waiting)-1]
		if r.wants(&last) {
			c.now, c.nowMS = &last, uint64(last.At.UnixMilli()) //nolint:gosec // a time of Redis's
			heap.Push(r, c)
			return nil
		}
	}
	for c.next > 0 && r.left > 0 {
		if err := r.load(ctx, []*chainReader{c}); err != nil {
			return err
		}
		l := c.records[c.next-c.first]
		rec := decodeAudit(c.chain, position{ms: l.ms}.String(), l.text)
		rec.Seq = c.next
		if !r.q.Since.IsZero() && l.ms < uint64(max(0, r.q.Since.Add(-time.Minute).UnixMilli())) { //nolint:gosec // a minute: an SMS's own time is not Redis's
			c.next = 0
			return nil
		}
		c.next--
		if r.wants(&rec) {
			c.now, c.nowMS = &rec, l.ms
			heap.Push(r, c)
			return nil
		}
	}
	return nil
}

func (r *trail) wants(rec *AuditRecord) bool {
	q := &r.q
	switch {
	case q.Ticket != 0 && rec.Ticket != q.Ticket,
		q.Keys != nil && !q.Keys[rec.KeyID],
		q.Action != "" && rec.Action != q.Action && !(len(rec.Action) > len(q.Action) && rec.Action[:len(q.Action)+1] == q.Action+"."),
		!q.Since.IsZero() && rec.At.Before(q.Since),
		!q.Until.IsZero() && !rec.At.Before(q.Until):
		return false
	}
	return true
}

// page takes what is wanted, the newest first. What was not chained yet comes on the first page, however long that gets.
func (r *trail) page(ctx context.Context) ([]AuditRecord, error) {
	page := []AuditRecord{}
	for r.Len() > 0 && (len(page) < r.q.Limit || r.unchained()) {
		c, _ := heap.Pop(r).(*chainReader)
		page = append(page, *c.now)
		if err := r.advance(ctx, c); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(page, func(a, b AuditRecord) int { return b.At.Compare(a.At) })
	return page, nil
}

// unchained tells that records are left which no cursor could name.
func (r *trail) unchained() bool {
	for _, c := range r.out {
		if c.now.Seq == 0 {
			return true
		}
	}
	return false
}

// cursor is where each chain goes on.
func (r *trail) cursor() string {
	var b []byte
	for _, c := range r.chains {
		next := c.next
		if c.now != nil {
			next = c.now.Seq // read, and not given
		}
		if next > 0 {
			b = binary.AppendUvarint(append(b, byte(c.chain)), next) //nolint:gosec // 0 to 100
		}
	}
	if b == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseAuditCursor(cursor string) (at [chains]uint64, begun bool, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return at, false, ErrCursor
	}
	for rest := b; len(rest) > 0; {
		chain := int(rest[0])
		n, used := binary.Uvarint(rest[1:])
		if chain >= chains || used <= 0 || n == 0 {
			return at, false, ErrCursor
		}
		at[chain], rest = n, rest[1+used:]
	}
	return at, len(b) > 0, nil
}
