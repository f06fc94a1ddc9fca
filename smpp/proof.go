package smpp

import (
	"slices"
	"sort"
	"time"
)

// rok is an ESME_ROK that was written and is not known to have been read.
type rok struct {
	delivery *Delivery
	pos      uint64 // its place in what the session writes
	written  time.Time
}

// proof knows which ESME_ROK the peer has surely read. A stream is in order: the
// peer that answers what we wrote at one place has read all that stands before.
//
// A ROK counts only if it was written within ackWithin of the message's arrival
// and its proof came within twice that, which is at most the SMSC's own response
// timer. A later proof may be of a ROK that lay in a stalled connection until the
// SMSC had given up waiting and queued the message again.
type proof struct {
	ackWithin time.Duration
	unproven  []rok
	flushed   int // unproven[:flushed] are written; the others stand in the buffer
}

func (p *proof) add(d *Delivery, pos uint64) {
	p.unproven = append(p.unproven, rok{delivery: d, pos: pos})
}

// wrote stamps what the write that ended now carried, and forgets what was late.
func (p *proof) wrote(now time.Time) {
	kept := p.unproven[:p.flushed]
	for _, r := range p.unproven[p.flushed:] {
		if now.Sub(r.delivery.Received) <= p.ackWithin {
			r.written = now
			kept = append(kept, r)
		}
	}
	clear(p.unproven[len(kept):])
	p.unproven, p.flushed = kept, len(kept)
}

// prove is called when the peer has answered what stands at pos; it returns the
// deliveries whose ROK is settled by that, in the order of writing.
func (p *proof) prove(pos uint64, now time.Time) []*Delivery {
	n := p.before(pos)
	if n == 0 {
		return nil
	}
	proven := make([]*Delivery, 0, n)
	for _, r := range p.unproven[:n] {
		if now.Sub(r.delivery.Received) <= 2*p.ackWithin {
			proven = append(proven, r.delivery)
		}
	}
	p.unproven = slices.Delete(p.unproven, 0, n)
	p.flushed -= n
	return proven
}

// due is when an enquire_link must go out so that all is proven; covered is the
// place of the last one that is still unanswered. No time: nothing waits.
func (p *proof) due(covered uint64, delay time.Duration) (time.Time, bool) {
	n := p.before(covered)
	if n >= p.flushed {
		return time.Time{}, false
	}
	return p.unproven[n].written.Add(delay), true
}

// before counts the written ROKs that stand before pos.
func (p *proof) before(pos uint64) int {
	return sort.Search(p.flushed, func(i int) bool { return p.unproven[i].pos >= pos })
}
