package turn_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/storemodel"
	"aduan/internal/turn"
	"aduan/store"
)

// told are the events of a type, in order, with what they hold.
func (s *stage) told(kind string) (all []turn.EventData) {
	s.t.Helper()
	for _, ev := range s.redis.Told() {
		if ev.Type != kind {
			continue
		}
		var d turn.EventData
		if err := json.Unmarshal(ev.Data, &d); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func TestTheSuperiorHearsOfAnEscalation(t *testing.T) {
	for name, c := range map[string]struct {
		superior string
		want     []turn.EventData
	}{
		"one that has a superior": {"provinsi", []turn.EventData{{Change: 5, Superior: "provinsi"}, {Change: 5, Superior: "provinsi", Beside: "provinsi"}}},
		"one that has none":       {"", []turn.EventData{{Change: 5}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.now = day
			s.superior = c.superior
			s.daemon("p")
			number := s.filed(0)
			pu := "pu"
			if _, _, err := s.push(number, conversation.Forwarded, func(r *desk.StatusRequest) { r.Agency = &pu }); err != nil {
				t.Fatal(err)
			}
			for range 30 { // days go by, and nobody answers
				s.now = s.now.Add(24 * time.Hour)
				if err := s.turner.Tick(t.Context(), storemodel.Identify(phone(0))); err != nil {
					t.Fatal(err)
				}
			}
			got := s.told(conversation.EventEscalated)
			for i := range got {
				if got[i].Change == 0 {
					t.Errorf("%+v", got[i])
				}
				got[i].Change = 5
			}
			if !slices.EqualFunc(got, c.want, func(a, b turn.EventData) bool {
				return a.Change == b.Change && a.Superior == b.Superior && a.Beside == b.Beside
			}) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// What a body tells says to whom it goes.
func TestWhoAnEventIsToldTo(t *testing.T) {
	s := newStage(t)
	s.now = day
	number := s.filed(0)
	pu := "pu"
	if _, _, err := s.push(number, conversation.Forwarded, func(r *desk.StatusRequest) { r.Agency = &pu }); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ev             store.Event
		agency, beside string
		has            string
	}{
		"of a ticket":             {store.Event{Shard: number.Shard(), Ticket: number.Serial(), Type: "ticket.status", Data: []byte(`{"change":1}`)}, "pu", "", number.String()},
		"beside":                  {store.Event{Shard: number.Shard(), Ticket: number.Serial(), Type: "ticket.escalated", Data: []byte(`{"beside":"provinsi"}`)}, "pu", "provinsi", number.String()},
		"of the line":             {store.Event{Type: "line.surge", Data: []byte(`{"count":3}`)}, "", "", `"count":3`},
		"of an erasure, to one's": {store.Event{Type: conversation.EventErased, Data: []byte(`{"tickets":["1"],"beside":"pu"}`)}, "", "pu", `"tickets":["1"]`},
	} {
		told, err := s.desk.Told(t.Context(), c.ev)
		if err != nil || told.Agency != c.agency || told.Beside != c.beside || !strings.Contains(string(told.Data), c.has) {
			t.Errorf("%s: %+v %s, %v", name, told, told.Data, err)
		}
	}
}
