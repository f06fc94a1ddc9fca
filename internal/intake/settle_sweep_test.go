package intake

import (
	"testing"
	"testing/synctest"
	"time"

	"aduan/store"
)

// On a session that lives for months, acknowledgements that are never proven do not add up.
func TestWhatIsNeverProvenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSettler(nil, nil)
		for range 100 {
			s.expect(time.Now().String(), "session", store.MarkRef{})
			time.Sleep(time.Minute)
		}
		if n := len(s.expected); n > 10 {
			t.Errorf("%d acknowledgements wait for a proof after %v", n, 100*time.Minute)
		}
	})
}
