package turn

import (
	"context"
	"errors"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// Erase erases a citizen at once: number, texts, answers, and the key that opens them. The tickets stay as figures. It
// gives how many there are; desk.ErrNotFound: nobody of that id is known.
func (d *Desk) Erase(ctx context.Context, v desk.Viewer, id store.CitizenID) (tickets int, err error) {
	load := func(ctx context.Context) (store.Citizen, error) {
		c, err := d.t.o.Store.Load(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return c, desk.ErrNotFound
		}
		return c, err
	}
	c, err := load(ctx)
	if err != nil {
		return 0, err
	}
	s := d.t.ours(func(_ conversation.Number, known []conversation.Ticket) conversation.Input {
		return conversation.Erasure{Known: known}
	})
	s.boot, s.erase = "", true
	s.audit = func(conversation.Effects) []store.Audit {
		return []store.Audit{{KeyID: v.KeyID, Action: store.AuditErase, From: v.From}}
	}
	s.reread = func(ctx context.Context, _ *spec) (store.Citizen, error) { return load(ctx) }
	res, err := d.t.run(ctx, c, s)
	if errors.Is(err, desk.ErrNotFound) {
		return 0, err
	}
	if err != nil {
		return 0, unavailable(err)
	}
	if err := kept(res.Outcome); err != nil {
		return 0, unavailable(err)
	}
	return len(res.Effects.Tickets), nil
}
