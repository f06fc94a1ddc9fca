package conversation

// rated takes the message as a mark, be it instead of a yes. In place of a
// choice from a list a digit alone is a slip of that choice, and no mark.
func (st *step) rated() bool {
	if st.top().Ask == AskChoose || st.ts.markOf().kind == markNone {
		return false
	}
	st.drop((*Question).confirms)
	return st.rate(st.top())
}

// rate takes the message as a mark for a resolved ticket; it tells whether it
// was one.
func (st *step) rate(q *Question) bool {
	m := st.ts.markOf()
	n := q.Ticket
	switch {
	case m.kind == markNone:
		return false
	case m.kind == markRefuse:
		st.reopen(n, m.text)
	case m.mark <= 2:
		st.mark(n, m.mark)
		if m.text {
			st.reopen(n, true)
			return true
		}
		st.happened("rated", n, "")
	case m.text && !m.praise: // "3 lampu masih mati" is no mark
		return false
	default:
		st.mark(n, m.mark)
		t := st.change(n)
		st.setStatus(t, Closed, "citizen", "")
		st.forget(n)
		st.happened("rated", n, "")
	}
	return true
}

// mark notes the citizen's mark.
func (st *step) mark(n Number, mark int) {
	t := st.change(n)
	t.Rating = mark
	st.stay()
	st.event(EventRated, n)
}

// complain takes other text than a mark: it is added, and after a mark of 1
// or 2 it is the reason to reopen.
func (st *step) complain(n Number) {
	if t := st.ticket(n); t != nil && t.Rating > 0 && t.Rating <= 2 {
		st.reopen(n, true)
		return
	}
	st.add(n)
	st.happened("added", n, "")
}

// reopen opens a resolved ticket again, with the whole text where there is one.
func (st *step) reopen(n Number, text bool) {
	t := st.change(n)
	i := st.setStatus(t, Reopened, "citizen", "")
	e := Event{Type: EventReopened, Ticket: n, Change: i}
	if text {
		st.keepText(t)
		e.Text = t.Texts
	}
	t.TouchedAt = st.now
	st.stay()
	st.fx.Events = append(st.fx.Events, e)
	st.forget(n)
	st.happened("reopened", n, "")
}
