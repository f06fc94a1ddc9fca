package sender

import (
	"context"
	"slices"
	"time"

	"aduan/store"
)

// reserve takes a place for a new SMS. While others of its class wait in the store for want of room, a part of it is
// left to them: they are older. Pushes leave a part of the room to direct answers, broadcasts twice as much.
//
// A direct answer that finds none waits a moment where one will be free by then: what goes by the store costs more than
// that, and so the SMSC is acknowledged as fast as its answers leave. Where the link is slow, or stands, nothing waits.
func (q *queue) reserve(ctx context.Context, class store.Class) bool {
	stopped, ask := q.pace.isStopped(time.Now())
	q.mu.Lock()
	c := min(max(int(class), 0), classes-1)
	limit := q.places(c)
	if stopped {
		limit = 0
		if ask {
			limit = 1
		}
	}
	if !q.closed && q.reserved < limit && (c > 0 || len(q.patient) == 0) {
		if q.reserved++; q.reserved == 1 {
			q.moved = time.Now()
		}
		q.mu.Unlock()
		return true
	}
	if q.closed || stopped || c > 0 || !q.flows() {
		q.refused[c] = true
		q.mu.Unlock()
		return false
	}
	mine := make(chan struct{})
	q.patient = append(q.patient, mine)
	q.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-mine:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.patient, mine); i >= 0 {
		q.patient = slices.Delete(q.patient, i, i+1)
		q.refused[c] = true
		return false
	}
	return true // it came at the same moment
}

// places is how many a class may fill.
func (q *queue) places(c int) int {
	limit := q.limit - c*q.headroom()
	if q.refused[c] {
		limit = min(limit, q.limit-q.headroom())
	}
	return limit
}

// A direct answer waits at most so long for a place, and only where it should come in half of that.
const patience = 50 * time.Millisecond

// flows tells whether one more may wait.
func (q *queue) flows() bool {
	return q.between > 0 && time.Since(q.moved) < patience && time.Duration(len(q.patient)+1)*q.between < patience/2
}

// free gives a place back, to who waits for it first. wanted: SMS wait for one in the store.
func (q *queue) free() (wanted bool) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if gap := min(now.Sub(q.moved), time.Second); q.between == 0 {
		q.between = gap
	} else {
		q.between += (gap - q.between) / 64 // outcomes come in batches
	}
	q.moved = now
	q.reserved--
	if len(q.patient) > 0 && q.reserved < q.places(0) {
		close(q.patient[0])
		q.patient = slices.Delete(q.patient, 0, 1)
		q.reserved++
	}
	return slices.Contains(q.refused[:], true)
}
