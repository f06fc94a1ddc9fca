package conversation

// yes tells whether the message says yes and nothing else.
func (ts *tokens) yes() bool {
	return ts.has(yes) && ts.only(0, filler|yes|yesTail) && !ts.has(no)
}

// no tells whether the message says no and nothing else.
func (ts *tokens) no() bool {
	return ts.has(no|notYet) && ts.only(0, filler|no|noTail|notYet)
}

// unknowing tells whether the message says "I do not know" and nothing else.
func (ts *tokens) unknowing() bool {
	return ts.has(no) && ts.has(knows) && ts.only(0, filler|no|knows)
}

// passes tells whether the message passes a question: "tidak tahu", "lewat",
// "-" (no letter and no digit).
func (ts *tokens) passes() bool {
	if len(ts.all) == 0 {
		return true
	}
	return ts.unknowing() || ts.has(pass) && ts.only(0, filler|pass)
}

// courtesy tells whether the message is nothing but greeting, thanks, assent,
// or an answer's word: it answers nothing where nothing like it was asked.
func (ts *tokens) courtesy() bool {
	if len(ts.all) == 0 {
		return false
	}
	if ts.only(0, filler|yes|no|notYet|satisfied) || ts.unknowing() || ts.yes() || ts.no() {
		return true
	}
	m := ts.markOf()
	return m.kind == markGiven && !m.text
}

// choice returns the number chosen from a list by its place: 0 where none is.
func (ts *tokens) choice(of int) int {
	found := 0
	for i := range ts.all {
		t := &ts.all[i]
		switch {
		case t.is(filler | numberLead | lead):
		case t.digits && found == 0 && len(t.word) == 1 && t.word[0] >= '1' && int(t.word[0]-'0') <= of:
			found = int(t.word[0] - '0')
		default:
			return 0
		}
	}
	return found
}

// markKind is what a message means where a mark was asked.
type markKind int

const (
	markNone   markKind = iota
	markGiven           // 1 to 5
	markRefuse          // belum, tidak: not solved
)

// marked is a mark with what stands behind it.
type marked struct {
	kind   markKind
	mark   int
	text   bool // words of the citizen's own follow
	praise bool // … which are only praise, thanks, politeness
}

// markOf reads a message as a mark.
func (ts *tokens) markOf() marked {
	i := 0
	for i < len(ts.all) && ts.all[i].is(filler|markLead) && !ts.all[i].is(no|notYet|satisfied) {
		i++
	}
	if j := i; j < len(ts.all) && ts.all[j].is(praise) { // "sangat puas"
		for j < len(ts.all) && ts.all[j].is(praise|filler) && !ts.all[j].is(satisfied) {
			j++
		}
		if j < len(ts.all) && ts.all[j].is(satisfied) {
			i = j
		}
	}
	if i == len(ts.all) {
		return marked{}
	}
	t := &ts.all[i]
	m := marked{kind: markGiven}
	switch {
	case t.digits:
		if len(t.word) != 1 || t.word[0] < '1' || t.word[0] > '5' {
			return marked{}
		}
		if i+1 < len(ts.all) {
			next := &ts.all[i+1]
			if next.digits || next.glued || next.is(counted) {
				return marked{}
			}
		}
		m.mark = int(t.word[0] - '0')
		i++
	case t.is(satisfied):
		m.mark = 4
		i++
	case t.is(no) && i+1 < len(ts.all) && ts.all[i+1].is(satisfied):
		m.mark = 2
		i += 2
	case t.is(no | notYet):
		if i+1 < len(ts.all) && ts.all[i+1].is(knows) { // "tidak tahu" is no answer
			return marked{}
		}
		m.kind = markRefuse
		i++
	default:
		return marked{}
	}
	m.text = !ts.only(i, filler|markLead)
	m.praise = ts.only(i, filler|markLead|praise|satisfied)
	return m
}
