package store

import (
	"time"
)

// Part is one segment of a long incoming SMS.
type Part struct {
	Boot          string
	Deadline, Now time.Time
	Timeout       time.Duration // after which the group is due with its gaps
	Citizen       Citizen
	Destination   string
	Ref           uint16
	Wide          bool // a 16-bit reference
	Total, Number int
	Data          []byte // opaque; sealed
	Digest        string // of the content
}

// PartKind says what became of a part.
type PartKind int

// What KeepPart gives. Only PartKept and PartWhole may have written.
const (
	PartKept      PartKind = iota + 1
	PartDuplicate          // it was kept, or taken, before
	PartWhole              // all parts are there and nobody has joined them: Group
	PartGap                // the group was joined without this part: a turn with Fill takes it
	PartConflict           // the open group has other content under this number: join it first, then keep again
	PartStale              // the citizen's key is not as assumed: Citizen stands
	PartLate               // the deadline has passed, or the boot is fenced
)

// PartOutcome is the answer to KeepPart.
type PartOutcome struct {
	Kind    PartKind
	Citizen Citizen // Stale: what stands; PartKept and PartWhole: as it is now
	Group   Group
}

// GroupRef names a group of segments.
type GroupRef struct {
	Citizen CitizenID
	Key     string
}

// Group is what has come of a long SMS.
type Group struct {
	Ref          GroupRef
	Citizen      Citizen
	Total        int
	Parts        map[int][]byte
	First        time.Time
	Version      int64
	Joined       bool
	JoinedTicket uint64
	JoinedField  string
}
