package conversation

// StaffBroadcast tells the citizen of a ticket what many are told. It asks nothing, and the ticket stays as it is.
type StaffBroadcast struct {
	Ticket      Number
	Text        string
	By          string
	MaxSegments int // 0: 3
	Known       []Ticket
}

func (StaffBroadcast) input() {}

// broadcast is the catalogue's key of what many are told.
const broadcast = "push_broadcast"

// BroadcastText is what the citizen of a ticket would read, in a language; the line's own where there is no such.
func (e *Engine) BroadcastText(language string, n Number, text string) string {
	c := e.w.catalogues[language]
	if c == nil {
		c = e.w.catalogues[e.o.Language]
	}
	return c.render(broadcast, values{ticket: n, words: text})
}

// Segments is how many SMS a text takes.
func (e *Engine) Segments(text string) int { return e.o.Segments(text) }

// RefusesBroadcast tells, before anything is sent, why the citizen of a ticket would not be told; "": nothing speaks against it.
func (e *Engine) RefusesBroadcast(s State, t Ticket, text string) string {
	st := &step{e: e, w: e.w, s: s}
	switch {
	case t.Erased:
		return RefusedErased
	case st.reachable() != "":
		return st.reachable()
	case st.reveals(&t, t.Agency, text):
		return RefusedSecret
	default:
		return ""
	}
}

// staffBroadcast sends it, or says why not; then nothing changes.
func (st *step) staffBroadcast(in *StaffBroadcast) {
	st.known = in.Known
	t, refused := st.staffTicket(in.Ticket)
	switch {
	case refused != "":
	case st.reachable() != "":
		refused = st.reachable()
	case st.reveals(t, t.Agency, in.Text):
		refused = RefusedSecret
	}
	if refused != "" {
		st.fx.Refused = refused
		return
	}
	st.speak(t)
	text := st.catalogue().render(broadcast, values{ticket: t.Number, words: in.Text})
	if st.tooLong(text, in.MaxSegments) {
		return
	}
	t = st.change(in.Ticket)
	st.history(t, ChangeEntry{By: in.By, Note: in.Text, What: "broadcast"})
	st.push(t, true, broadcast, text)
	st.fx.Replies[len(st.fx.Replies)-1].Many = true
}
