package conversation

import (
	"cmp"
	"slices"
	"strings"
)

// finish checks what was read as a whole, and builds what is looked up quickly.
func (l *loader) finish() {
	if len(l.w.languages) == 0 {
		l.problem(place{"(no file)", 1}, "give a file that begins with language:", "there is no catalogue")
		return
	}
	for key, f := range l.w.commands {
		first, _, several := strings.Cut(key, " ")
		if l.w.classes[first]&filler != 0 {
			l.problem(l.lists[key], "take it out of one of the two", "command word %q is a greeting or politeness too, which is skipped", first)
		}
		if !several && len(key) >= minSlip {
			l.w.slippery = append(l.w.slippery, f)
		}
	}
	slices.SortFunc(l.w.slippery, func(a, b form) int { return cmp.Compare(a.words, b.words) })
	l.buildGuesser()
	l.checkAgencies()
	l.checkQuestions()
	for _, code := range l.w.languages {
		l.checkCatalogue(l.w.catalogues[code])
	}
}

func (l *loader) checkCatalogue(c *catalogue) {
	at := l.files[c.language]
	for _, s := range Statuses() {
		if c.statuses[s] == "" {
			l.problem(at, "add it under statuses", "language %s: status %s has no word", c.language, s)
		}
		if _, gsm := l.w.gsmLen(c.statuses[s]); !gsm {
			l.problem(at, "use letters of the GSM alphabet", "language %s: status %s: %q costs the GSM alphabet", c.language, s, c.statuses[s])
		}
	}
	if len(c.months) != 12 {
		l.problem(at, "write twelve short names", "language %s: %d months", c.language, len(c.months))
	}
	if len(c.months) < 12 {
		c.months = append(c.months, make([]string, 12-len(c.months))...)
	}
	wanted := keysOf(l.w.questions)
	longest := map[role]int{}
	names := map[role]string{}
	for _, m := range wanted {
		t, ok := c.texts[m.key]
		if !ok {
			l.problem(at, "add it under messages", "language %s: message %s is missing", c.language, m.key)
			continue
		}
		n := l.checkText(c, m, &t)
		if n > longest[m.role] {
			longest[m.role], names[m.role] = n, m.key
		}
	}
	for key, t := range c.texts {
		if !slices.ContainsFunc(wanted, func(m message) bool { return m.key == key }) {
			l.problem(t.where, "take it out, or mend its name", "language %s: nobody sends message %q", c.language, key)
		}
	}
	// Emergency, head, ticket and question travel in one SMS, a space between.
	if all := longest[ahead] + longest[head] + longest[about] + longest[tailR] + 3; all > oneGSM {
		l.problem(at, "shorten one of them", "language %s: %s + %s + %s + %s can take %d characters, more than one SMS of %d",
			c.language, names[ahead], names[head], names[about], names[tailR], all, oneGSM)
	}
}

// checkText checks one text and returns its length at worst, in septets.
func (l *loader) checkText(c *catalogue, m message, t *template) int {
	want := slices.Clone(m.holds)
	slices.Sort(want)
	if got := t.placeholders(); !slices.Equal(got, want) {
		l.problem(t.where, "write each of them", "language %s: message %s: placeholders %v, want %v", c.language, m.key, got, want)
		return 0
	}
	n := 0
	for i, p := range t.pieces {
		if i%2 == 1 {
			n += c.longest(p)
			continue
		}
		k, gsm := l.w.gsmLen(p)
		if !gsm {
			l.problem(t.where, "use letters of the GSM alphabet", "language %s: message %s: %q costs the GSM alphabet", c.language, m.key, p)
		}
		n += k
	}
	limit := oneGSM
	if budget := c.segments[m.key]; budget > 1 {
		limit = budget * manyGSM
	}
	if n > limit {
		l.problem(t.where, "shorten it, or state more segments for it", "language %s: message %s can take %d characters, more than its %d", c.language, m.key, n, limit)
	}
	for _, q := range t.quotes {
		if !l.w.Understands(q) {
			l.problem(t.where, "write a command that the line takes", "language %s: message %s tells <%s>, which is no command", c.language, m.key, q)
		}
	}
	return n
}

// sampleText stands for a citizen's own words in a command that a text tells.
const sampleText = "jalan rusak"

// Understands tells whether the line would take s for more than plain text: a
// command, or an answer's word. In it {ticket} stands for a number, ... for text.
func (w *Words) Understands(s string) bool {
	sample := NewNumber(0, firstSerial)
	s = strings.ReplaceAll(strings.ReplaceAll(s, "{ticket}", sample.String()), "...", sampleText)
	var ts tokens
	ts.scan(s)
	w.classify(&ts)
	own := Ticket{Number: sample, Status: Filed}
	if c := w.parse(&ts, setting{own: func(n Number) *Ticket {
		if n == sample {
			return &own
		}
		return nil
	}}); c.verb != vNone {
		return true
	}
	return ts.yes() || ts.no() || ts.passes() || ts.markOf().kind != markNone
}
