package conversation

import "slices"

// sms takes a message of the citizen: guards first, then what it says.
func (st *step) sms(m *SMS) {
	st.sm, st.known = m, m.Known
	if m.Sender == SenderMachine {
		st.fx.Kept = true
		return
	}
	st.arrive()
	text := m.text()
	st.ts.scan(text)
	st.w.classify(&st.ts)
	if len(st.ts.all) == 0 && !st.ts.asks {
		if q := st.heard(); q != nil && q.Ask == AskDetail && !st.quietly() {
			st.passDetail()
			st.guard(0)
			return
		}
		st.unread()
		return
	}
	if st.echoed() {
		return
	}
	st.detect()
	st.understand()
	st.fx.AsksOnly = len(st.fx.Tickets) == 0 && len(st.fx.Events) == 0 && !st.fx.Kept
	st.guard(fingerprint(&st.ts))
}

// quietly tells whether the message says nothing at all, not even a dash.
func (st *step) quietly() bool {
	for _, r := range st.sm.text() {
		if r == '-' {
			return false
		}
	}
	return true
}

// understand decides what a message is: an answer to the question that stands,
// a command, courtesy, or text.
func (st *step) understand() {
	if q := st.top(); q != nil && q.confirms() && st.confirm(q) {
		return
	}
	c := st.w.parse(&st.ts, setting{
		own:      st.ticket,
		standing: len(st.s.Questions) > 0,
		begins:   len(st.s.Questions) == 0 && st.continued() == nil,
	})
	if len(st.sm.Gaps) > 0 && !c.text {
		c = command{} // what is missing may say the rest
	}
	if c.verb != vNone {
		st.acted = !c.text
		st.command(c)
		return
	}
	if q := st.heard(); q != nil && q.Ask == AskRating && len(st.sm.Gaps) == 0 && st.rated() {
		return
	} else if q != nil && q.Ask == AskDetail && (st.ts.passes() || st.w.passing(q.Name, &st.ts)) {
		st.passDetail()
		return
	}
	if q := st.top(); st.ts.courtesy() && (q == nil || q.Ask != AskOfficer) {
		otherwise := "how"
		if st.ts.has(thanks) {
			otherwise = "thanks"
		}
		st.again(otherwise)
		return
	}
	st.plain()
}

// heard returns the question that a message answers which is neither the yes
// nor the choice asked for last: that means no, and is heard as before.
func (st *step) heard() *Question {
	for i := len(st.s.Questions) - 1; i >= 0; i-- {
		if !st.s.Questions[i].confirms() {
			return &st.s.Questions[i]
		}
	}
	return nil
}

// showStatus answers CEK.
func (st *step) showStatus(c command) {
	if c.number != 0 {
		t := st.ticket(c.number)
		switch {
		case t == nil && slices.Contains(st.sm.Unreadable, c.number):
			st.say("damaged", values{})
		case t == nil:
			st.say("unknown", values{})
		case c.text:
			t = st.add(c.number)
			st.status("status_added", t)
		default:
			st.status("status_one", t)
		}
		return
	}
	open := st.latestOpen()
	switch len(open) {
	case 0:
		st.say("status_none", values{})
	case 1:
		st.status("status_one", &open[0])
	default:
		st.say("status_list", values{list: st.catalogue().statusList(open[:min(len(open), listed)])})
	}
}

// addTo does TAMBAH.
func (st *step) addTo(c command) {
	switch q := st.top(); {
	case c.usage:
		st.say("add_usage", values{})
		return
	case c.number != 0:
		st.addOrAnswer(c.number)
		return
	case q != nil && q.Ask == AskWhat:
		st.plain()
		return
	}
	open := st.latestOpen()
	if len(open) > 0 && st.now.Sub(open[0].FiledAt) < addTime {
		st.addOrAnswer(open[0].Number)
		return
	}
	secret := false
	for i := range open {
		secret = secret || open[i].Confidential
	}
	st.file(Complaint, secret)
}
