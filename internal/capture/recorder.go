package capture

import (
	"bytes"
	"encoding/binary"
	"sync/atomic"

	"aduan/smpp"
)

// What may wait to be written: a reader of the capture that is slow loses PDUs of it, never the session its time.
const (
	maxWaiting = 4096     // writes and frames
	maxOctets  = 16 << 20 // of all of them
)

// Recorder stands between a link's sessions and a [Writer] that may be slow.
type Recorder struct {
	queue   chan smpp.Tapped
	octets  atomic.Int64
	dropped atomic.Uint64
}

// NewRecorder makes an empty one.
func NewRecorder() *Recorder { return &Recorder{queue: make(chan smpp.Tapped, maxWaiting)} }

// Tap is a [smpp.Tap]: it copies, and returns at once.
func (r *Recorder) Tap(p smpp.Tapped) {
	n := int64(len(p.Octets))
	if r.octets.Add(n) <= maxOctets {
		p.Octets = bytes.Clone(p.Octets)
		select {
		case r.queue <- p:
			return
		default:
		}
	}
	r.octets.Add(-n)
	for rest := p.Octets; len(rest) > 0; r.dropped.Add(1) {
		_, rest = cut(rest)
	}
}

// Waiting gives what was recorded, in order; what is taken is told to [Recorder.Took].
func (r *Recorder) Waiting() <-chan smpp.Tapped { return r.queue }

// Took makes room for others.
func (r *Recorder) Took(p smpp.Tapped) { r.octets.Add(-int64(len(p.Octets))) }

// Dropped is how many PDUs found no room.
func (r *Recorder) Dropped() uint64 { return r.dropped.Load() }

// cut takes the first PDU off. What its length does not hold together stays one piece.
func cut(octets []byte) (pdu, rest []byte) {
	if len(octets) < smpp.HeaderLen {
		return octets, nil
	}
	n := uint64(binary.BigEndian.Uint32(octets))
	if n < smpp.HeaderLen || n > uint64(len(octets)) {
		return octets, nil
	}
	return octets[:n:n], octets[n:]
}
