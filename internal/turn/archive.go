package turn

import (
	"context"
	"errors"
	"slices"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// Whole is a ticket with all that stands of it, the citizen's number too: what goes into the archive, or is exported.
func (d *Desk) Whole(ctx context.Context, rec store.TicketRecord) (desk.TicketView, error) {
	head, err := decodeHead(rec.Head)
	if err != nil {
		return desk.TicketView{}, err
	}
	return d.view(ctx, rec, head, desk.Viewer{Reveal: true})
}

// LetGo makes a citizen's conversation forget closed tickets that have gone into the archive.
func (d *Desk) LetGo(ctx context.Context, id store.CitizenID, gone []conversation.Number) error {
	holds := func(c store.Citizen) (bool, error) {
		state, err := conversation.DecodeState(c.State)
		return slices.ContainsFunc(state.Tickets, func(t conversation.Ticket) bool { return slices.Contains(gone, t.Number) }), err
	}
	c, err := d.t.o.Store.Load(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // erased
	}
	if err != nil {
		return err
	}
	if held, err := holds(c); err != nil || !held {
		return err
	}
	s := d.t.ours(func(conversation.Number, []conversation.Ticket) conversation.Input {
		return conversation.Archived{Tickets: gone}
	})
	s.boot = ""
	s.reread = func(ctx context.Context, _ *spec) (store.Citizen, error) { return d.t.o.Store.Load(ctx, id) }
	res, err := d.t.run(ctx, c, s)
	if err != nil {
		return err
	}
	return kept(res.Outcome)
}
