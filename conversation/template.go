package conversation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Placeholders of an agency's own template.
const (
	placeNumber = "number" // of the ticket, as it is said; each template has it: an SMS about a ticket names it
	placeStatus = "status" // in the citizen's language
	placeAgency = "agency"
	placeNote   = "note" // what staff write with the push
)

// ErrTemplate wraps what is wrong with an agency's template.
var ErrTemplate = errors.New("template")

// longestNumber is the widest that a ticket's number gets in this century: nine digits and their dash.
const longestNumber = "99999-99999"

// CheckTemplate tells what is wrong with an agency's template for its statuses, and else how many segments its SMS takes at
// most, with the longest status of any language, without a note.
func (e *Engine) CheckTemplate(agency, text string) (segments int, err error) {
	t, problem := parseOwn(text)
	if problem != "" {
		return 0, fmt.Errorf("%w: %s", ErrTemplate, problem)
	}
	status := ""
	for _, c := range e.w.catalogues {
		for _, s := range c.statuses {
			if e.o.Segments(strings.Repeat(s, 8)) > e.o.Segments(strings.Repeat(status, 8)) || len(s) > len(status) {
				status = s
			}
		}
	}
	return e.o.Segments(t.fill(longestNumber, status, agency, "")), nil
}

// own is an agency's template taken apart: literal, placeholder, literal …
type own []string

// parseOwn takes a template apart, or says what is wrong with it.
func parseOwn(text string) (own, string) {
	var t own
	known := []string{placeNumber, placeStatus, placeAgency, placeNote}
	named := false
	for rest := text; ; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			t = append(t, rest)
			break
		}
		end := strings.IndexByte(rest[open:], '}')
		if rest[open] == '}' || end < 0 {
			return nil, "{ and } do not pair: write a placeholder as {number}"
		}
		name := rest[open+1 : open+end]
		if !slices.Contains(known, name) {
			return nil, "an unknown placeholder: there are {number}, {status}, {agency} and {note}"
		}
		named = named || name == placeNumber
		t = append(t, rest[:open], name)
		rest = rest[open+end+1:]
	}
	if !named {
		return nil, "it does not name the ticket: write {number} where it is to stand"
	}
	return t, ""
}

// has tells whether the template has a placeholder.
func (t own) has(name string) bool {
	for i := 1; i < len(t); i += 2 {
		if t[i] == name {
			return true
		}
	}
	return false
}

func (t own) fill(number, status, agency, note string) string {
	var b strings.Builder
	for i, p := range t {
		if i%2 == 1 {
			p = map[string]string{placeNumber: number, placeStatus: status, placeAgency: agency, placeNote: note}[p]
		}
		b.WriteString(p)
	}
	return strings.TrimSpace(b.String())
}

// ownText is the text of a push by the agency's own template, in the citizen's language where there is one of it; "": there is
// none, or it would tell what a confidential ticket must not. A note that it has no place for is refused by who calls.
func (st *step) ownText(t *Ticket, in *StaffStatus, asks bool) string {
	text, ok := in.Templates[st.lang]
	if !ok {
		text = in.Templates[""]
	}
	tpl, problem := parseOwn(text)
	if text == "" || problem != "" {
		return ""
	}
	agency := t.Agency
	if in.Agency != nil {
		agency = *in.Agency
	}
	out := tpl.fill(t.Number.String(), st.catalogue().statuses[in.Status], agency, st.sayable(t, in.Agency, in.Note))
	if st.reveals(t, t.Agency, out) || st.reveals(t, agency, out) {
		return ""
	}
	return st.wantsMark(out, asks)
}

// TakesNote tells whether an agency's template has a place for what staff write.
func TakesNote(text string) bool {
	t, _ := parseOwn(text)
	return t.has(placeNote)
}
