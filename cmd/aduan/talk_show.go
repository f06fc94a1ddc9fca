package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"aduan/conversation"
	"aduan/internal/talk"
	"aduan/smpp/segment"
)

// show prints a line below an SMS.
func (s *shell) show(format string, args ...any) { fmt.Fprintf(s.out, "  "+format+"\n", args...) }

// segments tells how the last SMS travelled.
func (s *shell) segments() {
	for _, r := range s.last.SMS {
		s.show("%s", travelled(r))
	}
	if len(s.last.SMS) == 0 {
		s.show("no SMS came")
	}
}

func travelled(r talk.Received) string {
	_, n, left := segment.Count(r.Text)
	return fmt.Sprintf("segments: %d of the alphabet %s, %d more characters would fit", n, r.Alphabet, left)
}

// effects tells what the last line caused.
func (s *shell) effects() {
	if len(s.last.Effects) == 0 {
		s.show("effects: none")
	}
	for i := range s.last.Effects {
		e := &s.last.Effects[i]
		for _, r := range e.Replies {
			how := "answer"
			if r.Push {
				how = "push"
			}
			s.show("%s: text %s, language %s", how, r.Template, r.Language)
		}
		for j := range e.Tickets {
			t := &e.Tickets[j]
			s.show("ticket %s: %s", t.Number, s.headline(t))
		}
		for _, x := range e.Texts {
			s.show("text %d of %s", x.Index, x.Ticket)
		}
		for _, a := range e.Answers {
			s.show("answer %d of %s: %s", a.Index, a.Ticket, a.Question)
		}
		for _, ev := range e.Events {
			s.show("event: %s", ev.Type)
		}
		if e.Kept {
			s.show("kept without a ticket")
		}
		if e.Erase {
			s.show("the citizen is erased")
		}
	}
}

// headline is a ticket in a line.
func (s *shell) headline(t *conversation.Ticket) string {
	parts := []string{string(t.Kind), string(t.Status)}
	add := func(on bool, what string) {
		if on {
			parts = append(parts, what)
		}
	}
	add(t.Category != "", "category "+t.Category)
	add(t.Agency != "", "agency "+t.Agency)
	add(t.Likely != "", "likely "+t.Likely)
	add(t.Confidential, "confidential")
	add(t.Urgent, "urgent")
	add(t.Incomplete, "incomplete")
	add(t.Rating > 0, fmt.Sprintf("rated %d", t.Rating))
	add(t.Limit != "", "to "+t.Limit+" by "+s.dueAt(t.DueAt))
	return strings.Join(parts, ", ")
}

// state tells what the conversation remembers.
func (s *shell) state(ctx context.Context) error {
	st, err := s.c.State(ctx)
	if err != nil {
		return err
	}
	question, about := st.Asks()
	of := ""
	if about != 0 {
		of = " of " + about.String()
	}
	s.show("state: plain text answers: %s%s", question, of)
	for i := range st.Questions {
		q := &st.Questions[i]
		s.show("  question %d: %s %s, until %s", i+1, q.Ask, strings.TrimSpace(q.Name+" "+q.Asked), s.dueAt(q.Until))
	}
	for i := range st.Tickets {
		s.show("  ticket %s: %s", st.Tickets[i].Number, s.headline(&st.Tickets[i]))
	}
	language := st.Language
	if language == "" {
		language = "not known yet"
	}
	s.show("  language: %s; opted out: %v; answers today: %d; next timer: %s", language, st.OptedOut, st.Sent, s.dueAt(st.TickAt()))
	if !st.EraseAt.IsZero() {
		s.show("  to be erased: %s", s.dueAt(st.EraseAt))
	}
	return nil
}

func (s *shell) dueAt(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.In(s.c.Now().Location()).Format("Mon 2 Jan 15:04")
}

// guess tells the category of the last SMS, and why.
func (s *shell) guess() {
	if s.text == "" {
		s.show("guess: nothing was said yet; /guess TEXT guesses a text")
		return
	}
	g := s.engine.Words().Explain(s.text)
	if g.Category == "" {
		s.show("guess: none; no category's words weigh enough: the triage desk decides")
	} else {
		s.show("guess: %s, confidence %d of 100", g.Category, g.Confidence)
	}
	if len(g.Agencies) > 0 {
		s.show("likely agencies: %s", strings.Join(g.Agencies, ", "))
	}
	for _, c := range g.Candidates {
		why := make([]string, len(c.Reasons))
		for k, r := range c.Reasons {
			why[k] = fmt.Sprintf("%+.1f %s", r.Points, r.Text)
			if r.Word != r.Text {
				why[k] += " = " + r.Word
			}
			if r.How == "example" {
				why[k] += " (examples)"
			}
		}
		s.show("  %-13s %5.1f  %s", c.Category, c.Points, strings.Join(why, ", "))
	}
	if g.Nothing > 0 {
		s.show("  %-13s %5.1f", "fits nothing", g.Nothing)
	}
}
