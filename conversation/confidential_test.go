package conversation_test

import (
	"strings"
	"testing"

	"aduan/conversation"
)

// Whoever looks at the telephone of a confidential ticket's citizen learns
// nothing of it from what staff push.
func TestAPushOfAConfidentialTicketTellsNeitherMatterNorInstitution(t *testing.T) {
	e := engine(t)
	n := conversation.NewNumber(42, 10001)
	filed := func(word string) conversation.State {
		s, fx := e.Step(conversation.State{}, conversation.SMS{Text: word + " pungli, pungutan liar oleh oknum di RT 3", NewNumber: n}, morning)
		if fx.Tickets[0].Category != "extortion" {
			t.Fatalf("guessed %q", fx.Tickets[0].Category)
		}
		return s
	}
	secret, open := filed("RAHASIA"), filed("LAPOR")
	agency := "Inspektorat Kota"
	for _, tc := range []struct {
		note         string
		told, secret bool // is the note in the SMS of an open, of a confidential ticket?
	}{
		{"Tim turun besok pagi", true, true},
		{"Pungli sedang diperiksa", true, false},
		{"Diteruskan ke inspektorat kota.", true, false},
		{"Inspektorat memeriksa", true, false}, // as guessed
		{"Diteruskan ke pihak terkait", true, true},
	} {
		for _, of := range []struct {
			s    conversation.State
			told bool
		}{{open, tc.told}, {secret, tc.secret}} {
			_, fx := e.Step(of.s, conversation.StaffStatus{Ticket: n, Status: conversation.InProgress, Note: tc.note, Notify: true, By: "desk", Agency: &agency}, morning)
			if len(fx.Replies) != 1 || strings.Contains(fx.Replies[0].Text, tc.note) != of.told {
				t.Errorf("%q, confidential %v: %+v", tc.note, fx.Tickets[0].Confidential, fx.Replies)
			}
			if len(fx.Changes) != 1 || fx.Changes[0].Note != tc.note {
				t.Errorf("%q: the history has %+v", tc.note, fx.Changes)
			}
		}
	}
	for text, refused := range map[string]string{"Berapa uang pungli yang diminta?": conversation.RefusedSecret, "Sejak kapan?": ""} {
		_, fx := e.Step(secret, conversation.StaffQuestion{Ticket: n, Text: text, By: "desk"}, morning)
		if fx.Refused != refused {
			t.Errorf("%q: refused %q, want %q", text, fx.Refused, refused)
		}
		if _, fx = e.Step(open, conversation.StaffQuestion{Ticket: n, Text: text, By: "desk"}, morning); fx.Refused != "" {
			t.Errorf("%q of an open ticket: refused %q", text, fx.Refused)
		}
	}
}
