package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// TicketIndex is what lists find a ticket by. Only open tickets are listed; an external id is looked up of every one.
type TicketIndex struct {
	Open       bool
	Status     string
	FiledAt    time.Time
	DueAt      time.Time // when it is overdue; zero: never
	Agency     string    // empty: the triage desk
	ExternalID string    // empty: none
}

// indexField of a stored ticket holds its entry: open, status, filed at, due at, the external id's name, the agency's.
const indexField = "ix"

// externalName names an external id, of which Redis learns nothing else.
func (k *sealer) externalName(id string) string {
	if id == "" {
		return ""
	}
	return k.veil("external:" + id)[:11]
}

// agencyName is an agency as it stands in keys and entries.
func agencyName(agency string) string {
	if agency == "" {
		return ""
	}
	return safe(agency)
}

// entry is how x stands in the ticket under key; nothing where x is nil.
func (x *TicketIndex) entry(k *sealer, key string) []byte {
	if x == nil {
		return nil
	}
	return encodePlain(key, indexField, fmt.Appendf(nil, "%d|%s|%d|%d|%s|%s", flag(x.Open), strings.ReplaceAll(x.Status, "|", ""),
		max(millis(x.FiledAt), 0), max(millis(x.DueAt), 0), k.externalName(x.ExternalID), agencyName(x.Agency)))
}

// IndexOf reads from a ticket's head what lists find it by: the head is the turn's, and these are the names in it that the
// store knows too.
func IndexOf(head []byte) (TicketIndex, error) {
	var h struct {
		Status     string    `json:"s"`
		FiledAt    time.Time `json:"f"`
		DueAt      time.Time `json:"du"`
		Agency     string    `json:"ag"`
		ExternalID string    `json:"x"`
		Erased     bool      `json:"er"`
	}
	if err := json.Unmarshal(head, &h); err != nil {
		return TicketIndex{}, fmt.Errorf("%w: a ticket's head is not JSON", ErrDamaged)
	}
	x := TicketIndex{Status: h.Status, FiledAt: h.FiledAt, DueAt: h.DueAt, Agency: h.Agency, ExternalID: h.ExternalID}
	switch h.Status {
	case "", "closed", "rejected", "withdrawn":
	default:
		x.Open = !h.Erased
	}
	return x, nil
}
