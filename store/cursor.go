package store

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// position is an entry's place in a shard's stream of events.
type position struct{ ms, seq uint64 }

func (p position) String() string {
	return strconv.FormatUint(p.ms, 10) + "-" + strconv.FormatUint(p.seq, 10)
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.ms, q.ms), cmp.Compare(p.seq, q.seq))
}

func (p position) before(q position) bool { return p.compare(q) < 0 }

func parsePosition(id string) (position, error) {
	ms, seq, _ := strings.Cut(id, "-")
	m, err1 := strconv.ParseUint(ms, 10, 64)
	n, err2 := strconv.ParseUint(seq, 10, 64)
	if err1 != nil || err2 != nil {
		return position{}, fmt.Errorf("%q is no id of a stream", id)
	}
	return position{m, n}, nil
}

// Cursor is where a reader of the events stands. The zero value stands before the oldest.
type Cursor struct{ at positions }

// String is the cursor as [ParseCursor] reads it; "" for the zero value.
func (c Cursor) String() string { return c.at.String() }

// ParseCursor reads a cursor; ErrCursor where it is none.
func ParseCursor(s string) (Cursor, error) {
	at, err := parseCursor(s)
	return Cursor{at}, err
}

// Passed tells whether the reader has read an event.
func (c *Cursor) Passed(e Event) bool { return !c.at[e.Shard].before(e.at) }

// Pass moves the reader behind an event.
func (c *Cursor) Pass(e Event) {
	if c.at[e.Shard].before(e.at) {
		c.at[e.Shard] = e.at
	}
}

// Reaches tells whether the reader has read all that another has.
func (c *Cursor) Reaches(o *Cursor) bool {
	for shard := range c.at {
		if c.at[shard].before(o.at[shard]) {
			return false
		}
	}
	return true
}

// Join moves the reader behind all that another has read.
func (c *Cursor) Join(o *Cursor) {
	for shard := range c.at {
		if c.at[shard].before(o.at[shard]) {
			c.at[shard] = o.at[shard]
		}
	}
}

const signature = 12 // octets: enough that nobody finds one by trying

// SignCursor makes a cursor that only who may read for this use can go on with.
func (s *Store) SignCursor(use, cursor string) string {
	if cursor == "" {
		return ""
	}
	return cursor + "." + base64.RawURLEncoding.EncodeToString(s.signature(use, cursor))
}

// OpenCursor gives back what SignCursor was given; ErrCursor where it is not of this use, or not of ours.
func (s *Store) OpenCursor(use, signed string) (string, error) {
	if signed == "" {
		return "", nil
	}
	cursor, sum, ok := strings.Cut(signed, ".")
	got, err := base64.RawURLEncoding.DecodeString(sum)
	if !ok || err != nil || subtle.ConstantTimeCompare(got, s.signature(use, cursor)) != 1 {
		return "", ErrCursor
	}
	return cursor, nil
}

func (s *Store) signature(use, cursor string) []byte {
	mac := s.keys.mac()
	_, _ = fmt.Fprintf(mac, "cursor:%q:%s", use, cursor) // a hash never fails
	sum := s.keys.done(mac)
	return sum[:signature]
}

// positions is where a reader stands in each shard; its String is the opaque cursor.
type positions [Shards]position

// String packs the shards that were read from: shard, ms as a difference to the shard before, sequence.
func (at positions) String() string {
	var b []byte
	last := uint64(0)
	for shard, p := range at {
		if p == (position{}) {
			continue
		}
		b = append(b, byte(shard))
		b = binary.AppendVarint(b, int64(p.ms-last))
		b = binary.AppendUvarint(b, p.seq)
		last = p.ms
	}
	if b == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(cursor string) (positions, error) {
	var at positions
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return at, ErrCursor
	}
	last := uint64(0)
	for len(b) > 0 {
		shard := int(b[0])
		ms, n := binary.Varint(b[1:])
		if shard >= Shards || n <= 0 {
			return at, ErrCursor
		}
		b = b[1+n:]
		seq, n := binary.Uvarint(b)
		if n <= 0 {
			return at, ErrCursor
		}
		b = b[n:]
		last += uint64(ms)
		at[shard] = position{last, seq}
	}
	return at, nil
}
