package store

import (
	"time"
)

// Turn is everything that one message causes.
type Turn struct {
	ID       string    // tells this turn from another when it is tried again; empty: the mark's id, or a new one that Commit fills in
	Boot     string    // whose turn it is; empty (tools): no fence is looked at and nothing is held
	Deadline time.Time // by Options.Now's clock: when the caller stops waiting; zero: none
	Now      time.Time

	Citizen Citizen   // as assumed or loaded
	State   []byte    // the new state of the conversation
	TickAt  time.Time // when it wants to be told that time has passed; zero: never

	Tickets     []TicketWrite
	SMS         []SMS
	Events      []Event
	Kept        []byte // content that no ticket took; nil: none; sealed
	Mark        *MarkWrite
	Join        *GroupJoin
	Fill        *GroupFill
	Idempotency *Idempotency
	Audit       []Audit // who did this; none: the citizen, or time
	Erase       bool    // the citizen goes, with all that only the citizen's key opens; tickets keep what is readable
	HandoffHere bool    // this daemon hands the events on at once: their due entries get a lease
}

// TicketWrite is what a turn writes of one ticket.
type TicketWrite struct {
	Serial  uint64
	New     bool
	Head    []byte       // plain JSON; nil: unchanged
	Index   *TicketIndex // by what lists find it, as Head says; nil: unchanged
	Entries []Entry
}

// Entry is one field of a ticket.
type Entry struct {
	Field string // "x3" text, "a1" answer, "y2" change, "m4" SMS id
	Data  []byte
	Plain bool // readable with a checksum; else sealed
}

// Class says how urgent an SMS is, and what may hold it.
type Class int

// The classes of SMS.
const (
	ClassDirect    Class = iota // the answer to something just received
	ClassPush                   // staff or time caused it: quiet hours hold it
	ClassBroadcast              // to many
)

// SMS is one outgoing message as a turn makes it.
type SMS struct {
	ID, Text  string
	From      string // our address
	Link      string
	Ticket    uint64 // serial; 0: none
	Class     Class
	NotBefore time.Time // zero: now; else it waits outside the citizen's queue until then
	Hold      bool      // the caller has room and sends it now, if it is the head of the citizen's queue
	Origin    Origin
}

// Origin is what caused an SMS, or brought a text: for who traces it. The zero value is time: something fell due.
type Origin struct {
	Delivery string    // the deliver_sm's id: its session's id, which begins with the boot, and its number there
	Received time.Time // when its last octet came
	By       string    // the name of the key of staff, where it was they
}

// Event is something that the case system is told. It holds ids and indexes, never text.
type Event struct {
	ID, Type string
	Ticket   uint64 // serial; 0: about the citizen
	At       time.Time
	Data     []byte // plain JSON

	Shard   int    // filled in when read
	Citizen string // the citizen's hash; filled in when read

	at position // in its shard's stream; filled in when read from there
}

// GroupJoin says that this turn took a group of segments: its parts go, a tombstone with their digests stays 24 h.
type GroupJoin struct {
	Key     string
	Version int64
	Ticket  uint64 // the serial, and the field of it, that took the text: a part that comes late fills its gap
	Field   string
}

// GroupFill says that this turn filled a gap of a joined group.
type GroupFill struct {
	Key    string
	Number int
	Digest string
}

// Idempotency makes a staff push safe to send again.
type Idempotency struct {
	Stands      time.Duration // how long it is known; 0: 24 h
	Key         string        // hash of API key id, method, path and Idempotency-Key
	Fingerprint string        // hash of the body
	Answer      []byte        // what the first push was answered
}

// OutcomeKind says what became of a turn.
type OutcomeKind int

// What Commit gives. Only Kept has written anything.
const (
	Kept         OutcomeKind = iota + 1
	Copy                     // a mark stands in the way: Outcome.Mark
	Stale                    // the citizen is not as assumed: Outcome.Citizen stands
	Late                     // the deadline has passed, or the boot is fenced
	Replayed                 // the idempotency key is known: Outcome.FirstAnswer
	KeyMisused               // the idempotency key is known with another body
	GroupChanged             // the group of segments is not what it was
)

var outcomeNames = [...]string{"", "kept", "copy", "stale", "late", "replayed", "key_misused", "group_changed"}

// String is the label in metrics.
func (k OutcomeKind) String() string {
	if k < 0 || int(k) >= len(outcomeNames) {
		return "unknown"
	}
	return outcomeNames[k]
}

// Outcome is the answer to a turn.
type Outcome struct {
	Kind        OutcomeKind
	Version     uint64     // Kept: the citizen's version now
	Mark        Mark       // Copy
	Citizen     Citizen    // Stale: what stands
	Send        []Outgoing // Kept: what this boot holds of the turn's SMS and sends now
	FirstAnswer []byte     // Replayed
	Fenced      bool       // Late: because the boot is fenced
}
