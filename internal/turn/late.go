package turn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aduan/conversation"
	"aduan/internal/msisdn"
	"aduan/store"
)

// LatePart is a part of a long SMS that came after the message had been taken
// with its gap marked.
type LatePart struct {
	Boot     string
	Deadline time.Time
	From     msisdn.MSISDN
	// Serial and Field are where the text stands: a ticket's text or answer;
	// Serial 0 where no ticket took it.
	Serial uint64
	Field  string
	Number int // of the part, from 1
	Text   string
	Raw    []byte // kept for staff where no ticket took the message
	Beside bool   // Raw is kept in any case: it says more than Text
	Fill   *store.GroupFill
}

var errNoEntry = errors.New("turn: the text that a late part belongs to does not stand")

// Late fills the gap of a long SMS. Nobody is answered.
func (t *Turner) Late(ctx context.Context, l LatePart) (store.Outcome, error) {
	c, err := t.o.Store.Assume(l.From)
	if err != nil {
		return store.Outcome{}, err
	}
	s := spec{boot: l.Boot, deadline: l.Deadline, raw: l.Raw, beside: l.Beside, fill: l.Fill}
	if l.Serial == 0 {
		s.input = func(conversation.Number, []conversation.Ticket) conversation.Input {
			return conversation.LatePart{Part: l.Number, Text: l.Text}
		}
		res, err := t.run(ctx, c, s)
		return res.Outcome, err
	}
	var entry conversation.TextEntry
	s.reread = func(ctx context.Context, s *spec) (store.Citizen, error) {
		rec, err := t.o.Store.Ticket(ctx, c.ID.Shard, l.Serial)
		if err != nil {
			return store.Citizen{}, err
		}
		head, err := decodeHead(rec.Head)
		if err != nil {
			return store.Citizen{}, err
		}
		entry = conversation.TextEntry{}
		if rec.Entries[l.Field] == nil {
			return store.Citizen{}, errNoEntry
		}
		if err := json.Unmarshal(rec.Entries[l.Field], &entry); err != nil {
			return store.Citizen{}, fmt.Errorf("%w: entry %s of a ticket cannot be read", store.ErrDamaged, l.Field)
		}
		s.known = []conversation.Ticket{head}
		return rec.Citizen, nil
	}
	c, err = s.reread(ctx, &s)
	if errors.Is(err, errNoEntry) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) { // erased, or damaged: kept as it came
		l.Serial, l.Field = 0, ""
		return t.Late(ctx, l)
	}
	if err != nil {
		return store.Outcome{}, err
	}
	s.input = func(_ conversation.Number, known []conversation.Ticket) conversation.Input {
		return conversation.LatePart{Ticket: known[0].Number, Field: l.Field, Entry: entry, Part: l.Number, Text: l.Text, Known: known}
	}
	res, err := t.run(ctx, c, s)
	return res.Outcome, err
}

// Again answers a late copy of a message once more with the same SMS (promise
// 3: doubt never silences a citizen for long). No ticket and no state changes.
func (t *Turner) Again(ctx context.Context, m Message, sms []string) (Result, error) {
	earlier, err := t.o.Store.Messages(ctx, sms)
	if err != nil {
		return Result{}, err
	}
	c, err := t.o.Store.Assume(m.From)
	if err != nil {
		return Result{}, err
	}
	for range maxAttempts {
		turn := &store.Turn{Boot: m.Boot, Deadline: m.Deadline, Now: t.o.Now(), Citizen: c, State: c.State, Mark: m.Mark}
		state, err := t.state(ctx, c)
		if err != nil {
			return Result{}, err
		}
		turn.TickAt = state.TickAt()
		var reserved []string
		for _, e := range earlier {
			if e.Text == "" { // of an erased citizen
				continue
			}
			out := store.SMS{ID: t.o.Store.NewSMSID(c.ID.Shard, e.Ticket), Text: e.Text, From: m.To, Link: m.Link, Ticket: e.Ticket, Origin: m.Origin}
			if out.Hold = t.o.Outbox.Reserve(ctx, out.Link, out.Class); out.Hold {
				reserved = append(reserved, out.Link)
			}
			turn.SMS = append(turn.SMS, out)
		}
		out, err := t.o.Store.Commit(ctx, turn)
		t.after(turn, reserved, out, err)
		if err != nil || out.Kind != store.Stale {
			return Result{Outcome: out}, err
		}
		c = out.Citizen
	}
	return Result{}, ErrBusy
}
