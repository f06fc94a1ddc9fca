package sender

import (
	"slices"
	"sync"
	"time"

	"aduan/store"
)

// classes of SMS, the most urgent first.
const classes = int(store.ClassBroadcast) + 1

// queue is what a link holds in memory: at most two windows' worth, besides what is in the window.
type queue struct {
	link  Link
	limit int
	pace  *pace
	wake  chan struct{} // takes one: there is something to send, or it may go sooner

	mu        sync.Mutex    // guards all below
	reserved  int           // places promised or taken
	refused   [classes]bool // SMS of this link and class went to the store for want of room, and may wait there
	asked     int           // room told at the last look into the store
	waiting   [classes][]held
	turns     [classes][]*turn
	turnLast  bool            // the last to go was a further segment: where an SMS of the same class waits, it is next
	closed    bool            // its Serve has ended: nothing is taken any more
	patient   []chan struct{} // new direct answers that wait a moment for a place, the first first; told when it is theirs
	moved     time.Time       // when a place was last given back, or the first one taken
	between   time.Duration   // how long that takes as a rule
	downSince time.Time
	upSince   time.Time // as bound saw it; zero: it is down
}

// held is an SMS in memory, and the boot that holds it in the store.
type held struct {
	boot      string
	sms       store.Outgoing
	throttled time.Time // since when the operator asks us to wait with it; zero: it does not
}

// turn is a further segment that waits until the link's rate lets it go.
type turn struct{ now chan bool } // true: now; false: the daemon is stopping

func newQueue(l Link) *queue {
	return &queue{link: l, limit: max(3*l.Window, 3), pace: &pace{}, wake: make(chan struct{}, 1)}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// classOf is the class of an SMS, whatever the store says.
func classOf(m store.Outgoing) int { return min(max(int(m.Class), 0), classes-1) }

// headroom is a sixth of the room: what comes from the store, and pushes, leave it to direct answers.
func (q *queue) headroom() int { return max(q.limit/6, 1) }

// adopt takes a place for an SMS that waited in the store, or in another link's memory.
func (q *queue) adopt(m store.Outgoing) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	limit := q.limit
	if classOf(m) > 0 {
		limit -= q.headroom()
	}
	if q.closed || q.reserved >= limit {
		return false
	}
	q.reserved++
	return true
}

// left is how many SMS the link can take now, -1 where it is down.
func (q *queue) left() int {
	if !q.link.Bound() {
		return -1
	}
	stopped, ask := q.pace.isStopped(time.Now())
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = max(q.limit-q.reserved, 0)
	if q.refused[1] || q.refused[2] || q.reserved == 0 { // pushes may come with them: direct answers keep a part of the room
		q.asked = max(q.asked-q.headroom(), 0)
	}
	if stopped { // one, to ask with
		q.asked = 0
		if ask && q.reserved == 0 {
			q.asked = 1
		}
	}
	return q.asked
}

// found notes how many SMS of each class a look into the store brought: where there were some, more may wait (a look
// gives each shard its share of the room), and where there were none, none waits any more.
func (q *queue) found(n [classes]int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := range classes {
		if q.asked > 0 {
			q.refused[c] = n[c] > 0
		}
	}
	q.asked = 0
}

// down tells whether the link has been down for long enough that another may stand in for it.
func (q *queue) down(now time.Time) bool {
	if q.link.Bound() || q.link.Elsewhere != nil && q.link.Elsewhere() {
		q.mu.Lock()
		q.downSince = time.Time{}
		q.mu.Unlock()
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.downSince.IsZero() {
		q.downSince = now
	}
	return now.Sub(q.downSince) >= giveBackAfter
}

// bound tells whether the link has been bound for so long, as far as this was asked.
func (q *queue) bound(now time.Time, lasts time.Duration) bool {
	up := q.link.Bound()
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !up:
		q.upSince = time.Time{}
	case q.upSince.IsZero():
		q.upSince = now
	}
	return up && now.Sub(q.upSince) >= lasts
}

// flow is how the link sends. Where it is down, nothing else holds its SMS.
func (q *queue) flow() Flow {
	f := q.pace.flow()
	f.Waits = f.Waits && q.link.Bound()
	return f
}

// put takes an SMS into the place that was reserved for it; false: the queue has closed.
func (q *queue) put(h held, first bool) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	c := classOf(h.sms)
	if first {
		q.waiting[c] = slices.Insert(q.waiting[c], 0, h)
	} else {
		q.waiting[c] = append(q.waiting[c], h)
	}
	q.mu.Unlock()
	q.signal()
	return true
}

// what is what goes next.
type what int

const (
	nothing what = iota
	furtherSegment
	newSMS
)

// next tells what goes next: the most urgent class; within it, further segments and new SMS by turns, so that a long SMS
// comes to its end and nobody waits for it. fresh: an SMS waits, whatever goes next.
func (q *queue) next() (w what, fresh bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := range classes {
		if w == nothing {
			switch turns, sms := len(q.turns[c]) > 0, len(q.waiting[c]) > 0; {
			case turns && !(sms && q.turnLast):
				w = furtherSegment
			case sms:
				w = newSMS
			}
		}
		fresh = fresh || len(q.waiting[c]) > 0
	}
	return w, fresh
}

// pop takes the most urgent SMS.
func (q *queue) pop() (held, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := range classes {
		if list := q.waiting[c]; len(list) > 0 {
			h := list[0]
			list[0] = held{}
			q.waiting[c] = list[1:]
			q.turnLast = false
			return h, true
		}
	}
	return held{}, false
}

// grant lets the most urgent further segment go; false: none waits.
func (q *queue) grant() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := range classes {
		if list := q.turns[c]; len(list) > 0 {
			list[0].now <- true
			q.turns[c] = list[1:]
			q.turnLast = true
			return true
		}
	}
	return false
}

// await waits until a further segment of an SMS may go; false: the daemon is stopping, or the link goes.
func (q *queue) await(m store.Outgoing) bool {
	if q.pace.free() {
		return true
	}
	t := &turn{now: make(chan bool, 1)}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	c := classOf(m)
	q.turns[c] = append(q.turns[c], t)
	q.mu.Unlock()
	q.signal()
	return <-t.now
}

// drain takes everything that waits; where the queue closes, also those who wait for their turn are sent away.
func (q *queue) drain(closing bool) (all []held) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := range classes {
		all = append(all, q.waiting[c]...)
		q.waiting[c] = nil
		if closing {
			for _, t := range q.turns[c] {
				t.now <- false
			}
			q.turns[c] = nil
		}
	}
	q.closed = q.closed || closing
	return all
}

func (q *queue) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reserved
}
