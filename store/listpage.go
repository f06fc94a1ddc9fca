package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// number is the serial as a number.
func (r ticketRef) number() uint64 {
	n, _ := strconv.ParseUint(r.serial, 10, 64)
	return n
}

// listStream is what one shard gives to a page, in its order.
type listStream struct {
	found []ticketRef
	more  bool // behind what was found
	last  ticketRef
	at    string // open tickets: from this time on
	after string // and at that time only behind this serial; "": all of it, "-": none of it
	low   uint64 // walk: serials below this one are not looked at yet
}

// first is the stream with the newest ticket; -1: none has one. hungry: a stream must be asked first.
func first(streams *[Shards]listStream) (shard int, hungry bool) {
	shard = -1
	for i := range streams {
		f := streams[i].found
		if len(f) == 0 {
			hungry = hungry || streams[i].more
			continue
		}
		if shard < 0 || f[0].compare(streams[shard].found[0]) < 0 {
			shard = i
		}
	}
	return shard, hungry
}

// openPage is a page of open tickets, from their index.
func (s *Store) openPage(ctx context.Context, q *TicketQuery, from listCursor, limit int) ([]ticketRef, *listCursor, error) {
	var streams [Shards]listStream
	for shard := range streams {
		streams[shard].more = true
		if from.ref == nil {
			continue
		}
		streams[shard].at = strconv.FormatInt(from.ref.ms, 10)
		switch {
		case shard < from.ref.shard:
			streams[shard].after = "-"
		case shard == from.ref.shard:
			streams[shard].after = from.ref.serial
		}
	}
	var page []ticketRef
	for looked, most := 0, 4+2*limit/Shards; ; most *= 2 {
		n, err := s.askOpen(ctx, q, &streams, most)
		if err != nil {
			return nil, nil, err
		}
		looked += n
		floor := hungriest(&streams)
		for len(page) < limit {
			shard, hungry := first(&streams)
			if shard < 0 && !hungry {
				return page, nil, nil
			}
			if hungry && (shard < 0 || looked < listLooksIn || streams[shard].found[0].compare(*floor) > 0) {
				break
			}
			page = append(page, streams[shard].found[0])
			streams[shard].found = streams[shard].found[1:]
			if len(streams[shard].found) == 0 {
				floor = hungriest(&streams)
			}
		}
		switch {
		case len(page) == limit:
			return page, &listCursor{ref: &page[limit-1]}, nil
		case looked >= listLooksIn:
			return page, &listCursor{ref: hungriest(&streams)}, nil
		}
	}
}

// hungriest is the newest place up to which a stream was looked at that has nothing at hand: what is newer is known.
func hungriest(streams *[Shards]listStream) *ticketRef {
	var floor *ticketRef
	for i := range streams {
		st := &streams[i]
		if st.more && len(st.found) == 0 && (floor == nil || st.last.compare(*floor) < 0) {
			last := st.last
			floor = &last
		}
	}
	return floor
}

// askOpen asks each shard that has nothing at hand for more, and tells how many tickets were looked at.
func (s *Store) askOpen(ctx context.Context, q *TicketQuery, streams *[Shards]listStream, most int) (looked int, err error) {
	agency, shelf, due, statuses := "*", "", "", ""
	if q.Agency != nil {
		agency, shelf = agencyName(*q.Agency), *q.Agency
	}
	if !q.OverdueAt.IsZero() {
		due = strconv.FormatInt(millis(q.OverdueAt), 10)
	}
	if len(q.Status) > 0 {
		statuses = "|" + strings.Join(q.Status, "|") + "|"
	}
	var jobs [Shards]*job
	for shard := range streams {
		if st := &streams[shard]; st.more && len(st.found) == 0 {
			jobs[shard] = s.lines.start(ctx, scriptList, []string{shelfKey(shard, shelf)},
				[]any{st.at, st.after, most, listLooks, due, agency, statuses})
		}
	}
	for shard, j := range jobs {
		if j == nil {
			continue
		}
		reply, err := s.lines.wait1(ctx, j)
		if err != nil {
			return looked, err
		}
		l := asList(reply)
		if len(l) < 5 {
			return looked, errors.New("the list script gave an answer that this version does not know")
		}
		st := &streams[shard]
		st.more = asInt(l, 0) == 1
		st.at, st.after = asString(l[1]), asString(l[2])
		st.last = ticketRef{ms: int64(position64(st.at)), shard: shard, serial: st.after}
		found := asStrings(asList(l[3]))
		for i := 0; i+1 < len(found); i += 2 {
			st.found = append(st.found, ticketRef{ms: int64(position64(found[i+1])), shard: shard, serial: found[i]})
		}
		looked += int(asInt(l, 4))
	}
	return looked, nil
}

func position64(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 63)
	return n
}

// walkFrom is where a walk begins: at the highest serial of each shard.
func (s *Store) walkFrom(ctx context.Context) (listCursor, error) {
	at := listCursor{walk: true}
	pipe := s.rdb.Pipeline()
	var cmds [Shards]*redis.StringCmd
	for shard := range Shards {
		cmds[shard] = pipe.Get(ctx, serialKey(shard))
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for shard, cmd := range cmds {
		n, err := cmd.Uint64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return at, fmt.Errorf("read the highest serial of shard %02d: %w", shard, err)
		}
		at.below[shard] = n + 1
	}
	return at, nil
}

// walkPage is a page of all tickets: serials downward, in all shards at once.
func (s *Store) walkPage(ctx context.Context, q *TicketQuery, from listCursor, limit int) ([]ticketRef, *listCursor, error) {
	var streams [Shards]listStream
	for shard := range streams {
		streams[shard].low = from.below[shard]
		streams[shard].more = streams[shard].low > firstSerial
	}
	once := 4 + limit/Shards
	if len(q.Status) > 0 || q.Agency != nil || q.Open || !q.OverdueAt.IsZero() {
		once *= 4
	}
	var page []ticketRef
	for looked := 0; ; once = min(2*once, walkOnce) {
		n, err := s.askHeads(ctx, q, &streams, once)
		if err != nil {
			return nil, nil, err
		}
		looked += n
		for len(page) < limit {
			shard, hungry := first(&streams)
			if shard < 0 && !hungry {
				return page, nil, nil
			}
			if hungry && (shard < 0 || looked < walkIn) {
				break
			}
			page = append(page, streams[shard].found[0])
			streams[shard].found = streams[shard].found[1:]
		}
		if len(page) == limit || looked >= walkIn {
			return page, walked(&streams), nil
		}
	}
}

// walked is where a walk goes on.
func walked(streams *[Shards]listStream) *listCursor {
	next := &listCursor{walk: true}
	for shard := range streams {
		next.below[shard] = streams[shard].low
		if f := streams[shard].found; len(f) > 0 {
			next.below[shard] = f[0].number() + 1
		}
	}
	return next
}

// askHeads looks at the next serials of each shard that has nothing at hand, and tells how many these were.
func (s *Store) askHeads(ctx context.Context, q *TicketQuery, streams *[Shards]listStream, once int) (looked int, err error) {
	var jobs [Shards]*job
	for shard := range streams {
		st := &streams[shard]
		if !st.more || len(st.found) > 0 {
			continue
		}
		var keys []string
		for n := st.low; n > firstSerial && len(keys) < once; n-- {
			keys = append(keys, ticketKey(shard, n-1))
		}
		jobs[shard] = s.lines.start(ctx, scriptHeads, keys, []any{"h"})
	}
	for shard, j := range jobs {
		if j == nil {
			continue
		}
		reply, err := s.lines.wait1(ctx, j)
		if err != nil {
			return looked, err
		}
		st := &streams[shard]
		for i, h := range asStrings(asList(reply)) {
			serial := st.low - 1 - uint64(i)
			if h == "" {
				continue
			}
			x, err := s.headIndex(j.keys[i], h)
			if err != nil || !q.Wants(x) {
				continue // a damaged one is told of by whoever reads it: lists cannot say what it is
			}
			st.found = append(st.found, ticketRef{ms: millis(x.FiledAt), shard: shard, serial: strconv.FormatUint(serial, 10)})
		}
		looked += len(j.keys)
		st.low -= uint64(len(j.keys))
		st.more = st.low > firstSerial
	}
	return looked, nil
}

// headIndex reads what heads.lua gave of one ticket.
func (s *Store) headIndex(key, stored string) (TicketIndex, error) {
	head, err := decodeHead(key, stored)
	if err != nil {
		return TicketIndex{}, err
	}
	return IndexOf(head)
}
