package storemodel

// NewSMSID makes the id of an SMS about a ticket.
func (s *Store) NewSMSID(shard int, _ uint64) string { return s.NewID(shard) }
