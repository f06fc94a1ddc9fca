package conversation_test

import (
	"strings"
	"testing"
	"time"

	"aduan/conversation"
)

var first = conversation.NewNumber(42, 10001)

func TestWhyAPushIsRefused(t *testing.T) {
	e := engine(t)
	s := opened(t, e)
	closed, _ := e.Step(s, conversation.StaffStatus{Ticket: first, Status: conversation.Closed, By: "pupr"}, morning)
	quiet, _ := e.Step(s, conversation.SMS{Text: "STOP"}, morning)
	long := strings.Repeat("panjang ", 80)
	for _, row := range []struct {
		name  string
		state conversation.State
		in    conversation.Input
		want  string
	}{
		{"a status that is the line's", s, conversation.StaffStatus{Ticket: first, Status: conversation.Filed}, "invalid"},
		{"a status that is the citizen's", s, conversation.StaffStatus{Ticket: first, Status: conversation.Withdrawn}, "invalid"},
		{"a status that nobody knows", s, conversation.StaffStatus{Ticket: first, Status: "lost"}, "invalid"},
		{"a closed ticket", closed, conversation.StaffStatus{Ticket: first, Status: conversation.Resolved}, "closed"},
		{"a closed ticket reopened", closed, conversation.StaffStatus{Ticket: first, Status: conversation.Reopened}, ""},
		{"a question about a closed ticket", closed, conversation.StaffQuestion{Ticket: first, Text: "Apa?"}, "closed"},
		{"nobody's ticket", s, conversation.StaffStatus{Ticket: 1, Status: conversation.Verified}, "unknown"},
		{"an erased citizen's ticket", conversation.State{}, conversation.StaffStatus{
			Ticket: first, Status: conversation.Verified, Known: []conversation.Ticket{{Number: first, Status: conversation.Filed, Erased: true}},
		}, "erased"},
		{"a note too long", s, conversation.StaffStatus{Ticket: first, Status: conversation.Verified, Note: long, Notify: true}, "too_long"},
		{"a long note that is not sent", s, conversation.StaffStatus{Ticket: first, Status: conversation.Verified, Note: long}, ""},
		{"a question too long", s, conversation.StaffQuestion{Ticket: first, Text: long, MaxSegments: 2}, "too_long"},
		{"a long question that may be", s, conversation.StaffQuestion{Ticket: first, Text: long, MaxSegments: 10}, ""},
		{"a citizen who wrote STOP", quiet, conversation.StaffStatus{Ticket: first, Status: conversation.Verified, Notify: true}, "opted_out"},
	} {
		t.Run(row.name, func(t *testing.T) {
			next, fx := e.Step(row.state, row.in, morning.Add(time.Minute))
			if fx.Refused != row.want {
				t.Fatalf("refused %q, want %q", fx.Refused, row.want)
			}
			nothing := row.want != "" && row.want != "opted_out"
			if nothing && (len(fx.Tickets)+len(fx.Replies)+len(fx.Changes) > 0 || encode(t, next) != encode(t, withVersion(row.state))) {
				t.Errorf("something changed: %+v", fx)
			}
			if row.want == "opted_out" && (len(fx.Tickets) != 1 || fx.Tickets[0].Status != conversation.Verified || len(fx.Replies) > 0) {
				t.Errorf("the status must change without SMS: %+v", fx)
			}
			if row.want == "too_long" && fx.Segments <= 2 {
				t.Errorf("takes %d segments", fx.Segments)
			}
		})
	}
}

func withVersion(s conversation.State) conversation.State { s.V = 1; return s }

func TestAStatusOfAnOldTicketThatTheStateLetGo(t *testing.T) {
	e := engine(t)
	agency := "pupr"
	known := conversation.Ticket{Number: first, Kind: conversation.Complaint, Status: conversation.Closed, FiledAt: morning.Add(-time.Hour), Changes: 3}
	s, fx := e.Step(conversation.State{}, conversation.StaffStatus{
		Ticket: first, Status: conversation.Reopened, Note: "Kami periksa lagi", Notify: true, By: "pupr", Agency: &agency, Known: []conversation.Ticket{known},
	}, morning)
	if len(s.Tickets) != 1 || fx.Tickets[0].Agency != "pupr" || fx.Changes[0].Index != 4 || fx.Changes[0].From != conversation.Closed {
		t.Errorf("%+v\n%+v", s, fx)
	}
	if !fx.Replies[0].Push || !strings.Contains(fx.Replies[0].Text, "Kami periksa lagi") {
		t.Errorf("%+v", fx.Replies)
	}
}

func TestALatePartOfAnAnswerFillsItsGap(t *testing.T) {
	e := engine(t)
	s := opened(t, e)
	entry := conversation.TextEntry{Ticket: first, Index: 2, At: morning, Parts: []string{"sejak ", "", " mati"}, Gaps: []int{2}, Question: "officer", Asked: "Sejak kapan?"}
	_, fx := e.Step(s, conversation.LatePart{Ticket: first, Field: "a2", Entry: entry, Part: 2, Text: "Senin"}, morning)
	if len(fx.Answers) != 1 || fx.Answers[0].Text != "sejak Senin mati" || fx.Answers[0].Missing() || fx.Answers[0].Index != 2 || len(fx.Tickets) != 1 || len(fx.Replies) > 0 {
		t.Errorf("%+v", fx)
	}
	if entry.Parts[1] != "" {
		t.Error("the entry given was changed")
	}
	_, fx = e.Step(s, conversation.LatePart{Ticket: first, Field: "a2", Entry: entry, Part: 1, Text: "anders"}, morning)
	if len(fx.Answers)+len(fx.Events) > 0 {
		t.Errorf("a part that is no gap changed something: %+v", fx)
	}
}

func TestAnswersOfADayAreCapped(t *testing.T) {
	e, err := conversation.New(conversation.Options{Language: "id", Words: shipped(t), Cap: 5, FloodCount: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var s conversation.State
	answers, tickets := 0, 0
	for i := range 8 {
		var fx conversation.Effects
		s, fx = e.Step(s, conversation.SMS{Text: "LAPOR sampah di RT 3", NewNumber: conversation.NewNumber(42, 10001+uint64(i))}, morning.Add(time.Duration(i)*time.Minute))
		answers += len(fx.Replies)
		tickets += len(fx.Tickets)
	}
	if answers != 5 || tickets != 8 {
		t.Errorf("%d answers, %d tickets; want 5 and 8", answers, tickets)
	}
	if _, fx := e.Step(s, conversation.SMS{Text: "cek"}, morning.Add(24*time.Hour)); len(fx.Replies) != 1 {
		t.Error("no answer the next day")
	}
}

func TestClosedTicketsLeaveTheState(t *testing.T) {
	e := engine(t)
	var s conversation.State
	for i := range 30 {
		n := conversation.NewNumber(42, 10001+uint64(i))
		at := morning.Add(time.Duration(i) * time.Hour)
		s, _ = e.Step(s, conversation.SMS{Text: "LAPOR sampah di RT 3", NewNumber: n}, at)
		if i > 0 {
			s, _ = e.Step(s, conversation.StaffStatus{Ticket: n, Status: conversation.Closed}, at)
		}
	}
	if len(s.Tickets) != 21 || s.Tickets[0].Number != first || s.Tickets[20].Number != conversation.NewNumber(42, 10030) {
		t.Errorf("%d tickets: %v", len(s.Tickets), s.Tickets)
	}
}

func TestAMachineIsKeptAndNeverAnswered(t *testing.T) {
	e := engine(t)
	for _, in := range []conversation.Input{
		conversation.SMS{Text: "LAPOR promo", Sender: conversation.SenderMachine, NewNumber: first}, conversation.Unreadable{Sender: conversation.SenderMachine},
	} {
		_, fx := e.Step(conversation.State{}, in, morning)
		if !fx.Kept || len(fx.Replies)+len(fx.Tickets) > 0 {
			t.Errorf("%+v", fx)
		}
	}
}
