package conversation

import (
	"slices"
	"strings"
	"time"
)

// Effects are everything that a step causes besides the new state.
type Effects struct {
	Replies []Reply  // to the citizen; an SMS in brings at most one
	Tickets []Ticket // heads new or changed
	// Entries to append under their ticket and index, from 1; a filled gap
	// overwrites.
	Texts   []TextEntry
	Answers []AnswerEntry
	Changes []ChangeEntry
	Events  []Event
	// Sighted are complaints filed, or whose place became known.
	Sighted []Sighting
	// Kept: no ticket took the content; it is kept with the conversation for staff.
	Kept bool
	// AsksOnly: nothing of a ticket changed (status, help, language …).
	AsksOnly bool
	// Erase: the citizen's number and texts are to be erased now.
	Erase bool
	// Muted tells why an answer was left out: "flood", "machine", "echo",
	// "cap"; "": none was.
	Muted string
	// Refused tells staff why: "opted_out", "no_telephone" (the status changed, no SMS), or
	// "closed", "erased", "unknown", "invalid", "too_long": nothing changed.
	Refused string
	// Segments is how many a too long SMS would take.
	Segments int
}

// Reply is an SMS to the citizen.
type Reply struct {
	Text     string
	Push     bool   // staff caused it, the citizen did not ask
	Many     bool   // many are told it: it goes behind all else
	Ticket   Number // 0: none
	Language string
	Template string // the catalogue's key
}

// TextEntry is one text of a ticket. Parts has "" where a part is missing.
// Question and Asked are filled only where the entry is an answer's.
type TextEntry struct {
	Ticket   Number    `json:"n"`
	Index    int       `json:"i"`
	At       time.Time `json:"at"`
	Parts    []string  `json:"p"`
	Gaps     []int     `json:"g,omitempty"`
	Question string    `json:"q,omitempty"`
	Asked    string    `json:"as,omitempty"`
}

// gapMark stands for a missing part where people read the text.
const gapMark = " [...] "

// Text returns the whole text, a gap as " [...] ".
func (t TextEntry) Text() string { return joinParts(t.Parts, t.Gaps, gapMark) }

// Missing tells whether a part is missing.
func (t TextEntry) Missing() bool { return len(t.Gaps) > 0 }

// AnswerEntry is an answer to a question about a ticket.
type AnswerEntry struct {
	Ticket   Number    `json:"n"`
	Index    int       `json:"i"`
	At       time.Time `json:"at"`
	Question string    `json:"q"`            // location, institution, officer, or a configured name
	Asked    string    `json:"as,omitempty"` // the officer's words
	Text     string    `json:"t"`
	Parts    []string  `json:"p,omitempty"` // of a long one
	Gaps     []int     `json:"g,omitempty"`
}

// Missing tells whether a part is missing.
func (a AnswerEntry) Missing() bool { return len(a.Gaps) > 0 }

// ChangeEntry is a line of a ticket's history.
type ChangeEntry struct {
	Ticket Number    `json:"n"`
	Index  int       `json:"i"`
	At     time.Time `json:"at"`
	By     string    `json:"by"` // "citizen", "line", or the name of a key
	From   Status    `json:"f,omitempty"`
	To     Status    `json:"to,omitempty"`
	Note   string    `json:"no,omitempty"`
	What   string    `json:"w"`            // status, question, assigned, incomplete, unanswered …
	Agency *string   `json:"ag,omitempty"` // to whom the ticket was handed by it; "": back to the triage desk; nil: to nobody else
}

// Event is for the case system. Text, Answer and Change are indexes into the
// ticket's entries; 0: none.
type Event struct {
	Type                 string
	Ticket               Number
	Text, Answer, Change int
}

// The events.
const (
	EventFiled      = "complaint.filed"
	EventAdded      = "complaint.added"
	EventAnswered   = "complaint.answered"
	EventRated      = "complaint.rated"
	EventReopened   = "complaint.reopened"
	EventWithdrawn  = "complaint.withdrawn"
	EventOptedOut   = "citizen.opted_out"
	EventOptedIn    = "citizen.opted_in"
	EventErased     = "citizen.erased"
	EventStatus     = "ticket.status"
	EventAssigned   = "ticket.assigned"
	EventIncomplete = "ticket.incomplete"
	EventUnanswered = "ticket.unanswered"
	EventReminder   = "ticket.reminder"
	EventOverdue    = "ticket.overdue"
	EventEscalated  = "ticket.escalated"
)

func joinParts(parts []string, gaps []int, mark string) string {
	if len(gaps) == 0 {
		if len(parts) == 1 {
			return parts[0]
		}
		return strings.Join(parts, "")
	}
	var b strings.Builder
	for i, p := range parts {
		if slices.Contains(gaps, i+1) {
			b.WriteString(mark)
			continue
		}
		b.WriteString(p)
	}
	return b.String()
}
