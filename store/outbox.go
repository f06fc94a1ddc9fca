package store

import (
	"time"

	"aduan/internal/msisdn"
)

// Outgoing is an SMS that a boot holds: it, and nobody else, sends it.
type Outgoing struct {
	ID       string
	Citizen  CitizenID
	To       msisdn.MSISDN
	From     string
	Text     string
	Link     string
	Ticket   uint64 // serial; 0: none
	Class    Class
	Tries    int
	Queued   time.Time
	Accepted []string // message ids of the parts already accepted
}

// DoneEnd says how a try to send ended.
type DoneEnd int

// The ends of a try.
const (
	DoneAccepted DoneEnd = iota + 1 // the SMSC took all parts
	DoneRetry                       // again at RetryAt
	DoneEnded                       // never again: State says why
)

// States of an SMS.
const (
	StateQueued        = "queued"
	StateSent          = "sent"
	StateDelivered     = "delivered"
	StateUndeliverable = "undeliverable"
	StateExpired       = "expired"
	StateDead          = "dead"
)

// Done is what became of one try.
type Done struct {
	Boot       string
	SMS        Outgoing
	End        DoneEnd
	State      string   // DoneEnded: undeliverable, expired, dead
	MessageIDs []string // of all parts accepted so far
	Error      string
	At         time.Time
	RetryAt    time.Time     // DoneRetry
	HoldNext   bool          // the caller has room and sends the citizen's next SMS now
	Settle     []MarkRef     // marks of the same shard to settle on the way
	EventID    string        // of the event sms.failed, where the end is one; empty: no event
	Grace      time.Duration // how long the SMS waits for its receipts; 0: 72 h
}

// ReceiptUpdate is a delivery receipt.
type ReceiptUpdate struct {
	Citizen         CitizenID
	Link, MessageID string
	State, Error    string // delivered, undeliverable, expired; any other state is only noted
	Final           bool
	At              time.Time
	EventID         string
	Grace           time.Duration // how long a receipt waits for its SMS; 0: 72 h
}

// Message is an SMS as staff see it.
type Message struct {
	ID     string
	Ticket uint64
	State  string
	Link   string
	Error  string
	Text   string
	Times  map[string]time.Time // state → when
	Tries  int
	Class  Class
}

// DefaultGrace is how long an SMS waits for its receipt, and a receipt for its SMS.
const DefaultGrace = 72 * time.Hour
