package desk

import "time"

// Kinds of dead letters.
const (
	LetterSMS   = "sms"   // an SMS whose few tries are used up
	LetterEvent = "event" // an event that its receiver did not take for days
)

// DeadLetter is something that waits for a person: an SMS in state dead, or an event that the case system does not take.
type DeadLetter struct {
	ID      string    `json:"id" doc:"Of the SMS, or of the event (its webhook-id)"`
	Kind    string    `json:"kind" enum:"sms,event"`
	Ticket  string    `json:"ticket" doc:"Empty: it belongs to no ticket" example:"4821-3769"`
	Type    string    `json:"type" doc:"Of an event; empty: an SMS" example:"complaint.filed"`
	At      time.Time `json:"at" doc:"Since when it waits for a person, UTC"`
	Error   string    `json:"error" doc:"Why it was given up"`
	Tries   int       `json:"tries" doc:"How often it was tried"`
	Waiting int       `json:"waiting" doc:"Of an event: how many of its ticket wait, itself among them; of an SMS: 1"`
	Next    time.Time `json:"next,omitzero" doc:"Of an event: when it is tried again by itself; left out: never"`
}

// DeadLettersRequest asks for dead letters, the oldest first. A viewer of one agency gets those of its tickets.
type DeadLettersRequest struct {
	Viewer Viewer
	Kind   string // LetterSMS, LetterEvent; "": both
	Cursor string // "": from the beginning; else what the page before returned
	Limit  int    // 1 to 500; default 100
}

// DeadLetterRequest names one of them.
type DeadLetterRequest struct {
	Viewer Viewer
	ID     string
}
