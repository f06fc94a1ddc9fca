package conversation

import "slices"

// confirm takes the message as the answer to a yes or no, or to a choice; it
// tells whether it was one. Anything but yes means no, but is heard as it is.
func (st *step) confirm(q *Question) bool {
	if len(st.sm.Gaps) > 0 {
		return false
	}
	if q.Ask == AskChoose {
		return st.choose(q)
	}
	switch {
	case st.ts.yes():
		done := st.pop()
		if done.Ask == AskErase {
			st.s.EraseAt = st.now.Add(eraseTime)
			st.say("erasing", values{})
			return true
		}
		st.withdraw(done.Ticket)
		return true
	case st.ts.no():
		done := st.pop()
		if done.Ask == AskErase {
			st.say("not_erased", values{})
			return true
		}
		st.happened("not_withdrawn", done.Ticket, "")
		return true
	}
	return false
}

// choose takes a place in the list, or a number, as the ticket meant.
func (st *step) choose(q *Question) bool {
	if st.ts.no() {
		done := st.pop()
		st.happened("not_withdrawn", done.Choice[0], "")
		return true
	}
	n := Number(0)
	if i := st.ts.choice(len(q.Choice)); i > 0 {
		n = q.Choice[i-1]
	} else if c := st.w.parse(&st.ts, setting{own: st.ticket, standing: true}); c.verb == vStatus && c.number != 0 {
		first := st.firstWord()
		if first.digits || first.is(numberLead) {
			n = c.number
		}
	}
	t := st.ticket(n)
	if t == nil || !t.Status.Open() {
		return false
	}
	st.pop()
	st.confirmWithdraw(n)
	return true
}

// firstWord returns the first token that is no greeting or politeness.
func (st *step) firstWord() *token {
	i := slices.IndexFunc(st.ts.all, func(t token) bool { return !t.is(filler) })
	return &st.ts.all[max(i, 0)]
}

// askConfirm lets a yes, no or choice be asked, the only one.
func (st *step) askConfirm(q Question) {
	st.drop((*Question).confirms)
	q.Until = st.now.Add(confirmTime)
	st.ask(q)
	st.asked = true
}

// confirmWithdraw asks whether a ticket is to be withdrawn.
func (st *step) confirmWithdraw(n Number) {
	st.askConfirm(Question{Ask: AskWithdraw, Ticket: n})
	st.say("confirm_withdraw", values{ticket: n})
}

// withdraw ends a ticket as its citizen wishes.
func (st *step) withdraw(n Number) {
	if t := st.ticket(n); t == nil || !t.Status.Open() {
		st.again("nothing_to_cancel") // staff closed it meanwhile
		return
	}
	t := st.change(n)
	i := st.setStatus(t, Withdrawn, "citizen", "")
	st.event(EventWithdrawn, n).Change = i
	st.forget(n)
	st.happened("withdrawn", n, "")
}

// cancel does BATAL: of a ticket, of an erasure to come, of the question that
// stands, or of a ticket to be chosen.
func (st *step) cancel(c command) {
	if c.number != 0 {
		t := st.ticket(c.number)
		switch {
		case t == nil && slices.Contains(st.sm.Unreadable, c.number):
			st.say("damaged", values{})
		case t == nil:
			st.say("unknown", values{})
		case !t.Status.Open():
			st.say("over", values{ticket: t.Number, status: st.catalogue().statuses[t.Status]})
		default:
			if c.text {
				st.add(c.number)
			}
			st.confirmWithdraw(c.number)
		}
		return
	}
	if !st.s.EraseAt.IsZero() {
		st.s.EraseAt = zero
		st.say("erase_stopped", values{})
		return
	}
	if len(st.s.Questions) > 0 {
		st.dropQuestion()
		return
	}
	open := st.latestOpen()
	switch len(open) {
	case 0:
		st.say("nothing_to_cancel", values{})
	case 1:
		st.confirmWithdraw(open[0].Number)
	default:
		var choice []Number
		for i := range open[:min(len(open), listed)] {
			choice = append(choice, open[i].Number)
		}
		st.askConfirm(Question{Ask: AskChoose, Choice: choice})
		st.say("choose", values{list: choiceList(choice)})
	}
}

// dropQuestion takes back the newest question at the citizen's wish.
func (st *step) dropQuestion() {
	q := st.pop()
	switch {
	case q.Ask == AskErase:
		st.say("not_erased", values{})
	case q.Ask == AskWhat:
		st.again("what_dropped")
	case q.Ask == AskChoose:
		st.happened("not_withdrawn", q.Choice[0], "")
	case q.Ask == AskWithdraw:
		st.happened("not_withdrawn", q.Ticket, "")
	default:
		if q.Ask == AskOfficer && st.ticket(q.Ticket) != nil {
			t := st.change(q.Ticket)
			i := st.history(t, ChangeEntry{By: "citizen", What: "unanswered", Note: q.Asked})
			st.event(EventUnanswered, t.Number).Change = i
		}
		st.happened("dropped", q.Ticket, "tail_dropped")
	}
}
