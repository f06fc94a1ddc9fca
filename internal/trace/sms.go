package trace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"aduan/conversation"
	"aduan/smpp/segment"
	"aduan/store"
)

// sms tells an SMS's way. to is whom its ticket names; empty: the number itself is told.
func (t *tracer) sms(ctx context.Context, id, to string) error {
	if t.seen[id] {
		return nil
	}
	m, err := t.o.Store.TraceSMS(ctx, id)
	if err != nil {
		return err
	}
	t.seen[id] = true
	if to == "" {
		var confidential bool
		if to, confidential, err = t.recipient(ctx, m); err != nil {
			return err
		}
		if confidential && t.byNumber {
			t.fact("an SMS of a confidential ticket waits: it is told only by its own id")
			return nil
		}
	}
	view := SMS{
		ID: id, To: to, State: m.State, Link: m.Link, MessageIDs: append([]string{}, m.MessageIDs...), Error: m.Error, Holder: m.Holder,
	}
	view.Alphabet, view.Segments, _ = segment.Count(m.Text)
	if m.Ticket != 0 {
		view.Ticket = conversation.NewNumber(m.Citizen.Shard, m.Ticket).String()
	}
	if !m.Due.IsZero() {
		view.Due = &m.Due
	}
	if t.o.Reveal {
		view.Text = m.Text
	}
	t.r.SMS = append(t.r.SMS, view)
	t.way(m)
	if m.Place > 1 {
		t.fact("SMS %s waits behind %d of this citizen", id, m.Place-1)
	}
	return nil
}

// recipient names whom an SMS went to: the alias where its ticket is confidential.
func (t *tracer) recipient(ctx context.Context, m store.SMSTrace) (to string, confidential bool, err error) {
	if m.Ticket == 0 {
		return t.show(m.Number), false, nil
	}
	rec, err := t.o.Store.Ticket(ctx, m.Citizen.Shard, m.Ticket)
	if errors.Is(err, store.ErrNotFound) {
		return t.show(m.Number), false, nil
	}
	if err != nil {
		return "", false, err
	}
	var head conversation.Ticket
	if json.Unmarshal(rec.Head, &head) == nil && head.Confidential {
		return head.Alias, true, nil
	}
	return t.show(m.Number), false, nil
}

// way are the steps of an SMS.
func (t *tracer) way(m store.SMSTrace) {
	cause := "something fell due"
	switch {
	case m.Origin.Delivery != "":
		session, n := delivery(m.Origin.Delivery)
		cause = fmt.Sprintf("in answer to deliver_sm %s of session %s, which came at %s", n, session, m.Origin.Received.UTC().Format(stamp))
	case m.Origin.By != "":
		cause = "by " + m.Origin.By
	}
	t.step(Step{At: m.Queued, What: "queued", SMS: m.ID, Detail: cause, order: orderQueued})
	for _, try := range m.Attempts {
		for i, p := range try.Parts {
			detail := fmt.Sprintf("try %d, part %d, %d ms", try.Number+1, i+1, try.Took.Milliseconds())
			if p.MessageID != "" {
				detail += ", id " + p.MessageID
			}
			t.step(Step{
				At: try.At, What: "submitted", PDU: "submit_sm", Status: p.Status, Link: try.Link, Session: try.Session, SMS: m.ID,
				Detail: detail, order: orderSubmitted,
			})
		}
	}
	told := false // what ended nothing
	for _, r := range m.Receipts {
		session, n := delivery(r.Delivery)
		detail := fmt.Sprintf("part %d", r.Part)
		if n != "" {
			detail += ", deliver_sm " + n
		}
		if r.Error != "" {
			detail += ", error " + r.Error
		}
		if !r.Ended {
			detail += ", ended nothing"
			told = true
		}
		t.step(Step{
			At: r.At, What: "receipt", PDU: "deliver_sm", Status: r.State, Link: linkOf(session), Session: session, SMS: m.ID,
			Detail: detail, order: orderReceipt,
		})
	}
	if m.Untold > 0 {
		t.fact("SMS %s: %d more receipts came that ended nothing; the first seven and the last are told", m.ID, m.Untold)
	}
	if m.Interim != "" && !told { // of an SMS of an older version
		t.step(Step{
			At: m.InterimAt, What: "receipt", PDU: "deliver_sm", Status: m.Interim, Link: m.Link, SMS: m.ID,
			Detail: "the latest that was not final", order: orderReceipt,
		})
	}
	for state, at := range m.Times {
		order := orderEnd
		switch state {
		case store.StateQueued:
			continue // told above
		case store.StateSent:
			order = orderSent
		}
		t.step(Step{At: at, What: "state", SMS: m.ID, Status: state, Detail: reason(m, state), order: order})
	}
}

// reason is why an SMS is in the state that stands; empty for one that has passed.
func reason(m store.SMSTrace, state string) string {
	if state != m.State {
		return ""
	}
	return m.Error
}
