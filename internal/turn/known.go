package turn

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/store"
)

// input is what happens. A citizen's message is told which of the tickets that it names are the citizen's own and damaged, and
// whether the line answers briefly.
func (t *Turner) input(s spec, n conversation.Number, known []conversation.Ticket, unreadable []conversation.Number) conversation.Input {
	in := s.input(n, known)
	if sms, ok := in.(conversation.SMS); ok {
		sms.Unreadable = unreadable
		sms.Brief = t.o.Brief != nil && t.o.Brief()
		return sms
	}
	return in
}

// known loads the citizen's own tickets that a text names, or whose clocks
// strike, and the state no longer holds. A number of another shard is never this citizen's.
// What is damaged is not known, and never told as true.
func (t *Turner) known(ctx context.Context, c store.Citizen, state conversation.State, s spec) (known []conversation.Ticket, unreadable []conversation.Number, err error) {
	known = s.known
	if c.Version == 0 {
		return known, nil, nil
	}
	numbers := conversation.NumbersIn(s.text)
	switch {
	case s.erase, s.due && erasureDue(state, t.o.Now()): // with all that the citizen ever filed
		serials, err := t.o.Store.TicketsOf(ctx, c.ID)
		if err != nil {
			return nil, nil, err
		}
		numbers = numbers[:0]
		for _, serial := range serials {
			numbers = append(numbers, conversation.NewNumber(c.ID.Shard, serial))
		}
	case s.due:
		numbers = state.Due(t.o.Now())
	}
	for _, n := range numbers {
		if n.Shard() != c.ID.Shard || holds(state.Tickets, n) || holds(known, n) {
			continue
		}
		rec, err := t.o.Store.Ticket(ctx, n.Shard(), n.Serial())
		var head conversation.Ticket
		if err == nil {
			head, err = decodeHead(rec.Head)
		}
		switch {
		case errors.Is(err, store.ErrDamaged):
			t.o.Log.Error("a ticket is damaged: its citizen is told that it cannot be read", zap.Stringer("ticket", n), zap.Error(err))
			if rec.Owner == c.ID {
				unreadable = append(unreadable, n)
			}
		case errors.Is(err, store.ErrNotFound), err == nil && rec.Owner != c.ID:
		case err != nil:
			return nil, nil, fmt.Errorf("turn: ticket named in a message: %w", err)
		default:
			known = append(known, head)
		}
	}
	return known, unreadable, nil
}

func holds(ts []conversation.Ticket, n conversation.Number) bool {
	for i := range ts {
		if ts[i].Number == n {
			return true
		}
	}
	return false
}
