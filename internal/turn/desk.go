package turn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// DefaultMaxSegments is how many segments a push may take unless staff say otherwise.
const DefaultMaxSegments = 3

// Desk is where staff read tickets and push statuses and questions. It makes
// the same turns as a citizen's message does.
type Desk struct {
	t        *Turner
	counting chan struct{} // holds who counts a report: one at a time
}

// NewDesk returns the desk of a Turner.
func NewDesk(t *Turner) *Desk { return &Desk{t: t, counting: make(chan struct{}, 1)} }

// Ticket is one ticket with its history; desk.ErrNotFound where there is none,
// or where it is another agency's than the viewer's.
func (d *Desk) Ticket(ctx context.Context, r desk.TicketRequest) (desk.TicketView, error) {
	rec, head, err := d.load(ctx, r.Number, r.Viewer)
	if err != nil {
		return desk.TicketView{}, err
	}
	view, err := d.view(ctx, rec, head, r.Viewer)
	if err == nil && view.Citizen.Number != "" {
		err = d.shown(ctx, r.Viewer, r.Number)
	}
	if err != nil {
		return desk.TicketView{}, err
	}
	return view, nil
}

// Message is one SMS of a ticket.
func (d *Desk) Message(ctx context.Context, r desk.MessageRequest) (desk.MessageView, error) {
	msgs, err := d.t.o.Store.Messages(ctx, []string{r.ID})
	if errors.Is(err, store.ErrNotFound) || (err == nil && len(msgs) == 0) {
		return desk.MessageView{}, desk.ErrNotFound
	}
	if err != nil {
		return desk.MessageView{}, unavailable(err)
	}
	m := msgs[0]
	number := conversation.Number(0)
	if m.Ticket != 0 {
		shard, ok := store.ShardOf(r.ID)
		if !ok {
			return desk.MessageView{}, desk.ErrNotFound
		}
		number = conversation.NewNumber(shard, m.Ticket)
		if _, _, err := d.load(ctx, number, r.Viewer); err != nil {
			return desk.MessageView{}, err
		}
	} else if r.Viewer.Agency != "" {
		return desk.MessageView{}, desk.ErrNotFound
	}
	return d.t.messageView(m, number), nil
}

// PushStatus sets a ticket's status and tells the citizen. replayed: the same
// request was answered before, and nothing was done again.
func (d *Desk) PushStatus(ctx context.Context, r desk.StatusRequest) (a desk.StatusAnswer, replayed bool, err error) {
	limit := r.MaxSegments
	if limit <= 0 {
		limit = DefaultMaxSegments
	}
	templates, err := d.templates(ctx, r)
	if err != nil {
		return d.answeredBefore(ctx, r.Number, r.Idempotency, err)
	}
	did := doing{{action: store.AuditStatus, ref: string(r.Status)}}
	if r.Agency != nil {
		did = append(did, deed{action: store.AuditAssign, ref: *r.Agency})
	}
	return d.push(ctx, r.Number, r.Viewer, did, r.Idempotency, limit, func(known []conversation.Ticket) conversation.Input {
		return conversation.StaffStatus{
			Ticket: r.Number, Status: r.Status, Note: r.Note, Notify: r.Notify, By: r.Viewer.Name,
			Agency: r.Agency, ExternalID: r.ExternalID, MaxSegments: limit, Templates: templates, Known: known,
		}
	})
}

// PushQuestion asks the citizen something; the answer comes as an event.
func (d *Desk) PushQuestion(ctx context.Context, r desk.QuestionRequest) (a desk.StatusAnswer, replayed bool, err error) {
	limit := r.MaxSegments
	if limit <= 0 {
		limit = DefaultMaxSegments
	}
	return d.push(ctx, r.Number, r.Viewer, doing{{action: store.AuditQuestion}}, r.Idempotency, limit, func(known []conversation.Ticket) conversation.Input {
		return conversation.StaffQuestion{Ticket: r.Number, Text: r.Text, By: r.Viewer.Name, MaxSegments: limit, Known: known}
	})
}

// Assign hands a ticket on; its number stays. Whoever may see the ticket may: an agency its own, the triage desk any.
func (d *Desk) Assign(ctx context.Context, r desk.AssignRequest) (a desk.AssignAnswer, replayed bool, err error) {
	if r.Agency != "" && d.t.o.Agencies != nil {
		known, err := d.t.o.Agencies.Knows(ctx, r.Agency)
		if err != nil {
			return a, false, err
		}
		if !known {
			return a, false, &desk.Invalid{Field: "agency", Reason: "no such agency: it has no details, no key, and is not in the line's own list"}
		}
	}
	limit := r.MaxSegments
	if limit <= 0 {
		limit = DefaultMaxSegments
	}
	did := doing{{action: store.AuditAssign, ref: r.Agency}}
	s, replayed, err := d.push(ctx, r.Number, r.Viewer, did, r.Idempotency, limit, func(known []conversation.Ticket) conversation.Input {
		return conversation.StaffAssign{
			Ticket: r.Number, Agency: r.Agency, Note: r.Note, Notify: r.Notify, By: r.Viewer.Name, MaxSegments: limit, Known: known,
		}
	})
	return desk.AssignAnswer{
		Ticket: s.Ticket, Status: s.Status, Agency: r.Agency, Messages: s.Messages, Refused: s.Refused,
		Visible: r.Viewer.Agency == "" || r.Viewer.Agency == r.Agency,
	}, replayed, err
}

// push makes the turn of something that staff do to one ticket.
func (d *Desk) push(ctx context.Context, n conversation.Number, v desk.Viewer, did doing, idem *desk.Idempotency, limit int,
	input func(known []conversation.Ticket) conversation.Input,
) (desk.StatusAnswer, bool, error) {
	rec, head, err := d.load(ctx, n, v)
	if errors.Is(err, desk.ErrNotFound) {
		// It may have been handed to another agency by this very request.
		return d.answeredBefore(ctx, n, idem, err)
	}
	if err != nil {
		return desk.StatusAnswer{}, false, err
	}
	if head.Erased {
		return d.answeredBefore(ctx, n, idem, desk.ErrErased)
	}
	s := d.t.ours(func(_ conversation.Number, known []conversation.Ticket) conversation.Input { return input(known) })
	s.known, s.origin = []conversation.Ticket{head}, store.Origin{By: v.Name}
	s.audit = func(conversation.Effects) []store.Audit { return did.by(v, n) }
	s.reread = func(ctx context.Context, s *spec) (c store.Citizen, err error) {
		rec, head, err := d.load(ctx, n, v)
		s.known = []conversation.Ticket{head}
		return rec.Citizen, err
	}
	s.refused = func(eff conversation.Effects) error { return refusal(eff, limit) }
	var answer desk.StatusAnswer
	s.idem = func(eff conversation.Effects, sms []store.SMS) (*store.Idempotency, error) {
		answer = answerOf(n, head, eff, sms)
		if idem == nil {
			return nil, nil
		}
		body, err := json.Marshal(answer)
		if err != nil {
			return nil, fmt.Errorf("turn: answer: %w", err)
		}
		return &store.Idempotency{Key: idem.Key, Fingerprint: idem.Fingerprint, Stands: idem.Stands, Answer: body}, nil
	}
	res, err := d.t.run(ctx, rec.Citizen, s)
	no := refusalIn(err)
	switch {
	case no != nil:
		return d.answeredBefore(ctx, n, idem, no)
	case errors.Is(err, desk.ErrNotFound):
		return d.answeredBefore(ctx, n, idem, err)
	case err != nil:
		return desk.StatusAnswer{}, false, unavailable(err)
	}
	switch res.Outcome.Kind {
	case store.Kept:
		return answer, false, nil
	case store.Replayed:
		return replay(res.Outcome.FirstAnswer)
	case store.KeyMisused:
		return desk.StatusAnswer{}, false, desk.ErrKeyMisused
	default:
		return desk.StatusAnswer{}, false, unavailable(kept(res.Outcome))
	}
}

// answeredBefore gives the first answer of a request that is refused now only
// because it was done already; else the refusal.
func (d *Desk) answeredBefore(ctx context.Context, n conversation.Number, idem *desk.Idempotency, because error) (desk.StatusAnswer, bool, error) {
	if idem == nil {
		return desk.StatusAnswer{}, false, because
	}
	first, ok, err := d.t.o.Store.FirstAnswer(ctx, n.Shard(), idem.Key)
	switch {
	case err != nil:
		return desk.StatusAnswer{}, false, unavailable(err)
	case !ok:
		return desk.StatusAnswer{}, false, because
	case first.Fingerprint != idem.Fingerprint:
		return desk.StatusAnswer{}, false, desk.ErrKeyMisused
	default:
		return replay(first.Answer)
	}
}

func replay(body []byte) (desk.StatusAnswer, bool, error) {
	var a desk.StatusAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return a, false, fmt.Errorf("turn: a stored answer cannot be read: %w", err)
	}
	return a, true, nil
}

// load reads a ticket that the viewer may see.
func (d *Desk) load(ctx context.Context, n conversation.Number, v desk.Viewer) (store.TicketRecord, conversation.Ticket, error) {
	rec, err := d.t.o.Store.Ticket(ctx, n.Shard(), n.Serial())
	if errors.Is(err, store.ErrNotFound) {
		return rec, conversation.Ticket{}, desk.ErrNotFound
	}
	if err != nil {
		return rec, conversation.Ticket{}, unavailable(err)
	}
	head, err := decodeHead(rec.Head)
	if err != nil {
		return rec, head, err
	}
	head.Erased = head.Erased || rec.Erased
	if v.Agency != "" && head.Agency != v.Agency {
		return rec, head, desk.ErrNotFound
	}
	return rec, head, nil
}

// refusedError carries the engine's refusal out of a turn.
type refusedError struct{ because error }

func (e *refusedError) Error() string { return e.because.Error() }

// refusalIn is the refusal that a turn ended with; nil: it ended with none.
func refusalIn(err error) error {
	var no *refusedError
	if errors.As(err, &no) {
		return no.because
	}
	return nil
}

// refusal is the engine's refusal in the desk's words. An opted-out citizen is
// none: the status changes, and the answer says that no SMS goes out.
func refusal(eff conversation.Effects, limit int) error {
	switch eff.Refused {
	case "", conversation.RefusedOptedOut, conversation.RefusedNoPhone:
		return nil
	case "closed":
		return &refusedError{desk.ErrClosed}
	case "erased":
		return &refusedError{desk.ErrErased}
	case "unknown":
		return &refusedError{desk.ErrNotFound}
	case "invalid":
		return &refusedError{&desk.Invalid{Field: "status", Reason: "staff set verified, forwarded, in_progress, needs_information, resolved, rejected, closed or reopened"}}
	case conversation.RefusedSecret:
		return &refusedError{&desk.Invalid{Field: "text", Reason: "the ticket is confidential, and the question names its matter or its agency: ask without, whoever holds the telephone reads it"}}
	case "too_long":
		return &refusedError{&desk.TooLong{Segments: eff.Segments, Max: limit}}
	default:
		return &refusedError{&desk.Invalid{Field: "status", Reason: eff.Refused}}
	}
}

func answerOf(n conversation.Number, head conversation.Ticket, eff conversation.Effects, sms []store.SMS) desk.StatusAnswer {
	a := desk.StatusAnswer{Ticket: n.String(), Status: string(head.Status), Messages: make([]string, 0, len(sms))}
	for i := range eff.Tickets {
		if eff.Tickets[i].Number == n {
			a.Status = string(eff.Tickets[i].Status)
		}
	}
	for i := range sms {
		a.Messages = append(a.Messages, sms[i].ID)
	}
	if eff.Refused != "" {
		refused := eff.Refused
		a.Refused = &refused
	}
	return a
}

// unavailable marks an error after which staff may try again.
func unavailable(err error) error { return fmt.Errorf("%w: %w", desk.ErrUnavailable, err) }
