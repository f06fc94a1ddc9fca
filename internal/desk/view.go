package desk

import (
	"bytes"
	"encoding/json"
	"time"
)

// TicketView is a ticket as staff and their case systems see it.
type TicketView struct {
	Number       string        `json:"number" doc:"The ticket number as it is said" example:"4821-3769"`
	Kind         string        `json:"kind" doc:"complaint, suggestion or information"`
	Language     string        `json:"language" doc:"Language of the citizen's SMS" example:"id"`
	Status       string        `json:"status" doc:"filed, verified, forwarded, in_progress, resolved, closed, needs_information, rejected, withdrawn or reopened"`
	FiledAt      time.Time     `json:"filed_at" doc:"When the first text was kept, UTC"`
	Texts        []TextView    `json:"texts" nullable:"false" doc:"What the citizen wrote, in order"`
	Answers      []AnswerView  `json:"answers" nullable:"false" doc:"What the citizen answered to questions, in order"`
	Category     string        `json:"category" doc:"As guessed, or as set by staff; empty: none"`
	Agency       string        `json:"agency" doc:"Who handles it; empty: the triage desk"`
	Likely       string        `json:"likely_agency" doc:"Institution that seems to be meant, by category and place: a suggestion, which decides nothing; empty: none"`
	Confidential bool          `json:"confidential" doc:"True: staff see an alias, never the number"`
	Incomplete   bool          `json:"incomplete" doc:"True: the citizen fell silent over a question"`
	Urgent       bool          `json:"urgent"`
	Rating       *int          `json:"rating" nullable:"true" minimum:"1" maximum:"5" doc:"The citizen's mark, 1 to 5; null: none"`
	Citizen      CitizenView   `json:"citizen"`
	Link         string        `json:"link" doc:"The SMPP link that the ticket came by; empty: another channel"`
	Messages     []MessageView `json:"messages" nullable:"false" doc:"The SMS sent to the citizen about this ticket"`
	History      []ChangeView  `json:"history" nullable:"false" doc:"Each change of the ticket, in order"`
	ExternalID   string        `json:"external_id" doc:"The case system's own id; empty: none"`
}

// MarshalJSON never writes null for a list, and writes times in UTC.
func (t TicketView) MarshalJSON() ([]byte, error) {
	type plain TicketView // without this method
	t.FiledAt = t.FiledAt.UTC()
	t.Texts, t.Answers = notNil(t.Texts), notNil(t.Answers)
	t.Messages, t.History = notNil(t.Messages), notNil(t.History)
	return marshal(plain(t))
}

// CitizenView names the citizen: by number (masked unless the viewer may see it), or by the alias of a confidential ticket.
type CitizenView struct {
	Number string `json:"number,omitempty" doc:"In E.164, masked unless the key has pii:read" example:"+62•••••••123"`
	Alias  string `json:"alias,omitempty" doc:"Instead of the number: of a confidential ticket, or where no number is known"`
}

// TextView is one text of the citizen.
type TextView struct {
	At      time.Time `json:"at"`
	Text    string    `json:"text" doc:"A part of a long SMS that never came stands as [...]"`
	Missing bool      `json:"missing" doc:"True: parts of it never came"`
}

// MarshalJSON writes the time in UTC.
func (t TextView) MarshalJSON() ([]byte, error) {
	type plain TextView
	t.At = t.At.UTC()
	return marshal(plain(t))
}

// AnswerView is the citizen's answer to one question.
type AnswerView struct {
	Question string    `json:"question" doc:"location, institution, officer, or a configured name"`
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
}

// MarshalJSON writes the time in UTC.
func (a AnswerView) MarshalJSON() ([]byte, error) {
	type plain AnswerView
	a.At = a.At.UTC()
	return marshal(plain(a))
}

// ChangeView is one line of a ticket's history.
type ChangeView struct {
	At   time.Time `json:"at"`
	By   string    `json:"by" doc:"citizen, line, or the name of the key that did it"`
	From string    `json:"from" doc:"The status before; empty: none"`
	To   string    `json:"to" doc:"The status after"`
	Note string    `json:"note" doc:"What staff wrote to the citizen with it"`
	// Agency is set where the ticket was handed on.
	Agency *string `json:"agency,omitempty" doc:"To whom this change handed the ticket; empty: back to the triage desk; left out: to nobody else"`

	What string `json:"-"` // status, question, assigned, incomplete, unanswered …: which sentence of the console tells it
}

// MarshalJSON writes the time in UTC.
func (c ChangeView) MarshalJSON() ([]byte, error) {
	type plain ChangeView
	c.At = c.At.UTC()
	return marshal(plain(c))
}

// MessageView is one SMS to the citizen, in JSON without its text.
type MessageView struct {
	ID       string               `json:"id"`
	Ticket   string               `json:"ticket" doc:"Empty: it belongs to no ticket"`
	State    string               `json:"state" doc:"queued, sent, delivered, undeliverable, expired or dead"`
	Segments int                  `json:"segments" doc:"How many SMS the operator counts"`
	Alphabet string               `json:"alphabet" doc:"gsm7 or ucs2"`
	Link     string               `json:"link"`
	Times    map[string]time.Time `json:"times" doc:"When each state was reached"`
	Error    string               `json:"error" doc:"Why it failed; empty: it did not"`

	Text string `json:"-"` // for the console's eyes: case systems are told what became of an SMS, not what it said
}

// MarshalJSON never writes null for the times, and writes them in UTC.
func (m MessageView) MarshalJSON() ([]byte, error) {
	type plain MessageView
	times := make(map[string]time.Time, len(m.Times))
	for state, at := range m.Times {
		times[state] = at.UTC()
	}
	m.Times = times
	return marshal(plain(m))
}

// marshal leaves <, > and & as they are: a text is data here, nobody shows it as HTML.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
