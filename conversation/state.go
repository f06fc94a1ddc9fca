package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// stateVersion is the version that EncodeState writes.
const stateVersion = 2

// ErrNewerState means that a newer release wrote the state.
var ErrNewerState = errors.New("the state was written by a newer release: upgrade this daemon")

// State is everything that a conversation with one citizen remembers. The zero
// State is a citizen never seen.
type State struct {
	V          int         `json:"v"`
	Language   string      `json:"l,omitempty"` // "": not known yet
	OptedOut   bool        `json:"oo,omitempty"`
	NoPhone    bool        `json:"np,omitempty"` // a report of another channel, from nobody whom we can write to
	Tickets    []Ticket    `json:"t,omitempty"`  // open ones and the latest closed, oldest first
	Resting    []Number    `json:"rt,omitempty"` // tickets before these, whose heads are to be brought: see Wake
	Questions  []Question  `json:"q,omitempty"`  // standing, newest last
	Away       []Away      `json:"aw,omitempty"` // clocks of open tickets not held
	EraseAt    time.Time   `json:"ea,omitzero"`  // confirmed: then everything is erased
	Erased     bool        `json:"er,omitempty"`
	Recent     []time.Time `json:"re,omitempty"` // arrivals within the flood's span
	Flooded    bool        `json:"fl,omitempty"` // the notice was given
	Unreadable time.Time   `json:"un,omitzero"`  // when unreadable content was answered last
	Day        int         `json:"d,omitempty"`  // of the line's calendar, to which Sent belongs
	Sent       int         `json:"ds,omitempty"` // answers of that day
	Loop       Loop        `json:"lo,omitzero"`
	Link       string      `json:"ln,omitempty"` // by which the last message came
}

// Loop is what is remembered to notice that two machines talk.
type Loop struct {
	At     time.Time `json:"at,omitzero"`
	Print  uint64    `json:"p,omitempty"`  // of the last message
	Same   int       `json:"s,omitempty"`  // messages in a row that are nearly alike
	Ours   []uint64  `json:"o,omitempty"`  // digests of what we sent last
	Echoes int       `json:"e,omitempty"`  // of our own text in a row
	Muted  int       `json:"mu,omitempty"` // answers left out so far
}

// Ask is the sort of a question.
type Ask string

// The sorts of questions. A detail's Name says which; withdraw, erase and
// choose are confirmations.
const (
	AskWhat     Ask = "what"
	AskDetail   Ask = "detail"
	AskOfficer  Ask = "officer"
	AskRating   Ask = "rating"
	AskWithdraw Ask = "withdraw"
	AskErase    Ask = "erase"
	AskChoose   Ask = "choose"
)

// Question is a question that stands.
type Question struct {
	Ask    Ask       `json:"a"`
	Name   string    `json:"n,omitempty"` // of a detail: location, institution …
	Ticket Number    `json:"t,omitempty"`
	Until  time.Time `json:"u,omitzero"`
	// RemindAt is when the case system is reminded of an officer's question.
	RemindAt time.Time `json:"ra,omitzero"`
	Asked    string    `json:"as,omitempty"` // the officer's words
	Kind     Kind      `json:"k,omitempty"`  // of what: the kind of the coming ticket
	Secret   bool      `json:"s,omitempty"`  // of what: confidential
	Then     []string  `json:"th,omitzero"`  // of a detail: what is asked after it; nil: a release before plans asked it
	Choice   []Number  `json:"c,omitempty"`  // of choose: as listed
}

// confirms tells whether a yes, no or choice is wanted.
func (q *Question) confirms() bool {
	return q.Ask == AskWithdraw || q.Ask == AskErase || q.Ask == AskChoose
}

// Asks tells what plain text would answer now, and about which ticket: none,
// what, the name of a detail (location, institution …), officer, rating,
// confirm or choose.
func (s State) Asks() (question string, about Number) {
	if len(s.Questions) == 0 {
		return "none", 0
	}
	q := &s.Questions[len(s.Questions)-1]
	switch q.Ask {
	case AskDetail:
		return q.Name, q.Ticket
	case AskWithdraw, AskErase:
		return "confirm", q.Ticket
	default:
		return string(q.Ask), q.Ticket
	}
}

// TickAt returns the earliest moment at which something falls due; zero: nothing.
func (s State) TickAt() time.Time {
	var first time.Time
	due := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	due(s.EraseAt)
	for i := range s.Questions {
		due(s.Questions[i].Until)
		due(s.Questions[i].RemindAt)
	}
	for i := range s.Tickets {
		due(s.Tickets[i].RateBy)
		due(s.Tickets[i].ClockAt)
	}
	for _, a := range s.Away {
		due(time.Unix(a.At, 0).UTC())
	}
	return first
}

// EncodeState returns the stored form of a state.
func EncodeState(s State) ([]byte, error) {
	s.V = stateVersion
	return json.Marshal(&s)
}

// DecodeState reads a stored form. Nothing at all is the zero State; a form of
// a newer release is ErrNewerState.
func DecodeState(b []byte) (State, error) {
	if len(b) == 0 {
		return State{}, nil
	}
	if b[0] == restForm {
		return decodeShort(b)
	}
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, fmt.Errorf("conversation: a stored state cannot be read: %w", err)
	}
	if s.V > stateVersion {
		return State{}, fmt.Errorf("conversation: version %d: %w", s.V, ErrNewerState)
	}
	return s, nil
}
