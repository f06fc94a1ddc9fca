package conversation_test

import (
	"reflect"
	"testing"
	"time"

	"aduan/conversation"
)

func TestAStateAtRestWakesAsItWas(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	ticket := func(serial uint64, s conversation.Status) conversation.Ticket {
		return conversation.Ticket{Number: conversation.NewNumber(7, serial), Kind: conversation.Complaint, Language: "id", Status: s, FiledAt: at, Link: "main", Texts: 1}
	}
	closed, open := ticket(10001, conversation.Closed), ticket(10002, conversation.Forwarded)
	stored := map[conversation.Number]conversation.Ticket{closed.Number: closed, open.Number: open}
	for name, c := range map[string]struct {
		state conversation.State
		most  int // octets at rest, so that it stays a small value once it is sealed; 0: any
	}{
		"nothing":                        {conversation.State{}, 35},
		"a closed ticket":                {conversation.State{Language: "id", Link: "main", Tickets: []conversation.Ticket{closed}}, 35},
		"two, opted out":                 {conversation.State{Language: "jv", OptedOut: true, Tickets: []conversation.Ticket{closed, open}}, 35},
		"a question stands":              {conversation.State{Language: "id", Tickets: []conversation.Ticket{open}, Questions: []conversation.Question{{Ask: conversation.AskOfficer, Ticket: open.Number, Until: at}}}, 0},
		"one whose head differs":         {conversation.State{Language: "id", Tickets: []conversation.Ticket{closed, ticket(10003, conversation.Filed), open}}, 0},
		"an open one that it let go":     {conversation.State{Language: "id", Away: []conversation.Away{{Number: open.Number, At: at.Unix()}}}, 0},
		"an erasure that is to come":     {conversation.State{Language: "id", EraseAt: at.Add(time.Hour), Tickets: []conversation.Ticket{closed}}, 0},
		"guards' memory of the last day": {conversation.State{Language: "id", Recent: []time.Time{at.Add(-time.Hour)}, Loop: conversation.Loop{At: at.Add(-time.Hour), Print: 7}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := conversation.EncodeState(c.state)
			if err != nil {
				t.Fatal(err)
			}
			want, err := conversation.DecodeState(b)
			if err != nil {
				t.Fatal(err)
			}
			rested, err := conversation.Rest(b, at, func(n conversation.Number) *conversation.Ticket {
				if x, ok := stored[n]; ok {
					return &x
				}
				return nil
			})
			if err != nil || (c.most > 0 && len(rested) > c.most) {
				t.Fatalf("%d octets, %v", len(rested), err)
			}
			got, err := conversation.DecodeState(rested)
			if err != nil {
				t.Fatal(err)
			}
			var back []conversation.Ticket
			for _, n := range got.Resting {
				back = append(back, stored[n])
			}
			got.Wake(back)
			if len(want.Tickets) == 0 {
				want.Tickets, got.Tickets = nil, nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
	if s, err := conversation.DecodeState([]byte{1, 99, 0, 0, 0}); err == nil {
		t.Errorf("a newer form is read as %+v", s)
	}
	for _, bad := range [][]byte{{1}, {1, 2, 0, 9, 'x'}, {1, 2, 0, 0, 0, 0xff}} {
		if s, err := conversation.DecodeState(bad); err == nil {
			t.Errorf("%v is read as %+v", bad, s)
		}
	}
}
