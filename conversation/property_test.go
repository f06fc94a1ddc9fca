package conversation_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"aduan/conversation"
	"aduan/smpp/gsm7"
)

// pieces are what generated messages are made of: commands, answers,
// complaints, courtesy, junk.
var pieces = []string{
	"LAPOR", "lapor", "lapro", "cek", "CEK", "status", "TAMBAH", "batal", "BATAL", "bantuan", "stop", "mulai", "bahasa", "EN", "id", "hapus", "HAPUS DATA",
	"ya", "YA", "tidak", "gak", "belum", "tahu", "ok", "puas", "1", "2", "3", "5", "-", "?", "saya", "mau", "rahasia", "saran", "tanya", "info", "apa",
	"terima kasih", "pak", "assalamualaikum", "jalan rusak", "sampah menumpuk", "di RT 3", "Jl Melati", "kebakaran", "rahasiakan", "1 minggu", "lampu mati",
	"10001421", "1000-1421", "#1000 1412", "9876-5078", "48213", "😡", "...", "\n", "Bantul", "the road is broken", "not", "petugas datang",
}

func drawText(t *rapid.T) string {
	n := rapid.IntRange(1, 5).Draw(t, "words")
	var b strings.Builder
	for range n {
		b.WriteString(rapid.SampledFrom(pieces).Draw(t, "word"))
		b.WriteString(rapid.SampledFrom([]string{" ", " ", " ", ", ", "", ". "}).Draw(t, "gap"))
	}
	return b.String()
}

// drawInput makes something happen to a citizen whose tickets are known.
func drawInput(t *rapid.T, s conversation.State, next conversation.Number) conversation.Input {
	what := rapid.IntRange(0, 13).Draw(t, "input")
	if what >= 3 && what <= 5 && len(s.Tickets) > 0 {
		about := s.Tickets[rapid.IntRange(0, len(s.Tickets)-1).Draw(t, "about")].Number
		if what == 3 {
			return conversation.StaffQuestion{Ticket: about, Text: rapid.SampledFrom([]string{"Sejak kapan?", strings.Repeat("panjang sekali ", 20)}).Draw(t, "question"), By: "pupr"}
		}
		status := rapid.SampledFrom(append(conversation.Statuses(), conversation.Resolved, conversation.Resolved, "nonsense")).Draw(t, "status")
		return conversation.StaffStatus{Ticket: about, Status: status, Note: "Sudah", Notify: rapid.Bool().Draw(t, "notify"), By: "pupr"}
	}
	switch what {
	case 0:
		return conversation.Tick{}
	case 1:
		return conversation.Unreadable{}
	case 13:
		return conversation.LatePart{Part: 1, Text: drawText(t)}
	case 2:
		return conversation.SMS{Parts: []string{drawText(t), "", drawText(t)}, Gaps: []int{2}, NewNumber: next}
	default:
		return conversation.SMS{Text: drawText(t), NewNumber: next}
	}
}

func TestGeneratedConversations(t *testing.T) {
	e := engine(t)
	rapid.Check(t, func(t *rapid.T) {
		var s conversation.State
		now := morning
		serial := uint64(10001)
		for range rapid.IntRange(1, 160).Draw(t, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{2 * time.Second, time.Minute, 20 * time.Minute, 2 * time.Hour, 30 * time.Hour, 11 * 24 * time.Hour}).Draw(t, "wait"))
			in := drawInput(t, s, conversation.NewNumber(42, serial))
			before := encode(t, s)
			next, fx := e.Step(s, in, now)
			again, fxAgain := e.Step(decode(t, before), in, now)
			if encode(t, s) != before {
				t.Fatalf("Step changed its argument")
			}
			if encode(t, next) != encode(t, again) || !reflect.DeepEqual(fx, fxAgain) {
				t.Fatalf("two answers to one question:\n%+v\n%+v", fx, fxAgain)
			}
			holdsTogether(t, s, in, next, fx)
			alikeInAnyState(t, e, s, now, conversation.NewNumber(42, serial))
			if filed(fx) {
				serial++
			}
			s = next
		}
	})
}

// matters are pieces that no command holds: where one stands, the words are a citizen's own.
var matters = []string{"jalan rusak", "sampah menumpuk", "lampu mati", "the road is broken"}

// alikeInAnyState checks that the answer to a command that asks or sets does
// not depend on what stands: without any question it is the same.
func alikeInAnyState(t *rapid.T, e *conversation.Engine, s conversation.State, now time.Time, next conversation.Number) {
	text := rapid.SampledFrom([]string{"CEK", "cek 1000-1421", "status laporan saya", "BANTUAN", "?", "STOP", "mulai", "BAHASA EN", "lang id", "BAHASA"}).Draw(t, "command")
	bare := s
	bare.Questions = nil
	in := conversation.SMS{Text: text, NewNumber: next}
	_, got := e.Step(s, in, now)
	_, want := e.Step(bare, in, now)
	if !slices.Equal(replies(got), replies(want)) {
		t.Fatalf("%s while %v stands: %q, without: %q", text, s.Questions, replies(got), replies(want))
	}
	after, _ := e.Step(s, in, now)
	ticked, _ := e.Step(s, conversation.Tick{}, now) // what time alone does
	if !reflect.DeepEqual(after.Questions, ticked.Questions) {
		t.Fatalf("%s lost the state: %v, was %v", text, after.Questions, ticked.Questions)
	}
}

func filed(fx conversation.Effects) bool {
	return slices.ContainsFunc(fx.Events, func(e conversation.Event) bool { return e.Type == conversation.EventFiled })
}

// holdsTogether checks what must be true of every step.
func holdsTogether(t *rapid.T, s conversation.State, in conversation.Input, next conversation.State, fx conversation.Effects) {
	if len(fx.Replies) > 1 {
		t.Fatalf("%d replies to one message", len(fx.Replies))
	}
	for _, r := range fx.Replies {
		if n, ok := gsm7.Len(r.Text); !r.Push && (!ok || n > 160) {
			t.Fatalf("reply %s takes %d septets (GSM %v): %s", r.Template, n, ok, r.Text)
		}
		if n := segments(r.Text); r.Push && n > 3 {
			t.Fatalf("push %s takes %d segments", r.Template, n)
		}
		if r.Ticket != 0 && !strings.Contains(r.Text, r.Ticket.String()) {
			t.Fatalf("an SMS about %s does not name it: %s", r.Ticket, r.Text)
		}
		if strings.ContainsAny(r.Text, "{}<>") {
			t.Fatalf("a mark was left: %s", r.Text)
		}
	}
	sms, ok := in.(conversation.SMS)
	if !ok {
		return
	}
	text := sms.Text
	if sms.Parts != nil {
		text = sms.Parts[0] + " [...] " + sms.Parts[2]
	}
	if strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 {
		return
	}
	kept := fx.Kept
	for _, e := range fx.Texts {
		kept = kept || e.Text() == text
	}
	for _, a := range fx.Answers {
		kept = kept || a.Text == text
	}
	if !kept && slices.ContainsFunc(matters, func(m string) bool { return strings.Contains(text, m) }) {
		t.Fatalf("the words of %q are lost; answered %q", text, replies(fx))
	}
	// What no entry holds was a command, an answer to a yes or no, courtesy: it
	// shows in the answer, unless a guard took that back.
	if !kept && len(fx.Replies) == 0 && next.Loop.Muted == s.Loop.Muted {
		t.Fatalf("%q came to nothing", text)
	}
	for _, e := range fx.Texts {
		if e.Text() != text {
			t.Fatalf("%q stands as %q", text, e.Text())
		}
	}
	for _, e := range fx.Events {
		if e.Ticket != 0 && !slices.ContainsFunc(fx.Tickets, func(h conversation.Ticket) bool { return h.Number == e.Ticket }) {
			t.Fatalf("event %s without its ticket's head", e.Type)
		}
	}
}

type fataler interface{ Fatal(...any) }

func encode(t fataler, s conversation.State) string {
	b, err := conversation.EncodeState(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decode(t fataler, b string) conversation.State {
	s, err := conversation.DecodeState([]byte(b))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A status, help, stop, start or language command is answered alike in any
// state of the questions.
func TestCommandsAreAnsweredAlikeInAnyState(t *testing.T) {
	e := engine(t)
	plain := opened(t, e)
	states := map[string]conversation.State{}
	number := conversation.NewNumber(42, 10001)
	follow := func(name string, ins ...conversation.Input) {
		s := plain
		for _, in := range ins {
			s, _ = e.Step(s, in, morning)
		}
		states[name] = s
	}
	sms := func(text string) conversation.Input {
		return conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10002)}
	}
	follow("what", sms("lapor"))
	follow("withdraw", sms("batal"))
	follow("erase", sms("hapus"))
	follow("officer", conversation.StaffQuestion{Ticket: number, Text: "Sejak kapan?", By: "pupr"})
	for _, command := range []string{"CEK 1000-1421", "cek", "bantuan", "STOP", "MULAI", "BAHASA EN", "bahasa"} {
		_, want := e.Step(plain, sms(command), morning.Add(time.Minute))
		for name, s := range states {
			next, got := e.Step(s, sms(command), morning.Add(time.Minute))
			if got.Replies[0].Text != want.Replies[0].Text {
				t.Errorf("%s while %s: %s, want %s", command, name, got.Replies[0].Text, want.Replies[0].Text)
			}
			was, about := s.Asks()
			if is, of := next.Asks(); is != was || of != about {
				t.Errorf("%s while %s: the question %s became %s", command, name, was, is)
			}
		}
	}
}
