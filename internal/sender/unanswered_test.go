package sender_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"aduan/internal/msisdn"
	"aduan/internal/sender"
	"aduan/smpp"
	"aduan/store"
)

// ends is a store that only notes what became of SMS.
type ends struct {
	mu       sync.Mutex
	done     []store.Done
	released []store.Outgoing
}

func (e *ends) BootID() string                         { return "boot" }
func (e *ends) Identify(msisdn.MSISDN) store.CitizenID { return store.CitizenID{} }
func (e *ends) NewID(int) string                       { return "id" }
func (e *ends) Receipt(context.Context, store.ReceiptUpdate) (store.ReceiptOutcome, error) {
	return store.ReceiptOutcome{}, nil
}

func (e *ends) Held(context.Context, string, []int) ([]store.Outgoing, error) { return nil, nil }

func (e *ends) Done(_ context.Context, d store.Done) (*store.Outgoing, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = append(e.done, d)
	return nil, nil
}

func (e *ends) Release(_ context.Context, _ string, sms []store.Outgoing, _ time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.released = append(e.released, sms...)
	return nil
}

func (e *ends) ended() []store.Done {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]store.Done(nil), e.done...)
}

// mute is a place in the window of an SMSC that never answers a submit_sm.
type mute struct{}

func (mute) Submit(context.Context, *smpp.Message) (smpp.SubmitResult, error) {
	return smpp.SubmitResult{}, smpp.ErrNoResponse
}
func (mute) Release() {}

// An SMSC that takes an SMS and loses its answer each time may deliver it each
// time: the pauses grow, as for every error.
func TestPausesGrowWhereNoAnswerComes(t *testing.T) {
	now := time.Now()
	e := &ends{}
	s := sender.New(sender.Options{
		Store: e, Now: func() time.Time { return now },
		Links: []sender.Link{{
			Name: "main", Window: 1, Bound: func() bool { return true },
			Acquire: func(context.Context) (sender.Slot, error) { return mute{}, nil },
		}},
	})
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	for tries := range 12 {
		left := s.Adopt([]store.Outgoing{{ID: "sms", Link: "main", Text: "x", Tries: tries, Queued: now}})
		if len(left) > 0 {
			t.Fatal("not taken")
		}
		var d store.Done
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			if all := e.ended(); len(all) > tries {
				d = all[tries]
				if n, _ := s.Depth("main"); n == 0 {
					break
				}
			}
			if time.Now().After(end) {
				t.Fatal("no outcome")
			}
		}
		most := min(2*time.Second<<tries, 10*time.Minute)
		if pause := d.RetryAt.Sub(now); d.End != store.DoneRetry || pause < most/2 || pause > most {
			t.Errorf("after %d tries: end %d, again in %v, not in %v to %v", tries, d.End, d.RetryAt.Sub(now), most/2, most)
		}
	}
	stop()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}
