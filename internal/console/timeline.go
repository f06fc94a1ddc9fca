package console

import (
	"slices"
	"time"

	"aduan/internal/desk"
)

// moments of a ticket, in the order in which they are told where they are of the same time.
const (
	momentText = iota
	momentAnswer
	momentChange
	momentSMS
)

// event is one thing that happened to a ticket.
type event struct {
	At      time.Time
	Kind    int
	Text    *desk.TextView
	Answer  *desk.AnswerView
	Change  *desk.ChangeView
	SMS     *desk.MessageView
	Reached []reached // by an SMS, in order
}

// reached is a state that an SMS came to.
type reached struct {
	State string
	At    time.Time
}

// timeline is a ticket's whole story, oldest first.
func timeline(t desk.TicketView) []event {
	var all []event
	for i := range t.Texts {
		all = append(all, event{At: t.Texts[i].At, Kind: momentText, Text: &t.Texts[i]})
	}
	for i := range t.Answers {
		all = append(all, event{At: t.Answers[i].At, Kind: momentAnswer, Answer: &t.Answers[i]})
	}
	for i := range t.History {
		all = append(all, event{At: t.History[i].At, Kind: momentChange, Change: &t.History[i]})
	}
	for i := range t.Messages {
		m := &t.Messages[i]
		e := event{Kind: momentSMS, SMS: m}
		for state, at := range m.Times {
			e.Reached = append(e.Reached, reached{state, at})
		}
		slices.SortFunc(e.Reached, func(a, b reached) int { return a.At.Compare(b.At) })
		if len(e.Reached) > 0 {
			e.At = e.Reached[0].At
		}
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b event) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return a.Kind - b.Kind
	})
	return all
}

// Is helps the template to tell the kinds apart.
func (e event) Is(kind string) bool {
	return map[string]int{"text": momentText, "answer": momentAnswer, "change": momentChange, "sms": momentSMS}[kind] == e.Kind
}
