package linkyear

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"aduan/internal/testenv"
)

// setting is how a seed's line is set up.
type setting struct {
	daemons           int
	hours             time.Duration
	enquire, response time.Duration
	reconnectMin      time.Duration
	reconnectMax      time.Duration
	window, sessions  int
	rate              float64 // submit_sm a second over all daemons; 0: any
	pair              bool
	exclusive         bool // one of two daemons holds the bind
	bursts            int
	look              time.Duration // between two looks at what is due
}

// timer is how long the SMSC waits for our answers: more than twice ack_within, and what the network may hold back.
const timer = 15 * time.Second

// boundWithin is the promise: bound again so soon after the peer behaves.
func (s setting) boundWithin() time.Duration {
	d := s.enquire + 2*s.response + s.reconnectMax
	if s.exclusive {
		d += takeover
	}
	return d
}

// takeover is how soon after its holder's death another daemon has an exclusive bind.
const takeover = 10 * time.Second

func (s setting) String() string {
	return fmt.Sprintf("race detector %v, %d daemon(s), %v, enquire_link %v, response_timeout %v, reconnect %v to %v, window %d, %d session(s), pair %v, exclusive %v, rate %v",
		testenv.Race, s.daemons, s.hours, s.enquire, s.response, s.reconnectMin, s.reconnectMax, s.window, s.sessions, s.pair, s.exclusive, s.rate)
}

// fault is one misbehaviour, some time after its burst began.
type fault struct {
	what  string
	after time.Duration
	n     int // 0 to 999: chooses within the kind
}

// burst is a time of trouble and of traffic.
type burst struct {
	gap    time.Duration // quiet before it
	length time.Duration
	lag    time.Duration // of the SMSC, either way
	disk   time.Duration // of Redis, on the way there and back
	texts  []int         // when citizens write, ms after it began
	faults []fault
}

func (b burst) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "after %v quiet, %v, lag %v, disk %v, %d texts:", b.gap.Round(time.Second), b.length.Round(time.Second), b.lag, b.disk, len(b.texts))
	for _, f := range b.faults {
		fmt.Fprintf(&s, " %s(%d)+%v", f.what, f.n, f.after.Round(100*time.Millisecond))
	}
	return s.String()
}

// The faults by whose they are.
var (
	ofTheSMSC = []string{
		"half-open", "half-open", "stall", "stall", "answers late", "answers twice", "answers never", "answers of unknown number",
		"answers of wrong type", "answers out of order", "answers with generic_nack", "answers without id", "refuses submits",
		"enquire_link unanswered", "enquire_link late", "numbers restart", "numbers wrap", "unbind", "unbind", "unbind and gone",
		"FIN", "FIN", "reset", "reset", "cut in a PDU", "bad length", "bad PDUs", "bad TLVs", "in pieces", "glued", "bind refused", "bind refused",
		"bind silent", "bind late", "bind and gone", "dial refused", "dial hangs", "outbind", "before bound", "stray responses", "held back",
		"receipts early", "receipts strange",
	}
	ofRedis     = []string{"redis stops", "redis gone", "redis slow", "redis loses answers", "redis loses answers", "redis loses requests", "redis clock jumps"}
	ofTheDaemon = []string{"daemon killed", "daemon killed", "daemon stands still", "daemon slow", "daemon apart"}
)

func between(r *rand.Rand, lo, hi time.Duration) time.Duration {
	return lo + time.Duration(r.Int64N(int64(hi-lo)+1))
}

func choose[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// newSetting is the line of a seed: every third is two daemons with heartbeats for an hour, half of
// these on an exclusive link; the others are one with long quiet times.
func newSetting(seed uint64, r *rand.Rand) setting {
	hours, enquire := 60*time.Hour, []time.Duration{30 * time.Second, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	if testenv.Race { // some five times as slow: longer quiet times, fewer seeds
		hours, enquire = 240*time.Hour, []time.Duration{2 * time.Minute, 10 * time.Minute, 10 * time.Minute, 20 * time.Minute}
	}
	s := setting{
		daemons: 1, hours: hours, bursts: 10, look: time.Minute,
		enquire: choose(r, enquire...), response: choose(r, 5*time.Second, 10*time.Second),
		reconnectMin: time.Second, reconnectMax: choose(r, 10*time.Second, time.Minute),
		window: choose(r, 1, 2, 5, 10), sessions: choose(r, 1, 1, 2), pair: r.IntN(5) == 0,
		rate: choose[float64](r, 0, 0, 2, 10, 50),
	}
	if twoDaemons(seed) {
		s.daemons, s.hours, s.bursts, s.look = 2, time.Hour, 6, time.Second
		s.enquire = choose(r, 10*time.Second, 30*time.Second)
		s.reconnectMax = 10 * time.Second
		s.exclusive = seed%6 == 0
	}
	return s
}

func twoDaemons(seed uint64) bool { return seed%3 == 0 }

// newPlan says all that will go wrong, and when citizens write.
func newPlan(s setting, r *rand.Rand) []burst {
	plan := make([]burst, s.bursts)
	busy := 3*time.Minute + s.boundWithin() // what a burst takes with its checks, at most
	free := max(s.hours-time.Duration(s.bursts)*busy, 0)
	for i := range plan {
		b := burst{gap: between(r, 0, 2*free/time.Duration(s.bursts)), length: between(r, 5*time.Second, 90*time.Second)}
		if s.daemons > 1 {
			b.length = between(r, 5*time.Second, 45*time.Second)
		}
		for range 1 + r.IntN(8) {
			b.texts = append(b.texts, r.IntN(int(b.length.Milliseconds())))
		}
		if r.IntN(3) == 0 { // a surge
			at := r.IntN(int(b.length.Milliseconds()))
			for range 10 + r.IntN(20) {
				b.texts = append(b.texts, at+r.IntN(2000))
			}
		}
		if r.IntN(2) == 0 {
			b.lag = between(r, time.Millisecond, 400*time.Millisecond)
		}
		if r.IntN(2) == 0 {
			b.disk = between(r, time.Millisecond, 200*time.Millisecond)
		}
		for n := range 1 + r.IntN(3) {
			kinds := ofTheSMSC
			switch {
			case n > 0 && r.IntN(3) == 0:
				kinds = ofRedis
			case s.daemons > 1 && r.IntN(3) == 0:
				kinds = ofTheDaemon
			}
			f := fault{choose(r, kinds...), between(r, 0, b.length*3/4), r.IntN(1000)}
			b.faults = append(b.faults, f)
			for range r.IntN(3) { // close to it
				b.texts = append(b.texts, max(0, int(f.after.Milliseconds())-600+r.IntN(800)))
			}
		}
		plan[i] = b
	}
	return plan
}
