package fill

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"aduan/conversation"
	"aduan/store"
)

// Options say how much of what is made.
type Options struct {
	Store     *store.Store // of nobody else meanwhile
	Engine    *conversation.Engine
	Words     fs.FS // with examples.yaml
	ShortCode string
	Link      string
	Tickets   int
	Seed      uint64
	Now       time.Time          // the present
	Years     int                // that the tickets are spread over; default 9
	Open      float64            // the part that stays open; default 0.02
	Workers   int                // default: as many as processors
	Tell      func(made, of int) // told of progress, from one goroutine at a time; nil: nobody listens
}

// Result says what was made.
type Result struct {
	Tickets, Open, Citizens, SMS, Characters int
}

const (
	atOnce      = 64   // citizens of one write
	serialsOnce = 2000 // serials reserved of a shard at once
	resting     = 80 * time.Hour
)

// Run fills the store until ctx ends or all is made. The same seed makes the same citizens; what was made before stays, and a
// run that was cut off is gone on with by another seed and the rest of the number.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Years <= 0 {
		o.Years = 9
	}
	if o.Open <= 0 {
		o.Open = 0.02
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	sp, err := readSpeech(o.Words)
	if err != nil {
		return Result{}, err
	}
	total := &tally{o: &o}
	ser := &serials{s: o.Store}
	g, ctx := errgroup.WithContext(ctx)
	var left atomic.Int64
	left.Store(int64(o.Tickets))
	for w := range o.Workers {
		g.Go(func() error {
			rng := rand.New(rand.NewPCG(o.Seed, uint64(w))) //nolint:gosec // a test's chance
			return worker(ctx, newLife(&o, sp, ser, rng), &o, &left, total)
		})
	}
	err = g.Wait()
	return total.r, err
}

// tally adds up what was made.
type tally struct {
	o  *Options
	mu sync.Mutex
	r  Result
}

func (t *tally) add(made []store.FilledCitizen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range made {
		t.r.Citizens++
		t.r.Tickets += len(made[i].Tickets)
		for _, x := range made[i].Tickets {
			t.r.SMS += len(x.SMS)
			if index, err := store.IndexOf(x.Head); err == nil && index.Open {
				t.r.Open++
			}
		}
	}
	if t.o.Tell != nil {
		t.o.Tell(t.r.Tickets, t.o.Tickets)
	}
}

func worker(ctx context.Context, l *life, o *Options, left *atomic.Int64, total *tally) error {
	var batch []store.FilledCitizen
	write := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := o.Store.Fill(ctx, batch); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		total.add(batch)
		batch = batch[:0]
		return nil
	}
	for ctx.Err() == nil {
		n := min(int64(tickets(l.rng)), left.Load())
		if n <= 0 || left.Add(-n) < 0 {
			return write()
		}
		if err := l.play(ctx, int(n), o); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		left.Add(n - int64(len(l.tickets))) // one may have been taken for something else
		c := store.FilledCitizen{Citizen: l.c, State: l.c.State, TickAt: l.tick}
		for _, x := range l.tickets {
			c.Tickets = append(c.Tickets, x.FilledTicket)
		}
		if batch = append(batch, c); len(batch) == atOnce {
			if err := write(); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// tickets is how many a citizen files: most one.
func tickets(rng *rand.Rand) int {
	switch n := rng.IntN(100); {
	case n < 68:
		return 1
	case n < 87:
		return 2
	case n < 94:
		return 3
	case n < 98:
		return 4
	default:
		return 5
	}
}

// play lives a citizen's years: so many complaints, at times over all of them; a few stay open.
func (l *life) play(ctx context.Context, n int, o *Options) error {
	if err := l.begin(); err != nil {
		return err
	}
	present := o.Now.Add(-resting) // who rests was not heard of since
	l.end = present
	span := time.Duration(o.Years) * 365 * 24 * time.Hour
	times := make([]time.Time, n)
	open := make([]bool, n)
	for i := range times {
		ago := 40*24*time.Hour + time.Duration(l.rng.Int64N(int64(span)))
		if open[i] = l.rng.Float64() < o.Open; open[i] {
			ago = time.Duration(l.rng.Int64N(int64(60 * 24 * time.Hour)))
		}
		times[i] = present.Add(-ago)
	}
	slices.SortFunc(times, time.Time.Compare)
	slices.SortFunc(open, func(a, b bool) int { // open ones are the latest
		switch {
		case a == b:
			return 0
		case a:
			return 1
		}
		return -1
	})
	l.now = times[0]
	for i := range times {
		stop := -1
		if open[i] {
			stop = l.rng.IntN(len(usual))
		}
		if err := l.ticket(ctx, times[i], stop); err != nil {
			return err
		}
	}
	return l.pass(ctx, present)
}

// serials gives ticket serials out of reserved blocks.
type serials struct {
	s  *store.Store
	mu sync.Mutex
	at [store.Shards]struct{ next, last uint64 }
}

func (s *serials) take(ctx context.Context, shard int) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.at[shard]
	if b.next == 0 || b.next > b.last {
		first, err := s.s.ReserveSerials(ctx, shard, serialsOnce)
		if err != nil {
			return 0, err
		}
		b.next, b.last = first, first+serialsOnce-1
	}
	n := b.next
	b.next++
	return n, nil
}

// give takes back the serial that was given last; another one is lost.
func (s *serials) give(shard int, serial uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at[shard].next == serial+1 {
		s.at[shard].next--
	}
}
