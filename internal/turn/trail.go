package turn

import (
	"context"
	"errors"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// Audit is a page of the audit trail, and where the next begins; "": there is none. A page may hold less than asked for and
// be followed by more. To a viewer of an agency it shows what was done to the agency's tickets, one at a time, and else what
// the agency's own keys did.
func (d *Desk) Audit(ctx context.Context, r desk.AuditRequest) (items []desk.AuditView, next string, err error) {
	keys, err := d.t.o.Store.ListKeys(ctx)
	if err != nil {
		return nil, "", unavailable(err)
	}
	q := store.AuditQuery{Action: r.Action, Since: r.Since, Until: r.Until, Cursor: r.Cursor, Limit: r.Limit}
	if r.Number != 0 {
		if _, _, err := d.load(ctx, r.Number, r.Viewer); err != nil {
			return nil, "", err
		}
		q.Shard, q.Ticket = r.Number.Shard(), r.Number.Serial()
	}
	names := map[string]string{}
	own := map[string]bool{}
	for _, k := range keys {
		names[k.ID] = k.Name
		own[k.ID] = k.Agency == r.Viewer.Agency
	}
	switch {
	case r.Key != "" && r.Viewer.Agency != "" && r.Number == 0 && !own[r.Key]:
		return []desk.AuditView{}, "", nil
	case r.Key != "":
		q.Keys = map[string]bool{r.Key: true}
	case r.Viewer.Agency != "" && r.Number == 0:
		q.Keys = own
		for id, yes := range own {
			if !yes {
				delete(own, id)
			}
		}
	}
	records, next, err := d.t.o.Store.AuditTrail(ctx, q)
	switch {
	case errors.Is(err, store.ErrCursor):
		return nil, "", &desk.Invalid{Field: "cursor", Reason: "it is none of ours: begin without one"}
	case errors.Is(err, store.ErrDamaged):
		return nil, "", err
	case err != nil:
		return nil, "", unavailable(err)
	}
	items = make([]desk.AuditView, 0, len(records))
	for _, rec := range records {
		items = append(items, AuditViewOf(rec, names))
	}
	return items, next, nil
}

// AuditViewOf is a record as it is shown; names are those of the keys.
func AuditViewOf(rec store.AuditRecord, names map[string]string) desk.AuditView {
	v := desk.AuditView{
		At: rec.At, Key: rec.KeyID, By: names[rec.KeyID], From: rec.From, Action: rec.Action, Ref: rec.Ref,
		Chain: store.ChainName(rec.Chain), Record: rec.Seq,
	}
	if rec.Ticket != 0 && rec.Chain != store.LineChain {
		v.Ticket = conversation.NewNumber(rec.Chain, rec.Ticket).String()
	}
	if rec.Action == store.AuditHeads {
		v.Ref = "" // hashes that only a look at the whole trail understands
	}
	return v
}
