package turn

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

// view is a ticket as staff see it.
func (d *Desk) view(ctx context.Context, rec store.TicketRecord, head conversation.Ticket, v desk.Viewer) (desk.TicketView, error) {
	view := desk.TicketView{
		Number: head.Number.String(), Kind: string(head.Kind), Language: head.Language, Status: string(head.Status),
		FiledAt: head.FiledAt, Category: head.Category, Agency: head.Agency, Likely: head.Likely, Confidential: head.Confidential,
		Incomplete: head.Incomplete, Urgent: head.Urgent, Link: head.Link, ExternalID: head.ExternalID,
		Citizen: citizenView(rec, head, v),
	}
	if head.Rating != 0 {
		rating := head.Rating
		view.Rating = &rating
	}
	if err := entries(rec, head, &view); err != nil {
		return view, err
	}
	ids := make([]string, 0, head.Messages)
	for i := 1; i <= head.Messages; i++ {
		if id := rec.Entries[messageField(i)]; len(id) > 0 {
			ids = append(ids, string(id))
		}
	}
	if len(ids) == 0 {
		return view, nil
	}
	msgs, err := d.t.o.Store.Messages(ctx, ids)
	if err != nil {
		return view, unavailable(err)
	}
	for _, m := range msgs {
		view.Messages = append(view.Messages, d.t.messageView(m, head.Number))
	}
	return view, nil
}

// citizenView names the citizen as far as the viewer may know. Of a
// confidential ticket nobody sees more than its alias.
func citizenView(rec store.TicketRecord, head conversation.Ticket, v desk.Viewer) desk.CitizenView {
	switch {
	case head.Confidential:
		return desk.CitizenView{Alias: head.Alias}
	case rec.Number.IsZero() && !head.Erased: // it came by another channel, without a telephone
		return desk.CitizenView{Alias: "R" + head.Number.Digits()}
	case v.Reveal:
		return desk.CitizenView{Number: rec.Number.Reveal()}
	default:
		return desk.CitizenView{Number: rec.Number.String()}
	}
}

// entries reads what was appended to the ticket. The head says how many there
// are, so that a lost one is noticed.
func entries(rec store.TicketRecord, head conversation.Ticket, view *desk.TicketView) error {
	for i := 1; i <= head.Texts; i++ {
		var e conversation.TextEntry
		if err := entry(rec, textField(i), &e); err != nil {
			return err
		}
		view.Texts = append(view.Texts, desk.TextView{At: e.At, Text: e.Text(), Missing: e.Missing()})
	}
	for i := 1; i <= head.Answers; i++ {
		var e conversation.AnswerEntry
		if err := entry(rec, answerField(i), &e); err != nil {
			return err
		}
		view.Answers = append(view.Answers, desk.AnswerView{Question: e.Question, Text: e.Text, At: e.At})
	}
	for i := 1; i <= head.Changes; i++ {
		var e conversation.ChangeEntry
		if err := entry(rec, changeField(i), &e); err != nil {
			return err
		}
		view.History = append(view.History, desk.ChangeView{At: e.At, By: e.By, What: e.What, From: string(e.From), To: string(e.To), Note: e.Note, Agency: e.Agency})
	}
	return nil
}

func entry(rec store.TicketRecord, field string, v any) error {
	data, ok := rec.Entries[field]
	if !ok {
		return fmt.Errorf("%w: shard %02d serial %d: %s is missing", store.ErrDamaged, rec.Shard, rec.Serial, field)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: shard %02d serial %d: %s cannot be read", store.ErrDamaged, rec.Shard, rec.Serial, field)
	}
	return nil
}

func (t *Turner) messageView(m store.Message, n conversation.Number) desk.MessageView {
	view := desk.MessageView{ID: m.ID, State: m.State, Link: m.Link, Times: m.Times, Error: m.Error, Text: m.Text}
	if n != 0 {
		view.Ticket = n.String()
	}
	if m.Damaged {
		view.Error = cmp.Or(view.Error, "the text of this SMS is damaged in the store and cannot be read; a backup may have it")
	}
	view.Alphabet, view.Segments, _ = t.o.Count(m.Link, m.Text)
	return view
}
