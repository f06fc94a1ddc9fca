package conversation

import (
	"unicode"
	"unicode/utf8"
)

// Reasons why a push is refused.
const (
	RefusedOptedOut = "opted_out" // the status changed, no SMS is sent
	RefusedNoPhone  = "no_telephone"
	RefusedClosed   = "closed"
	RefusedErased   = "erased"
	RefusedUnknown  = "unknown"
	RefusedInvalid  = "invalid" // a status that staff cannot set
	RefusedTooLong  = "too_long"
	RefusedSecret   = "secret" // a question that names what a confidential ticket must not tell
)

// defaultSegments is how many segments a push takes at most.
const defaultSegments = 3

// staffTicket finds the ticket of a push, or says why there is none.
func (st *step) staffTicket(n Number) (*Ticket, string) {
	for i := range st.known {
		if st.known[i].Number == n && st.known[i].Erased {
			return nil, RefusedErased
		}
	}
	t := st.ticket(n)
	switch {
	case t == nil && st.s.Erased, t != nil && st.fx.Erase:
		return nil, RefusedErased
	case t == nil:
		return nil, RefusedUnknown
	}
	return t, ""
}

// staffStatus sets what staff decided, and tells the citizen.
func (st *step) staffStatus(in *StaffStatus) {
	st.known = in.Known
	t, refused := st.staffTicket(in.Ticket)
	switch {
	case refused != "":
	case !in.Status.staffMaySet():
		refused = RefusedInvalid
	case !t.Status.Open() && in.Status != Reopened:
		refused = RefusedClosed
	}
	if refused != "" {
		st.fx.Refused = refused
		return
	}
	st.speak(t)
	asks := in.Status == Resolved
	tell := in.Notify && st.reachable() == ""
	text := st.pushText("push_status", values{ticket: t.Number, status: st.catalogue().statuses[in.Status]}, st.sayable(t, in.Agency, in.Note), asks)
	if ours := st.ownText(t, in, asks); ours != "" {
		text = ours
	}
	if tell && st.tooLong(text, in.MaxSegments) {
		return
	}
	t = st.change(in.Ticket)
	i := st.setStatus(t, in.Status, in.By, in.Note)
	handed := in.Agency != nil && *in.Agency != t.Agency
	if handed {
		st.hand(t, *in.Agency)
	}
	if in.ExternalID != nil {
		t.ExternalID = *in.ExternalID
	}
	st.settleQuestions(t, asks && tell)
	st.event(EventStatus, t.Number).Change = i
	if handed {
		st.event(EventAssigned, t.Number).Change = i
	}
	st.push(t, in.Notify, "push_status", text)
}

// reachable says why the citizen gets no push; "": there is no reason.
func (st *step) reachable() string {
	switch {
	case st.s.NoPhone:
		return RefusedNoPhone
	case st.s.OptedOut:
		return RefusedOptedOut
	default:
		return ""
	}
}

// push sends what staff caused, if they wish; else it says why none goes out.
func (st *step) push(t *Ticket, wished bool, template, text string) {
	if !wished {
		return
	}
	if st.fx.Refused = st.reachable(); st.fx.Refused != "" {
		return
	}
	st.fx.Replies = append(st.fx.Replies, Reply{Text: text, Push: true, Ticket: t.Number, Language: st.lang, Template: template})
	st.ours(text)
}

// hand gives the ticket to another agency, of which the last line of the history tells.
func (st *step) hand(t *Ticket, agency string) {
	t.Agency = agency
	st.fx.Changes[len(st.fx.Changes)-1].Agency = &agency
	if t.Status == Forwarded { // another institution begins anew
		st.startClock(t, st.now)
	}
}

// settleQuestions makes the questions about a ticket fit its new status.
func (st *step) settleQuestions(t *Ticket, ask bool) {
	n := t.Number
	if !t.Status.Open() {
		st.forget(n)
		return
	}
	st.drop(func(q *Question) bool { return q.Ticket == n && q.Ask == AskRating })
	switch t.Status {
	case Resolved:
		t.RateBy, t.Rating = st.citizenBy(), 0
		if ask {
			st.ask(Question{Ask: AskRating, Ticket: n})
		}
	case Reopened:
		t.TouchedAt = st.now
	}
}

// sayable returns a note as an SMS may carry it: not where it names the matter
// or the institution of a confidential ticket. The history keeps it whole.
func (st *step) sayable(t *Ticket, agency *string, note string) string {
	if st.reveals(t, t.Agency, note) || agency != nil && st.reveals(t, *agency, note) {
		return ""
	}
	return note
}

// reveals tells whether staff's words would show, to who looks at the
// telephone of a confidential ticket's citizen, what it is about or who is
// meant: they are of its category, or name its institution, as set or as guessed.
func (st *step) reveals(t *Ticket, agency, text string) bool {
	if !t.Confidential || text == "" {
		return false
	}
	if category, _ := st.w.Guess(text); category != "" && category == t.Category {
		return true
	}
	var ts tokens
	ts.scan(text)
	st.w.classify(&ts)
	if t.Likely != "" && st.w.agencies.calls(&ts, t.Likely) {
		return true
	}
	words := fold(agency)
	if len(words) == 0 {
		return false
	}
	for i := range ts.all {
		if ts.phrase(i, words) {
			return true
		}
	}
	return false
}

// speak answers in the language of the citizen, else of the ticket.
func (st *step) speak(t *Ticket) {
	if st.s.Language == "" && st.w.catalogues[t.Language] != nil {
		st.lang = t.Language
	}
}

// pushText puts a push together: what happened, the staff's words, a question.
func (st *step) pushText(key string, v values, note string, asks bool) string {
	text := st.catalogue().render(key, v)
	if note != "" {
		text += " " + note
	}
	return st.wantsMark(text, asks)
}

// wantsMark puts the question for a mark behind a push, where it asks for one.
func (st *step) wantsMark(text string, asks bool) string {
	if asks {
		if last, _ := utf8.DecodeLastRuneInString(text); unicode.IsLetter(last) || unicode.IsDigit(last) {
			text += "."
		}
		text += " " + st.catalogue().render("ask_rating", values{})
	}
	return text
}

// tooLong refuses a text that takes more segments than wanted.
func (st *step) tooLong(text string, limit int) bool {
	if limit <= 0 {
		limit = defaultSegments
	}
	n := st.e.o.Segments(text)
	if n <= limit {
		return false
	}
	st.fx.Refused, st.fx.Segments = RefusedTooLong, n
	return true
}

// staffQuestion puts an officer's question to the citizen.
func (st *step) staffQuestion(in *StaffQuestion) {
	st.known = in.Known
	t, refused := st.staffTicket(in.Ticket)
	switch {
	case refused != "":
	case !t.Status.Open():
		refused = RefusedClosed
	case st.reachable() != "": // the citizen would not read it: it does not stand
		refused = st.reachable()
	case st.reveals(t, t.Agency, in.Text):
		refused = RefusedSecret
	}
	if refused != "" {
		st.fx.Refused = refused
		return
	}
	st.speak(t)
	text := st.catalogue().render("push_question", values{ticket: t.Number, words: in.Text})
	if st.tooLong(text, in.MaxSegments) {
		return
	}
	t = st.change(in.Ticket)
	st.history(t, ChangeEntry{By: in.By, Note: in.Text, What: "question"})
	st.ask(Question{Ask: AskOfficer, Ticket: t.Number, Asked: in.Text, Until: st.citizenBy(), RemindAt: st.beforeCitizen(st.now)})
	st.push(t, true, "push_question", text)
}
