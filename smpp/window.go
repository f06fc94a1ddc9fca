package smpp

import (
	"sync/atomic"
	"time"
)

// A request goes queued → taken, or queued → withdrawn, exactly once.
const (
	requestQueued int32 = iota
	requestTaken
	requestWithdrawn
)

// request is a PDU of ours that awaits a response.
type request struct {
	id   CommandID
	body []byte // a submit_sm, whole but for its sequence number

	progress atomic.Int32 // requestQueued… : who of the waiter and the owner is first
	done     chan outcome // takes one

	// owner only
	seq      uint32
	pos      uint64 // its place in what the session writes
	written  time.Time
	answered bool
	probes   []*probe // who waits for an enquire_link
}

type outcome struct {
	result SubmitResult
	err    error
}

func (r *request) end(o outcome) {
	if r.done != nil {
		r.done <- o
	}
}

// outstanding are the requests written and not answered, by sequence number, in
// the order of their deadlines: all have the same time to be answered.
type outstanding struct {
	bySeq   map[uint32]*request
	queue   []*request
	lastSeq uint32
	submits int
}

// next is a sequence number that is free: 1 … 0x7FFFFFFF, then 1 (§5.1.4).
func (o *outstanding) next() uint32 {
	for {
		if o.lastSeq >= maxSeq {
			o.lastSeq = 0
		}
		o.lastSeq++
		if _, taken := o.bySeq[o.lastSeq]; !taken {
			return o.lastSeq
		}
	}
}

func (o *outstanding) add(r *request) {
	o.bySeq[r.seq] = r
	o.queue = append(o.queue, r)
	if r.id == CmdSubmitSM {
		o.submits++
	}
}

func (o *outstanding) remove(r *request) {
	delete(o.bySeq, r.seq)
	r.answered = true
	if r.id == CmdSubmitSM {
		o.submits--
	}
}

// oldest is the request whose deadline comes first.
func (o *outstanding) oldest() *request {
	for len(o.queue) > 0 && o.queue[0].answered {
		o.queue[0] = nil
		o.queue = o.queue[1:]
	}
	if len(o.queue) == 0 {
		return nil
	}
	return o.queue[0]
}

// takeAll empties it, in the order of writing.
func (o *outstanding) takeAll() []*request {
	var all []*request
	for r := o.oldest(); r != nil; r = o.oldest() {
		o.remove(r)
		all = append(all, r)
	}
	return all
}
