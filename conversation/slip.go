package conversation

// minSlip is the shortest command word of which a slip is tolerated.
const minSlip = 5

// slips tells whether typed is word with one slip: a letter missing, added or
// wrong, or two neighbours swapped.
func slips(typed, word string) bool {
	a, b := typed, word
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || len(word) < minSlip || typed == word {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// slipped tries command words with one slip, where they are tolerated.
func (p *parser) slipped(i int) command {
	if i == len(p.f) || p.at(i).digits || len(p.at(i).word) < minSlip-1 {
		return command{}
	}
	word := p.at(i).word
	alone := p.all(i+1, lead)
	number := false
	if !alone && p.at(i+1).digits || i+2 < len(p.f) && p.at(i+1).is(numberLead) && p.at(i+2).digits {
		j := i + 1
		if !p.at(j).digits {
			j++
		}
		n, _ := p.ts.numberAt(p.f[j], p.mine)
		number = n != 0
	}
	for _, form := range p.w.slippery {
		if !slips(word, form.words) {
			continue
		}
		v := form.verb
		switch {
		case number && v.numbered() && i == 0:
		case alone && !p.set.standing && v != vCancel && v != vErase && (i == 0 || v.files() || v == vReportAlone):
		case !alone && p.set.begins && (v == vReport || v == vSecret):
		default:
			continue
		}
		if c := p.rest(v, i+1); c.verb != vNone {
			return c
		}
	}
	return command{}
}
