package store

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// firstSerial is the lowest serial of a ticket.
const firstSerial = serialStart + 1

// listCursor is where a list goes on: behind a ticket of the index, or below serials.
type listCursor struct {
	walk  bool
	ref   *ticketRef // of the index; nil: from the newest
	below [Shards]uint64
}

const cursorProof = 16 // octets

// listCursor is c as it is told: with a proof that it belongs to this query, and that it is ours.
func (s *Store) listCursor(q *TicketQuery, c *listCursor) string {
	if c == nil {
		return ""
	}
	var b []byte
	if c.walk {
		b = append(b, 'w')
		for _, n := range c.below {
			b = binary.AppendUvarint(b, n)
		}
	} else {
		b = append(b, 'o')
		b = binary.AppendUvarint(b, uint64(c.ref.ms))
		b = binary.AppendUvarint(b, uint64(c.ref.shard))
		b = binary.AppendUvarint(b, c.ref.number())
	}
	return base64.RawURLEncoding.EncodeToString(append(b, s.cursorProof(q, b)...))
}

func (s *Store) cursorProof(q *TicketQuery, b []byte) []byte {
	mac := s.keys.mac()
	status := slices.Sorted(slices.Values(q.Status))
	_, _ = fmt.Fprintf(mac, "list:%d:%q:%t:%t", len(status), status, q.Open, q.OverdueAt.IsZero())
	if q.Agency != nil {
		_, _ = fmt.Fprintf(mac, ":agency:%q", *q.Agency)
	}
	mac.Write([]byte{0})
	mac.Write(b)
	sum := s.keys.done(mac)
	return sum[:cursorProof]
}

// readListCursor gives back what listCursor told; ErrCursor where it is none of this query.
func (s *Store) readListCursor(q *TicketQuery, cursor string) (listCursor, error) {
	var c listCursor
	if cursor == "" {
		return c, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 1+cursorProof {
		return c, ErrCursor
	}
	b, proof := b[:len(b)-cursorProof], b[len(b)-cursorProof:]
	if subtle.ConstantTimeCompare(proof, s.cursorProof(q, b)) != 1 {
		return c, ErrCursor
	}
	kind, b := b[0], b[1:]
	take := func() uint64 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			err = ErrCursor
			return 0
		}
		b = b[size:]
		return n
	}
	if c.walk = kind == 'w'; c.walk {
		for shard := range c.below {
			c.below[shard] = take()
		}
		return c, err
	}
	c.ref = &ticketRef{ms: int64(take()), shard: int(take())}
	c.ref.serial = strconv.FormatUint(take(), 10)
	return c, err
}

// indexReady tells whether every open ticket stands in the index.
func (s *Store) indexReady(ctx context.Context) bool {
	if s.indexed.Load() {
		return true
	}
	v, err := s.rdb.Get(ctx, indexKey()).Result()
	if err == nil && v == indexWhole {
		s.indexed.Store(true)
	}
	return s.indexed.Load()
}

// indexWhole is what stands under indexKey once every ticket was looked at.
const indexWhole = "whole"
