package turn

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"aduan/internal/desk"
	"aduan/store"
)

const (
	defaultPage = 50
	viewsAtOnce = 16 // tickets of a page whose SMS are read at the same time
)

// List is a page of tickets, newest first, and where it goes on; "": it ends here. A page may hold fewer than the limit and
// go on all the same. A viewer of one agency sees that agency's alone.
func (d *Desk) List(ctx context.Context, r desk.ListRequest) (items []desk.TicketView, next string, err error) {
	q, none := d.query(r)
	if none {
		return nil, "", nil
	}
	limit := r.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	recs, next, err := d.t.o.Store.ListTickets(ctx, q, r.Cursor, limit)
	if errors.Is(err, store.ErrCursor) {
		return nil, "", &desk.Invalid{Field: "cursor", Reason: "it belongs to another list: begin without one"}
	}
	if err != nil {
		return nil, "", unavailable(err)
	}
	items = make([]desk.TicketView, len(recs))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(viewsAtOnce)
	for i := range recs {
		g.Go(func() error {
			head, err := decodeHead(recs[i].Head)
			if err == nil {
				items[i], err = d.view(each, recs[i], head, r.Viewer)
			}
			if errors.Is(err, store.ErrDamaged) {
				return nil // its head stands in the list; who asks for the ticket itself is told what is wrong
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, "", err
	}
	if err := d.shown(ctx, r.Viewer, named(items)...); err != nil {
		return nil, "", err
	}
	return items, next, nil
}

// query is the request in the store's words; none: nothing can be of it.
func (d *Desk) query(r desk.ListRequest) (q store.TicketQuery, none bool) {
	q = store.TicketQuery{Agency: r.Agency, ExternalID: r.ExternalID}
	if own := r.Viewer.Agency; own != "" {
		if r.Agency != nil && *r.Agency != own {
			return q, true
		}
		q.Agency = &own
	}
	if r.Overdue { // an ended ticket has no limit
		q.Open, q.OverdueAt = true, d.t.o.Now()
	}
	open := 0
	for _, s := range r.Status {
		q.Status = append(q.Status, string(s))
		if s.Open() {
			open++
		}
	}
	q.Open = q.Open || (len(r.Status) > 0 && open == len(r.Status))
	return q, r.Overdue && len(r.Status) > 0 && open == 0
}
