package conversation

import "time"

// Kind is what a citizen brings.
type Kind string

// The kinds of tickets.
const (
	Complaint   Kind = "complaint"
	Suggestion  Kind = "suggestion"
	Information Kind = "information"
)

// Status is where a ticket stands.
type Status string

// The statuses of a ticket, in the order of its life.
const (
	Filed            Status = "filed"
	Verified         Status = "verified"
	Forwarded        Status = "forwarded"
	InProgress       Status = "in_progress"
	NeedsInformation Status = "needs_information"
	Resolved         Status = "resolved"
	Reopened         Status = "reopened"
	Closed           Status = "closed"
	Rejected         Status = "rejected"
	Withdrawn        Status = "withdrawn"
)

// Statuses lists every status.
func Statuses() []Status {
	return []Status{Filed, Verified, Forwarded, InProgress, NeedsInformation, Resolved, Reopened, Closed, Rejected, Withdrawn}
}

// Open tells whether the ticket still waits for something.
func (s Status) Open() bool {
	return s != Closed && s != Rejected && s != Withdrawn && s != ""
}

// staffMaySet tells whether staff may set this status.
func (s Status) staffMaySet() bool {
	switch s {
	case Verified, Forwarded, InProgress, NeedsInformation, Resolved, Reopened, Closed, Rejected:
		return true
	default:
		return false
	}
}

// Ticket is the head of a ticket: what Step must know of it. It holds no text
// and no telephone number; texts, answers and changes are entries beside it.
type Ticket struct {
	Number       Number     `json:"n"`
	Kind         Kind       `json:"k"`
	Language     string     `json:"l,omitempty"`
	Status       Status     `json:"s"`
	FiledAt      time.Time  `json:"f"`
	TouchedAt    time.Time  `json:"t,omitzero"` // filed, added to, answered or reopened last
	ClosedAt     time.Time  `json:"c,omitzero"`
	StatusAt     time.Time  `json:"sa,omitzero"`  // last change of status
	VerifiedAt   time.Time  `json:"va,omitzero"`  // first left Filed by staff
	AnsweredAt   time.Time  `json:"aa,omitzero"`  // first answered by the institution
	ReopenedAt   time.Time  `json:"ra,omitzero"`  // reopened last
	RateBy       time.Time  `json:"rb,omitzero"`  // a resolved ticket closes then, if it is not rated
	Limit        string     `json:"li,omitempty"` // whose clock runs: LimitVerify, LimitAnswer
	DueAt        time.Time  `json:"du,omitzero"`  // that limit
	ClockAt      time.Time  `json:"ck,omitzero"`  // when the clock strikes next
	ClockStage   clockStage `json:"cs,omitempty"` // what it tells then
	Category     string     `json:"cat,omitempty"`
	Agency       string     `json:"ag,omitempty"` // as set by staff: it decides who may see the ticket
	Likely       string     `json:"lk,omitempty"` // institution, as guessed: a suggestion to staff, which decides nothing
	Confidential bool       `json:"cf,omitempty"`
	Incomplete   bool       `json:"inc,omitempty"`
	Urgent       bool       `json:"u,omitempty"`
	Erased       bool       `json:"er,omitempty"` // its citizen was erased
	Rating       int        `json:"r,omitempty"`  // 1 to 5; 0: none
	Link         string     `json:"ln,omitempty"` // it came by this link
	Alias        string     `json:"al,omitempty"` // names a confidential ticket's citizen to the case system
	ExternalID   string     `json:"x,omitempty"`
	Texts        int        `json:"tx,omitempty"` // how many texts there are
	Answers      int        `json:"an,omitempty"`
	Changes      int        `json:"ch,omitempty"`
	Messages     int        `json:"ms,omitempty"` // SMS sent about it; counted by the caller
}
