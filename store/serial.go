package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	serialStart   = 10_000 // the first ticket of a shard is the one after
	blockMin      = 20
	blockMax      = 1_000
	blockFast     = time.Minute      // a block used up within it: the next is twice as large
	blockSlow     = 10 * time.Minute // one that lasted longer: the next is small again
	reserveWithin = 3 * time.Second
)

// serials gives ticket serials from blocks that are reserved in Redis and noted in line.json before any of them is used.
type serials struct {
	reserve func(ctx context.Context, wants map[int]want) (map[int]reserved, error) // one round trip for many shards
	file    *lineFile
	now     func() time.Time
	raised  func(ctx context.Context, shard int, was, now uint64) // told when Redis stood below line.json

	writing chan struct{} // one token: who holds it reserves for all that wait
	running chan struct{} // takes one: a shard runs low, and somebody may fill it before anybody waits

	mu      sync.Mutex
	blocks  [Shards]block   // guarded by mu
	waiting map[int]*flight // guarded by mu: shards that wait for the next reservation
}

// block is what is left of a shard's reserved serials.
type block struct {
	next, last uint64   // next > last: used up
	after      span     // comes then
	back       []uint64 // returned, to be used first
	size       uint64
	since      time.Time
}

// span is a range of serials; the zero value has none.
type span struct{ next, last uint64 }

// want is one shard's reservation: n more, above floor.
type want struct{ floor, n uint64 }

// reserved is what Redis gave: up to last; before stood there, below the floor where raised.
type reserved struct {
	last, before uint64
	raised       bool
}

// flight is a reservation that one or more callers of a shard wait for.
type flight struct {
	done chan struct{}
	err  error // readable when done is closed
}

func newSerials(file *lineFile, now func() time.Time) *serials {
	return &serials{file: file, now: now, writing: make(chan struct{}, 1), running: make(chan struct{}, 1), waiting: map[int]*flight{}, raised: func(context.Context, int, uint64, uint64) {}}
}

// take gives a serial of the shard that was never given before.
func (s *serials) take(ctx context.Context, shard int) (uint64, error) {
	if shard < 0 || shard >= Shards {
		return 0, fmt.Errorf("serial: there is no shard %d", shard)
	}
	for {
		s.mu.Lock()
		if n, ok := s.blocks[shard].take(); ok {
			low := s.blocks[shard].low()
			s.mu.Unlock()
			if low {
				select {
				case s.running <- struct{}{}:
				default:
				}
			}
			return n, nil
		}
		f := s.waiting[shard]
		if f == nil {
			f = &flight{done: make(chan struct{})}
			s.waiting[shard] = f
		}
		s.mu.Unlock()
		select {
		case <-f.done:
			if f.err != nil {
				return 0, fmt.Errorf("reserve ticket numbers: %w", f.err)
			}
		case s.writing <- struct{}{}:
			s.fill(ctx, false)
			<-s.writing
		case <-ctx.Done():
			return 0, fmt.Errorf("reserve ticket numbers: %w", context.Cause(ctx))
		}
	}
}

// give puts a serial back that was surely never written.
func (s *serials) give(shard int, serial uint64) {
	if shard < 0 || shard >= Shards || serial == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.blocks[shard]
	if !slices.Contains(b.back, serial) {
		b.back = append(b.back, serial)
	}
}

func (b *block) take() (uint64, bool) {
	if n := len(b.back); n > 0 {
		serial := b.back[n-1]
		b.back = b.back[:n-1]
		return serial, true
	}
	if b.used() {
		if b.after == (span{}) {
			return 0, false
		}
		b.next, b.last, b.after = b.after.next, b.after.last, span{}
	}
	b.next++
	return b.next - 1, true
}

func (b *block) used() bool { return b.next == 0 || b.next > b.last }

// low tells whether the next block may be fetched on the way: a shard of which less than half is left, or that was not
// used yet. Else the first message of each shard would wait for a synced file of its own.
func (b *block) low() bool {
	return b.after == (span{}) && (b.used() || 2*(b.last-b.next+1) < b.size)
}

// put adds a block that was reserved up to last.
func (b *block) put(last, size uint64, now time.Time) {
	got := span{next: last - size + 1, last: last}
	if b.used() {
		b.next, b.last = got.next, got.last
	} else {
		b.after = got
	}
	b.size, b.since = size, now
}

// keepAhead fills shards that run low before a message waits for one: a file written and synced is what takes longest on a
// message's way. It runs until ctx ends.
func (s *serials) keepAhead(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.running:
		}
		select {
		case <-ctx.Done():
			return
		case s.writing <- struct{}{}:
		}
		failed := s.fill(ctx, true) != nil
		<-s.writing
		if failed {
			select {
			case <-ctx.Done():
				return
			case <-time.After(retryEvery):
			}
		}
	}
}

// fill reserves a block for every shard that waits, and for those that soon would: one round trip, and one write that
// is synced, for all of them. ahead: also where none waits.
func (s *serials) fill(ctx context.Context, ahead bool) error {
	s.mu.Lock()
	flights := s.waiting
	s.waiting = map[int]*flight{}
	sizes := make(map[int]uint64, len(flights))
	now := s.now()
	for shard, f := range flights {
		if b := &s.blocks[shard]; !b.used() || b.after != (span{}) || len(b.back) > 0 { // it was filled on another's way
			close(f.done)
			delete(flights, shard)
			continue
		}
		sizes[shard] = s.blocks[shard].nextSize(now)
	}
	if len(flights) > 0 || ahead {
		for shard := range s.blocks {
			if b := &s.blocks[shard]; sizes[shard] == 0 && b.low() {
				sizes[shard] = b.nextSize(now)
			}
		}
	}
	s.mu.Unlock()
	if len(sizes) == 0 {
		return nil
	}
	// Others wait for it too: it goes on when the caller has gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reserveWithin)
	defer cancel()
	got, err := s.reserveBlocks(ctx, sizes)
	s.mu.Lock()
	if err == nil {
		for shard, r := range got {
			s.blocks[shard].put(r.last, sizes[shard], now)
		}
	}
	for _, f := range flights {
		f.err = err
		close(f.done)
	}
	s.mu.Unlock()
	return err
}

// nextSize grows while blocks are used up fast.
func (b *block) nextSize(now time.Time) uint64 {
	switch used := now.Sub(b.since); {
	case b.size == 0 || used > blockSlow:
		return blockMin
	case used < blockFast:
		return min(2*b.size, blockMax)
	}
	return b.size
}

// reserveBlocks reserves so many serials in each shard. The file is locked all the while: nobody who shares it can
// reserve between our reading of it and our noting what Redis gave, so that even a Redis emptied in between gives
// nothing twice.
func (s *serials) reserveBlocks(ctx context.Context, sizes map[int]uint64) (map[int]reserved, error) {
	var got map[int]reserved
	err := s.file.update(ctx, func(t *lineState) error {
		wants := make(map[int]want, len(sizes))
		for shard, n := range sizes {
			wants[shard] = want{floor: max(t.serials[shard], serialStart), n: n}
		}
		var err error
		if got, err = s.reserve(ctx, wants); err != nil {
			return err
		}
		for shard, n := range sizes {
			r, ok := got[shard]
			if !ok || r.last < wants[shard].floor+n {
				return fmt.Errorf("shard %02d: the store gave a serial below what is reserved", shard)
			}
			t.serials[shard] = r.last
		}
		s.tell(ctx, wants, got)
		return nil
	})
	return got, err
}

// align raises what stands too low in Redis to what the file knows, and notes in the file what Redis knows more.
func (s *serials) align(ctx context.Context) error {
	select {
	case s.writing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.writing }()
	return s.file.update(ctx, func(t *lineState) error {
		wants := make(map[int]want, Shards)
		for shard := range t.serials {
			wants[shard] = want{floor: t.serials[shard]}
		}
		got, err := s.reserve(ctx, wants)
		if err != nil {
			return fmt.Errorf("compare ticket numbers with %s: %w", s.file.path, err)
		}
		for shard, r := range got {
			t.serials[shard] = max(t.serials[shard], r.last)
		}
		s.tell(ctx, wants, got)
		return nil
	})
}

// tell reports shards in which Redis stood below the file.
func (s *serials) tell(ctx context.Context, wants map[int]want, got map[int]reserved) {
	for shard, r := range got {
		if r.raised && wants[shard].floor > serialStart {
			s.raised(ctx, shard, r.before, wants[shard].floor)
		}
	}
}

// TakeSerial gives the serial for a new ticket of the shard: never the same twice, whatever happens to Redis.
func (s *Store) TakeSerial(ctx context.Context, shard int) (uint64, error) {
	n, err := s.serials.take(ctx, shard)
	if err != nil && !errors.Is(err, ErrNotKept) {
		err = notKept(err)
	}
	return n, err
}

// SkipSerials leaves out the next n serials of each shard: they may have been given by a store that is lost.
func (s *Store) SkipSerials(ctx context.Context, n uint64) error {
	sizes := make(map[int]uint64, Shards)
	for shard := range Shards {
		sizes[shard] = n
	}
	if _, err := s.serials.reserveBlocks(ctx, sizes); err != nil {
		return fmt.Errorf("leave out ticket numbers: %w", err)
	}
	return nil
}

// ReturnSerial gives a serial back that was surely not written, for the next ticket of the shard.
func (s *Store) ReturnSerial(shard int, serial uint64) { s.serials.give(shard, serial) }

// reserveSerials runs serial.lua for each shard; all travel together.
func (s *Store) reserveSerials(ctx context.Context, wants map[int]want) (map[int]reserved, error) {
	jobs := make(map[int]*job, len(wants))
	for shard, w := range wants {
		jobs[shard] = s.lines.start(ctx, scriptSerial, []string{serialKey(shard)}, []any{w.floor, w.n})
	}
	got := make(map[int]reserved, len(wants))
	var failed error
	for shard, j := range jobs {
		v, err := s.lines.wait1(ctx, j)
		if err != nil {
			failed = err
			continue
		}
		l := asList(v)
		last, before, raised := asInt(l, 0), asInt(l, 1), asInt(l, 2)
		if len(l) != 3 || last < 0 || before < 0 {
			failed = fmt.Errorf("serial.lua answered %v for shard %02d", v, shard)
			continue
		}
		got[shard] = reserved{last: uint64(last), before: uint64(before), raised: raised == 1}
	}
	return got, failed
}

func shardField(shard int) zap.Field             { return zap.Int("shard", shard) }
func serialField(key string, n uint64) zap.Field { return zap.Uint64(key, n) }
