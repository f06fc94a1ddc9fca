package conversation

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
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
	l.w.buildLexicon()
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
		if _, ok := l.units(c, c.statuses[s]); !ok {
			l.problem(at, "use letters of the GSM alphabet", "language %s: status %s: %q costs the GSM alphabet", c.language, s, c.statuses[s])
		}
	}
	if len(c.months) != 12 {
		l.problem(at, "write twelve short names", "language %s: %d months", c.language, len(c.months))
	}
	if len(c.months) < 12 {
		c.months = append(c.months, make([]string, 12-len(c.months))...)
	}
	if c.segments["all"] == 0 {
		l.problem(at, "write segments: {all: 1}", "language %s: how many segments a text may take is not stated", c.language)
	}
	wanted := keysOf(l.defined)
	longest := map[role]int{}
	names := map[role]string{}
	for _, m := range wanted {
		t, ok := c.texts[m.key]
		if !ok {
			l.problem(at, "add it under messages", "language %s: message %s is missing", c.language, m.key)
			continue
		}
		n := l.checkText(c, m, &t)
		l.checkCommands(c, m, &t)
		if n > longest[m.role] {
			longest[m.role], names[m.role] = n, m.key
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.texts)) {
		if !slices.ContainsFunc(wanted, func(m message) bool { return m.key == key }) {
			l.problem(c.texts[key].where, "take it out, or mend its name", "language %s: nobody sends message %q", c.language, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.segments)) {
		if key != "all" && !slices.ContainsFunc(wanted, func(m message) bool { return m.key == key }) {
			l.problem(at, "take it out of segments, or mend its name", "language %s: nobody sends message %q", c.language, key)
		}
	}
	// Emergency, head, ticket and question travel in one SMS, a space between.
	one, _ := c.room()
	if all := longest[ahead] + longest[head] + longest[about] + longest[tailR] + 3; all > one {
		l.problem(at, "shorten one of them", "language %s: %s + %s + %s + %s can take %d characters, more than one SMS of %d",
			c.language, names[ahead], names[head], names[about], names[tailR], all, one)
	}
}

// units measures a text in what its catalogue is held to: septets of the GSM
// alphabet, or UTF-16. It is false where the GSM alphabet has not all of it.
func (l *loader) units(c *catalogue, text string) (n int, ok bool) {
	if n, ok = l.w.gsmLen(text); ok || !c.unicode {
		return n, ok
	}
	n = 0
	for _, r := range text {
		n += max(utf16.RuneLen(r), 1)
	}
	return n, true
}

// room returns the units of one segment, and of each of several.
func (c *catalogue) room() (one, many int) {
	if c.unicode {
		return oneUCS2, manyUCS2
	}
	return oneGSM, manyGSM
}

// checkText checks one text and returns its length at worst, in units.
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
		k, ok := l.units(c, p)
		if !ok {
			l.problem(t.where, "use letters of the GSM alphabet, or state alphabet: unicode", "language %s: message %s: %q costs the GSM alphabet", c.language, m.key, p)
		}
		n += k
	}
	limit, many := c.room()
	if budget := cmp.Or(c.segments[m.key], c.segments["all"]); budget > 1 {
		limit = budget * many
	}
	if n > limit {
		l.problem(t.where, "shorten it, or state more segments for it", "language %s: message %s can take %d characters, more than its %d", c.language, m.key, n, limit)
	}
	return n
}

// checkCommands checks that the commands that a text tells are such that the
// line takes, that none is told unmarked, and that those are told which the
// text is for.
func (l *loader) checkCommands(c *catalogue, m message, t *template) {
	var told []verb
	for _, q := range t.quotes {
		v, ok := l.w.understood(q)
		if !ok {
			l.problem(t.where, "write a command that the line takes", "language %s: message %s tells <%s>, which is no command", c.language, m.key, q)
		}
		told = append(told, v)
	}
	for _, v := range m.tells() {
		if !slices.Contains(told, v) {
			l.problem(t.where, "write it between < and >", "language %s: message %s does not tell the command %s", c.language, m.key, verbName(v))
		}
	}
	for _, word := range strings.FieldsFunc(t.bare, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if len(word) < 3 || word != strings.ToUpper(word) {
			continue
		}
		if _, ok := l.w.understood(word); ok {
			l.problem(t.where, "write <"+word+">", "language %s: message %s tells the command %s unmarked", c.language, m.key, word)
		}
	}
}

// sampleText stands for a citizen's own words in a command that a text tells.
const sampleText = "jalan rusak"

// Understands tells whether the line would take s for more than plain text: a
// command, or an answer's word. In it {ticket} stands for a number, ... for text.
func (w *Words) Understands(s string) bool {
	_, ok := w.understood(s)
	return ok
}

// Command returns the name of the command that s is, as the files have it; ""
// where it is none. In it {ticket} stands for a number, ... for text.
func (w *Words) Command(s string) string {
	v, _ := w.understood(s)
	return verbName(v)
}

// understood returns the command that s is; of an answer's word vNone and true.
func (w *Words) understood(s string) (v verb, ok bool) {
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
		return c.verb, true
	}
	return vNone, ts.yes() || ts.no() || ts.passes() || ts.markOf().kind != markNone
}

// verbName returns a command's name in the files.
func verbName(v verb) string {
	for name, has := range verbNames {
		if has == v {
			return name
		}
	}
	return ""
}
