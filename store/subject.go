package store

// TicketHandoff names the events of a ticket that are to be handed on.
func TicketHandoff(shard int, serial uint64) HandoffRef {
	return HandoffRef{Shard: shard, Subject: subjectOf(serial, CitizenID{})}
}

// HandoffOf names where an event of a citizen waits to be handed on: with its ticket's, else with the citizen's.
func HandoffOf(id CitizenID, e Event) HandoffRef {
	return HandoffRef{Shard: id.Shard, Subject: subjectOf(e.Ticket, id)}
}
