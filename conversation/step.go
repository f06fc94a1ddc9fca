package conversation

import (
	"slices"
	"time"
)

// Step is the whole conversation: what input makes of a state, and what it
// causes. It is pure: neither the clock nor chance is asked, and s stays as it was.
func (e *Engine) Step(s State, in Input, now time.Time) (State, Effects) {
	now = now.UTC().Truncate(time.Millisecond)
	st := step{e: e, w: e.w, s: s, now: now, lang: s.Language}
	if st.lang == "" || e.w.catalogues[st.lang] == nil {
		st.lang = e.o.Language
	}
	st.s.V = stateVersion
	st.s.Tickets = slices.Clone(s.Tickets)
	st.s.Questions = slices.Clone(s.Questions)
	if s.V == 1 {
		st.windUp()
	}
	if tick, ok := in.(Tick); ok {
		st.known = tick.Known
	}
	st.fallDue()
	switch in := in.(type) {
	case SMS:
		st.sms(&in)
	case Unreadable:
		st.unreadable(&in)
	case LatePart:
		st.latePart(&in)
	case StaffStatus:
		st.staffStatus(&in)
	case StaffQuestion:
		st.staffQuestion(&in)
	case StaffFile:
		st.staffFile(&in)
	case StaffAssign:
		st.staffAssign(&in)
	case Archived:
		st.s.Tickets = slices.DeleteFunc(st.s.Tickets, func(t Ticket) bool { return !t.Status.Open() && slices.Contains(in.Tickets, t.Number) })
	case StaffBroadcast:
		st.staffBroadcast(&in)
	case Erasure:
		st.known = in.Known
		if !st.fx.Erase {
			st.erase()
		}
	case Tick:
		st.strikeAway()
	case nil:
	}
	st.crowded()
	st.trim()
	return st.s, st.fx
}

// step is one Step under way.
type step struct {
	e    *Engine
	w    *Words
	s    State // the copy that is changed
	fx   Effects
	now  time.Time
	lang string

	sm    *SMS
	ts    tokens
	known []Ticket
	// urgent: the text tells of danger to life; the answer begins with 112.
	urgent bool
	filed  bool // this step filed a ticket
	acted  bool // a command was understood
	stayed bool // an erasure to come was taken back
	asked  bool // a yes, no or choice was asked
}

func (st *step) catalogue() *catalogue { return st.w.catalogues[st.lang] }

// ticket returns the citizen's own ticket of that number, or nil. A known one
// that the state does not hold joins it when it is changed.
func (st *step) ticket(n Number) *Ticket {
	for i := range st.s.Tickets {
		if st.s.Tickets[i].Number == n {
			return &st.s.Tickets[i]
		}
	}
	for i := range st.known {
		if st.known[i].Number == n && !st.known[i].Erased {
			return &st.known[i]
		}
	}
	return nil
}

// change returns the ticket of that number to be changed: its head goes with
// the effects.
func (st *step) change(n Number) *Ticket {
	i := slices.IndexFunc(st.s.Tickets, func(t Ticket) bool { return t.Number == n })
	if i < 0 {
		k := slices.IndexFunc(st.known, func(t Ticket) bool { return t.Number == n })
		i = len(st.s.Tickets)
		for i > 0 && st.s.Tickets[i-1].FiledAt.After(st.known[k].FiledAt) {
			i--
		}
		st.s.Tickets = slices.Insert(st.s.Tickets, i, st.known[k])
	}
	if !slices.ContainsFunc(st.fx.Tickets, func(t Ticket) bool { return t.Number == n }) {
		st.fx.Tickets = append(st.fx.Tickets, Ticket{Number: n}) // filled in by trim
	}
	return &st.s.Tickets[i]
}

// How many tickets a state holds: it goes whole with every commit. The others
// are found by their number.
const (
	keptClosed = 20
	keptOpen   = 100 // more only where they wait for an answer or a mark; of what goes the clock goes on, see Away
)

// trim copies the changed heads into the effects, and lets the oldest tickets
// go from the state.
func (st *step) trim() {
	for i := range st.fx.Tickets {
		if t := st.ticket(st.fx.Tickets[i].Number); t != nil {
			st.fx.Tickets[i] = *t
		}
	}
	if len(st.s.Away) > 0 { // who is back keeps the time itself
		st.s.Away = slices.DeleteFunc(slices.Clone(st.s.Away), func(a Away) bool {
			return slices.ContainsFunc(st.s.Tickets, func(t Ticket) bool { return t.Number == a.Number })
		})
	}
	closed, open := 0, 0
	for i := range st.s.Tickets {
		if st.s.Tickets[i].Status.Open() {
			open++
		} else {
			closed++
		}
	}
	st.s.Tickets = slices.DeleteFunc(st.s.Tickets, func(t Ticket) bool {
		switch {
		case !t.Status.Open():
			closed--
			return closed >= keptClosed
		case open > keptOpen && t.RateBy.IsZero() && !st.waits(t.Number):
			open--
			st.leave(&t)
			return true
		}
		return false
	})
}

// waits tells whether a question about the ticket stands.
func (st *step) waits(n Number) bool {
	return slices.ContainsFunc(st.s.Questions, func(q Question) bool { return q.Ticket == n })
}

func (st *step) event(kind string, n Number) *Event {
	st.fx.Events = append(st.fx.Events, Event{Type: kind, Ticket: n})
	return &st.fx.Events[len(st.fx.Events)-1]
}

// history notes a change of the ticket and returns its index.
func (st *step) history(t *Ticket, c ChangeEntry) int {
	t.Changes++
	c.Ticket, c.Index, c.At = t.Number, t.Changes, st.now
	st.fx.Changes = append(st.fx.Changes, c)
	return t.Changes
}

// setStatus moves the ticket and notes it.
func (st *step) setStatus(t *Ticket, to Status, by, note string) int {
	from := t.Status
	t.Status, t.StatusAt = to, st.now
	t.RateBy = time.Time{}
	t.ClosedAt = time.Time{}
	if !to.Open() {
		t.ClosedAt = st.now
	}
	if from != to {
		st.startClock(t, st.now)
		st.reach(t, from)
	}
	return st.history(t, ChangeEntry{By: by, From: from, To: to, Note: note, What: "status"})
}

// reach notes when a ticket first came as far as it is now, for who counts it.
func (st *step) reach(t *Ticket, from Status) {
	if from == Filed && t.Status != Withdrawn && t.VerifiedAt.IsZero() {
		t.VerifiedAt = st.now
	}
	switch t.Status {
	case InProgress, NeedsInformation, Resolved, Closed, Rejected:
		if t.AnsweredAt.IsZero() {
			t.AnsweredAt = st.now
		}
	case Reopened:
		t.ReopenedAt = st.now
	}
}

// top returns the newest question; nil where none stands.
func (st *step) top() *Question {
	if len(st.s.Questions) == 0 {
		return nil
	}
	return &st.s.Questions[len(st.s.Questions)-1]
}

// ask lets a question stand, the newest of all.
func (st *step) ask(q Question) { st.s.Questions = append(st.s.Questions, q) }

// pop takes the newest question away.
func (st *step) pop() Question {
	q := *st.top()
	st.s.Questions = st.s.Questions[:len(st.s.Questions)-1]
	return q
}

// drop takes away all questions that f wants gone.
func (st *step) drop(f func(*Question) bool) {
	st.s.Questions = slices.DeleteFunc(st.s.Questions, func(q Question) bool { return f(&q) })
}

// latestOpen returns the citizen's open tickets, the latest first.
func (st *step) latestOpen() []Ticket {
	var open []Ticket
	for i := len(st.s.Tickets) - 1; i >= 0; i-- {
		if st.s.Tickets[i].Status.Open() {
			open = append(open, st.s.Tickets[i])
		}
	}
	return open
}

// continued returns the open ticket to which plain text is added: the one
// touched last, if that is not long ago.
func (st *step) continued() *Ticket {
	var last *Ticket
	for i := range st.s.Tickets {
		t := &st.s.Tickets[i]
		if t.Status.Open() && st.now.Sub(t.TouchedAt) < st.e.o.Continuation && (last == nil || !t.TouchedAt.Before(last.TouchedAt)) {
			last = t
		}
	}
	return last
}
