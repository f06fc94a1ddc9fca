package trace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"aduan/conversation"
	"aduan/store"
)

// ticket tells a ticket's way. asked: it was named itself; else it was found by its citizen's number, and a confidential
// one must not be tied to that.
func (t *tracer) ticket(ctx context.Context, n conversation.Number, asked bool) error {
	rec, err := t.o.Store.Ticket(ctx, n.Shard(), n.Serial())
	if err != nil {
		return err
	}
	var head conversation.Ticket
	if err := json.Unmarshal(rec.Head, &head); err != nil {
		return fmt.Errorf("%w: the head of ticket %s cannot be read", store.ErrDamaged, n)
	}
	if head.Confidential && !asked {
		t.fact("a confidential ticket: it is told only by its own number")
		return nil
	}
	view := Ticket{
		Number: n.String(), Kind: string(head.Kind), Status: string(head.Status), FiledAt: head.FiledAt.UTC(), Link: head.Link,
		Citizen: t.show(rec.Number), Confidential: head.Confidential,
	}
	if head.Confidential {
		view.Citizen = head.Alias
	}
	t.r.Tickets = append(t.r.Tickets, view)
	t.entries(rec, head)
	for i := 1; i <= head.Messages; i++ {
		id := string(rec.Entries[fmt.Sprintf("m%d", i)])
		if id == "" {
			continue
		}
		if err := t.sms(ctx, id, view.Citizen); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	events, err := t.o.Store.EventsAbout(ctx, n.Shard(), n.Serial(), head.FiledAt)
	if err != nil {
		return err
	}
	for _, e := range events {
		detail := "for the case system, " + e.ID
		if e.Waits {
			detail += ": not taken yet"
		}
		t.step(Step{At: e.At, What: "event", Ticket: n.String(), Status: e.Type, Detail: detail, order: orderEvent})
	}
	return nil
}

// entries are what the citizen wrote, and the changes.
func (t *tracer) entries(rec store.TicketRecord, head conversation.Ticket) {
	number := head.Number.String()
	for i := 1; i <= head.Texts; i++ {
		field := fmt.Sprintf("x%d", i)
		var e conversation.TextEntry
		if json.Unmarshal(rec.Entries[field], &e) != nil {
			t.step(Step{At: head.FiledAt, What: "kept", Ticket: number, Detail: fmt.Sprintf("text %d, which cannot be read any more", i), order: orderKept})
			continue
		}
		t.came(rec, field, number, e.At, fmt.Sprintf("text %d", i), e.Text(), e.Missing())
	}
	for i := 1; i <= head.Answers; i++ {
		field := fmt.Sprintf("a%d", i)
		var e conversation.AnswerEntry
		if json.Unmarshal(rec.Entries[field], &e) != nil {
			continue
		}
		t.came(rec, field, number, e.At, fmt.Sprintf("answer %d (%s)", i, e.Question), e.Text, e.Missing())
	}
	for i := 1; i <= head.Changes; i++ {
		var e conversation.ChangeEntry
		if json.Unmarshal(rec.Entries[fmt.Sprintf("y%d", i)], &e) != nil {
			continue
		}
		detail := fmt.Sprintf("%s by %s", e.What, e.By)
		if e.To != "" && e.From != e.To {
			detail = fmt.Sprintf("%s by %s: %s → %s", e.What, e.By, or(string(e.From), "new"), e.To)
		}
		t.step(Step{At: e.At, What: "changed", Ticket: number, Detail: detail, order: orderChanged})
	}
}

// came tells how a text came and that it was kept.
func (t *tracer) came(rec store.TicketRecord, field, number string, at time.Time, what, text string, gaps bool) {
	origin := store.ParseOrigin(string(rec.Entries[store.OriginField(field)]))
	if origin.Delivery != "" {
		session, n := delivery(origin.Delivery)
		t.step(Step{
			At: origin.Received, What: "received", PDU: "deliver_sm", Link: linkOf(session), Session: session, Ticket: number,
			Detail: "number " + n + " of its session", order: orderReceived,
		})
	}
	detail := fmt.Sprintf("%s, %d characters", what, utf8.RuneCountInString(text))
	if gaps {
		detail += ", with a part missing"
	}
	if t.o.Reveal {
		detail += fmt.Sprintf(": %q", text)
	}
	t.step(Step{At: at, What: "kept", Ticket: number, Detail: detail, order: orderKept})
}

// delivery takes the id of a deliver_sm apart: its session's id and its number there.
func delivery(id string) (session, n string) {
	i := strings.LastIndexByte(id, '-')
	if i < 0 || strings.Trim(id[i+1:], "0123456789") != "" {
		return id, ""
	}
	return id[:i], id[i+1:]
}

// linkOf is the link that a session's id names: boot.link.n.
func linkOf(session string) string {
	parts := strings.Split(session, ".")
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
