package sender

import (
	"math"
	"time"
)

// lateness is how far behind its plan a bucket may catch up: a timer wakes late, and a submit_sm that went out a little
// after its time must not slow all that follow. Who has not sent for longer was idle, and saves nothing up.
const lateness = 50 * time.Millisecond

// bucket is an exact token bucket: submit_sm go out evenly, and never more than ceiling allows in any one second (of a
// ceiling below 1: never two within 1/ceiling seconds). The zero value lets all pass.
type bucket struct {
	rate float64   // a second, as they are spaced now; 0: no limit
	next time.Time // when the next may go

	ceiling float64     // what no second may exceed; 0: none
	sent    []time.Time // a ring of the last ceil(ceiling) sendings
	at      int         // the oldest of them
}

// setCeiling changes what no second may exceed. What was sent before counts on.
func (b *bucket) setCeiling(ceiling float64) {
	if ceiling == b.ceiling {
		return
	}
	b.ceiling = ceiling
	n := 0
	if ceiling > 0 {
		n = max(1, int(math.Ceil(ceiling)))
	}
	ring := make([]time.Time, n)
	for i := range min(n, len(b.sent)) { // the newest stands last
		ring[n-1-i] = b.sent[(b.at+len(b.sent)-1-i)%len(b.sent)]
	}
	b.sent, b.at = ring, 0
}

// spacing is the time between two sendings at a rate.
func spacing(rate float64) time.Duration {
	return time.Duration(math.Round(float64(time.Second) / rate))
}

// wait is how long the next must wait; 0: it may go now.
func (b *bucket) wait(now time.Time) time.Duration {
	var due time.Time
	if b.rate > 0 {
		due = b.next
	}
	if n := len(b.sent); n > 0 && !b.sent[b.at].IsZero() {
		// n sendings fill n/ceiling seconds: one second, where the ceiling is a whole number.
		span := time.Duration(math.Round(float64(time.Second) * float64(n) / b.ceiling))
		if at := b.sent[b.at].Add(span); at.After(due) {
			due = at
		}
	}
	return max(due.Sub(now), 0)
}

// take notes that one goes now.
func (b *bucket) take(now time.Time) {
	if n := len(b.sent); n > 0 {
		b.sent[b.at] = now
		b.at = (b.at + 1) % n
	}
	if b.rate <= 0 {
		return
	}
	if now.Sub(b.next) > lateness {
		b.next = now
	}
	b.next = b.next.Add(spacing(b.rate))
}
