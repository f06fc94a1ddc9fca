package turn

import (
	"context"
	"errors"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// letterKeeper holds what waits for a person; *store.Store is one.
type letterKeeper interface {
	Letters(ctx context.Context, cursor string, limit int, sms, events bool) ([]store.Letter, string, error)
	Letter(ctx context.Context, id string) (store.Letter, error)
	RetryLetter(ctx context.Context, id string, now time.Time, by store.Audit) error
	DropLetter(ctx context.Context, id string, now time.Time, by store.Audit) error
}

// DeadLetters are what waits for a person: SMS whose tries are used up, events that nobody takes. A viewer of one agency sees
// those of its own tickets. ErrCursor of package store where the cursor is none.
func (d *Desk) DeadLetters(ctx context.Context, r desk.DeadLettersRequest) (items []desk.DeadLetter, next string, err error) {
	if r.Limit <= 0 {
		r.Limit = 100
	}
	items, next = []desk.DeadLetter{}, r.Cursor
	if d.t.o.Letters == nil {
		return items, "", nil
	}
	for len(items) < r.Limit {
		var page []store.Letter
		page, next, err = d.t.o.Letters.Letters(ctx, next, r.Limit-len(items), r.Kind != desk.LetterEvent, r.Kind != desk.LetterSMS)
		if errors.Is(err, store.ErrCursor) {
			return nil, "", &desk.Invalid{Field: "cursor", Reason: "not one that this list gave"}
		}
		if err != nil {
			return nil, "", unavailable(err)
		}
		for _, l := range page {
			err := d.maySee(ctx, r.Viewer, l)
			if errors.Is(err, desk.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, "", err
			}
			items = append(items, letterView(l))
		}
		if next == "" {
			break
		}
	}
	return items, next, nil
}

// RetryLetter lets a dead SMS go out once more, or an event be handed on now.
func (d *Desk) RetryLetter(ctx context.Context, r desk.DeadLetterRequest) error {
	return d.decide(ctx, r, letterKeeper.RetryLetter)
}

// DropLetter gives a dead SMS or an event up for good.
func (d *Desk) DropLetter(ctx context.Context, r desk.DeadLetterRequest) error {
	return d.decide(ctx, r, letterKeeper.DropLetter)
}

func (d *Desk) decide(ctx context.Context, r desk.DeadLetterRequest, do func(k letterKeeper, ctx context.Context, id string, now time.Time, by store.Audit) error) error {
	k := d.t.o.Letters
	if k == nil {
		return desk.ErrNotFound
	}
	l, err := k.Letter(ctx, r.ID)
	if errors.Is(err, store.ErrNotFound) {
		return desk.ErrNotFound
	}
	if err != nil {
		return unavailable(err)
	}
	if err := d.maySee(ctx, r.Viewer, l); err != nil {
		return err
	}
	switch err := do(k, ctx, r.ID, d.t.o.Now(), store.Audit{KeyID: r.Viewer.KeyID, From: r.Viewer.From, Ticket: l.Ticket}); {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return desk.ErrNotFound
	case errors.Is(err, store.ErrErased):
		return desk.ErrErased
	default:
		return unavailable(err)
	}
}

// maySee tells whether the viewer may see a letter: ErrNotFound where it is another agency's, or nobody's.
func (d *Desk) maySee(ctx context.Context, v desk.Viewer, l store.Letter) error {
	if v.Agency == "" {
		return nil
	}
	if l.Ticket == 0 {
		return desk.ErrNotFound
	}
	_, _, err := d.load(ctx, conversation.NewNumber(l.Shard, l.Ticket), v)
	return err
}

func letterView(l store.Letter) desk.DeadLetter {
	v := desk.DeadLetter{
		ID: l.ID, Kind: desk.LetterSMS, Type: l.Event, At: l.At, Error: l.Error, Tries: l.Tries, Waiting: l.Waiting, Next: l.Next,
	}
	if l.Event != "" {
		v.Kind = desk.LetterEvent
	}
	if l.Ticket != 0 {
		v.Ticket = conversation.NewNumber(l.Shard, l.Ticket).String()
	}
	return v
}
