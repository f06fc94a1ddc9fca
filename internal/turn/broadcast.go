package turn

import (
	"context"
	"errors"
	"fmt"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// Broadcast tells the citizen of one ticket what many are told.
func (d *Desk) Broadcast(ctx context.Context, r desk.BroadcastOne) (a desk.StatusAnswer, replayed bool, err error) {
	limit := r.MaxSegments
	if limit <= 0 {
		limit = DefaultMaxSegments
	}
	did := doing{{action: store.AuditBroadcast, ref: r.Job}}
	return d.push(ctx, r.Number, r.Viewer, did, r.Idempotency, limit, func(known []conversation.Ticket) conversation.Input {
		return conversation.StaffBroadcast{Ticket: r.Number, Text: r.Text, By: r.Viewer.Name, MaxSegments: limit, Known: known}
	})
}

// Reach is who would be told of a broadcast by a ticket: a name of the citizen that tells nothing of who it is, and the SMS;
// or why nobody would: not_found, erased, opted_out, no_telephone, secret.
func (d *Desk) Reach(ctx context.Context, v desk.Viewer, n conversation.Number, text string) (citizen, sms, refused string, err error) {
	rec, head, err := d.load(ctx, n, v)
	switch {
	case errors.Is(err, desk.ErrNotFound):
		return "", "", "not_found", nil
	case err != nil:
		return "", "", "", err
	case head.Erased:
		return "", "", conversation.RefusedErased, nil
	}
	state, err := conversation.DecodeState(rec.Citizen.State)
	if err != nil {
		return "", "", "", fmt.Errorf("turn: the state of a citizen of shard %02d: %w", n.Shard(), err)
	}
	engine := d.t.settings.Load().Engine
	language := state.Language
	if language == "" {
		language = head.Language
	}
	return rec.Owner.String(), engine.BroadcastText(language, n, text), engine.RefusesBroadcast(state, head, text), nil
}

// Select gives the numbers of a list's tickets, at most limit of them; more: there are others.
func (d *Desk) Select(ctx context.Context, v desk.Viewer, r desk.ListRequest, limit int) (numbers []conversation.Number, more bool, err error) {
	r.Viewer = v
	q, none := d.query(r)
	if none {
		return nil, false, nil
	}
	for cursor := ""; ; {
		recs, next, err := d.t.o.Store.ListTickets(ctx, q, cursor, 500)
		if err != nil {
			return nil, false, unavailable(err)
		}
		for _, rec := range recs {
			if len(numbers) == limit {
				return numbers, true, nil
			}
			numbers = append(numbers, conversation.NewNumber(rec.Shard, rec.Serial))
		}
		if next == "" {
			return numbers, false, nil
		}
		cursor = next
	}
}

// SegmentsOf is how many SMS a text takes on the way to citizens.
func (d *Desk) SegmentsOf(text string) int { return d.t.settings.Load().Engine.Segments(text) }
