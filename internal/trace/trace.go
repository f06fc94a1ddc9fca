package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aduan/conversation"
	"aduan/internal/msisdn"
	"aduan/store"
)

// reader is what a trace reads; *store.Store is one.
type reader interface {
	Ticket(ctx context.Context, shard int, serial uint64) (store.TicketRecord, error)
	TraceSMS(ctx context.Context, id string) (store.SMSTrace, error)
	TraceCitizen(ctx context.Context, number msisdn.MSISDN) (store.CitizenTrace, error)
	EventsAbout(ctx context.Context, shard int, ticket uint64, since time.Time) ([]store.EventTrace, error)
	FindMessageID(ctx context.Context, links []string, messageID string) (string, int, error)
}

// Options of a trace.
type Options struct {
	Store  reader
	Region string   // ISO 3166: in which national numbers are read
	Links  []string // on which an SMSC's message id is looked for
	Reveal bool     // numbers and texts are shown
	Last   int      // of a number: its newest tickets, at most; 0: 5
}

// ErrArgument: it is no telephone number, no ticket number and no id of an SMS.
var ErrArgument = errors.New("neither a telephone number, nor a ticket number, nor the id of an SMS")

// Run tells the way of what is named: a telephone number in any dress, a ticket number, or the id of an SMS.
// store.ErrNotFound where the store knows nothing of it.
func Run(ctx context.Context, o Options, what string) (*Report, error) {
	t := &tracer{o: o, seen: map[string]bool{}, r: &Report{Facts: []string{}, Tickets: []Ticket{}, SMS: []SMS{}, Steps: []Step{}}}
	what = strings.TrimSpace(what)
	if _, ok := store.ShardOf(strings.ToUpper(what)); ok {
		t.r.Subject = "sms"
		return t.finish(t.sms(ctx, strings.ToUpper(what), ""))
	}
	n, wrong := conversation.ParseNumber(what)
	number, notNumber := msisdn.Parse(what, 0, o.Region)
	switch {
	case wrong == nil:
		t.r.Subject = "ticket"
		err := t.ticket(ctx, n, true)
		if !errors.Is(err, store.ErrNotFound) || notNumber != nil {
			return t.finish(err)
		}
	case notNumber != nil && errors.Is(wrong, conversation.ErrMistyped):
		return nil, fmt.Errorf("%w: %w", wrong, store.ErrNotFound)
	case notNumber != nil:
		return nil, ErrArgument
	}
	t.r.Subject = "number"
	return t.finish(t.citizen(ctx, number))
}

// ByMessageID tells the way of the SMS to which an SMSC gave a message id.
func ByMessageID(ctx context.Context, o Options, messageID string) (*Report, error) {
	id, part, err := o.Store.FindMessageID(ctx, o.Links, messageID)
	if err != nil {
		return nil, err
	}
	r, err := Run(ctx, o, id)
	if err == nil {
		r.Facts = append(r.Facts, fmt.Sprintf("the operator gave this id to part %d of SMS %s", part, id))
	}
	return r, err
}

// tracer gathers a report.
type tracer struct {
	o    Options
	r    *Report
	seen map[string]bool // SMS that were told

	byNumber bool // what is told now was found by the citizen's number
}

func (t *tracer) finish(err error) (*Report, error) {
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(t.r.Steps, func(a, b Step) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return a.order - b.order
	})
	return t.r, nil
}

func (t *tracer) fact(format string, args ...any) {
	t.r.Facts = append(t.r.Facts, fmt.Sprintf(format, args...))
}

// The order of what carries the same time.
const (
	orderReceived = iota
	orderKept
	orderChanged
	orderQueued
	orderSubmitted
	orderSent
	orderReceipt
	orderEnd
	orderEvent
)

func (t *tracer) step(s Step) { t.r.Steps = append(t.r.Steps, s) }

// show is a number as the viewer may see it.
func (t *tracer) show(m msisdn.MSISDN) string {
	switch {
	case m.IsZero():
		return "a citizen who was erased"
	case t.o.Reveal:
		return m.Reveal()
	}
	return m.String()
}

// citizen tells all that the store has of a number.
func (t *tracer) citizen(ctx context.Context, number msisdn.MSISDN) error {
	c, err := t.o.Store.TraceCitizen(ctx, number)
	if err != nil {
		return err
	}
	t.fact("citizen %s: %d ticket(s), %d SMS waiting, %d message(s) that no ticket took", t.show(number), len(c.Tickets), len(c.Waiting), c.Kept)
	if state, err := conversation.DecodeState(c.State); err == nil {
		if state.OptedOut {
			t.fact("opted out: no SMS is pushed")
		}
		if question, about := state.Asks(); question != "none" {
			t.fact("the conversation waits for: %s%s", question, ofTicket(about))
		}
	}
	for _, turn := range c.Turns {
		if session, n := delivery(turn); n != "" {
			t.fact("kept: deliver_sm %s of session %s", n, session)
		}
	}
	last := t.o.Last
	if last <= 0 {
		last = 5
	}
	for i, serial := range slices.Backward(c.Tickets) {
		if len(c.Tickets)-i > last {
			t.fact("%d older ticket(s) are left out", i+1)
			break
		}
		if err := t.ticket(ctx, conversation.NewNumber(c.ID.Shard, serial), false); err != nil {
			return err
		}
	}
	t.byNumber = true
	for _, id := range slices.Concat(c.Alone, c.Waiting) {
		if err := t.sms(ctx, id, ""); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

func ofTicket(n conversation.Number) string {
	if n == 0 {
		return ""
	}
	return ", about ticket " + n.String()
}
