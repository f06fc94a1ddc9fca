package sender

import (
	"math"
	"sync"
	"time"
)

const (
	cut       = 0.5             // what ESME_RTHROTTLED leaves of the rate
	slowest   = 0.5             // a second: the floor of what is learnt, where the operator's rate allows it
	back      = 8 * time.Second // from nothing back to the rate that was too much; from half of it 4 s
	probeEach = 4 * time.Second // above that rate the step doubles so often
	strikes   = 3               // refusals of our settings in a row, with nothing accepted in between, that stop a link
	probeMin  = 5 * time.Second // until a stopped link is tried again; doubles up to probeMax
	probeMax  = time.Minute
)

// pace is how fast a link may send: the rate that it was given, and below that what the operator lets us send, learnt
// from its ESME_RTHROTTLED and ESME_RMSGQFUL (additive increase, multiplicative decrease).
//
//	free ──throttled──▶ half of what went through ──accepted──▶ + 1/8 of the rate that was too much, each second
//	  ▲                        │ throttled again: half                 │ beyond that rate: growing steps
//	  └──── reaches the rate that it was given, or four times the one that was too much ────┘
//
// A refusal of our settings (ESME_RINVSRCADR) is no matter of speed: after three in a row the link stops, and asks again
// with one SMS after 5 s, 10 s, … 1 min.
type pace struct {
	mu     sync.Mutex // guards all
	bucket bucket
	given  float64 // by the configuration, this daemon's share; 0: no limit; negative: none may be sent

	learnt   float64 // 0: the operator does not slow us
	tooMuch  float64 // the rate at which it began to, by the last throttling that let something pass
	cutAt    time.Time
	grownAt  time.Time
	since    time.Time // since when it has been growing beyond tooMuch
	accepted int       // since cutAt

	second    time.Time // of which count tells
	count     int       // accepted in it
	lastCount int       // in the one before

	refused int    // settings refused in a row
	stopped string // why the link's sending has stopped; "": it has not
	probeAt time.Time
	probe   time.Duration
	probing bool // one SMS is on its way to ask
}

// setGiven changes the rate that the link may use: this daemon's share.
func (p *pace) setGiven(rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if rate == p.given {
		return
	}
	p.given = rate
	p.bucket.setCeiling(max(rate, 0))
	if rate > 0 && p.learnt >= rate {
		p.learnt = 0
	}
	p.space()
}

// space tells the bucket the rate of now. mu is held.
func (p *pace) space() {
	p.bucket.rate = max(p.given, 0)
	if p.learnt > 0 && (p.given <= 0 || p.learnt < p.given) {
		p.bucket.rate = p.learnt
	}
}

// free tells that nothing limits the link.
func (p *pace) free() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.given == 0 && p.learnt == 0 && p.stopped == ""
}

// notNow is how long is waited at least where a link may not send at all, until that is looked at again.
const notNow = 100 * time.Millisecond

// wait is how long the next submit_sm must wait; 0: it may go now.
func (p *pace) wait(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.given < 0:
		return notNow
	case p.stopped != "" && p.probing:
		return time.Second // its outcome wakes us
	case p.stopped != "":
		return max(p.probeAt.Sub(now), p.bucket.wait(now))
	}
	return p.bucket.wait(now)
}

// take notes that a submit_sm goes now.
func (p *pace) take(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = p.stopped != ""
	p.bucket.take(now)
}

// throttled notes an ESME_RTHROTTLED or ESME_RMSGQFUL to what was sent at sent. What was on its way when the rate was
// cut tells nothing new.
func (p *pace) throttled(sent, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
	if sent.Before(p.cutAt) {
		return
	}
	rate, floor := p.learnt, slowest
	if p.given > 0 {
		floor = min(floor, p.given/4)
	}
	if rate == 0 {
		p.roll(now)
		if rate = float64(max(p.count, p.lastCount)); p.given > 0 {
			rate = min(rate, p.given)
		}
		rate = max(rate, 2*floor)
		p.tooMuch = rate
	} else if p.accepted > 0 { // else nothing passes at all, and that is no matter of speed
		p.tooMuch = rate
	}
	p.learnt = max(rate*cut, floor)
	p.cutAt, p.grownAt, p.since, p.accepted = now, now, time.Time{}, 0
	p.space()
	p.bucket.next = now.Add(spacing(p.bucket.rate))
}

// passed notes that the operator took what was sent at sent, and lets the rate grow.
func (p *pace) passed(sent, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused, p.stopped, p.probing, p.probe = 0, "", false, 0
	p.roll(now)
	p.count++
	if p.learnt == 0 || sent.Before(p.cutAt) {
		return
	}
	p.accepted++
	over := min(now.Sub(p.grownAt), max(time.Second, 2*spacing(p.learnt))) // no growth for a time in which nothing was sent
	p.grownAt = now
	if p.learnt < p.tooMuch {
		p.learnt += p.tooMuch * over.Seconds() / back.Seconds()
	} else {
		if p.since.IsZero() {
			p.since = now
		}
		step := max(p.tooMuch/20, slowest/5) * math.Exp2(float64(now.Sub(p.since))/float64(probeEach))
		p.learnt += step * over.Seconds()
	}
	if p.given > 0 && p.learnt >= p.given || p.given == 0 && p.learnt >= 4*p.tooMuch {
		p.learnt = 0
	}
	p.space()
}

// settings notes that our settings were refused, not an SMS: several in a row stop the link. stopped: it stops now.
func (p *pace) settings(now time.Time, why string) (stopped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
	p.refused++
	if p.refused < strikes {
		return false
	}
	stopped = p.stopped == ""
	p.stopped = why
	p.probe = min(max(2*p.probe, probeMin), probeMax)
	p.probeAt = now.Add(p.probe)
	return stopped
}

// other notes an outcome that tells nothing of speed or settings.
func (p *pace) other() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.probing {
		p.probing = false
		p.probeAt = time.Now().Add(p.probe)
	}
}

// roll keeps the count of a second. mu is held.
func (p *pace) roll(now time.Time) {
	switch past := now.Sub(p.second); {
	case past < time.Second:
	case past < 2*time.Second:
		p.lastCount, p.count, p.second = p.count, 0, p.second.Add(time.Second)
	default:
		p.lastCount, p.count, p.second = 0, 0, now
	}
}

// Flow is how a link sends, for people.
type Flow struct {
	Given     float64 // submit_sm a second that the configuration gives this daemon; 0: no limit
	Learnt    float64 // what the operator lets us send at the moment; 0: it does not slow us
	Stopped   string  // why nothing is sent, in words; "": it is
	Waits     bool    // nothing is sent yet on a link that is up: the rate is still the others'
	Throttled time.Time
}

func (p *pace) flow() Flow {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Flow{Given: max(p.given, 0), Learnt: p.learnt, Stopped: p.stopped, Waits: p.given < 0, Throttled: p.cutAt}
}

// isStopped tells whether the link's sending has stopped; ask: it may ask again now.
func (p *pace) isStopped(now time.Time) (stopped, ask bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped != "", p.stopped != "" && !p.probing && !now.Before(p.probeAt)
}
