package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"

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
	Erased  bool              // its citizen was erased
	Citizen Citizen           // zero where the citizen was erased: then Entries has only what is readable

	awake  bool            // it is not at rest as a whole
	plain  map[string]bool // entries that stand readable
	rested []restedSMS     // SMS that rest in it
}

// erasedOwner stands in the place of an erased citizen's id.
const erasedOwner = "erased"

// Ticket reads a ticket with all that is written of it. ErrNotFound; ErrDamaged, with the owner where that can be read.
func (s *Store) Ticket(ctx context.Context, shard int, serial uint64) (TicketRecord, error) {
	r, err := s.ticket(ctx, shard, serial)
	s.aside(ctx, r.Citizen)
	return r, s.hurt(err)
}

func (s *Store) ticket(ctx context.Context, shard int, serial uint64) (TicketRecord, error) {
	if shard < 0 || shard >= Shards {
		return TicketRecord{}, fmt.Errorf("ticket of shard %d: %w", shard, ErrNotFound)
	}
	key := ticketKey(shard, serial)
	reply, err := s.lines.do(ctx, scriptRead, []string{key}, "o")
	if err != nil {
		return TicketRecord{}, fmt.Errorf("read %s: %w", key, err)
	}
	return s.ticketOf(shard, serial, asList(reply))
}

// ticketOf reads what read.lua gave.
func (s *Store) ticketOf(shard int, serial uint64, l []any) (TicketRecord, error) {
	key := ticketKey(shard, serial)
	if len(l) < 2 || len(asList(l[0])) == 0 {
		return TicketRecord{Shard: shard, Serial: serial}, fmt.Errorf("%s: %w", key, ErrNotFound)
	}
	f, who := asMap(asList(l[0])), asStrings(asList(l[1]))
	r := TicketRecord{Shard: shard, Serial: serial, Entries: make(map[string][]byte, len(f)), plain: map[string]bool{}, awake: f["o"] != ""}
	owner, head := who[0], f["h"]
	var rested *restedTicket
	var err error
	if packed := f[packedField]; packed != "" {
		if rested, err = unpack(key, shard, serial, []byte(packed)); err != nil {
			return r, err
		}
		owner, r.Head = rested.owner, rested.head
	}
	if r.awake {
		stored, err := decodePlain(key, "o", []byte(f["o"]))
		if err != nil {
			return r, err
		}
		owner = string(stored)
	}
	r.Owner, r.Erased = CitizenID{Shard: shard, Hash: owner}, owner == erasedOwner
	if head != "" || rested == nil {
		if r.Head, err = decodePlain(key, "h", []byte(head)); err != nil {
			return r, err
		}
	}
	r.Citizen, err = s.citizen(r.Owner, who[1:])
	if err != nil && !errors.Is(err, ErrNotFound) {
		return r, err
	}
	r.Number = r.Citizen.Number
	if rested != nil {
		if err := r.wake(key, rested); err != nil {
			return r, err
		}
	}
	for _, field := range []string{"o", "h", indexField, packedField} {
		delete(f, field)
	}
	return r, r.unseal(key, f)
}

// wake fills in what rests in the ticket. Of an erased citizen that is what is readable.
func (r *TicketRecord) wake(key string, t *restedTicket) error {
	if r.Citizen.key != nil {
		if err := t.open(key, r.Citizen.key); err != nil {
			return err
		}
	}
	for f, data := range t.plain {
		r.Entries[f], r.plain[f] = data, true
	}
	for f, data := range t.sealed {
		r.Entries[f] = data
	}
	for _, m := range t.sms {
		f := "m" + strconv.Itoa(m.field)
		r.Entries[f], r.plain[f] = []byte(m.id), true
	}
	r.rested = t.sms
	return nil
}

// unseal fills in the entries. Those of an erased citizen that were sealed are gone.
func (r *TicketRecord) unseal(key string, f map[string]string) error {
	for field, v := range f {
		var data []byte
		var err error
		switch {
		case v != "" && v[0] == plainForm:
			data, err = decodePlain(key, field, []byte(v))
			r.plain[field] = true
		case r.Citizen.key == nil:
			continue
		default:
			data, err = r.Citizen.key.unseal(key, field, []byte(v))
		}
		if err != nil {
			return err
		}
		r.Entries[field] = data
	}
	return nil
}

// KeptContent reads the content of a citizen that no ticket took, oldest first.
func (s *Store) KeptContent(ctx context.Context, id CitizenID) ([][]byte, error) {
	c, err := s.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	key := keptKey(id)
	list, err := s.rdb.LRange(ctx, key, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read what is kept of citizen %s: %w", id, err)
	}
	out := make([][]byte, len(list))
	for i, v := range list {
		if out[i], err = c.key.unseal(key, "kept", []byte(v)); err != nil {
			return nil, err
		}
	}
	return out, nil
}
