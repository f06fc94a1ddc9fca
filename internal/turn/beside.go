package turn

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"aduan/conversation"
	"aduan/store"
)

// besides are events that tell others what ev tells the case system: the superior of a ticket that is escalated, whom ev then
// names; and of a citizen who was erased, each agency that had a ticket. Only who has an endpoint of its own gets them.
func (t *Turner) besides(c store.Citizen, e conversation.Event, eff conversation.Effects, heads *heads, now time.Time, ev *store.Event) ([]store.Event, error) {
	switch e.Type {
	case conversation.EventEscalated:
		return t.escalated(c, e, heads, now, ev)
	case conversation.EventErased:
		return t.erased(c, eff, now)
	default:
		return nil, nil
	}
}

func (t *Turner) escalated(c store.Citizen, e conversation.Event, heads *heads, now time.Time, ev *store.Event) ([]store.Event, error) {
	head := heads.get(e.Ticket)
	if head == nil || head.Agency == "" || t.o.Superior == nil {
		return nil, nil
	}
	superior := t.o.Superior(head.Agency)
	if superior == "" {
		return nil, nil
	}
	d := EventData{Change: e.Change, Superior: superior}
	var err error
	if ev.Data, err = json.Marshal(d); err != nil {
		return nil, fmt.Errorf("turn: event: %w", err)
	}
	d.Beside = superior
	beside, err := t.toldBeside(c, e.Type, e.Ticket.Serial(), now, d)
	return []store.Event{beside}, err
}

func (t *Turner) erased(c store.Citizen, eff conversation.Effects, now time.Time) ([]store.Event, error) {
	whose := map[string][]string{}
	var names []string
	for i := range eff.Tickets {
		if name := eff.Tickets[i].Agency; name != "" {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			whose[name] = append(whose[name], eff.Tickets[i].Number.String())
		}
	}
	var all []store.Event
	for _, name := range names {
		ev, err := t.toldBeside(c, conversation.EventErased, 0, now, EventData{Tickets: whose[name], Beside: name})
		if err != nil {
			return nil, err
		}
		all = append(all, ev)
	}
	return all, nil
}

func (t *Turner) toldBeside(c store.Citizen, kind string, serial uint64, now time.Time, d EventData) (store.Event, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return store.Event{}, fmt.Errorf("turn: event: %w", err)
	}
	return store.Event{ID: t.o.Store.NewID(c.ID.Shard), Type: kind, Ticket: serial, At: now, Data: data}, nil
}
