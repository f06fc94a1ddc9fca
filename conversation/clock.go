package conversation

import "time"

// Limits are the times that a line promises. Zero values are the defaults.
type Limits struct {
	Verify   int // working days until a new ticket must be verified; default 3
	Answer   int // working days until the institution must have answered; default 5
	Remind   int // working days before a limit at which it is reminded of, days before the citizen's; default 1
	Escalate int // working days after a limit at which it goes to the superior; default 2
	Citizen  int // days of the calendar for a mark or the answer to an officer; default 10
}

// orDefaults fills in what is not set.
func (l Limits) orDefaults() Limits {
	for _, v := range []struct {
		is   *int
		days int
	}{{&l.Verify, 3}, {&l.Answer, 5}, {&l.Remind, 1}, {&l.Escalate, 2}, {&l.Citizen, 10}} {
		if *v.is <= 0 {
			*v.is = v.days
		}
	}
	return l
}

// The limits that a ticket's clock runs to.
const (
	LimitVerify = "verify" // to be verified
	LimitAnswer = "answer" // to be answered by the institution
	limitMark   = "mark"   // the citizen's mark: Ticket.RateBy
)

// clockStage is what a ticket's clock tells next.
type clockStage int

const (
	clockRemind clockStage = iota
	clockOverdue
	clockEscalate
)

// Overdue tells whether the office's limit for the ticket has passed.
func (t *Ticket) Overdue(now time.Time) bool {
	return t.Limit != "" && !t.DueAt.IsZero() && !now.Before(t.DueAt)
}

// startClock lets the clock run that the ticket's status calls for, from the
// time when it began to call.
func (st *step) startClock(t *Ticket, from time.Time) {
	o := &st.e.o
	t.Limit, t.DueAt, t.ClockAt, t.ClockStage = "", zero, zero, 0
	days := 0
	switch t.Status {
	case Filed:
		t.Limit, days = LimitVerify, o.Limits.Verify
	case Verified, Forwarded, Reopened:
		t.Limit, days = LimitAnswer, o.Limits.Answer
	case Resolved:
		t.Limit, t.ClockAt = limitMark, st.beforeCitizen(from)
		return
	default: // answered, or at an end
		return
	}
	t.DueAt = st.w.workdays(from, days, o.Location)
	t.ClockAt = st.w.workdays(t.DueAt, -o.Limits.Remind, o.Location)
	if !t.ClockAt.After(from) {
		t.ClockAt, t.ClockStage = t.DueAt, clockOverdue
	}
}

// windUp starts the clocks of tickets from a state that was written before
// there were any.
func (st *step) windUp() {
	for i := range st.s.Tickets {
		t := &st.s.Tickets[i]
		if t.DueAt.IsZero() && t.Status.Open() {
			from := t.StatusAt
			if from.IsZero() {
				from = t.FiledAt
			}
			st.startClock(st.change(t.Number), from)
		}
	}
}

// strike lets a ticket's clock tell what has come: one event for each, and a
// reminder only while there is still time.
func (st *step) strike(n Number) {
	for {
		t := st.ticket(n)
		if t == nil || t.ClockAt.IsZero() || st.now.Before(t.ClockAt) {
			return
		}
		t = st.change(n)
		o := &st.e.o
		switch {
		case t.Limit == limitMark:
			st.tell(t, "reminder", t.Limit, EventReminder)
			t.ClockAt = zero
		case t.ClockStage == clockRemind:
			if st.now.Before(t.DueAt) {
				st.tell(t, "reminder", t.Limit, EventReminder)
			}
			t.ClockAt, t.ClockStage = t.DueAt, clockOverdue
		case t.ClockStage == clockOverdue:
			st.tell(t, "overdue", t.Limit, EventOverdue)
			t.ClockAt, t.ClockStage = st.w.workdays(t.DueAt, o.Limits.Escalate, o.Location), clockEscalate
		default:
			st.tell(t, "escalated", t.Limit, EventEscalated)
			t.ClockAt, t.ClockStage = zero, 0
		}
	}
}

// tell notes in the history what a clock says, and tells the case system.
func (st *step) tell(t *Ticket, what, limit, event string) {
	i := st.history(t, ChangeEntry{By: "line", What: what, Note: what + ": " + limit})
	st.event(event, t.Number).Change = i
}

// citizenBy is until when the citizen may give a mark or answer an officer:
// days of the calendar, to the same time by the clock on the wall.
func (st *step) citizenBy() time.Time {
	return st.now.In(st.e.o.Location).AddDate(0, 0, st.e.o.Limits.Citizen).UTC()
}

// beforeCitizen is when the case system is reminded that the citizen's time,
// which began at from, runs out; zero: there is none.
func (st *step) beforeCitizen(from time.Time) time.Time {
	at := from.In(st.e.o.Location).AddDate(0, 0, st.e.o.Limits.Citizen-st.e.o.Limits.Remind).UTC()
	if !at.After(from) {
		return zero
	}
	return at
}

// remind tells the case system of an officer's questions that nobody answers,
// while there is still time.
func (st *step) remind() {
	for i := range st.s.Questions {
		q := &st.s.Questions[i]
		if q.RemindAt.IsZero() || st.now.Before(q.RemindAt) {
			continue
		}
		q.RemindAt = zero
		if st.ticket(q.Ticket) != nil {
			st.tell(st.change(q.Ticket), "reminder", string(q.Ask), EventReminder)
		}
	}
}
