package turn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aduan/conversation"
	"aduan/store"
)

// Rest makes a citizen's stored state small: see [store.Rested].
func Rest(state []byte, now time.Time, head func(serial uint64) []byte) ([]byte, error) {
	return conversation.Rest(state, now, func(n conversation.Number) *conversation.Ticket {
		b := head(n.Serial())
		if b == nil {
			return nil
		}
		t, err := decodeHead(b)
		if err != nil {
			return nil
		}
		return &t
	})
}

// state reads the citizen's state, with the heads of the tickets that rest. One that stands no more is let go.
func (t *Turner) state(ctx context.Context, c store.Citizen) (conversation.State, error) {
	state, err := conversation.DecodeState(c.State)
	if err != nil {
		return state, fmt.Errorf("turn: the state of a citizen of shard %02d: %w", c.ID.Shard, err)
	}
	if len(state.Resting) == 0 {
		return state, nil
	}
	tickets := make([]conversation.Ticket, 0, len(state.Resting))
	for _, n := range state.Resting {
		rec, err := t.o.Store.Ticket(ctx, n.Shard(), n.Serial())
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) || (err == nil && rec.Owner != c.ID) {
			continue
		}
		if err != nil {
			return state, fmt.Errorf("turn: a ticket at rest: %w", err)
		}
		head, err := decodeHead(rec.Head)
		if err != nil {
			return state, err
		}
		tickets = append(tickets, head)
	}
	state.Wake(tickets)
	return state, nil
}
