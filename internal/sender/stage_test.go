package sender_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"aduan/internal/msisdn"
	"aduan/internal/sender"
	"aduan/internal/storemodel"
	"aduan/internal/timers"
	"aduan/smpp"
	"aduan/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a sender on a model of the store, with a window that a test answers.
type stage struct {
	t      *testing.T
	redis  *storemodel.Redis
	store  *storemodel.Store
	sender *sender.Sender
	events store.BootEvents
	window *window
	stop   func()
}

// window is a link's window in memory.
type window struct {
	places chan struct{}

	mu     sync.Mutex
	bound  bool
	answer func(m *smpp.Message, n int) (smpp.SubmitResult, error) // n counts from 1
	sent   []*smpp.Message
	used   int
	most   int
}

func (w *window) Acquire(ctx context.Context) (sender.Slot, error) {
	select {
	case <-ctx.Done():
		return nil, smpp.ErrNotBound
	case w.places <- struct{}{}:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used++
	w.most = max(w.most, w.used)
	return &place{w: w}, nil
}

type place struct {
	w    *window
	once sync.Once
}

func (p *place) Submit(_ context.Context, m *smpp.Message) (smpp.SubmitResult, error) {
	p.w.mu.Lock()
	p.w.sent = append(p.w.sent, m)
	n, answer := len(p.w.sent), p.w.answer
	p.w.mu.Unlock()
	if answer == nil {
		return smpp.SubmitResult{MessageID: fmt.Sprintf("id%d", n)}, nil
	}
	return answer(m, n)
}

func (p *place) Release() {
	p.once.Do(func() {
		p.w.mu.Lock()
		p.w.used--
		p.w.mu.Unlock()
		<-p.w.places
	})
}

func (w *window) set(f func(w *window)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

func (w *window) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sent)
}

func (w *window) texts() (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.sent {
		list = append(list, string(m.ShortMessage))
	}
	return list
}

func onStage(t *testing.T, size int, play func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := storemodel.New()
		play(newStage(t, r, "p", size))
	})
}

func newStage(t *testing.T, r *storemodel.Redis, name string, size int, change ...func(l *sender.Link)) *stage {
	s := &stage{t: t, redis: r, store: r.Daemon(name), window: &window{places: make(chan struct{}, size), bound: true}}
	link := sender.Link{
		Name: "A", Window: size, Source: smpp.Address{TON: 3}, Destination: smpp.Address{TON: 1, NPI: 1}, Receipts: true,
		Acquire: s.window.Acquire, Bound: func() bool {
			s.window.mu.Lock()
			defer s.window.mu.Unlock()
			return s.window.bound
		},
	}
	for _, f := range change {
		f(&link)
	}
	s.sender = sender.New(sender.Options{
		Store: s.store, Region: "ID", Now: time.Now, Policy: sender.Policy{Expire: 2 * time.Hour, Rand: func() float64 { return 1 }},
		Links: []sender.Link{link},
	})
	look := timers.New(timers.Options{
		Store: s.store, Room: s.sender.Room, Adopt: s.sender.Adopt, Now: time.Now,
		Tick: func(context.Context, store.CitizenID) error { return nil },
		Join: func(context.Context, store.GroupRef) error { return nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var g sync.WaitGroup
	for _, run := range []func(context.Context) error{s.sender.Run, look.Run} {
		g.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	s.stop = func() { cancel(); g.Wait() }
	t.Cleanup(func() { s.stop() })
	synctest.Wait()
	return s
}

func phone(n int) msisdn.MSISDN {
	m, err := msisdn.FromE164(fmt.Sprintf("+62812345671%02d", n))
	if err != nil {
		panic(err)
	}
	return m
}

// commit is a turn that answers a citizen, handed on as a Turner does.
func (s *stage) commit(n int, texts ...string) {
	s.t.Helper()
	turn, reserved := s.turn(n, texts...)
	out, err := s.store.Commit(context.Background(), turn)
	for i := len(out.Send); i < reserved; i++ {
		s.sender.Unreserve("A")
	}
	if err != nil {
		ids := make([]string, len(turn.SMS))
		for i := range turn.SMS {
			ids[i] = turn.SMS[i].ID
		}
		s.sender.Doubt(turn.Citizen.ID.Shard, ids)
		return
	}
	s.sender.Send(out.Send)
}

func (s *stage) turn(n int, texts ...string) (*store.Turn, int) {
	c, err := s.store.Assume(phone(n))
	if err != nil {
		s.t.Fatal(err)
	}
	turn := &store.Turn{Boot: s.store.BootID(), Now: time.Now(), Deadline: time.Now().Add(5 * time.Second), Citizen: c, State: []byte("{}")}
	reserved := 0
	for _, text := range texts {
		one := store.SMS{ID: s.store.NewID(c.ID.Shard), Text: text, From: "1708", Link: "A"}
		if one.Hold = s.sender.Reserve(context.Background(), "A", one.Class); one.Hold {
			reserved++
		}
		turn.SMS = append(turn.SMS, one)
	}
	return turn, reserved
}

// states are the states of all SMS, in the order of queueing.
func (s *stage) states() (list []string) {
	for _, m := range s.redis.SMS() {
		list = append(list, m.State)
	}
	return list
}
