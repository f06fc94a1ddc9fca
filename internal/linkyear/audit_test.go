package linkyear

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"aduan/internal/sender"
	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/store"
)

// audit notes what the daemons' submits came to, and holds everything against the promises.
type audit struct {
	seed  uint64
	w     *world
	lived time.Duration

	mu      sync.Mutex
	faults  []string
	open    map[*slot]bool
	taken   map[*daemon]int
	written map[string]int // submits that may have left a daemon, by what they were
	unknown map[string]int // of telephones: submits without an answer
	crashes int
	submits int
	second  []time.Time // submits of the last second, of all daemons
}

func (a *audit) fail(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.faults) < 12 {
		var at string
		if a.w != nil {
			at = time.Now().Format("02 15:04:05.000 ")
		}
		a.faults = append(a.faults, at+fmt.Sprintf(format, args...))
	}
}

func (a *audit) failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.faults) > 0
}

// crashed notes that a boot lost what it held.
func (a *audit) crashed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.crashes++
}

// slot is a place in a window, watched.
type slot struct {
	inner *smpp.Slot
	a     *audit
	d     *daemon
	once  sync.Once
}

func (a *audit) occupied(d *daemon, inner *smpp.Slot) sender.Slot {
	s := &slot{inner: inner, a: a, d: d}
	a.mu.Lock()
	if a.taken == nil {
		a.taken, a.open = map[*daemon]int{}, map[*slot]bool{}
		a.written, a.unknown = map[string]int{}, map[string]int{}
	}
	a.taken[d]++
	n := a.taken[d]
	a.mu.Unlock()
	if most := a.w.set.window * a.w.set.sessions; n > most {
		a.fail("%d places of the window are taken, there are %d", n, most)
	}
	return s
}

// Release gives the place back.
func (s *slot) Release() {
	s.once.Do(func() {
		s.a.mu.Lock()
		s.a.taken[s.d]--
		s.a.mu.Unlock()
	})
	s.inner.Release()
}

// Submit ends in one known state, and in that which the SMSC saw.
func (s *slot) Submit(ctx context.Context, m *smpp.Message) (smpp.SubmitResult, error) {
	a, key, began := s.a, what(m), time.Now()
	may := s.d.store.MaySend() // else it will not be written
	a.mu.Lock()
	a.submits++
	a.open[s] = true
	a.written[key]++
	a.second = slices.DeleteFunc(a.second, func(t time.Time) bool { return began.Sub(t) >= time.Second })
	if may {
		a.second = append(a.second, began)
	}
	paced := len(a.second)
	a.mu.Unlock()
	if rate := a.w.set.rate; rate > 0 && float64(paced) > rate {
		a.fail("%d submits within a second, the rate is %v", paced, rate)
	}
	res, err := s.inner.Submit(ctx, m)
	a.mu.Lock()
	delete(a.open, s)
	switch {
	case err == nil:
	case errors.Is(err, smpp.ErrNotWritten) && !errors.Is(err, smpp.ErrNoResponse):
		a.written[key]--
	case errors.Is(err, smpp.ErrNoResponse) && !errors.Is(err, smpp.ErrNotWritten):
		a.unknown[m.Destination.Addr]++
	default:
		defer a.fail("a submit ended as %v", err)
	}
	a.mu.Unlock()
	if d := time.Since(began); d > 2*a.w.set.response+time.Second {
		a.fail("a submit took %v", d)
	}
	if err == nil {
		a.compare(key, res)
	}
	return res, err
}

// compare holds an answer against what the SMSC answered.
func (a *audit) compare(key string, res smpp.SubmitResult) {
	s := a.w.smsc
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case res.Status == smpp.StatusROK && res.MessageID != "" && s.ids[res.MessageID] != key:
		a.fail("an SMS was given the message id of another")
	case res.Status == smpp.StatusROK && s.accepted[key] == 0:
		a.fail("an SMS counts as accepted that the SMSC never took")
	case res.Status != smpp.StatusROK && !s.refusals[key][res.Status]:
		a.fail("an SMS counts as refused with %v, which the SMSC never said", res.Status)
	}
}

// recovered holds the link to its time: the SMSC behaves from now on.
func (w *world) recovered() {
	if w.audit.failed() {
		return
	}
	time.Sleep(w.set.boundWithin() + 100*time.Millisecond)
	var pings []*attempt
	w.smsc.locked(func() {
		bound := 0
		for _, d := range w.daemons {
			if d.elsewhere() {
				continue
			}
			bound++
			rx, tx := 0, 0
			for _, c := range w.smsc.links {
				if c.d != d || c.leaving || c.hole {
					continue
				}
				if c.receives() {
					rx++
				}
				if c.bound != 0 && c.bound != smpp.CmdBindReceiver {
					tx++
				}
				pings = append(pings, c.ask(smpp.CmdEnquireLink, smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 0)))
			}
			if st := d.link.Status(); !d.link.Bound() || rx < w.set.sessions || tx < w.set.sessions {
				w.fail("%s is not bound again after %v: %s, %d and %d sessions; %s", d.name, w.set.boundWithin(), st.State, rx, tx, st.Reason)
			}
		}
		if w.set.exclusive && bound != 1 {
			w.fail("%d daemons of %d hold the exclusive bind", bound, len(w.daemons))
		}
	})
	time.Sleep(time.Second)
	var one, two *text
	w.smsc.locked(func() {
		for _, a := range pings {
			if a.answers != 1 {
				w.fail("a session that seems bound does not answer")
			}
		}
		l := w.newLane()
		words := fmt.Sprintf("LAPOR lampu mati nomor %d", w.citizen)
		one, two = w.send(l, words, false), w.send(l, words, false)
	})
	time.Sleep(20 * time.Second)
	w.smsc.locked(func() {
		if !one.done || !two.done {
			w.fail("with everything well again a message is not acknowledged within 20 s")
		}
	})
	if took, _ := w.redis.Took(one.lane.phone); len(took) != 2 {
		w.fail("a citizen wrote the same twice, without a fault: %d turns", len(took))
	}
}

// settled tells whether nothing is under way any more.
func (a *audit) settled() (all bool) {
	all = true
	a.w.smsc.locked(func() { all = len(a.w.smsc.lanes) == 0 })
	for _, m := range a.w.redis.SMS() {
		all = all && m.State != store.StateQueued
	}
	return all && !a.w.longWaits()
}

// all looks at everything that was.
func (a *audit) all() {
	for _, l := range a.w.lanes {
		a.turns(l)
		a.sms(l)
	}
	a.long()
	a.mu.Lock()
	crashes, unknown, unanswered := a.crashes, 0, maps.Clone(a.unknown)
	for _, n := range unanswered {
		unknown += n
	}
	a.mu.Unlock()
	excess := 0
	a.w.smsc.locked(func() {
		for key, n := range a.w.smsc.seen {
			if most := a.written[key]; n > most {
				a.fail("a submit_sm came %d times, at most %d were written", n, most)
			}
		}
		for _, l := range a.w.lanes {
			_, again := a.w.redis.Took(l.phone)
			more := max(0, a.acceptedBy(l)-a.wanted(l)-again)
			if most := unanswered[l.phone.Digits()]; crashes == 0 && more > most {
				a.fail("%d segments twice to one telephone, of which %d had no answer", more, most)
			}
			excess += more
		}
	})
	if most := unknown + crashes*a.w.set.window*a.w.set.sessions; excess > most {
		a.fail("%d SMS twice; %d submits without an answer and %d crashes with a window of %d allow %d", excess, unknown, crashes, a.w.set.window, most)
	}
	a.w.smsc.locked(func() {
		for _, c := range a.w.smsc.links {
			if c.hole {
				continue
			}
			for seq, r := range c.asked {
				if r.answers == 0 && time.Since(r.at) > time.Minute {
					a.fail("number %d, %v, was never answered on a session that lives", seq, r.id)
				}
			}
		}
	})
}

// turns: every message had one turn, in order; of the same words twice in a row the second may have been taken for a
// redelivery where something was wrong at the time.
func (a *audit) turns(l *lane) {
	var wrote []string
	for _, t := range l.texts {
		if !t.done {
			a.fail("a message was not acknowledged to the end")
			return
		}
		wrote = append(wrote, t.digest)
	}
	if l.long != nil || l.pushed {
		return
	}
	took, _ := a.w.redis.Took(l.phone)
	if len(took) > len(wrote) {
		a.fail("a citizen wrote %d times and had %d turns", len(wrote), len(took))
	}
	if once := slices.Compact(slices.Clone(wrote)); len(once) < len(wrote) {
		wrote, took = once, slices.Compact(took)
	}
	if !slices.Equal(took, wrote) {
		a.fail("the turns of a citizen are not what was written, in its order: %d of %d", len(took), len(wrote))
	}
}

// sms: every SMS has ended, and what counts as sent was taken.
func (a *audit) sms(l *lane) {
	sent := 0
	for _, m := range a.w.redis.SMSTo(l.phone) {
		switch m.State {
		case store.StateQueued:
			a.fail("an SMS still waits after all: %d tries, %q, held by %q", m.Tries, m.Error, a.w.redis.Holders()[m.ID])
		case store.StateSent, store.StateDelivered:
			sent += parts(m.Text)
		}
	}
	a.w.smsc.locked(func() {
		if got := a.acceptedBy(l); got < sent {
			a.fail("%d parts count as sent, the SMSC took %d", sent, got)
		}
	})
}

func parts(text string) int {
	_, n, _ := segment.Count(text)
	return n
}

func (a *audit) wanted(l *lane) (n int) {
	for _, m := range a.w.redis.SMSTo(l.phone) {
		n += parts(m.Text)
	}
	return n
}

// acceptedBy is how many submit_sm to a telephone the SMSC took; its mu is held.
func (a *audit) acceptedBy(l *lane) (n int) {
	for key, k := range a.w.smsc.accepted {
		if strings.HasPrefix(key, l.phone.Digits()+"|") {
			n += k
		}
	}
	return n
}

// ended: with everybody gone no submit is open and no place taken.
func (a *audit) ended() {
	a.mu.Lock()
	open := len(a.open)
	taken := 0
	for d, n := range a.taken {
		if !d.dead {
			taken += n
		}
	}
	a.mu.Unlock()
	if open > 0 || taken > 0 {
		a.fail("%d submits open, %d places taken at the end", open, taken)
	}
}
