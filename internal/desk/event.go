package desk

import (
	"encoding/json"
	"errors"
	"time"
)

// ErrCursor: the cursor is not one that this key was given.
var ErrCursor = errors.New("desk: the cursor is none of ours")

// ErrGone: the cursor stands before the oldest event that is kept.
var ErrGone = errors.New("desk: the events behind the cursor are no longer kept")

// Event is what a case system is told: a CloudEvents 1.0 event in structured JSON mode, pushed and pulled alike.
type Event struct {
	SpecVersion string    `json:"specversion" doc:"Always 1.0"`
	ID          string    `json:"id" doc:"The same whenever the event comes again"`
	Source      string    `json:"source" doc:"The line" example:"/aduan/1708"`
	Type        string    `json:"type" example:"complaint.filed"`
	Subject     string    `json:"subject,omitempty" doc:"The ticket number; left out: about the citizen, or the line"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype" doc:"Always application/json"`
	Data        EventData `json:"data"`
}

// EventData is what an event tells: JSON of the shape of [EventContent], but for events of the line, which tell figures.
type EventData json.RawMessage

// MarshalJSON writes the data as they are.
func (d EventData) MarshalJSON() ([]byte, error) { return d, nil }

// UnmarshalJSON keeps the data as they came.
func (d *EventData) UnmarshalJSON(b []byte) error {
	*d = append((*d)[:0], b...)
	return nil
}

// EventContent tells readers of the documentation what an event of a ticket or a citizen holds.
type EventContent struct {
	Ticket   *TicketView  `json:"ticket,omitempty" doc:"The ticket as it is when the event is sent or pulled"`
	Citizen  *CitizenView `json:"citizen,omitempty" doc:"Whom an event without a ticket is about"`
	Message  *MessageView `json:"message,omitempty" doc:"The SMS that sms.delivered and sms.failed are about"`
	Text     int          `json:"text,omitempty" doc:"Which of the ticket's texts is new, from 1"`
	Answer   int          `json:"answer,omitempty" doc:"Which of its answers is new, from 1"`
	Change   int          `json:"change,omitempty" doc:"Which line of its history is new, from 1"`
	Superior string       `json:"superior,omitempty" doc:"Of a ticket that is escalated: the agency above its own"`
	Beside   string       `json:"beside,omitempty" doc:"Of an event that is told to another agency too: to which"`
	Tickets  []string     `json:"tickets,omitempty" nullable:"false" doc:"The tickets of a citizen who was erased"`
}

// MarshalJSON writes the time in UTC, and the data as they are.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	e.Time = e.Time.UTC()
	return marshal(plain(e))
}

// EventsRequest pulls events.
type EventsRequest struct {
	Viewer Viewer        // of one agency: only what its tickets tell
	After  string        // a cursor; empty: from the oldest that is kept
	Limit  int           // at most; default 100, at most 1000
	Wait   time.Duration // where there is none, so long for the next; 0: not at all
}

// EventsPage is what was pulled.
type EventsPage struct {
	Items []Event
	After []string // the cursor behind each of them
	Next  string   // the cursor behind all that was looked at; empty: nothing was ever told
}
