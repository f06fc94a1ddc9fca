package turn

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/handoff"
	"aduan/internal/msisdn"
	"aduan/store"
)

// Pulled is what an event tells to those who pull it. It does not change.
type Pulled struct {
	whole, masked json.RawMessage
	names         bool                // whole names a telephone number
	agency        string              // whose it is; "": no agency's
	erased        map[string][]string // of an erasure: each agency's tickets
}

// For is what a viewer is told; false: it is not the viewer's.
func (p *Pulled) For(v desk.Viewer) (json.RawMessage, bool) {
	if v.Agency != "" && p.erased != nil {
		tickets := p.erased[v.Agency]
		data, err := json.Marshal(EventData{Tickets: tickets})
		return data, err == nil && len(tickets) > 0
	}
	if v.Agency != "" && v.Agency != p.agency {
		return nil, false
	}
	if v.Reveal {
		return p.whole, true
	}
	return p.masked, true
}

// Names tells whether the viewer is shown a whole telephone number by it.
func (p *Pulled) Names(v desk.Viewer) bool { return p.names && v.Reveal }

// Shown writes down whose whole numbers a viewer is about to be shown; where that cannot be kept, they are not shown.
func (d *Desk) Shown(ctx context.Context, v desk.Viewer, numbers []conversation.Number) error {
	return d.shown(ctx, v, numbers...)
}

// Pull makes what an event tells from the ticket as it is now; nil: it tells nothing any more.
func (d *Desk) Pull(ctx context.Context, ev store.Event) (*Pulled, error) {
	data, err := d.Body(ctx, ev)
	if errors.Is(err, handoff.ErrNothing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &Pulled{whole: data, masked: data}
	if strings.HasPrefix(ev.Type, "line.") {
		return p, nil
	}
	var b eventBody
	var to struct {
		Beside string `json:"beside"` // the superior who is told beside the ticket's own agency
	}
	if err := errors.Join(json.Unmarshal(data, &b), json.Unmarshal(data, &to)); err != nil {
		return nil, fmt.Errorf("turn: event %s: its body cannot be read: %w", ev.ID, err)
	}
	if b.Ticket != nil {
		p.agency = b.Ticket.Agency
	}
	p.agency = cmp.Or(to.Beside, p.agency)
	if ev.Type == conversation.EventErased && to.Beside != "" {
		return nil, nil // the one that it is told beside tells each agency its own
	}
	if ev.Type == conversation.EventErased {
		p.erased, err = d.whoseTickets(ctx, b.Tickets)
		return p, err
	}
	if b.Ticket != nil {
		p.names = b.Ticket.Citizen.Number != ""
		b.Ticket.Citizen.Number = masked(b.Ticket.Citizen.Number)
	}
	if b.Citizen != nil {
		p.names = p.names || b.Citizen.Number != ""
		b.Citizen.Number = masked(b.Citizen.Number)
	}
	p.masked, err = json.Marshal(b)
	return p, err
}

func masked(number string) string {
	if number == "" {
		return ""
	}
	return msisdn.FromRevealed(number).String()
}

// whoseTickets tells which tickets of an erased citizen are which agency's: its case system must forget them too.
func (d *Desk) whoseTickets(ctx context.Context, numbers []string) (map[string][]string, error) {
	whose := map[string][]string{}
	for _, s := range numbers {
		n, err := conversation.ParseNumber(s)
		if err != nil {
			continue
		}
		_, head, err := d.load(ctx, n, desk.Viewer{})
		if errors.Is(err, desk.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		whose[head.Agency] = append(whose[head.Agency], s)
	}
	return whose, nil
}
