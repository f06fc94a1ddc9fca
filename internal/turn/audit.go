package turn

import (
	"context"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// deed is what staff do, as the audit trail names it: constant words and ids, never a text.
type deed struct{ action, ref string }

type doing []deed

// by is the record of what a viewer does to a ticket; it goes into the commit of the effect.
func (did doing) by(v desk.Viewer, n conversation.Number) []store.Audit {
	all := make([]store.Audit, 0, len(did))
	for _, d := range did {
		all = append(all, store.Audit{KeyID: v.KeyID, Action: d.action, Ticket: n.Serial(), From: v.From, Ref: d.ref})
	}
	return all
}

// shown writes down that a viewer is about to see whole telephone numbers, of these tickets; where that cannot be kept,
// they are not shown. The line's own parts, which have no key, see them without a record.
func (d *Desk) shown(ctx context.Context, v desk.Viewer, numbers ...conversation.Number) error {
	if !v.Reveal || v.KeyID == "" {
		return nil
	}
	byShard := map[int][]store.Audit{}
	for _, n := range numbers {
		byShard[n.Shard()] = append(byShard[n.Shard()], doing{{action: store.AuditReveal}}.by(v, n)...)
	}
	for shard, records := range byShard {
		if err := d.t.o.Store.Audit(ctx, shard, records...); err != nil {
			return unavailable(err)
		}
	}
	return nil
}

// named are the tickets of a list that show their citizen's number.
func named(items []desk.TicketView) []conversation.Number {
	var all []conversation.Number
	for i := range items {
		if items[i].Citizen.Number == "" {
			continue
		}
		if n, err := conversation.ParseNumber(items[i].Number); err == nil {
			all = append(all, n)
		}
	}
	return all
}
