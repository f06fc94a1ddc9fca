package store

import (
	"time"
)

// MarkMode says what a turn expects of the mark of its digest.
type MarkMode int

// The modes of a mark.
const (
	MarkFresh      MarkMode = iota + 1 // no mark may stand
	MarkRepetition                     // the mark Replaces, settled, makes way; so does none
	MarkAgain                          // a late copy is answered once more: the mark Replaces must stand, and not have been answered again; First stays
)

// MarkWrite is the mark that a turn leaves.
type MarkWrite struct {
	Mode     MarkMode
	Digest   string
	ID       string // of this delivery
	Session  string
	Replaces string // id of the mark that was seen
	AsksOnly bool   // nothing of a ticket changed
}

// Mark tells a copy from a new message (DESIGN, promise 3). Its times are of Redis's clock.
type Mark struct {
	Digest, ID, Session string
	First, Last         time.Time
	Settled             bool // the ESME_ROK was surely read
	Again               bool // a late copy was already answered once more
	AsksOnly            bool
	SMS                 []string // ids of what the turn answered
}

// MarkRef names a mark by the delivery that has it.
type MarkRef struct {
	Citizen    CitizenID
	Digest, ID string
}
