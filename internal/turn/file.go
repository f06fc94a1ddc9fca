package turn

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/store"
)

// File makes a ticket of a report that came by another channel. replayed: the same request was answered before, and
// nothing was filed again.
func (d *Desk) File(ctx context.Context, r desk.FileRequest) (view desk.TicketView, replayed bool, err error) {
	c, err := d.reporter(r)
	if err != nil {
		return view, false, err
	}
	s := d.t.ours(func(n conversation.Number, _ []conversation.Ticket) conversation.Input {
		return conversation.StaffFile{
			Text: r.Text, Kind: r.Kind, By: r.Viewer.Name, Agency: r.Viewer.Agency, ExternalID: r.ExternalID,
			Category: r.Category, Location: r.Location, Notify: r.Notify, NoPhone: c.Number.IsZero(), NewNumber: n,
		}
	})
	s.numbered, s.origin = true, store.Origin{By: r.Viewer.Name}
	s.audit = func(eff conversation.Effects) []store.Audit {
		if len(eff.Tickets) == 0 {
			return nil
		}
		return doing{{action: store.AuditFile}}.by(r.Viewer, eff.Tickets[len(eff.Tickets)-1].Number)
	}
	s.refused = func(eff conversation.Effects) error {
		if eff.Refused == conversation.RefusedInvalid {
			return &refusedError{&desk.Invalid{Field: "kind", Reason: "expected complaint, suggestion or information"}}
		}
		return nil
	}
	s.idem = func(eff conversation.Effects, sms []store.SMS) (*store.Idempotency, error) {
		view = d.filed(c, eff, sms, r)
		return d.firstAnswer(ctx, r, view)
	}
	res, err := d.t.run(ctx, c, s)
	if no := refusalIn(err); no != nil {
		return desk.TicketView{}, false, no
	}
	if err != nil {
		return desk.TicketView{}, false, unavailable(err)
	}
	switch res.Outcome.Kind {
	case store.Kept:
		return view, false, nil
	case store.Replayed:
		view, err = filedBefore(res.Outcome.FirstAnswer, c, r)
		return view, true, err
	case store.KeyMisused:
		return desk.TicketView{}, false, desk.ErrKeyMisused
	default:
		return desk.TicketView{}, false, unavailable(kept(res.Outcome))
	}
}

// reporter is whose ticket it becomes: the telephone's citizen, else somebody without one, whose shard the Idempotency-Key
// names, so that the same request finds its first answer there.
func (d *Desk) reporter(r desk.FileRequest) (store.Citizen, error) {
	if r.Number != "" {
		set := d.t.Settings()
		m, err := msisdn.Parse(r.Number, 0, set.Region)
		if err != nil || r.Number == set.ShortCode {
			return store.Citizen{}, &desk.Invalid{Field: "number", Reason: "expected the citizen's telephone number"}
		}
		c, err := d.t.o.Store.Assume(m)
		if err != nil {
			return c, unavailable(err)
		}
		return c, nil
	}
	shard := rand.IntN(store.Shards)
	if r.Idempotency != nil {
		shard = shardOfKey(r.Idempotency.Key)
	}
	c, err := d.t.o.Store.Nameless(shard)
	if err != nil {
		return c, unavailable(err)
	}
	return c, nil
}

// shardOfKey is where requests with this key leave their note.
func shardOfKey(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return int(h.Sum32() % store.Shards)
}

// filed is the new ticket as the request is answered.
func (d *Desk) filed(c store.Citizen, eff conversation.Effects, sms []store.SMS, r desk.FileRequest) desk.TicketView {
	if len(eff.Tickets) == 0 || len(eff.Texts) == 0 {
		return desk.TicketView{}
	}
	head := eff.Tickets[len(eff.Tickets)-1]
	view := desk.TicketView{
		Number: head.Number.String(), Kind: string(head.Kind), Language: head.Language, Status: string(head.Status),
		FiledAt: head.FiledAt, Category: head.Category, Agency: head.Agency, Likely: head.Likely, Confidential: head.Confidential,
		Urgent: head.Urgent, ExternalID: head.ExternalID,
		Texts:   []desk.TextView{{At: eff.Texts[0].At, Text: r.Text}},
		Citizen: citizenView(store.TicketRecord{Number: c.Number}, head, r.Viewer),
	}
	for _, e := range eff.Answers {
		view.Answers = append(view.Answers, desk.AnswerView{Question: e.Question, Text: e.Text, At: e.At})
	}
	for _, e := range eff.Changes {
		if e.Ticket != head.Number { // of another that fell due just then
			continue
		}
		view.History = append(view.History, desk.ChangeView{At: e.At, By: e.By, From: string(e.From), To: string(e.To), Note: e.Note})
	}
	for i := range sms {
		view.Messages = append(view.Messages, d.t.messageView(store.Message{
			ID: sms[i].ID, State: "queued", Link: sms[i].Link, Text: sms[i].Text, Times: map[string]time.Time{"queued": head.FiledAt},
		}, head.Number))
	}
	return view
}

// firstAnswer is what is kept to answer the same request again: without text and number, which must not lie open in the
// store, and which the same request brings again.
func (d *Desk) firstAnswer(ctx context.Context, r desk.FileRequest, view desk.TicketView) (*store.Idempotency, error) {
	if r.Idempotency == nil {
		return nil, nil
	}
	first, err := d.t.o.Store.NoteRequest(ctx, shardOfKey(r.Idempotency.Key), r.Idempotency.Key, r.Idempotency.Fingerprint)
	switch {
	case err != nil:
		return nil, err
	case first != r.Idempotency.Fingerprint:
		return nil, &refusedError{desk.ErrKeyMisused}
	}
	view.Texts = []desk.TextView{{At: view.Texts[0].At}}
	view.Citizen.Number = ""
	view.Answers = slices.Clone(view.Answers)
	for i := range view.Answers {
		view.Answers[i].Text = ""
	}
	body, err := json.Marshal(view)
	if err != nil {
		return nil, fmt.Errorf("turn: answer: %w", err)
	}
	return &store.Idempotency{Key: r.Idempotency.Key, Fingerprint: r.Idempotency.Fingerprint, Answer: body}, nil
}

// filedBefore is the first answer again.
func filedBefore(body []byte, c store.Citizen, r desk.FileRequest) (desk.TicketView, error) {
	var view desk.TicketView
	if err := json.Unmarshal(body, &view); err != nil || len(view.Texts) == 0 {
		return view, fmt.Errorf("turn: a stored answer cannot be read: %w", err)
	}
	view.Texts[0].Text = r.Text
	for i := range view.Answers { // the one that the request brought
		view.Answers[i].Text = r.Location
	}
	if view.Citizen.Alias == "" {
		view.Citizen = citizenView(store.TicketRecord{Number: c.Number}, conversation.Ticket{}, r.Viewer)
	}
	return view, nil
}
