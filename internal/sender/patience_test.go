package sender_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"aduan/smpp"
	"aduan/store"
)

func TestADirectAnswerWaitsAMomentForAPlaceWhereTheLinkFlows(t *testing.T) {
	for name, row := range map[string]struct {
		takes time.Duration // the SMSC to answer a submit_sm
		class store.Class
		got   bool
		waits time.Duration // at most
	}{
		"a fast link":           {5 * time.Millisecond, store.ClassDirect, true, 50 * time.Millisecond},
		"a push never waits":    {5 * time.Millisecond, store.ClassPush, false, 0},
		"a slow link":           {500 * time.Millisecond, store.ClassDirect, false, 0},
		"a link that has stood": {time.Hour, store.ClassDirect, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, 1, func(s *stage) {
				takes := 5 * time.Millisecond
				s.window.set(func(w *window) {
					w.answer = func(_ *smpp.Message, n int) (smpp.SubmitResult, error) {
						w.mu.Lock()
						d := takes
						w.mu.Unlock()
						time.Sleep(d)
						return smpp.SubmitResult{MessageID: fmt.Sprint(n)}, nil
					}
				})
				for n := range 60 { // it is seen how fast places come
					s.commit(n, "halo")
					time.Sleep(5 * time.Millisecond)
				}
				s.window.set(func(*window) { takes = row.takes })
				fill := 0
				for s.sender.Reserve(context.Background(), "A", store.ClassBroadcast) || s.sender.Reserve(context.Background(), "A", store.ClassPush) {
					fill++
				}
				for n := range 3 - fill { // of three places: one in the window, two in memory
					s.commit(70+n, "halo")
				}
				if row.takes > 5*time.Millisecond {
					time.Sleep(row.takes / 4) // it is seen to be slow
				}
				began := time.Now()
				got := s.sender.Reserve(context.Background(), "A", row.class)
				if got != row.got || time.Since(began) > row.waits {
					t.Errorf("a place: %t after %v, want %t within %v", got, time.Since(began), row.got, row.waits)
				}
				if got {
					s.sender.Unreserve("A")
				}
				for range fill {
					s.sender.Unreserve("A")
				}
				s.window.set(func(*window) { takes = 5 * time.Millisecond })
				time.Sleep(2 * time.Hour)
				if n, err := s.sender.Depth("A"); n != 0 || err != nil {
					t.Errorf("%d places still reserved, %v", n, err)
				}
			})
		})
	}
}

func TestWhoWaitsForAPlaceGivesUp(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		stand := make(chan struct{})
		s.window.set(func(w *window) {
			w.answer = func(_ *smpp.Message, n int) (smpp.SubmitResult, error) {
				if n > 60 {
					<-stand
				}
				time.Sleep(5 * time.Millisecond)
				return smpp.SubmitResult{MessageID: fmt.Sprint(n)}, nil
			}
		})
		for n := range 63 { // the last three fill the link
			s.commit(n, "halo")
			if n < 60 {
				time.Sleep(6 * time.Millisecond)
			}
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if s.sender.Reserve(ctx, "A", store.ClassDirect) || time.Since(began) != 20*time.Millisecond {
			t.Errorf("waited %v: as long as the caller may, or until a place comes", time.Since(began))
		}
		close(stand)
		time.Sleep(time.Minute)
		if n, err := s.sender.Depth("A"); n != 0 || err != nil {
			t.Errorf("%d places still reserved, %v", n, err)
		}
	})
}
