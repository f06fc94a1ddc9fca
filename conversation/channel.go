package conversation

// staffFile files a report that came by another channel. Nothing is asked of the citizen: whoever took the report could ask.
func (st *step) staffFile(in *StaffFile) {
	kind := in.Kind
	switch kind {
	case "":
		kind = Complaint
	case Complaint, Suggestion, Information:
	default:
		st.fx.Refused = RefusedInvalid
		return
	}
	st.sm = &SMS{Text: in.Text, NewNumber: in.NewNumber}
	st.ts.scan(in.Text)
	st.w.classify(&st.ts)
	st.s.Erased = false
	st.s.NoPhone = in.NoPhone
	t := Ticket{
		Number: in.NewNumber, Kind: kind, Language: st.lang, Status: Filed, FiledAt: st.now, StatusAt: st.now,
		Agency: in.Agency, ExternalID: in.ExternalID,
	}
	erasing := st.s.EraseAt // somebody else filed: the citizen has not taken it back
	head := st.begin(&t, in.By)
	if in.Category != "" {
		head.Category = in.Category
		head.Likely = st.w.suggest(&st.ts, in.Category)
	}
	if in.Location != "" {
		st.placeOf(head, in.Location)
	}
	st.s.EraseAt, st.stayed = erasing, false
	if !in.Notify || in.NoPhone { // who knows nothing of the ticket goes on with no word of it
		head.TouchedAt = zero
	}
	template := "filed_" + string(kind)
	text := st.catalogue().render(template, values{ticket: t.Number}) + " " + st.catalogue().render("tail_filed", values{ticket: t.Number})
	if !in.NoPhone {
		st.push(head, in.Notify, template, text)
	}
}

// placeOf notes where a report of another channel is, as if the citizen had been asked.
func (st *step) placeOf(t *Ticket, location string) {
	t.Answers++
	st.fx.Answers = append(st.fx.Answers, AnswerEntry{Ticket: t.Number, Index: t.Answers, At: st.now, Question: locationQuestion, Text: location})
	st.ts = tokens{}
	st.ts.scan(location)
	st.w.classify(&st.ts)
	st.sight(t, false)
	st.refine(t, locationQuestion)
}

// locationQuestion is the question whose answer says where it is.
const locationQuestion = "location"

// staffAssign hands a ticket on. The number stays, the next agency's time begins anew.
func (st *step) staffAssign(in *StaffAssign) {
	st.known = in.Known
	t, refused := st.staffTicket(in.Ticket)
	if refused == "" && !t.Status.Open() {
		refused = RefusedClosed
	}
	if refused != "" {
		st.fx.Refused = refused
		return
	}
	st.speak(t)
	to := Forwarded
	switch {
	case in.Agency != "":
	case t.Status == Filed: // nobody has looked at it yet
		to = Filed
	default:
		to = Verified
	}
	text := st.pushText("push_status", values{ticket: t.Number, status: st.catalogue().statuses[to]}, st.sayable(t, &in.Agency, in.Note), false)
	if in.Notify && st.reachable() == "" && st.tooLong(text, in.MaxSegments) {
		return
	}
	t = st.change(in.Ticket)
	i := st.setStatus(t, to, in.By, in.Note)
	st.fx.Changes[len(st.fx.Changes)-1].What = "assigned"
	st.hand(t, in.Agency)
	st.settleQuestions(t, false)
	st.event(EventAssigned, t.Number).Change = i
	st.push(t, in.Notify, "push_status", text)
}
