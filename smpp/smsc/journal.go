package smsc

import (
	"time"

	"aduan/smpp"
)

// EntryKind says what an [Entry] records.
type EntryKind int

// The kinds.
const (
	EntryDeliver EntryKind = iota // one attempt to deliver, with its answer
	EntrySubmit                   // one submit_sm or data_sm, with our answer
)

// Outcome is what became of a deliver_sm, or of a submit's answer.
type Outcome int

// The outcomes.
const (
	Pending   Outcome = iota // no answer yet
	Answered                 // Status was seen by the SMSC (or sent by it)
	Swallowed                // Status was answered, but a fault kept it unseen (or unsent)
	TimedOut                 // no answer within ResponseTimeout
	Late                     // Status came after TimedOut: unseen by the SMSC
	Dropped                  // the session ended without an answer
)

var outcomeNames = [...]string{"pending", "answered", "swallowed", "timed out", "late", "dropped"}

// String names the outcome.
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomeNames) {
		return "?"
	}
	return outcomeNames[o]
}

// Entry is a line of the journal, for audits.
type Entry struct {
	N         uint64 // order of sending (deliver) or of reading (submit); one count for all
	AnsweredN uint64 // order of the answer, in the same count; 0: none
	Kind      EntryKind
	At        time.Time
	Answered  time.Time

	Session string
	Seq     uint32
	Phone   string // the telephone's whole number
	Outcome Outcome
	Status  smpp.Status // where the outcome is Answered, Swallowed or Late

	Message     *smpp.Message // as on the wire; not to be changed
	OutgoingID  uint64        // deliver: which message of the telephone
	Part, Parts int           // deliver: from 1
	Attempt     int           // deliver: from 1
	Receipt     bool          // deliver: a receipt
	MessageID   string        // submit: ours; receipt: what it is about
}

// Acknowledged says that the ESME answered ESME_ROK, seen or not: from then on
// the message must be in its store.
func (e *Entry) Acknowledged() bool {
	return e.Kind == EntryDeliver && e.Status == smpp.StatusROK &&
		(e.Outcome == Answered || e.Outcome == Swallowed || e.Outcome == Late)
}

// journal keeps the newest entries; guarded by the server's mu.
type journal struct {
	limit   int
	entries []*Entry
}

func (j *journal) add(e *Entry) *Entry {
	if j.limit < 0 {
		return e
	}
	if len(j.entries) >= 2*j.limit {
		j.entries = append(j.entries[:0:0], j.entries[len(j.entries)-j.limit:]...)
	}
	j.entries = append(j.entries, e)
	return e
}

// Journal is a copy of the newest entries (Options.JournalLimit), in order.
func (s *Server) Journal() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	newest := s.journal.entries
	if s.o.JournalLimit >= 0 && len(newest) > s.o.JournalLimit {
		newest = newest[len(newest)-s.o.JournalLimit:]
	}
	out := make([]Entry, len(newest))
	for i, e := range newest {
		out[i] = *e
	}
	return out
}

// note writes an ESME's answer into an entry.
func (s *Server) note(e *Entry, o Outcome, status smpp.Status) {
	e.Outcome, e.Status = o, status
	e.Answered, e.AnsweredN = s.o.Now(), s.nextNumber()
}
