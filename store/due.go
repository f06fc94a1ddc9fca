package store

import (
	"time"
)

// Lease is how long what was claimed (a tick, a group, a hand-off) is left to who claimed it.
const Lease = 30 * time.Second

// Claim asks for what is due.
type Claim struct {
	Boot     string
	Now      time.Time
	PerShard int            // at most so many of a shard; 0: 100
	Room     map[string]int // link → how many SMS it can take
	Handoffs bool           // events are handed on from here
}

// Claimed is what is now the claimer's to do.
type Claimed struct {
	SMS      []Outgoing // held by the boot
	Ticks    []CitizenID
	Groups   []GroupRef
	Handoffs []HandoffRef
	More     bool // more was due than was taken: come again
}
