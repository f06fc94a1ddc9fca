package sender

import (
	"context"
	"errors"
	"time"

	"aduan/smpp"
	"aduan/store"
)

// try is a slot that remembers what passed on it, for who traces the SMS.
type try struct {
	Slot
	now  func() time.Time
	note store.Try
}

// newTry watches the try of an SMS that was tried so often before.
func newTry(link string, slot Slot, before int, now func() time.Time) *try {
	t := &try{Slot: slot, now: now, note: store.Try{Number: before, Link: link, At: now()}}
	if s, ok := slot.(interface{ SessionID() string }); ok {
		t.note.Session = s.SessionID()
	}
	return t
}

// Submit submits one part and notes its answer.
func (t *try) Submit(ctx context.Context, m *smpp.Message) (smpp.SubmitResult, error) {
	res, err := t.Slot.Submit(ctx, m)
	part := store.TryPart{Status: res.Status.String(), MessageID: res.MessageID}
	switch {
	case errors.Is(err, smpp.ErrNotWritten):
		part.Status = "not written"
	case errors.Is(err, smpp.ErrNoResponse):
		part.Status = "no response"
	case err != nil:
		part.Status = "does not fit"
	}
	t.note.Parts = append(t.note.Parts, part)
	return res, err
}

// told is what the store keeps of it; nil where nothing was submitted.
func (t *try) told() *store.Try {
	if len(t.note.Parts) == 0 {
		return nil
	}
	t.note.Took = t.now().Sub(t.note.At)
	return &t.note
}
