package desk

import (
	"slices"
	"time"

	"aduan/conversation"
)

// Viewer says who asks. Its zero value sees every agency's tickets, with masked numbers.
type Viewer struct {
	Name   string // the API key's name: stands as "by" in the history
	Agency string // the viewer's own agency; a ticket of another is ErrNotFound. Empty: all agencies
	Reveal bool   // the viewer may see telephone numbers

	KeyID  string   // of the API key: stands in the audit trail
	From   string   // the address that asks; "": not over the network
	Scopes []string // what the key may do
}

// Allows reports whether the viewer's key has a scope.
func (v Viewer) Allows(scope string) bool { return slices.Contains(v.Scopes, scope) }

// TicketRequest asks for one ticket.
type TicketRequest struct {
	Viewer Viewer
	Number conversation.Number
}

// ListRequest asks for tickets, newest first. Its zero value is all of them.
type ListRequest struct {
	Viewer     Viewer
	Status     []conversation.Status // any of these; none: whatever it is
	Agency     *string               // of this agency, "" the triage desk; nil: of any that the viewer may see
	Overdue    bool                  // whose limit has passed
	ExternalID string                // that the case system knows by this id
	Cursor     string                // as an earlier answer to the same request and viewer gave it
	Limit      int                   // of a page; default 50, at most 500
}

// MessageRequest asks for one SMS by its id.
type MessageRequest struct {
	Viewer Viewer
	ID     string
}

// StatusRequest sets the status of a ticket and, unless Notify is false, tells the citizen by SMS.
type StatusRequest struct {
	Viewer      Viewer
	Number      conversation.Number
	Status      conversation.Status
	Note        string // text for the citizen
	Notify      bool
	Agency      *string // hand the ticket to this agency; nil: as it is
	ExternalID  *string // the case system's id; nil: as it is
	MaxSegments int     // a longer SMS is *TooLong
	Template    string  // the name of a template of the ticket's agency; "": the line's own text
	Idempotency *Idempotency
}

// QuestionRequest asks the citizen something about a ticket.
type QuestionRequest struct {
	Viewer      Viewer
	Number      conversation.Number
	Text        string
	MaxSegments int
	Idempotency *Idempotency
}

// FileRequest files a report that came by another channel than SMS.
type FileRequest struct {
	Viewer      Viewer // a key of one agency files for its own
	Text        string
	Number      string // the citizen's telephone, in any dress; empty: none is known
	Kind        conversation.Kind
	ExternalID  string
	Category    string // empty: guessed from the text
	Location    string // where it is; empty: only what the text says
	Notify      bool   // the citizen gets the ticket's number by SMS
	Idempotency *Idempotency
}

// AssignRequest hands a ticket to an agency.
type AssignRequest struct {
	Viewer      Viewer // a key of one agency may hand on its own tickets alone
	Number      conversation.Number
	Agency      string // empty: back to the triage desk
	Note        string // stands in the history, and in the SMS where Notify is true
	Notify      bool   // the citizen is told
	MaxSegments int
	Idempotency *Idempotency
}

// AssignAnswer is the answer to an assignment.
type AssignAnswer struct {
	Ticket   string   `json:"ticket" doc:"The ticket number as it is said: it stays" example:"4821-3769"`
	Status   string   `json:"status" doc:"The status that stands now"`
	Agency   string   `json:"agency" doc:"Who handles it now; empty: the triage desk"`
	Visible  bool     `json:"visible" doc:"False: it is another agency's now, and this key no longer sees it"`
	Messages []string `json:"messages" nullable:"false" doc:"Ids of the SMS that this sends"`
	Refused  *string  `json:"refused" nullable:"true" doc:"Why no SMS goes out: opted_out or no_telephone; null: nothing was refused"`
}

// MarshalJSON never writes null for the messages.
func (a AssignAnswer) MarshalJSON() ([]byte, error) {
	type plain AssignAnswer
	a.Messages = notNil(a.Messages)
	return marshal(plain(a))
}

// Idempotency makes a request that is sent again give the first answer again and send nothing.
type Idempotency struct {
	Key         string        // hash of API key, method, path and Idempotency-Key
	Fingerprint string        // hash of the body, however it was spaced
	Stands      time.Duration // how long it is known; 0: 24 h
}

// StatusAnswer is the answer to a status or a question. It encodes to the same bytes each time, so a stored one can be
// given again.
type StatusAnswer struct {
	Ticket   string   `json:"ticket" doc:"The ticket number as it is said" example:"4821-3769"`
	Status   string   `json:"status" doc:"The status that stands now"`
	Messages []string `json:"messages" nullable:"false" doc:"Ids of the SMS that this sends"`
	Refused  *string  `json:"refused" nullable:"true" doc:"Why no SMS goes out: opted_out or no_telephone; null: nothing was refused"`
}

// MarshalJSON never writes null for the messages.
func (a StatusAnswer) MarshalJSON() ([]byte, error) {
	type plain StatusAnswer
	a.Messages = notNil(a.Messages)
	return marshal(plain(a))
}

// ReportRequest asks for figures of a time: a day, or from one to another, as 2026-11-23 in the line's zone or as RFC 3339.
// Nothing: yesterday.
type ReportRequest struct {
	Viewer        Viewer
	Day, From, To string
	Late          int // so many overdue tickets are named
}
