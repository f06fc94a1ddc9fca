package sender

import (
	"math/rand/v2"
	"time"

	"aduan/smpp"
)

// Policy says when an SMS is tried again, and when it is given up.
type Policy struct {
	// Expire is how long an SMS may go unaccepted; default 72 h.
	Expire time.Duration
	// Min and Max bound the pause before the next try; default 2 s and 10 min.
	// It doubles with each try and is drawn between half of it and all.
	Min, Max time.Duration
	// Few is how often an SMS is tried whose error is rarely temporary, before
	// it is dead; default 5.
	Few int
	// Rand draws from [0, 1); default math/rand/v2.
	Rand func() float64
}

func (p Policy) withDefaults() Policy {
	if p.Expire <= 0 {
		p.Expire = 72 * time.Hour
	}
	if p.Min <= 0 {
		p.Min = 2 * time.Second
	}
	if p.Max <= 0 {
		p.Max = 10 * time.Minute
	}
	if p.Few <= 0 {
		p.Few = 5
	}
	if p.Rand == nil {
		p.Rand = rand.Float64
	}
	return p
}

// pause is how long to wait before the try after the given number of tries.
func (p Policy) pause(tries int) time.Duration {
	d := p.Min
	for range min(tries, 30) {
		if d *= 2; d >= p.Max {
			d = p.Max
			break
		}
	}
	return d/2 + time.Duration(p.Rand()*float64(d/2))
}

// decision is what follows from a submit_sm_resp that is not ESME_ROK.
type decision struct {
	again bool          // tried again after pause
	pause time.Duration // only where again
	state string        // else: undeliverable, expired or dead
}

// settingsPause is how long an SMS waits that was refused for our settings:
// an operator must change them, so nothing is lost by waiting.
const settingsPause = time.Minute

// decide says what follows from a refusal. tries counts this one too; age is
// the time since the SMS was made, expire how long it may go unaccepted.
func (p Policy) decide(status smpp.Status, tries int, age, expire time.Duration) decision {
	d := decision{again: true, pause: p.pause(tries - 1)}
	switch status.Class() {
	case smpp.ClassPermanent:
		return decision{state: "undeliverable"}
	case smpp.ClassFewTries:
		if tries >= p.Few {
			return decision{state: "dead"}
		}
	case smpp.ClassSettings:
		d.pause = settingsPause
	case smpp.ClassThrottled:
		d.pause = 0 // the link's pace makes it wait
	}
	if age+d.pause > expire {
		return decision{state: "expired"}
	}
	return d
}
