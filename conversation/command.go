package conversation

// form is a command's word or phrase.
type form struct {
	words string
	verb  verb
}

// command is what a message turned out to be.
type command struct {
	verb verb
	// number is the ticket named: of vAdd only one that is open and the
	// citizen's own.
	number Number
	text   bool // words of the citizen's own follow
	usage  bool // its rest is missing or unknown: explain it
	lang   string
}

// setting is what the form of a command depends on.
type setting struct {
	own      func(Number) *Ticket // the citizen's ticket of that number, or nil
	standing bool                 // a question stands
	begins   bool                 // plain text would begin a new complaint
}

// parser reads one message. f are the tokens that are no greeting or politeness.
type parser struct {
	w     *Words
	ts    *tokens
	set   setting
	f     []int
	space [64]int
}

// parse finds the command that the whole message is; vNone: plain text.
func (w *Words) parse(ts *tokens, set setting) command {
	if len(ts.all) == 0 {
		if ts.asks {
			return command{verb: vHelp}
		}
		return command{}
	}
	p := parser{w: w, ts: ts, set: set}
	p.f = p.space[:0]
	for i := range ts.all {
		if !ts.all[i].is(filler) {
			p.f = append(p.f, i)
		}
	}
	if len(p.f) == 0 {
		return command{}
	}
	if c := p.numberAlone(); c.verb != vNone {
		return c
	}
	i := 0
	for i < len(p.f) && p.at(i).is(lead) {
		i++
	}
	if c, ok := p.worded(i); ok {
		return c
	}
	if i > 0 { // a lead word may itself begin a phrase
		if c, ok := p.worded(0); ok {
			return c
		}
	}
	return p.slipped(i)
}

func (p *parser) at(i int) *token { return &p.ts.all[p.f[i]] }

// worded tries the exact words of commands that begin at i.
func (p *parser) worded(i int) (command, bool) {
	for n := min(p.w.longest, len(p.f)-i); n > 0; n-- {
		form, ok := p.w.commands[p.key(i, n)]
		if !ok {
			continue
		}
		if i > 0 && !form.verb.files() && form.verb != vReportAlone && form.verb != vHelp {
			continue
		}
		if c := p.rest(form.verb, i+n); c.verb != vNone {
			return c, true
		}
	}
	return command{}, false
}

// key joins n words from i on.
func (p *parser) key(i, n int) string {
	if n == 1 {
		return p.at(i).word
	}
	key := make([]byte, 0, 32)
	for k := range n {
		if k > 0 {
			key = append(key, ' ')
		}
		key = append(key, p.at(i+k).word...)
	}
	return string(key)
}

// numbered reads what follows a word that may name a ticket.
func (p *parser) numbered(v verb, i int) command {
	at := i
	for at < len(p.f) && p.at(at).is(numberLead|tail) && !p.at(at).digits {
		at++
	}
	if at == len(p.f) || !p.at(at).digits {
		if v == vAdd {
			return command{verb: v, text: true}
		}
		return command{}
	}
	n, end := p.ts.numberAt(p.f[at], p.mine)
	if n != 0 {
		alone := p.after(end) == len(p.f)
		t := p.set.own(n)
		switch {
		case v == vAdd && alone:
			return command{verb: v, usage: true}
		case v == vAdd && t != nil && t.Status.Open():
			return command{verb: v, number: n, text: true}
		case v == vAdd:
			return command{verb: v, text: true}
		case alone:
			return command{verb: v, number: n}
		case t != nil && t.Status.Open():
			return command{verb: v, number: n, text: true}
		default:
			return command{}
		}
	}
	count, end := p.ts.digitsAt(p.f[at])
	if count >= 4 && p.after(end) == len(p.f) {
		return command{verb: vMistyped}
	}
	if v == vAdd {
		return command{verb: v, text: true}
	}
	return command{}
}

// numberAlone reads a message that is a ticket number and nothing else.
func (p *parser) numberAlone() command {
	i := 0
	for i < len(p.f) && p.at(i).is(numberLead) {
		i++
	}
	if i == len(p.f) || !p.at(i).digits {
		return command{}
	}
	n, end := p.ts.numberAt(p.f[i], p.mine)
	switch {
	case n != 0 && p.after(end) == len(p.f):
		if !p.set.standing || p.set.own(n) != nil {
			return command{verb: vStatus, number: n}
		}
	case n == 0 && !p.set.standing && p.at(i).word[0] != '0':
		// One digit wrong is told; a telephone number (with its 0) is text.
		if count, end := p.ts.digitsAt(p.f[i]); count >= minDigits && count <= minDigits+2 && p.after(end) == len(p.f) {
			return command{verb: vMistyped}
		}
	}
	return command{}
}

func (p *parser) mine(n Number) bool { return p.set.own(n) != nil }

// after returns the first of f that is token end or later.
func (p *parser) after(end int) int {
	i := 0
	for i < len(p.f) && p.f[i] < end {
		i++
	}
	return i
}

// all tells whether everything from i on is in the list.
func (p *parser) all(i int, c class) bool {
	for ; i < len(p.f); i++ {
		if !p.at(i).is(c) {
			return false
		}
	}
	return true
}

// any tells whether anything from i on is in the list.
func (p *parser) any(i int, c class) bool {
	for ; i < len(p.f); i++ {
		if p.at(i).is(c) {
			return true
		}
	}
	return false
}
