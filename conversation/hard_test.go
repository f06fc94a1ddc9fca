package conversation_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
)

// hardSentences are the lines of testdata/hard/complaints.txt.
func hardSentences(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/hard/complaints.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// situations are states in which a citizen may write.
func situations(t *testing.T, e *conversation.Engine) map[string]conversation.State {
	t.Helper()
	n, second := conversation.NewNumber(42, 10001), conversation.NewNumber(42, 10002)
	sms := func(text string) conversation.Input { return conversation.SMS{Text: text, NewNumber: n} }
	other := conversation.SMS{Text: "LAPOR sampah menumpuk di RT 3", NewNumber: second}
	filed := sms("Lapor jalan rusak di RT 3")
	question := conversation.StaffQuestion{Ticket: n, Text: "Sejak kapan?", By: "pupr"}
	resolved := conversation.StaffStatus{Ticket: n, Status: conversation.Resolved, Notify: true, By: "pupr"}
	made := map[string]conversation.State{}
	for name, ins := range map[string][]conversation.Input{
		"never seen":         nil,
		"a ticket is open":   {filed},
		"what is asked":      {sms("lapor")},
		"where is asked":     {sms("jalan rusak")},
		"an officer asked":   {filed, question},
		"a mark is asked":    {filed, resolved},
		"a reason is asked":  {filed, resolved, sms("1")},
		"withdraw?":          {filed, sms("batal " + n.String())},
		"which one?":         {filed, other, sms("batal")},
		"erase?":             {filed, sms("hapus")},
		"to be erased":       {filed, sms("hapus"), sms("ya")},
		"opted out":          {filed, sms("stop")},
		"closed":             {filed, conversation.StaffStatus{Ticket: n, Status: conversation.Closed, By: "pupr"}},
		"English":            {sms("lang en")},
		"two officers asked": {filed, question, conversation.StaffQuestion{Ticket: n, Text: "Berapa meter?", By: "pupr"}},
	} {
		var s conversation.State
		now := morning
		for _, in := range ins {
			s, _ = e.Step(s, in, now)
			now = now.Add(time.Minute)
		}
		made[name] = s
	}
	return made
}

// A complaint is never taken for a command: in no state, however it begins.
func TestNoComplaintIsTakenForACommand(t *testing.T) {
	e := engine(t)
	sentences := hardSentences(t)
	if len(sentences) < 150 {
		t.Errorf("only %d sentences", len(sentences))
	}
	for name, s := range situations(t, e) {
		for _, text := range sentences {
			next, fx := e.Step(s, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10009)}, morning.Add(20*time.Minute))
			kept := slices.ContainsFunc(fx.Texts, func(x conversation.TextEntry) bool { return x.Text() == text }) ||
				slices.ContainsFunc(fx.Answers, func(a conversation.AnswerEntry) bool { return a.Text == text })
			if !kept {
				t.Errorf("%s: %q is kept with no ticket; answered %q", name, text, replies(fx))
			}
			if next.OptedOut != s.OptedOut {
				t.Errorf("%s: %q changed the opting out", name, text)
			}
			if next.Language != s.Language && s.Language != "" {
				t.Errorf("%s: %q changed the language", name, text)
			}
			if !next.EraseAt.IsZero() {
				t.Errorf("%s: %q erases, or lets an erasure stand", name, text)
			}
			for _, ticket := range next.Tickets {
				if ticket.Status == conversation.Withdrawn {
					t.Errorf("%s: %q withdrew a ticket", name, text)
				}
			}
			if question, _ := next.Asks(); question == "confirm" || question == "choose" {
				t.Errorf("%s: %q asks for a %s", name, text, question)
			}
			if len(fx.Replies) != 1 {
				t.Errorf("%s: %q was answered %d times", name, text, len(fx.Replies))
			}
		}
	}
}

func replies(fx conversation.Effects) (all []string) {
	for _, r := range fx.Replies {
		all = append(all, r.Text)
	}
	return all
}
