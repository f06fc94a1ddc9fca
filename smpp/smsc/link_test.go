package smsc_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"aduan/smpp"
	"aduan/smpp/receipt"
	"aduan/smpp/smsc"
)

// keeper is a daemon's store in miniature: it keeps each text before ESME_ROK.
type keeper struct {
	mu       sync.Mutex
	texts    map[string][]string // by source, in order, without what came again
	receipts map[string]receipt.State
	again    int
	answer   func(n int) smpp.Status // nil: ESME_ROK
	n        int
}

func (k *keeper) Deliver(d *smpp.Delivery) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
	if k.answer != nil {
		if status := k.answer(k.n); status != smpp.StatusROK {
			d.Respond(status)
			return
		}
	}
	if r, ok := receipt.Parse(d.Message); ok {
		k.receipts[r.MessageID] = r.State
		d.Respond(smpp.StatusROK)
		return
	}
	from, text := d.Message.Source.Addr, string(d.Message.ShortMessage)
	if had := k.texts[from]; len(had) > 0 && had[len(had)-1] == text {
		k.again++
	} else {
		k.texts[from] = append(had, text)
	}
	d.Respond(smpp.StatusROK)
}

func (k *keeper) Proven([]*smpp.Delivery) {}
func (k *keeper) SessionClosed(string)    {}

// link runs our own ESME against the simulator.
func link(t testing.TB, s *smsc.Server, addr string, mode smpp.BindMode, k *keeper) *smpp.Link {
	t.Helper()
	k.texts, k.receipts = make(map[string][]string), make(map[string]receipt.State)
	l, err := smpp.NewLink(smpp.LinkOptions{
		Name: "test", Address: addr, SystemID: "aduan", Password: "secret", Bind: mode, Handler: k,
		ReconnectMin: 5 * time.Millisecond, ReconnectMax: 20 * time.Millisecond, ShutdownTimeout: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error { return l.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		_ = g.Wait()
	})
	sessions := 1
	if mode == smpp.BindPair {
		sessions = 2
	}
	if err := s.WaitBound(soon(t), sessions); err != nil {
		t.Fatal(err)
	}
	return l
}

// Cut again and again, refused now and then: nothing acknowledged is missing,
// and every telephone's order is kept.
func TestOurLinkThroughFaults(t *testing.T) {
	for _, mode := range []smpp.BindMode{smpp.BindTransceiver, smpp.BindPair} {
		t.Run(mode.String(), func(t *testing.T) {
			s, addr := serve(t, smsc.Options{SystemID: "aduan", Password: "secret", ResponseTimeout: 500 * time.Millisecond, RetryMin: time.Millisecond, RetryMax: 4 * time.Millisecond})
			k := &keeper{answer: func(n int) smpp.Status {
				if n%7 == 0 {
					return smpp.StatusRXTAPPN
				}
				return smpp.StatusROK
			}}
			link(t, s, addr, mode, k)
			const phones, texts = 40, 25
			var all []*smsc.Outgoing
			for n := range texts {
				for p := range phones {
					all = append(all, s.Phone(fmt.Sprint(6281100+p)).Send("1708", fmt.Sprintf("text %d", n)))
				}
			}
			for cut := range 6 {
				if err := all[(cut+1)*100].Wait(soon(t)); err != nil {
					t.Fatal(err)
				}
				s.SwallowDeliverResps(3)
				s.CutLinks()
			}
			s.SwallowDeliverResps(0)
			for _, o := range all {
				if err := o.Wait(soon(t)); err != nil {
					t.Fatal(err)
				}
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			for p := range phones {
				got := k.texts[fmt.Sprint(6281100+p)]
				if len(got) != texts {
					t.Fatalf("telephone %d: %d texts kept: %v", p, len(got), got)
				}
				for n, text := range got {
					if text != fmt.Sprintf("text %d", n) {
						t.Fatalf("telephone %d: %q stands at place %d", p, text, n)
					}
				}
			}
			t.Logf("%d came again", k.again)
		})
	}
}

func TestOurLinkSubmits(t *testing.T) {
	for _, mode := range []smpp.BindMode{smpp.BindTransceiver, smpp.BindPair} {
		t.Run(mode.String(), func(t *testing.T) {
			s, addr := serve(t, smsc.Options{})
			k := new(keeper)
			l := link(t, s, addr, mode, k)
			slot, err := l.Acquire(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			defer slot.Release()
			res, err := slot.Submit(soon(t), sms("628111", "nomor 4821-3769"))
			if err != nil || res.Status != smpp.StatusROK {
				t.Fatalf("%+v, %v", res, err)
			}
			if inbox, err := s.Phone("628111").WaitSMS(soon(t), 1); err != nil || inbox[0].MessageIDs[0] != res.MessageID {
				t.Fatalf("%+v, %v", inbox, err)
			}
			eventually(t, func() bool {
				k.mu.Lock()
				defer k.mu.Unlock()
				return k.receipts[res.MessageID] == receipt.StateDelivered
			})
			s.SwallowSubmitResps(1)
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			if _, err := slot.Submit(ctx, sms("628111", "again")); !errors.Is(err, smpp.ErrNoResponse) {
				t.Fatalf("%v", err)
			}
		})
	}
}

// Run ends with unbind, and a link understands it.
func TestShutdownUnbinds(t *testing.T) {
	events := make(chan smsc.Event, 10)
	s, addr := serve(t, smsc.Options{OnEvent: func(e smsc.Event) { events <- e }})
	link(t, s, addr, smpp.BindTransceiver, new(keeper))
	next := func() smsc.Event {
		select {
		case e := <-events:
			return e
		case <-time.After(patience):
			t.Fatal("no event")
		}
		return smsc.Event{}
	}
	if e := next(); e.Kind != smsc.EventBound || e.SystemID != "aduan" || e.Sessions != 1 {
		t.Fatalf("%+v", e)
	}
	s.UnbindLinks()
	if e := next(); e.Kind != smsc.EventUnbound || e.Sessions != 0 {
		t.Fatalf("%+v", e)
	}
}

func BenchmarkDeliverToALink(b *testing.B) {
	s, addr := serve(b, smsc.Options{Window: 50, JournalLimit: -1})
	k := new(keeper)
	link(b, s, addr, smpp.BindTransceiver, k)
	all := make([]*smsc.Outgoing, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		all = append(all, s.Phone(fmt.Sprint(62811000+i%500)).Send("1708", "LAPOR jalan rusak di depan pasar"))
	}
	for _, o := range all {
		if err := o.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}
