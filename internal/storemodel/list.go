package storemodel

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"aduan/store"
)

// ListTickets gives the tickets that q wants, newest first. The cursor is how many were given.
func (s *Store) ListTickets(ctx context.Context, q store.TicketQuery, cursor string, limit int) ([]store.TicketRecord, string, error) {
	from, err := strconv.Atoi(cmp.Or(cursor, "0"))
	if err != nil {
		return nil, "", store.ErrCursor
	}
	var keys []ticketKey
	indexes := map[ticketKey]store.TicketIndex{}
	err = s.do(ctx, "list", func() {
		for k, t := range s.r.tickets {
			x, err := store.IndexOf(t.head)
			if err == nil && q.Wants(x) {
				indexes[k] = x
				keys = append(keys, k)
			}
		}
	})
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(keys, func(a, b ticketKey) int {
		return cmp.Or(indexes[b].FiledAt.Compare(indexes[a].FiledAt), cmp.Compare(a.shard, b.shard), cmp.Compare(b.serial, a.serial))
	})
	keys = keys[min(from, len(keys)):]
	next := ""
	if len(keys) > limit {
		keys, next = keys[:limit], strconv.Itoa(from+limit)
	}
	recs := make([]store.TicketRecord, 0, len(keys))
	for _, k := range keys {
		rec, err := s.Ticket(ctx, k.shard, k.serial)
		if err != nil {
			return nil, "", err
		}
		recs = append(recs, rec)
	}
	return recs, next, nil
}
