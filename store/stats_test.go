package store_test

import (
	"testing"
	"time"

	"aduan/store"
)

// A night's pushes are no backlog: nobody is to be alarmed each morning.
func TestWhatQuietHoursHoldIsNotBehind(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c := b.citizen(1)
		push := b.sms(c, "pushed")
		push.Class, push.Hold, push.NotBefore = store.ClassPush, false, time.Now().Add(8*time.Hour)
		_, c = b.mustKeep(b.turn(c, push))
		st, err := b.Stats(b.ctx)
		if err != nil || st.Queued != 1 || st.Later != 1 || !st.Oldest.IsZero() {
			t.Errorf("%+v, %v", st, err)
		}
		b.mustKeep(b.turn(c, b.sms(c, "now")))
		if st, err = b.Stats(b.ctx); err != nil || st.Queued != 2 || st.Later != 1 || st.Oldest.IsZero() {
			t.Errorf("%+v, %v", st, err)
		}
	})
}
