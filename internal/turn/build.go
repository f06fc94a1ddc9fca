package turn

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"aduan/conversation"
	"aduan/store"
)

// build makes the commit of a turn. reserved are the links at which the outbox
// holds room for SMS of it, one name a reservation.
func (t *Turner) build(ctx context.Context, c store.Citizen, s spec, set *Settings, next conversation.State, eff conversation.Effects, now time.Time) (*store.Turn, []string, error) {
	turn := &store.Turn{
		Boot: s.boot, Deadline: s.deadline, Now: now, Citizen: c,
		TickAt: next.TickAt(), Mark: s.mark, Fill: s.fill, Erase: eff.Erase, HandoffHere: t.o.Courier != nil,
	}
	if s.audit != nil {
		turn.Audit = s.audit(eff)
	}
	if eff.Kept || s.beside {
		turn.Kept = s.raw
	}
	if s.link != "" {
		next.Link = s.link
	}
	heads := newHeads(&next, eff.Tickets)
	var reserved []string
	for _, r := range eff.Replies {
		sms, held := t.outgoing(ctx, c, s, set, r, next.Link, heads.get(r.Ticket), now)
		if held {
			reserved = append(reserved, sms.Link)
		}
		heads.message(r.Ticket, sms.ID)
		turn.SMS = append(turn.SMS, sms)
	}
	if s.mark != nil {
		mark := *s.mark
		mark.AsksOnly = eff.AsksOnly
		turn.Mark = &mark
	}
	if s.join != nil {
		join := *s.join
		join.Ticket, join.Field = joined(eff)
		turn.Join = &join
	}
	for _, e := range eff.Events {
		ev, err := t.event(c, e, eff, now)
		if err != nil {
			return nil, reserved, err
		}
		turn.Events = append(turn.Events, ev)
		besides, err := t.besides(c, e, eff, heads, now, &turn.Events[len(turn.Events)-1])
		if err != nil {
			return nil, reserved, err
		}
		turn.Events = append(turn.Events, besides...)
	}
	err := t.fill(turn, next, eff, heads, s)
	if err != nil {
		for _, link := range reserved {
			t.o.Outbox.Unreserve(link)
		}
	}
	return turn, reserved, err
}

// fill writes state, tickets and entries into the commit.
func (t *Turner) fill(turn *store.Turn, next conversation.State, eff conversation.Effects, heads *heads, s spec) error {
	var err error
	if turn.State, err = conversation.EncodeState(next); err != nil {
		return fmt.Errorf("turn: state: %w", err)
	}
	if turn.Tickets, err = ticketWrites(eff, heads, s); err != nil {
		return err
	}
	if s.idem != nil {
		turn.Idempotency, err = s.idem(eff, turn.SMS)
	}
	return err
}

// outgoing is the SMS of a reply; it reports whether the outbox keeps room for it. last is the link by which the
// citizen's last message came. An answer leaves by the link of the message, anything else as the routes say.
func (t *Turner) outgoing(
	ctx context.Context, c store.Citizen, s spec, set *Settings, r conversation.Reply, last string, head *conversation.Ticket, now time.Time,
) (store.SMS, bool) {
	sms := store.SMS{ID: t.o.Store.NewSMSID(c.ID.Shard, r.Ticket.Serial()), Text: r.Text, From: s.from, Link: s.link, Ticket: r.Ticket.Serial(), Origin: s.origin}
	if r.Push || sms.Link == "" {
		if last == "" && head != nil {
			last = head.Link
		}
		sms.Link = t.o.Route(last, c.Number)
	}
	if r.Push {
		sms.Class = store.ClassPush
		if r.Many {
			sms.Class = store.ClassBroadcast
		}
		if at := set.Quiet(now); at.After(now) {
			sms.NotBefore = at
			return sms, false
		}
	}
	sms.Hold = t.o.Outbox.Reserve(ctx, sms.Link, sms.Class)
	return sms, sms.Hold
}

// EventData is what the store keeps of an event besides type and ticket:
// indexes into the ticket, never text.
type EventData struct {
	Text   int `json:"text,omitempty"`
	Answer int `json:"answer,omitempty"`
	Change int `json:"change,omitempty"`
	// Superior is the agency above the ticket's, of a ticket that is escalated; Beside is the same where the event is the one
	// that is told to it, beside the ticket's own agency.
	Superior string `json:"superior,omitempty"`
	Beside   string `json:"beside,omitempty"`
	// Tickets are those of an erased citizen, who can no longer be named.
	Tickets []string `json:"tickets,omitempty"`
}

func (t *Turner) event(c store.Citizen, e conversation.Event, eff conversation.Effects, now time.Time) (store.Event, error) {
	d := EventData{Text: e.Text, Answer: e.Answer, Change: e.Change}
	if e.Type == conversation.EventErased {
		for i := range eff.Tickets {
			d.Tickets = append(d.Tickets, eff.Tickets[i].Number.String())
		}
	}
	data, err := json.Marshal(d)
	if err != nil {
		return store.Event{}, fmt.Errorf("turn: event: %w", err)
	}
	return store.Event{ID: t.o.Store.NewID(c.ID.Shard), Type: e.Type, Ticket: e.Ticket.Serial(), At: now, Data: data}, nil
}

// joined says where the text of a long SMS went, so that a part that comes
// late finds its gap.
func joined(eff conversation.Effects) (serial uint64, field string) {
	switch {
	case len(eff.Texts) > 0:
		return eff.Texts[0].Ticket.Serial(), textField(eff.Texts[0].Index)
	case len(eff.Answers) > 0:
		return eff.Answers[0].Ticket.Serial(), answerField(eff.Answers[0].Index)
	default:
		return 0, ""
	}
}

// Fields of a stored ticket.
func textField(i int) string    { return "x" + strconv.Itoa(i) }
func answerField(i int) string  { return "a" + strconv.Itoa(i) }
func changeField(i int) string  { return "y" + strconv.Itoa(i) }
func messageField(i int) string { return "m" + strconv.Itoa(i) }

// heads are the tickets that a turn touches. A head counts the SMS of its
// ticket, which the engine does not name.
type heads struct {
	state   *conversation.State
	changed []conversation.Ticket
	sms     []store.TicketWrite // only Serial and Entries: SMS ids
}

func newHeads(next *conversation.State, changed []conversation.Ticket) *heads {
	// Step's effects may share memory with its state; counting must not change it.
	next.Tickets = append([]conversation.Ticket(nil), next.Tickets...)
	return &heads{state: next, changed: append([]conversation.Ticket(nil), changed...)}
}

func (h *heads) get(n conversation.Number) *conversation.Ticket {
	if n == 0 {
		return nil
	}
	for i := range h.changed {
		if h.changed[i].Number == n {
			return &h.changed[i]
		}
	}
	for i := range h.state.Tickets {
		if h.state.Tickets[i].Number == n {
			h.changed = append(h.changed, h.state.Tickets[i])
			return &h.changed[len(h.changed)-1]
		}
	}
	return nil
}

// message counts an SMS about ticket n.
func (h *heads) message(n conversation.Number, id string) {
	head := h.get(n)
	if head == nil {
		return
	}
	head.Messages++
	for i := range h.state.Tickets {
		if h.state.Tickets[i].Number == n {
			h.state.Tickets[i].Messages = head.Messages
		}
	}
	h.sms = append(h.sms, store.TicketWrite{
		Serial:  n.Serial(),
		Entries: []store.Entry{{Field: messageField(head.Messages), Data: []byte(id), Plain: true}},
	})
}

// ticketWrites are the tickets of a commit with what is appended to each.
func ticketWrites(eff conversation.Effects, h *heads, s spec) ([]store.TicketWrite, error) {
	writes := make([]store.TicketWrite, 0, len(h.changed))
	for i := range h.changed {
		head, err := json.Marshal(&h.changed[i])
		if err != nil {
			return nil, fmt.Errorf("turn: head of a ticket: %w", err)
		}
		w := store.TicketWrite{Serial: h.changed[i].Number.Serial(), Head: head, Index: indexOf(&h.changed[i])}
		if err := appendEntries(&w, eff, h.changed[i].Number, s.origin); err != nil {
			return nil, err
		}
		for _, m := range h.sms {
			if m.Serial == w.Serial {
				w.Entries = append(w.Entries, m.Entries...)
			}
		}
		w.New = isNew(eff, h.changed[i].Number)
		writes = append(writes, w)
	}
	return writes, nil
}

// indexOf is what lists find a ticket by; [store.IndexOf] reads the same from its head.
func indexOf(head *conversation.Ticket) *store.TicketIndex {
	return &store.TicketIndex{
		Open: head.Status.Open() && !head.Erased, Status: string(head.Status), FiledAt: head.FiledAt, DueAt: head.DueAt,
		Agency: head.Agency, ExternalID: head.ExternalID,
	}
}

// isNew tells whether this turn filed the ticket: only then does it bring complaint.filed.
func isNew(eff conversation.Effects, n conversation.Number) bool {
	for _, e := range eff.Events {
		if e.Ticket == n && e.Type == "complaint.filed" {
			return true
		}
	}
	return false
}

func appendEntries(w *store.TicketWrite, eff conversation.Effects, n conversation.Number, origin store.Origin) error {
	add := func(field string, v any) error {
		data, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("turn: entry %s: %w", field, err)
		}
		w.Entries = append(w.Entries, store.Entry{Field: field, Data: data})
		return nil
	}
	came := func(field string) { // how it came, for who traces it
		if origin.Delivery != "" {
			w.Entries = append(w.Entries, store.Entry{Field: store.OriginField(field), Data: []byte(origin.String()), Plain: true})
		}
	}
	for _, e := range eff.Texts {
		if e.Ticket == n {
			if err := add(textField(e.Index), e); err != nil {
				return err
			}
			came(textField(e.Index))
		}
	}
	for _, e := range eff.Answers {
		if e.Ticket == n {
			if err := add(answerField(e.Index), e); err != nil {
				return err
			}
			came(answerField(e.Index))
		}
	}
	for _, e := range eff.Changes {
		if e.Ticket == n {
			if err := add(changeField(e.Index), e); err != nil {
				return err
			}
		}
	}
	return nil
}

func decodeHead(b []byte) (conversation.Ticket, error) {
	var head conversation.Ticket
	if err := json.Unmarshal(b, &head); err != nil {
		return head, fmt.Errorf("turn: the head of a ticket cannot be read: %w", err)
	}
	return head, nil
}
