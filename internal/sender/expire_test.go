package sender_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/storemodel"
	"aduan/store"
)

func TestWhatWaitsForALinkThatStaysDownGoesToAnotherDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := storemodel.New()
		here, there := newStage(t, r, "p", 1), newStage(t, r, "q", 1)
		here.window.places <- struct{}{} // no place comes free any more
		here.commit(1, "held here")
		here.window.set(func(w *window) { w.bound = false })
		time.Sleep(8 * time.Second) // virtual
		synctest.Wait()
		if n := here.window.count(); n != 0 {
			t.Errorf("%d went out by a link that is down", n)
		}
		if n := there.window.count(); n != 1 {
			t.Errorf("%d went out by the other daemon, want 1", n)
		}
		<-here.window.places
	})
}

func TestAnSMSExpiresAlsoWithoutALink(t *testing.T) {
	onStage(t, 1, func(s *stage) {
		old := store.Outgoing{ID: "x00", Queued: time.Now().Add(-3 * time.Hour)}
		young := store.Outgoing{ID: "y00", Queued: time.Now()}
		s.window.set(func(w *window) { w.bound = false })
		rest := s.sender.Expire(context.Background(), []store.Outgoing{old, young})
		if len(rest) != 1 || rest[0].ID != young.ID {
			t.Errorf("left are %v, want the young one", rest)
		}
	})
}
