package conversation_test

import (
	"fmt"
	"testing"
	"time"

	"aduan/conversation"
)

// A telephone that files without end costs no more with each complaint: the
// state, which every commit carries whole, stays small.
func TestATelephoneThatFilesWithoutEndKeepsASmallState(t *testing.T) {
	e := engine(t)
	var s conversation.State
	now := morning
	filed := 0
	for n := range 3_000 {
		var eff conversation.Effects
		s, eff = e.Step(s, conversation.SMS{
			Text: fmt.Sprintf("LAPOR jalan rusak nomor %d di depan pasar", n), NewNumber: conversation.NewNumber(42, uint64(10001+n)), Link: "main",
		}, now)
		for _, ev := range eff.Events {
			if ev.Type == "complaint.filed" {
				filed++
			}
		}
		now = now.Add(7 * time.Second)
	}
	b, err := conversation.EncodeState(s)
	if err != nil {
		t.Fatal(err)
	}
	if filed < 2_900 {
		t.Errorf("%d complaints filed", filed)
	}
	if len(b) > 64<<10 {
		t.Errorf("the state has %d octets: %d tickets, %d questions", len(b), len(s.Tickets), len(s.Questions))
	}
}

// An office that has a hundred complaints of one telephone must not lose the
// limits of those before: every one is still told, once.
func TestTheClockGoesOnForTicketsThatTheStateLetGo(t *testing.T) {
	e := engine(t)
	var s conversation.State
	heads := map[conversation.Number]conversation.Ticket{}
	keep := func(fx conversation.Effects) {
		for i := range fx.Tickets {
			heads[fx.Tickets[i].Number] = fx.Tickets[i]
		}
	}
	now := morning
	const filed = 130
	for n := range filed {
		var fx conversation.Effects
		s, fx = e.Step(s, conversation.SMS{
			Text: fmt.Sprintf("LAPOR jalan rusak di RT %d", n+1), NewNumber: conversation.NewNumber(42, uint64(10001+n)), Link: "main",
		}, now)
		keep(fx)
		now = now.Add(2 * time.Minute)
	}
	gone := len(s.Away)
	told := map[string]int{}
	end := morning.AddDate(0, 0, 21)
	for steps := 0; ; steps++ {
		at := s.TickAt()
		if at.IsZero() || at.After(end) {
			break
		}
		if at.Before(now) {
			at = now
		}
		now = at
		if steps > 2_000 {
			t.Fatalf("what fell due at %v is due again and again", at)
		}
		var known []conversation.Ticket
		for _, n := range s.Due(now) {
			known = append(known, heads[n])
		}
		var fx conversation.Effects
		s, fx = e.Step(s, conversation.Tick{Known: known}, now)
		keep(fx)
		for _, ev := range fx.Events {
			told[ev.Type]++
		}
	}
	if gone != filed-100 {
		t.Errorf("%d clocks went with their tickets, want %d", gone, filed-100)
	}
	for _, kind := range []string{"ticket.reminder", "ticket.overdue", "ticket.escalated"} {
		if told[kind] != filed {
			t.Errorf("%s: %d times, want %d", kind, told[kind], filed)
		}
	}
}
