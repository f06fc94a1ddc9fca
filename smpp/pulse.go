package smpp

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Pulse is what went over a link since it was made, for whoever shows it: two readings a while apart give rates and times.
type Pulse struct {
	Sent      uint64 // submit_sm written
	Received  uint64 // deliver_sm read
	Responses Times  // from a submit_sm to its response
	Answers   Times  // from a message's arrival to our answer
}

// timeBuckets are bounds of Times: 1 ms, and each √2 times the one before; the last takes what is longer (1.4 minutes).
const timeBuckets = 34

// Times counts durations by their size.
type Times [timeBuckets]uint64

// Since gives what came after an earlier reading.
func (t Times) Since(before Times) Times {
	for i := range t {
		t[i] -= min(before[i], t[i])
	}
	return t
}

// Count is how many there are.
func (t Times) Count() (n uint64) {
	for _, c := range t {
		n += c
	}
	return n
}

// Quantile is the duration below which the part q (0 to 1) of all lies, to a fifth of its value; 0: there are none.
func (t Times) Quantile(q float64) time.Duration {
	left := q * float64(t.Count())
	for i, c := range t {
		if c == 0 || left > float64(c) {
			left -= float64(c)
			continue
		}
		low, high := bound(i-1), bound(i)
		return time.Duration((low + (high-low)*left/float64(c)) * float64(time.Millisecond))
	}
	return 0
}

// bound is the upper bound of a bucket, milliseconds.
func bound(i int) float64 {
	if i < 0 {
		return 0
	}
	return math.Pow(2, float64(i)/2)
}

func bucket(d time.Duration) int {
	ms := float64(d) / float64(time.Millisecond)
	if ms <= 1 {
		return 0
	}
	return min(int(math.Ceil(2*math.Log2(ms))), timeBuckets-1)
}

// pulse counts while sessions run.
type pulse struct {
	sent, received     atomic.Uint64
	responses, answers [timeBuckets]atomic.Uint64
}

func (p *pulse) counted(d direction, id CommandID) {
	switch {
	case d == directionOut && id == CmdSubmitSM:
		p.sent.Add(1)
	case d == directionIn && id == CmdDeliverSM:
		p.received.Add(1)
	}
}

func (p *pulse) read() Pulse {
	r := Pulse{Sent: p.sent.Load(), Received: p.received.Load()}
	for i := range r.Responses {
		r.Responses[i], r.Answers[i] = p.responses[i].Load(), p.answers[i].Load()
	}
	return r
}

// LinkChange is a link's step from one state to another.
type LinkChange struct {
	At     time.Time
	State  string
	Reason string // why it is not bound, in words
}

// maxHistory is how many changes of a link are remembered.
const maxHistory = 20

// remember notes a change of state. mu is held.
func (l *Link) remember(s LinkStatus) {
	if len(l.history) == maxHistory {
		l.history = slices.Delete(l.history, 0, 1)
	}
	l.history = append(l.history, LinkChange{At: s.Since, State: s.State, Reason: s.Reason})
}

// History is the link's latest changes of state, oldest first.
func (l *Link) History() []LinkChange {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.history)
}

// Pulse is what went over the link since it was made.
func (l *Link) Pulse() Pulse { return l.pulse.read() }
