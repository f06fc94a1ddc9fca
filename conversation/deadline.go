package conversation

import "slices"

// fallDue lets happen what time brings: silence over a question, ten days
// without a mark, an erasure that was not taken back. No SMS comes of it.
func (st *step) fallDue() {
	if !st.s.EraseAt.IsZero() && !st.now.Before(st.s.EraseAt) {
		st.erase()
		return
	}
	var gone []Question
	st.drop(func(q *Question) bool {
		if q.Until.IsZero() || st.now.Before(q.Until) {
			return false
		}
		gone = append(gone, *q)
		return true
	})
	for i := range gone {
		st.silent(&gone[i])
	}
	for i := range st.s.Tickets {
		n, by := st.s.Tickets[i].Number, st.s.Tickets[i].RateBy
		if by.IsZero() || st.now.Before(by) {
			continue
		}
		t := st.change(n)
		i := st.setStatus(t, Closed, "line", "")
		st.event(EventStatus, n).Change = i
		st.forget(n)
	}
	st.remind()
	for i := range st.s.Tickets {
		st.strike(st.s.Tickets[i].Number)
	}
}

// silent notes that a question was not answered.
func (st *step) silent(q *Question) {
	if st.ticket(q.Ticket) == nil {
		return
	}
	switch q.Ask {
	case AskDetail:
		t := st.change(q.Ticket)
		t.Incomplete = true
		i := st.history(t, ChangeEntry{By: "line", What: "incomplete", Note: q.Name})
		st.event(EventIncomplete, t.Number).Change = i
	case AskOfficer:
		t := st.change(q.Ticket)
		i := st.history(t, ChangeEntry{By: "line", What: "unanswered", Note: q.Asked})
		st.event(EventUnanswered, t.Number).Change = i
	}
}

// standingDetails is how many questions for details stand at a time: who files
// on and on has not answered the oldest.
const standingDetails = 50

// crowded lets the oldest questions for details go where too many stand.
func (st *step) crowded() {
	over := -standingDetails
	for i := range st.s.Questions {
		if st.s.Questions[i].Ask == AskDetail {
			over++
		}
	}
	var gone []Question
	st.drop(func(q *Question) bool {
		if over <= 0 || q.Ask != AskDetail {
			return false
		}
		over--
		gone = append(gone, *q)
		return true
	})
	for i := range gone {
		st.silent(&gone[i])
	}
}

// forget drops every question about a ticket.
func (st *step) forget(n Number) {
	st.drop(func(q *Question) bool { return q.Ticket == n && n != 0 })
}

// erase forgets the citizen: tickets remain as figures.
func (st *step) erase() {
	all := slices.Concat(st.s.Tickets, st.known)
	for i := range all {
		t := all[i]
		if t.Erased {
			continue
		}
		t.Erased = true
		t.Alias, t.Link, t.ExternalID = "", "", ""
		t.Texts, t.Answers, t.Changes, t.Messages = 0, 0, 0, 0 // sealed: nobody can read them any more
		t.RateBy, t.Limit, t.DueAt, t.ClockAt, t.ClockStage = zero, "", zero, zero, 0
		st.fx.Tickets = append(st.fx.Tickets, t)
	}
	st.fx.Erase = true
	st.event(EventErased, 0)
	st.s = State{V: stateVersion, Language: st.s.Language, Erased: true}
}
