package turn

import (
	"context"
	"errors"
	"fmt"

	"aduan/conversation"
	"aduan/internal/desk"
)

// draftSegments is how long a draft may be: what is too long to be sent is shown too.
const draftSegments = 255

// DraftStatus is the SMS that PushStatus would send now.
func (d *Desk) DraftStatus(ctx context.Context, r desk.StatusRequest) (desk.DraftView, error) {
	return d.draft(ctx, r.Number, r.Viewer, func(known []conversation.Ticket) conversation.Input {
		return conversation.StaffStatus{
			Ticket: r.Number, Status: r.Status, Note: r.Note, Notify: r.Notify, By: r.Viewer.Name,
			Agency: r.Agency, ExternalID: r.ExternalID, MaxSegments: draftSegments, Known: known,
		}
	})
}

// DraftQuestion is the SMS that PushQuestion would send now.
func (d *Desk) DraftQuestion(ctx context.Context, r desk.QuestionRequest) (desk.DraftView, error) {
	return d.draft(ctx, r.Number, r.Viewer, func(known []conversation.Ticket) conversation.Input {
		return conversation.StaffQuestion{Ticket: r.Number, Text: r.Text, By: r.Viewer.Name, MaxSegments: draftSegments, Known: known}
	})
}

// draft makes the turn without keeping it.
func (d *Desk) draft(ctx context.Context, n conversation.Number, v desk.Viewer, input func([]conversation.Ticket) conversation.Input) (desk.DraftView, error) {
	rec, head, err := d.load(ctx, n, v)
	if err != nil {
		return desk.DraftView{}, err
	}
	if head.Erased {
		return desk.DraftView{}, desk.ErrErased
	}
	state, err := conversation.DecodeState(rec.Citizen.State)
	if err != nil {
		return desk.DraftView{}, fmt.Errorf("turn: the state of a citizen of shard %02d: %w", n.Shard(), err)
	}
	_, eff := d.t.settings.Load().Engine.Step(state, input([]conversation.Ticket{head}), d.t.o.Now())
	var no *refusedError
	if err := refusal(eff, draftSegments); errors.As(err, &no) {
		return desk.DraftView{}, no.because
	}
	view := desk.DraftView{Refused: eff.Refused}
	if len(eff.Replies) > 0 {
		view.Text = eff.Replies[0].Text
		view.Alphabet, view.Segments, view.Left = d.t.o.Count(head.Link, view.Text)
	}
	return view, nil
}
