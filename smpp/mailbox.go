package smpp

import (
	"sync"
	"time"
)

// maxQueued bounds the octets that were read and not handled yet. Beyond it the
// reader waits, and TCP tells the peer.
const maxQueued = 1 << 20

// incoming is one PDU as it came.
type incoming struct {
	frame []byte
	at    time.Time
}

// answer is what a consumer decided about a delivery.
type answer struct {
	delivery *Delivery
	status   Status
}

// probe is one call of Session.Probe.
type probe struct{ done chan error }

// mail is what others left for the owner.
type mail struct {
	frames  []incoming
	readErr error // nothing more will be read; stands behind the frames
	answers []answer
	submits []*request
	probes  []*probe
}

func (m *mail) reset() {
	clear(m.frames)
	clear(m.answers)
	clear(m.submits)
	clear(m.probes)
	*m = mail{frames: m.frames[:0], answers: m.answers[:0], submits: m.submits[:0], probes: m.probes[:0]}
}

// mailbox is where all other goroutines leave work for the session's owner. No
// lock is held while anybody waits.
type mailbox struct {
	wake  chan struct{} // takes one: there is mail
	space chan struct{} // takes one: the reader may go on

	mu     sync.Mutex
	mail   mail
	octets int
	closed bool
}

func newMailbox() *mailbox {
	return &mailbox{wake: make(chan struct{}, 1), space: make(chan struct{}, 1)}
}

func (b *mailbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// put runs fill under the lock; false where nobody will read the mail any more.
func (b *mailbox) put(fill func(*mail)) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	fill(&b.mail)
	b.mu.Unlock()
	b.signal()
	return true
}

// putFrames tells whether the reader must wait for space.
func (b *mailbox) putFrames(batch []incoming) (full bool) {
	b.mu.Lock()
	b.mail.frames = append(b.mail.frames, batch...)
	for _, f := range batch {
		b.octets += len(f.frame)
	}
	full = b.octets > maxQueued
	b.mu.Unlock()
	b.signal()
	return full
}

// take swaps the mail for an empty one; false where there is none.
func (b *mailbox) take(into *mail) bool {
	into.reset()
	b.mu.Lock()
	*into, b.mail = b.mail, *into
	wasFull := b.octets > maxQueued
	b.octets = 0
	b.mu.Unlock()
	if wasFull {
		select {
		case b.space <- struct{}{}:
		default:
		}
	}
	return len(into.frames)+len(into.answers)+len(into.submits)+len(into.probes) > 0 || into.readErr != nil
}

// close returns what was left and lets nothing more in.
func (b *mailbox) close() mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	rest := b.mail
	b.mail = mail{}
	return rest
}
