package conversation

import "unicode/utf8"

// send gives the answer of this step; about may be 0.
func (st *step) send(template, text string, about Number) {
	if st.urgent {
		text = st.catalogue().render("emergency", values{}) + " " + text
	}
	st.fx.Replies = append(st.fx.Replies, Reply{Text: text, Ticket: about, Language: st.lang, Template: template})
}

// say answers with a text of its own.
func (st *step) say(key string, v values) {
	text := st.catalogue().render(key, v)
	if st.urgent {
		if long := st.catalogue().render("emergency", values{}) + " " + text; !st.w.fits(long) {
			st.send(key, st.catalogue().render("about", v)+st.catalogue().render("tail_filed", v), v.ticket)
			return
		}
	}
	st.send(key, text, v.ticket)
}

// happened answers with what happened to a ticket, and with the question that
// plain text answers now; where none stands, with the tail (may be "") unless brevity is asked for.
func (st *step) happened(head string, n Number, tail string) {
	c := st.catalogue()
	text := c.render(head, values{ticket: n})
	if st.stayed {
		tail = "tail_stayed"
	}
	if q := st.top(); q != nil && !q.confirms() && q.Ask != AskWhat {
		room := text
		if st.urgent {
			room = c.render("emergency", values{}) + " " + text
		}
		text += " " + st.asking(q, n, room)
	} else if tail != "" && (!st.sm.Brief || st.stayed) {
		text += " " + c.render(tail, values{ticket: n})
	}
	st.send(head, text, n)
}

// asking returns the question's text, its ticket named unless it was just
// now. An officer's words are cut to what is left beside before.
func (st *step) asking(q *Question, named Number, before string) string {
	c := st.catalogue()
	name := ""
	if q.Ticket != named {
		name = c.render("about", values{ticket: q.Ticket}) + " "
	}
	switch q.Ask {
	case AskDetail:
		return name + c.render(detailPrefix+q.Name, values{})
	case AskRating:
		if t := st.ticket(q.Ticket); t != nil && t.Rating > 0 {
			return name + c.render("ask_reason", values{})
		}
		return name + c.render("ask_rating", values{})
	case AskOfficer:
		if before != "" {
			before += " "
		}
		words := q.Asked
		for dots := ""; ; dots = "..." {
			text := name + c.render("ask_officer", values{words: words + dots})
			over := st.w.over(before + text)
			if over <= 0 || words == "" {
				return text
			}
			words = shorter(words, over)
		}
	default:
		return ""
	}
}

// shorter cuts the end of a text that takes so many units too much. A rune
// takes two units at most.
func shorter(s string, over int) string {
	for range max(over/2, 1) {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// again repeats the question that stands; where none does, says how to write.
func (st *step) again(otherwise string) {
	q := st.top()
	if q == nil {
		st.say(otherwise, values{})
		return
	}
	switch q.Ask {
	case AskWhat:
		st.say("what_"+string(q.Kind), values{})
	case AskWithdraw:
		st.say("confirm_withdraw", values{ticket: q.Ticket})
	case AskErase:
		st.say("confirm_erase", values{})
	case AskChoose:
		st.say("choose", values{list: choiceList(q.Choice)})
	default:
		st.send("again", st.asking(q, 0, ""), q.Ticket)
	}
}

// status answers with where a ticket stands.
func (st *step) status(key string, t *Ticket) {
	c := st.catalogue()
	at := t.StatusAt
	if at.IsZero() {
		at = t.FiledAt
	}
	st.say(key, values{ticket: t.Number, status: c.statuses[t.Status], date: c.date(at.In(st.e.o.Location))})
}
