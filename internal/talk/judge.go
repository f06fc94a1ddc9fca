package talk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/smpp/segment"
)

// judge compares what a step brought with what was expected.
func (p *player) judge(ctx context.Context, where string, s *Step, out outcome) error {
	e, before := &s.Expect, len(p.problems)
	mine := make([]Received, 0, len(out.got))
	for _, r := range out.got {
		if r.To == out.to.Digits() {
			mine = append(mine, r)
			p.heard = r.Text
		} else {
			p.fail(where, "an SMS went to somebody else: %q", r.Text)
		}
	}
	if out.refused != e.Refused {
		p.fail(where, "refused %q, want %q", out.refused, e.Refused)
	}
	p.judgeCount(where, s, mine)
	p.judgeTexts(where, e, mine)
	p.judgeTickets(where, e, mine)
	if err := p.judgeState(ctx, where, e, out.to); err != nil {
		return err
	}
	if n := len(p.problems); n > before && len(mine) > 0 && !strings.Contains(p.problems[n-1], mine[0].Text) {
		p.problems[n-1] += "; what came:" + quoted(mine)
	}
	return nil
}

func (p *player) judgeCount(where string, s *Step, mine []Received) {
	e := &s.Expect
	want := 0
	if s.SMS != nil || s.Binary != "" || (s.Staff != nil && e.Refused == "") {
		want = 1
	}
	if e.Replies != nil {
		if e.Replies.any {
			want = len(mine)
		} else {
			want = e.Replies.n
		}
	}
	if len(mine) != want {
		p.fail(where, "%d SMS came, want %d%s", len(mine), want, quoted(mine))
	}
}

func quoted(got []Received) string {
	var b strings.Builder
	for _, r := range got {
		fmt.Fprintf(&b, "\n  %q", r.Text)
	}
	return b.String()
}

func (p *player) judgeTexts(where string, e *expect, mine []Received) {
	limit := max(e.MaxSegments, 1)
	all := ""
	for _, r := range mine {
		all += r.Text + "\n"
		if r.Segments > limit {
			p.fail(where, "an SMS takes %d segments, want at most %d: %q", r.Segments, limit, r.Text)
		}
		if alphabet, _, _ := segment.Count(r.Text); alphabet != "gsm7" || r.Alphabet != "gsm7" {
			p.fail(where, "an SMS is not in the GSM alphabet: %q", r.Text)
		}
		if e.Language != nil {
			if lang := p.w.language(r.Text); lang != *e.Language {
				p.fail(where, "an SMS is in language %q, want %q: %q", lang, *e.Language, r.Text)
			}
		}
		if e.Emergency != nil && leadsWith112(r.Text) != *e.Emergency {
			p.fail(where, "emergency number leads: %v, want %v: %q", !*e.Emergency, *e.Emergency, r.Text)
		}
	}
	lower := strings.ToLower(all)
	for _, want := range e.Has {
		if !strings.Contains(lower, strings.ToLower(want)) {
			p.fail(where, "no %q in%s", want, quoted(mine))
		}
	}
	for _, not := range e.Lacks {
		if strings.Contains(lower, strings.ToLower(not)) {
			p.fail(where, "%q must not stand in%s", not, quoted(mine))
		}
	}
	masked := maskDigits(all)
	if e.Reply != "" {
		if earlier, bound := p.texts[e.Reply]; bound && earlier != masked {
			p.fail(where, "the SMS differs from %s: %q, was %q", e.Reply, masked, earlier)
		}
		p.texts[e.Reply] = masked
	}
	if e.Unlike != "" && p.texts[e.Unlike] == masked {
		p.fail(where, "the SMS is the same as %s: %q", e.Unlike, masked)
	}
}

func leadsWith112(text string) bool {
	at := strings.Index(text, "112")
	if at < 0 {
		return false
	}
	for _, n := range conversation.NumbersIn(text) {
		if strings.Index(text, n.String()) < at {
			return false
		}
	}
	return true
}

func maskDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '#'
		}
		return r
	}, s)
}

// judgeTickets compares the ticket numbers in the SMS with those expected; a
// name that is new is bound to a number that is new.
func (p *player) judgeTickets(where string, e *expect, mine []Received) {
	if e.Ticket == nil {
		return
	}
	var found []conversation.Number
	for _, r := range mine {
		for _, n := range conversation.NumbersIn(r.Text) {
			if !slices.Contains(found, n) {
				found = append(found, n)
			}
		}
	}
	bound := map[conversation.Number]string{}
	for name, n := range p.names {
		bound[n] = name
	}
	var fresh []string
	var missing []string
	seen := map[string]bool{}
	for _, n := range found {
		if name, ok := bound[n]; ok {
			seen[name] = true
		}
	}
	for _, name := range *e.Ticket {
		if _, ok := p.names[name]; !ok {
			fresh = append(fresh, name)
		} else if !seen[name] {
			missing = append(missing, name)
		}
	}
	for _, n := range found {
		name, ok := bound[n]
		switch {
		case ok && (slices.Contains(*e.Ticket, name) || (e.Also != nil && slices.Contains(*e.Also, name))):
		case ok:
			p.fail(where, "ticket %s is named, want %v%s", name, *e.Ticket, quoted(mine))
		case len(fresh) > 0:
			p.names[fresh[0]] = n
			fresh = fresh[1:]
		default:
			p.fail(where, "a ticket that is not expected is named: %v, want %v%s", n, *e.Ticket, quoted(mine))
		}
	}
	if missing = append(missing, fresh...); len(missing) > 0 {
		p.fail(where, "ticket %s is not named%s", strings.Join(missing, ", "), quoted(mine))
	}
}

// judgeState compares which question stands.
func (p *player) judgeState(ctx context.Context, where string, e *expect, m msisdn.MSISDN) error {
	if e.Asks == nil && e.AsksAbout == nil {
		return nil
	}
	st, err := p.state(ctx, m)
	if err != nil {
		return err
	}
	question, about := st.Asks()
	if e.Asks != nil && question != *e.Asks {
		p.fail(where, "asks %q, want %q", question, *e.Asks)
	}
	if e.AsksAbout != nil && about != p.names[*e.AsksAbout] {
		p.fail(where, "asks about %v, want %s (%v)", about, *e.AsksAbout, p.names[*e.AsksAbout])
	}
	return nil
}

// check compares facts of the whole line.
func (p *player) check(ctx context.Context, where string, f facts) error {
	all, err := p.events(ctx)
	if err != nil {
		return err
	}
	if f.Tickets != nil {
		filed := 0
		for _, e := range all {
			if e == "complaint.filed" {
				filed++
			}
		}
		if filed != *f.Tickets {
			p.fail(where, "%d tickets, want %d", filed, *f.Tickets)
		}
	}
	if f.Events != nil && !slices.Equal(all, *f.Events) {
		p.fail(where, "events %v, want %v", all, *f.Events)
	}
	for name, one := range f.Of {
		if strings.HasPrefix(name, "$") {
			err = p.checkTicket(ctx, where, name, one)
		} else {
			err = p.checkCitizen(ctx, where, name, one)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// events are all so far that citizens caused, in order.
func (p *player) events(ctx context.Context) ([]string, error) {
	evs, err := p.w.events(ctx)
	if err != nil {
		return nil, err
	}
	types := []string{}
	for _, e := range evs {
		if !strings.HasPrefix(e.Type, "sms.") && !strings.HasPrefix(e.Type, "ticket.") && !strings.HasPrefix(e.Type, "line.") {
			types = append(types, e.Type)
		}
	}
	return types, nil
}

func (p *player) checkTicket(ctx context.Context, where, name string, f fact) error {
	n, ok := p.names[name]
	if !ok {
		p.fail(where, "no ticket is called %s", name)
		return nil
	}
	v, err := p.w.Desk.Ticket(ctx, desk.TicketRequest{Number: n, Viewer: desk.Viewer{Reveal: true}})
	if errors.Is(err, desk.ErrNotFound) {
		p.fail(where, "%s is gone", name)
		return nil
	}
	if err != nil {
		return err
	}
	said := func(what string, got, want any) {
		p.fail(where, "%s: %s %v, want %v", name, what, got, want)
	}
	equal(said, "kind", v.Kind, f.Kind)
	equal(said, "status", v.Status, f.Status)
	equal(said, "texts", len(v.Texts), f.Texts)
	equal(said, "language", v.Language, f.Language)
	equal(said, "confidential", v.Confidential, f.Confidential)
	equal(said, "incomplete", v.Incomplete, f.Incomplete)
	equal(said, "urgent", v.Urgent, f.Urgent)
	rating := "none"
	if v.Rating != nil {
		rating = fmt.Sprint(*v.Rating)
	}
	equal(said, "rating", rating, f.Rating)
	all, missing := "", false
	for _, t := range v.Texts {
		all += t.Text + "\n"
		missing = missing || t.Missing
	}
	answers := []string{}
	for _, a := range v.Answers {
		all += a.Text + "\n"
		answers = append(answers, a.Question)
	}
	equal(said, "missing", missing, f.Missing)
	if f.Answers != nil && !slices.Equal(answers, *f.Answers) {
		said("answers", answers, *f.Answers)
	}
	if f.Category != nil && !(slices.Contains(*f.Category, v.Category) || (len(*f.Category) == 0 && v.Category == "")) {
		said("category", v.Category, *f.Category)
	}
	lower := strings.ToLower(all)
	for _, h := range f.Has {
		if !strings.Contains(lower, strings.ToLower(h)) {
			said("texts lack", fmt.Sprintf("%q", all), h)
		}
	}
	for _, h := range f.Lacks {
		if strings.Contains(lower, strings.ToLower(h)) {
			said("texts hold", fmt.Sprintf("%q", all), "no "+h)
		}
	}
	return nil
}

// equal compares where something is expected.
func equal[T comparable](said func(string, any, any), what string, got T, want *T) {
	if want != nil && got != *want {
		said(what, got, *want)
	}
}

func (p *player) checkCitizen(ctx context.Context, where, name string, f fact) error {
	m, _, err := p.address(name, "")
	if err != nil {
		return err
	}
	st, err := p.state(ctx, m)
	if err != nil {
		return err
	}
	said := func(what string, got, want any) {
		p.fail(where, "%s: %s %v, want %v", name, what, got, want)
	}
	equal(said, "opted_out", st.OptedOut, f.OptedOut)
	if f.Language != nil && st.Language != *f.Language {
		said("language", st.Language, *f.Language)
	}
	if f.Erased != nil {
		equal(said, "erased", st.Erased, f.Erased)
	}
	if f.Kept != nil {
		kept, err := p.w.Store.KeptCount(ctx, p.w.Store.Identify(m))
		if err != nil {
			return err
		}
		equal(said, "kept", kept, f.Kept)
	}
	return nil
}
