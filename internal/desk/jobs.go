package desk

import (
	"errors"
	"time"

	"aduan/conversation"
)

// ErrJobState: a job that has ended or was cancelled is not confirmed, and one that has ended is not cancelled.
var ErrJobState = errors.New("desk: the job has ended, or was cancelled")

// BulkRequest sets the status of many tickets.
type BulkRequest struct {
	Viewer      Viewer
	Tickets     []string // numbers in any dress; 1 to 1,000
	Status      conversation.Status
	Note        string
	Notify      bool
	Agency      *string
	MaxSegments int
	Idempotency *Idempotency
}

// BroadcastRequest prepares an SMS to the reporters of many tickets; nothing is sent before it is confirmed.
type BroadcastRequest struct {
	Viewer      Viewer
	Tickets     []string     // numbers in any dress; empty: Filter
	Filter      *ListRequest // tickets of a list; its Viewer, Cursor and Limit are not looked at
	Text        string
	PerSecond   int // SMS put on their way a second; 0: 5
	MaxSegments int
	Idempotency *Idempotency
}

// BroadcastOne tells the citizen of one ticket what a broadcast says.
type BroadcastOne struct {
	Viewer      Viewer
	Number      conversation.Number
	Text        string
	Job         string
	MaxSegments int
	Idempotency *Idempotency
}

// JobRequest asks for a job, or decides on one.
type JobRequest struct {
	Viewer Viewer
	ID     string
}

// BulkView is a bulk status as it stands.
type BulkView struct {
	ID      string       `json:"id"`
	State   string       `json:"state" enum:"running,cancelled,ended" doc:"running: GET /v1/bulk/{id} tells how far it is"`
	Total   int          `json:"total"`
	Done    int          `json:"done"`
	Results []BulkResult `json:"results" nullable:"false" doc:"Of each ticket that is done, in the order of the request"`
}

// MarshalJSON never writes null for the results.
func (b BulkView) MarshalJSON() ([]byte, error) {
	type plain BulkView
	b.Results = notNil(b.Results)
	return marshal(plain(b))
}

// BulkResult is what became of one ticket.
type BulkResult struct {
	Ticket   string   `json:"ticket" doc:"As it was asked for"`
	Code     string   `json:"code" doc:"done, or why not: not_found, closed, erased, too_long, invalid, repeated (the same ticket stands earlier in the request)"`
	Status   string   `json:"status" doc:"The status that stands now; empty: nothing was done"`
	Messages []string `json:"messages" nullable:"false" doc:"Ids of the SMS that this sends"`
	Refused  *string  `json:"refused" nullable:"true" doc:"Why no SMS goes out, although the status changed: opted_out and the like"`
}

// MarshalJSON never writes null for the messages.
func (b BulkResult) MarshalJSON() ([]byte, error) {
	type plain BulkResult
	b.Messages = notNil(b.Messages)
	return marshal(plain(b))
}

// BroadcastView is a broadcast as it stands: before it is confirmed, what it would do.
type BroadcastView struct {
	ID        string         `json:"id"`
	State     string         `json:"state" enum:"draft,running,cancelled,ended" doc:"draft: nothing is sent before POST …/confirm; it is forgotten after 24 h"`
	By        string         `json:"by" doc:"The name of the key that made it"`
	Created   time.Time      `json:"created"`
	Text      string         `json:"text" doc:"What staff wrote"`
	Example   string         `json:"example" doc:"What one of the citizens reads"`
	Alphabet  string         `json:"alphabet" doc:"gsm7, or ucs2 where a character does not fit"`
	Segments  int            `json:"segments" doc:"Of one SMS, at most"`
	Culprits  []string       `json:"culprits" nullable:"false" doc:"The characters that cost the GSM alphabet"`
	PerSecond int            `json:"per_second"`
	Citizens  int            `json:"citizens" doc:"Who are told, one SMS each"`
	Skipped   map[string]int `json:"skipped" doc:"Tickets left out when it was prepared, by reason: not_found, same_citizen, opted_out, erased, no_telephone, secret"`
	Done      int            `json:"done"`
	Queued    int            `json:"queued" doc:"SMS put on their way so far; at night they wait for the morning"`
	Refused   map[string]int `json:"refused" doc:"Citizens who were not told after all, by reason"`
}

// MarshalJSON never writes null for a list or an object, and writes the time in UTC.
func (b BroadcastView) MarshalJSON() ([]byte, error) {
	type plain BroadcastView
	b.Created, b.Culprits = b.Created.UTC(), notNil(b.Culprits)
	if b.Skipped == nil {
		b.Skipped = map[string]int{}
	}
	if b.Refused == nil {
		b.Refused = map[string]int{}
	}
	return marshal(plain(b))
}
