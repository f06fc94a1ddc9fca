package store

import (
	"cmp"
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
