package store

import (
	"context"
	"fmt"
	"strconv"
)

// findRested reads the ticket that an SMS rests in. ErrNotFound where it rests in none.
func (s *Store) findRested(ctx context.Context, shard int, id string) (TicketRecord, *restedSMS, error) {
	serial := ticketOfSMS(id)
	if serial < firstSerial {
		return TicketRecord{}, nil, ErrNotFound
	}
	rec, err := s.ticket(ctx, shard, serial)
	if err != nil {
		return rec, nil, err
	}
	m := rec.restedSMS(id)
	if m == nil {
		return rec, nil, ErrNotFound
	}
	return rec, m, nil
}

func (r *TicketRecord) restedSMS(id string) *restedSMS {
	for i := range r.rested {
		if r.rested[i].id == id {
			return &r.rested[i]
		}
	}
	return nil
}

// message is the SMS as staff see it. The proof of its text is made again with the citizen's key.
func (m *restedSMS) message(rec TicketRecord) Message {
	out := readMessage(m.id, m.fields)
	out.Ticket, out.Text = rec.Serial, m.text
	if m.text != "" && rec.Citizen.key != nil {
		out.Proof = rec.Citizen.key.proof(m.text)
	}
	return out
}

// restedMessages reads SMS that rest in tickets, each ticket once.
type restedMessages struct {
	s       *Store
	tickets map[ticketRef]TicketRecord
}

func (r *restedMessages) message(ctx context.Context, shard int, id string) (Message, error) {
	serial := ticketOfSMS(id)
	ref := ticketRef{shard: shard, serial: strconv.FormatUint(serial, 10)}
	rec, ok := r.tickets[ref]
	if !ok {
		var err error
		if serial < firstSerial {
			return Message{}, ErrNotFound
		}
		if rec, err = r.s.ticket(ctx, shard, serial); err != nil {
			return Message{ID: id}, fmt.Errorf("SMS %s: %w", id, err)
		}
		r.tickets[ref] = rec
	}
	if m := rec.restedSMS(id); m != nil {
		return m.message(rec), nil
	}
	return Message{}, ErrNotFound
}
