package sender_test

import (
	"context"
	"testing"
	"time"

	"aduan/internal/msisdn"
	"aduan/internal/sender"
	"aduan/store"
)

// keptNowhere is a store that takes every outcome at once: what is measured is the sender alone.
type keptNowhere struct{}

func (keptNowhere) BootID() string                                            { return "b" }
func (keptNowhere) Identify(msisdn.MSISDN) store.CitizenID                    { return store.CitizenID{} }
func (keptNowhere) Done(context.Context, store.Done) (*store.Outgoing, error) { return nil, nil }
func (keptNowhere) Receipt(context.Context, store.ReceiptUpdate) (store.ReceiptOutcome, error) {
	var none store.ReceiptOutcome
	return none, nil
}

func (keptNowhere) NewID(int) string { return "e" }

func (keptNowhere) Held(context.Context, string, []int) ([]store.Outgoing, error) { return nil, nil }

func (keptNowhere) Release(context.Context, string, []store.Outgoing, time.Time) error { return nil }

// BenchmarkALinkBesideAThrottledOne shows that a link which its operator throttles to 5 a second leaves another its full
// rate: it prints how many SMS a second go by the free link without a neighbour, and beside the throttled one. Each
// operator answers a submit_sm after 1 ms; the window is 50.
func BenchmarkALinkBesideAThrottledOne(b *testing.B) {
	const lasts = 3 * time.Second
	run := func(throttled bool) (free, slow float64) {
		one, two := newOperator(50), newOperator(50)
		one.delay, two.delay = time.Millisecond, time.Millisecond
		one.status = limited(5)
		s := sender.New(sender.Options{Store: keptNowhere{}, Now: time.Now, Links: []sender.Link{one.link("slow", 50), two.link("free", 50)}})
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		n := 0
		feed := func(link string) {
			for s.Reserve(context.Background(), link, store.ClassDirect) {
				n++
				s.Send([]store.Outgoing{{ID: link + time.Now().String(), Link: link, Text: "halo", To: citizen(n % 90_000), Queued: time.Now()}})
			}
		}
		begun := time.Now()
		for time.Since(begun) < lasts {
			if throttled {
				feed("slow")
			}
			feed("free")
			time.Sleep(200 * time.Microsecond)
		}
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		a, _ := one.all()
		f, _ := two.all()
		return float64(len(f)) / lasts.Seconds(), float64(len(a)) / lasts.Seconds()
	}
	for b.Loop() {
		alone, _ := run(false)
		beside, slow := run(true)
		b.ReportMetric(alone, "free-alone/s")
		b.ReportMetric(beside, "free-beside/s")
		b.ReportMetric(slow, "throttled/s")
	}
}
