package store

import (
	"aduan/internal/msisdn"
)

// TicketRecord is a ticket as it stands.
type TicketRecord struct {
	Shard   int
	Serial  uint64
	Owner   CitizenID
	Number  msisdn.MSISDN
	Head    []byte
	Entries map[string][]byte // field → data, unsealed
	Citizen Citizen           // zero where the citizen was erased: then Entries has only what is readable
}
