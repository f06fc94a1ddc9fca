package turn_test

import (
	"fmt"
	"testing"
	"time"

	"aduan/conversation"
)

// The state holds a hundred open tickets; the clocks of those before strike
// all the same: the tick fetches each by its number.
func TestTheTickFetchesTicketsThatTheStateLetGo(t *testing.T) {
	s := newStage(t)
	s.now = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC) // a Monday
	const filed = 125
	var citizen conversation.State
	for i := range filed {
		s.now = s.now.Add(2 * time.Minute)
		s.sms(0, fmt.Sprintf("LAPOR jalan rusak di RT %d", i+1))
	}
	known, err := s.store.Assume(phone(0))
	if err != nil {
		t.Fatal(err)
	}
	id := known.ID
	end := s.now.AddDate(0, 0, 14)
	for range 1_000 {
		c, err := s.store.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if citizen, err = conversation.DecodeState(c.State); err != nil {
			t.Fatal(err)
		}
		at := citizen.TickAt()
		if at.IsZero() || at.After(end) {
			break
		}
		if at.After(s.now) {
			s.now = at
		}
		if err := s.turner.Tick(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	told := map[string]int{}
	for _, kind := range s.redis.Events() {
		told[kind]++
	}
	for _, kind := range []string{"ticket.reminder", "ticket.overdue", "ticket.escalated"} {
		if told[kind] != filed {
			t.Errorf("%s: %d times, want %d", kind, told[kind], filed)
		}
	}
	if len(citizen.Away) != 0 {
		t.Errorf("%d clocks are left", len(citizen.Away))
	}
}
