package storemodel

import (
	"context"
	"fmt"
	"sync"
	"time"

	"aduan/internal/msisdn"
	"aduan/store"
)

// Redis is the server: what stands, its clock and its faults.
type Redis struct {
	mu sync.Mutex // guards all below; never held while waiting

	now      func() time.Time
	ahead    time.Duration // of our clock
	before   time.Duration // from the call to the script
	after    time.Duration // from the script to the answer
	gone     bool
	stopped  chan struct{} // closed when it goes on; nil: it runs
	lost     map[string][]loss
	ran      map[string]int
	redeliv  time.Duration
	settled  time.Duration
	serial   [store.Shards]uint64
	citizens map[store.CitizenID]*citizen
	tickets  map[ticketKey]*ticket
	sms      map[string]*sms
	due      map[dueKey]time.Time
	marks    map[markKey]*mark
	answers  map[answerKey]store.Idempotency
	claims   map[answerKey]string
	groups   map[store.GroupRef]*group
	opened   int64 // groups that were begun
	early    map[receiptKey]store.ReceiptUpdate
	learnt   map[string][]byte // of a link
	receipts map[receiptKey]part
	events   []store.Event
	audit    map[int][]store.Audit
	boots    map[string]int
	sends    map[string][]string // boot → the links that it may send on
	leases   map[string]*lease
	fences   map[string]bool
}

type loss struct {
	never bool          // it is never run
	late  time.Duration // after which it is run
}

type ticketKey struct {
	shard  int
	serial uint64
}

type dueKey struct {
	shard int
	kind  byte // s SMS, q citizen, g group
	name  string
	group store.GroupRef
}

type markKey struct {
	citizen store.CitizenID
	digest  string
}

type answerKey struct {
	shard int
	key   string
}

type receiptKey struct {
	citizen  store.CitizenID
	link, id string
}

type part struct {
	sms string
	n   int
}

type citizen struct {
	number  msisdn.MSISDN
	version uint64
	state   []byte
	turns   []string
	out     []string // ids, the head first
	kept    [][]byte
	took    []string // digests of the messages that had a turn, in order
	again   int      // late copies that were answered once more, or asked anew
}

type ticket struct {
	owner   store.CitizenID
	head    []byte
	entries map[string][]byte
}

type mark struct {
	store.Mark
	until time.Time // of Redis's clock
}

// New is an empty server.
func New() *Redis {
	return &Redis{
		now:  time.Now,
		lost: map[string][]loss{}, ran: map[string]int{}, redeliv: 24 * time.Hour, settled: time.Minute,
		citizens: map[store.CitizenID]*citizen{}, tickets: map[ticketKey]*ticket{}, sms: map[string]*sms{},
		due: map[dueKey]time.Time{}, marks: map[markKey]*mark{}, answers: map[answerKey]store.Idempotency{}, claims: map[answerKey]string{},
		groups: map[store.GroupRef]*group{}, early: map[receiptKey]store.ReceiptUpdate{}, learnt: map[string][]byte{}, receipts: map[receiptKey]part{},
		boots: map[string]int{}, sends: map[string][]string{}, leases: map[string]*lease{}, fences: map[string]bool{},
		audit: map[int][]store.Audit{},
	}
}

// Keep is how long a mark stands that is not settled, and one that is.
func (r *Redis) Keep(redelivery, settled time.Duration) {
	r.locked(func() { r.redeliv, r.settled = redelivery, settled })
}

// clock is Redis's own time. The lock is held.
func (r *Redis) clock() time.Time { return r.now().Add(r.ahead) }

// Now makes a clock of the test's own that of the daemons and, with its
// jumps, of Redis.
func (r *Redis) Now(now func() time.Time) { r.locked(func() { r.now = now }) }

// Jump moves Redis's clock.
func (r *Redis) Jump(d time.Duration) { r.locked(func() { r.ahead += d }) }

// Latency is how long each script that writes is on its way, and its answer:
// it waits for a disk, reading does not.
func (r *Redis) Latency(before, after time.Duration) {
	r.locked(func() { r.before, r.after = before, after })
}

// Gone refuses connections, or takes them again.
func (r *Redis) Gone(gone bool) { r.locked(func() { r.gone = gone }) }

// Stop makes it stand still: what is sent is run when it goes on.
func (r *Redis) Stop() {
	r.locked(func() {
		if r.stopped == nil {
			r.stopped = make(chan struct{})
		}
	})
}

// Continue ends Stop.
func (r *Redis) Continue() {
	r.locked(func() {
		if r.stopped != nil {
			close(r.stopped)
			r.stopped = nil
		}
	})
}

// Lose loses the answer to the next call of a script (commit, done, redeliver,
// part, settle, claim, renew …), which is run late after it was sent. Several
// losses of one script befall its next calls one after another.
func (r *Redis) Lose(script string, late time.Duration) {
	r.locked(func() { r.lost[script] = append(r.lost[script], loss{late: late}) })
}

// LoseUnrun loses the next call of a script on its way there.
func (r *Redis) LoseUnrun(script string) {
	r.locked(func() { r.lost[script] = append(r.lost[script], loss{never: true}) })
}

// Mend forgets the losses that have not befallen a call yet.
func (r *Redis) Mend() { r.locked(func() { clear(r.lost) }) }

// Ran is how often a script was run.
func (r *Redis) Ran(script string) (n int) {
	r.locked(func() { n = r.ran[script] })
	return n
}

func (r *Redis) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// run runs a script under the lock.
func (r *Redis) run(name string, script func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran[name]++
	script()
}

// do sends a script and waits for its answer. The script may still be run when
// do has given up, so it must write to nothing that the caller reads then.
func (r *Redis) do(ctx context.Context, extra time.Duration, name string, script func()) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrNotKept, err)
	}
	r.mu.Lock()
	if r.gone {
		r.mu.Unlock()
		return fmt.Errorf("%w: connection refused", store.ErrNotKept)
	}
	before, after := extra, time.Duration(0)
	if name != "mark" && name != "read" && name != "held" && name != "renew" {
		before, after = before+r.before, r.after
	}
	if list := r.lost[name]; len(list) > 0 {
		l := list[0]
		r.lost[name] = list[1:]
		r.mu.Unlock()
		if !l.never {
			r.later(l.late, name, script)
		}
		return fmt.Errorf("%w: connection reset", store.ErrUnknown)
	}
	if before == 0 && after == 0 && r.stopped == nil {
		r.mu.Unlock()
		r.run(name, script)
		return nil
	}
	r.mu.Unlock()
	answered := make(chan struct{})
	time.AfterFunc(before, func() {
		r.whenRunning(func() {
			r.run(name, script)
			time.AfterFunc(after, func() { close(answered) })
		})
	})
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", store.ErrUnknown, ctx.Err())
	}
}

func (r *Redis) later(d time.Duration, name string, script func()) {
	if d == 0 {
		r.run(name, script)
		return
	}
	time.AfterFunc(d, func() { r.whenRunning(func() { r.run(name, script) }) })
}

// whenRunning calls f now, or when Redis goes on.
func (r *Redis) whenRunning(f func()) {
	r.mu.Lock()
	stopped := r.stopped
	r.mu.Unlock()
	if stopped == nil {
		f()
		return
	}
	<-stopped
	f()
}
