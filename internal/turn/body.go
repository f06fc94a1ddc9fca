package turn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/handoff"
	"aduan/store"
)

// eventBody is the data of an event for the case system. Text, Answer and
// Change are positions in the ticket's lists, from 1.
type eventBody struct {
	Ticket  *desk.TicketView  `json:"ticket,omitempty"`
	Citizen *desk.CitizenView `json:"citizen,omitempty"`
	Message *desk.MessageView `json:"message,omitempty"`
	EventData
}

// Body makes the data of an event from the ticket as it is now; an event
// itself holds no text. handoff.ErrNothing where nothing is left to tell.
func (d *Desk) Body(ctx context.Context, ev store.Event) (json.RawMessage, error) {
	told, err := d.Told(ctx, ev)
	return told.Data, err
}

// Told is the body of an event, and whose it is: the agency that has the
// ticket now, or the superior that it is told beside.
func (d *Desk) Told(ctx context.Context, ev store.Event) (handoff.Told, error) {
	var b eventBody
	var raw struct {
		EventData
		Message string `json:"message"`
	}
	if err := json.Unmarshal(ev.Data, &raw); err != nil {
		return handoff.Told{}, fmt.Errorf("turn: event %s: its data cannot be read: %w", ev.ID, err)
	}
	b.EventData = raw.EventData
	var err error
	switch {
	case ev.Ticket != 0:
		err = d.ticketBody(ctx, ev, &b)
	case strings.HasPrefix(ev.Type, "line."): // nobody's: its data says it all
		return handoff.Told{Data: ev.Data}, nil
	case ev.Type == conversation.EventErased: // the tickets are all that is left to name
	default:
		err = d.citizenBody(ctx, ev, &b)
	}
	if err != nil {
		return handoff.Told{}, err
	}
	if raw.Message != "" {
		if err := d.messageBody(ctx, ev, raw.Message, &b); err != nil {
			return handoff.Told{}, err
		}
	}
	told := handoff.Told{Beside: b.Beside}
	if b.Ticket != nil {
		told.Agency = b.Ticket.Agency
	}
	told.Data, err = json.Marshal(b)
	return told, err
}

func (d *Desk) ticketBody(ctx context.Context, ev store.Event, b *eventBody) error {
	view, err := d.Ticket(ctx, desk.TicketRequest{
		Number: conversation.NewNumber(ev.Shard, ev.Ticket), Viewer: desk.Viewer{Reveal: true},
	})
	if errors.Is(err, desk.ErrNotFound) {
		return handoff.ErrNothing
	}
	b.Ticket = &view
	return err
}

func (d *Desk) citizenBody(ctx context.Context, ev store.Event, b *eventBody) error {
	c, err := d.t.o.Store.Load(ctx, store.CitizenID{Shard: ev.Shard, Hash: ev.Citizen})
	if errors.Is(err, store.ErrNotFound) {
		return handoff.ErrNothing
	}
	b.Citizen = &desk.CitizenView{Number: c.Number.Reveal()}
	return err
}

func (d *Desk) messageBody(ctx context.Context, ev store.Event, id string, b *eventBody) error {
	msgs, err := d.t.o.Store.Messages(ctx, []string{id})
	if errors.Is(err, store.ErrNotFound) || (err == nil && len(msgs) == 0) {
		return nil // the ticket says enough
	}
	if err != nil {
		return err
	}
	n := conversation.Number(0)
	if ev.Ticket != 0 {
		n = conversation.NewNumber(ev.Shard, ev.Ticket)
	}
	view := d.t.messageView(msgs[0], n)
	b.Message = &view
	return nil
}
