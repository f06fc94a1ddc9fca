package conversation

import "slices"

// plain takes text that is no command: the answer to the newest question, else
// more of the ticket at hand, else a new complaint.
func (st *step) plain() {
	st.drop((*Question).confirms)
	q := st.top()
	switch {
	case q == nil:
		if t := st.continued(); t != nil {
			st.add(t.Number)
			st.happened("added", t.Number, "tail_added")
			return
		}
		st.file(Complaint, false)
	case q.Ask == AskWhat:
		st.file(q.Kind, q.Secret)
	case q.Ask == AskDetail, q.Ask == AskOfficer:
		st.answer(len(st.s.Questions) - 1)
	default: // a mark is asked
		st.complain(q.Ticket)
	}
}

// file makes a ticket of the message.
func (st *step) file(kind Kind, confidential bool) {
	st.drop(func(q *Question) bool { return q.Ask == AskWhat || q.confirms() })
	st.s.Erased, st.filed = false, true
	t := Ticket{
		Number: st.sm.NewNumber, Kind: kind, Language: st.lang, Status: Filed,
		FiledAt: st.now, StatusAt: st.now, Link: st.sm.Link,
		Confidential: confidential,
	}
	head := st.begin(&t, "citizen")
	if names := st.w.follow(head, &st.ts); len(names) > 0 && !st.sm.Brief {
		st.ask(Question{Ask: AskDetail, Name: names[0], Then: names[1:], Ticket: t.Number, Until: st.now.Add(detailTime)})
	}
	st.happened("filed_"+string(kind), t.Number, "tail_filed")
}

// begin makes a new ticket of the message: guesses whose it is, keeps the text, starts the clock, tells the case system.
func (st *step) begin(t *Ticket, by string) *Ticket {
	t.Category, _ = st.w.guess.best(&st.ts)
	t.Likely = st.w.suggest(&st.ts, t.Category)
	st.s.Tickets = append(st.s.Tickets, *t)
	head := st.change(t.Number)
	st.keepText(head)
	st.startClock(head, st.now)
	st.sight(head, true)
	i := st.history(head, ChangeEntry{By: by, To: Filed, What: "status"})
	e := st.event(EventFiled, t.Number)
	e.Text, e.Change = head.Texts, i
	return head
}

// keepText appends the message to the ticket's texts.
func (st *step) keepText(t *Ticket) {
	t.Texts++
	e := TextEntry{Ticket: t.Number, Index: t.Texts, At: st.now}
	e.Parts, e.Gaps = st.sm.entryParts()
	st.fx.Texts = append(st.fx.Texts, e)
	st.touch(t)
}

// touch notes that the citizen wrote to the ticket, and what the words call for.
func (st *step) touch(t *Ticket) {
	st.stay()
	t.TouchedAt = st.now
	st.heed(t)
}

// heed notes what the words call for: help at once, or silence.
func (st *step) heed(t *Ticket) {
	if t.Kind == Complaint && st.ts.has(danger) {
		t.Urgent, st.urgent = true, true
	}
	if st.ts.has(secret) {
		t.Confidential = true
	}
	if t.Confidential && t.Alias == "" {
		t.Alias = "R" + t.Number.Digits()
	}
}

// stay takes back an erasure to come: whoever files, adds or answers stays.
func (st *step) stay() {
	if !st.s.EraseAt.IsZero() {
		st.s.EraseAt, st.stayed = zero, true
	}
}

// add appends the message to a ticket and tells the case system.
func (st *step) add(n Number) *Ticket {
	t := st.change(n)
	st.keepText(t)
	st.event(EventAdded, n).Text = t.Texts
	return t
}

// addOrAnswer does TAMBAH to a ticket: it answers what was asked about it, an
// officer's question before ours. Ours about the place only if a place is named.
func (st *step) addOrAnswer(n Number) {
	st.drop((*Question).confirms)
	at := -1
	for i := range st.s.Questions {
		q := &st.s.Questions[i]
		if q.Ticket != n {
			continue
		}
		if q.Ask == AskOfficer || q.Ask == AskDetail && at < 0 && st.answers(q) {
			at = i
		}
	}
	if at >= 0 {
		st.answer(at)
		return
	}
	st.add(n)
	st.happened("added", n, "")
}

// answers tells whether the text surely answers a question of ours.
func (st *step) answers(q *Question) bool {
	i := slices.IndexFunc(st.w.questions, func(d detail) bool { return d.name == q.Name })
	return i >= 0 && (!st.w.questions[i].marked() || st.w.told(&st.w.questions[i], &st.ts))
}

// answer takes the message as the answer to a standing question.
func (st *step) answer(at int) {
	q := st.s.Questions[at]
	st.s.Questions = slices.Delete(st.s.Questions, at, at+1)
	t := st.change(q.Ticket)
	t.Answers++
	a := AnswerEntry{Ticket: t.Number, Index: t.Answers, At: st.now, Question: q.Name, Asked: q.Asked}
	if q.Ask == AskOfficer {
		a.Question = "officer"
	}
	a.Parts, a.Gaps = st.sm.entryParts()
	a.Text = joinParts(a.Parts, a.Gaps, gapMark)
	if len(a.Parts) == 1 {
		a.Parts = nil
	}
	st.fx.Answers = append(st.fx.Answers, a)
	st.touch(t)
	st.event(EventAnswered, t.Number).Answer = a.Index
	if q.Ask == AskDetail {
		st.sight(t, false)
		st.refine(t, q.Name)
		st.nextDetail(t, &q, at)
	}
	st.happened("answered", t.Number, "tail_filed")
}

// nextDetail asks the next of the questions left, in the place of the one before.
func (st *step) nextDetail(t *Ticket, answered *Question, at int) {
	then := answered.Then
	if then == nil {
		then = st.w.after(answered.Name, t)
	}
	if names := st.w.still(then, &st.ts); len(names) > 0 {
		q := Question{Ask: AskDetail, Name: names[0], Then: names[1:], Ticket: t.Number, Until: st.now.Add(detailTime)}
		st.s.Questions = slices.Insert(st.s.Questions, at, q)
	}
}

// passDetail leaves the question unanswered, as the citizen wants it.
func (st *step) passDetail() {
	st.drop((*Question).confirms)
	q := st.pop()
	if t := st.ticket(q.Ticket); t != nil {
		st.nextDetail(t, &q, len(st.s.Questions))
	}
	st.happened("passed", q.Ticket, "tail_filed")
}
