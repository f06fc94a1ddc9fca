package store

// HandoffRef names a subject with events to hand on, in order: a ticket, or a citizen.
type HandoffRef struct {
	Shard   int
	Subject string
}
