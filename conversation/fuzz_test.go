package conversation_test

import (
	"testing"
	"time"

	"aduan/conversation"
)

// FuzzCommand feeds any text to a citizen of whom nothing is known: no panic,
// one answer at most, and a ticket keeps the text byte for byte.
func FuzzCommand(f *testing.F) {
	for _, s := range fresh {
		f.Add(s.text)
	}
	f.Add("CEK #\u2014٤٨\x00\xff 1000–1421")
	f.Fuzz(func(t *testing.T, text string) {
		e := engine(t)
		_, fx := e.Step(conversation.State{}, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10001)}, morning)
		if len(fx.Replies) > 1 {
			t.Fatalf("%d replies", len(fx.Replies))
		}
		for _, e := range fx.Texts {
			if e.Text() != text {
				t.Fatalf("%q stands as %q", text, e.Text())
			}
		}
		conversation.NumbersIn(text)
	})
}

// FuzzStep reads the input as a conversation: each line a message, its first
// byte the time that passes and what happens.
func FuzzStep(f *testing.F) {
	f.Add([]byte("aLAPOR jalan rusak\nbRT 3\ncCEK\ndBATAL\neYA\n"))
	f.Add([]byte("aLAPOR jalan rusak\nS\na5 mantap\nQ\nasudah\nX\naHAPUS\naYA\nz\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := engine(t)
		var s conversation.State
		now, serial := morning, uint64(10001)
		for len(data) > 0 && serial < 10100 {
			line := data
			for i, b := range data {
				if b == '\n' {
					line = data[:i]
					break
				}
			}
			data = data[min(len(line)+1, len(data)):]
			if len(line) == 0 {
				continue
			}
			now = now.Add(time.Duration(line[0]) * time.Duration(line[0]) * time.Minute)
			var in conversation.Input = conversation.SMS{Text: string(line[1:]), NewNumber: conversation.NewNumber(42, serial)}
			first := conversation.NewNumber(42, 10001)
			switch line[0] {
			case 'S':
				in = conversation.StaffStatus{Ticket: first, Status: conversation.Resolved, Notify: true}
			case 'Q':
				in = conversation.StaffQuestion{Ticket: first, Text: string(line[1:])}
			case 'X':
				in = conversation.Tick{}
			}
			serial++
			next, fx := e.Step(s, in, now)
			if len(fx.Replies) > 1 {
				t.Fatalf("%d replies", len(fx.Replies))
			}
			s = decode(t, encode(t, next))
			if at := s.TickAt(); !at.IsZero() && !at.After(now) {
				t.Fatalf("something is due at %v and stays, now %v", at, now)
			}
		}
	})
}
