package conversation

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// catalogue is everything that a language says.
type catalogue struct {
	language string
	name     string
	texts    map[string]template
	statuses map[Status]string
	months   []string
	segments map[string]int // what each text may take; "all": those not named
	unicode  bool           // it is not held to the GSM alphabet
}

// template is a text of a catalogue, taken apart: literal, placeholder,
// literal …, and where it stands.
type template struct {
	pieces []string // at odd places the names of placeholders
	quotes []string // commands that it tells, as written between < and >
	plain  string   // without the marks
	bare   string   // … and without the commands
	where  place
}

// values fill a template.
type values struct {
	ticket Number
	status string
	date   string
	list   string
	words  string
}

func (v *values) of(placeholder string) string {
	switch placeholder {
	case "ticket":
		return v.ticket.String()
	case "status":
		return v.status
	case "date":
		return v.date
	case "statuses", "choices":
		return v.list
	default:
		return v.words
	}
}

// render fills the text with values.
func (c *catalogue) render(key string, v values) string {
	t := c.texts[key]
	switch len(t.pieces) {
	case 1:
		return t.pieces[0]
	case 3:
		return t.pieces[0] + v.of(t.pieces[1]) + t.pieces[2]
	}
	var b strings.Builder
	for i, p := range t.pieces {
		if i%2 == 1 {
			p = v.of(p)
		}
		b.WriteString(p)
	}
	return b.String()
}

// parseTemplate takes a text apart. Commands stand between < and >, which are
// not sent.
func parseTemplate(text string, at place) (t template, problem string) {
	t.where = at
	var plain, bare strings.Builder
	quote := -1
	for _, r := range text {
		switch {
		case r == '<' && quote < 0:
			quote = plain.Len()
		case r == '>' && quote >= 0:
			t.quotes = append(t.quotes, plain.String()[quote:])
			quote = -1
		case r == '<' || r == '>':
			return t, "< and > do not pair; write a command as <LAPOR ...>"
		default:
			plain.WriteRune(r)
			if quote < 0 {
				bare.WriteRune(r)
			}
		}
	}
	if quote >= 0 {
		return t, "< and > do not pair; write a command as <LAPOR ...>"
	}
	t.plain, t.bare = plain.String(), bare.String()
	rest := t.plain
	for {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			t.pieces = append(t.pieces, rest)
			return t, ""
		}
		end := strings.IndexByte(rest, '}')
		if end < open {
			return t, "{ and } do not pair; write a placeholder as {ticket}"
		}
		t.pieces = append(t.pieces, rest[:open], rest[open+1:end])
		rest = rest[end+1:]
	}
}

// placeholders returns the names, sorted, each once.
func (t *template) placeholders() []string {
	var names []string
	for i := 1; i < len(t.pieces); i += 2 {
		names = append(names, t.pieces[i])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// date writes a day as people say it: "23 Nov".
func (c *catalogue) date(t time.Time) string {
	_, m, d := t.Date()
	return strconv.Itoa(d) + " " + c.months[m-1]
}

// statusList writes tickets with their statuses: "4821-3769 diterima, …".
func (c *catalogue) statusList(ts []Ticket) string {
	var b strings.Builder
	for i := range ts {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(ts[i].Number.String())
		b.WriteByte(' ')
		b.WriteString(c.statuses[ts[i].Status])
	}
	return b.String()
}

// choiceList writes numbers to choose from: "1) 4821-3769, 2) …".
func choiceList(ns []Number) string {
	var b strings.Builder
	for i, n := range ns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(i + 1))
		b.WriteString(") ")
		b.WriteString(n.String())
	}
	return b.String()
}
