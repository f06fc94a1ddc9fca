package conversation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"aduan/conversation"
)

func TestAnAgencysTemplatesAreChecked(t *testing.T) {
	e := engine(t)
	for _, c := range []struct {
		text     string
		segments int
		problem  string
	}{
		{"Laporan {number} {status} oleh {agency}. {note}", 1, ""},
		{"{number}", 1, ""},
		{"{number} " + strings.Repeat("a", 160), 2, ""},
		{"{number} 👍" + strings.Repeat("a", 60), 2, ""},
		{"Laporan {nomor}", 0, "unknown placeholder"},
		{"Laporan Anda {status}", 0, "does not name the ticket"},
		{"Laporan {number", 0, "do not pair"},
		{"Laporan number} {number}", 0, "do not pair"},
		{"{number} {{status}}", 0, "unknown placeholder"},
		{"", 0, "does not name the ticket"},
	} {
		n, err := e.CheckTemplate("Dinas PU", c.text)
		if c.problem == "" && (err != nil || n != c.segments) || c.problem != "" && (!errors.Is(err, conversation.ErrTemplate) || !strings.Contains(err.Error(), c.problem)) {
			t.Errorf("%q: %d, %v", c.text, n, err)
		}
	}
}

func TestAPushSpeaksWithTheAgencysOwnText(t *testing.T) {
	e := engine(t)
	s := opened(t, e)
	pu := "Dinas PU"
	push := func(s conversation.State, status conversation.Status, note string, templates map[string]string) conversation.Effects {
		_, fx := e.Step(s, conversation.StaffStatus{
			Ticket: first, Status: status, Note: note, Agency: &pu, Notify: true, By: "pupr", Templates: templates,
		}, morning.Add(time.Minute))
		return fx
	}
	own := map[string]string{"": "Laporan {number} kini {status}, kata {agency}: {note}", "en": "Report {number} is now {status}, says {agency}: {note}"}
	for name, c := range map[string]struct {
		state  conversation.State
		status conversation.Status
		note   string
		want   string
	}{
		"in any language": {s, conversation.Verified, "besok", "Laporan " + first.String() + " kini diverifikasi, kata Dinas PU: besok"},
		"with a mark":     {s, conversation.Resolved, "selesai", "Laporan " + first.String() + " kini selesai, kata Dinas PU: selesai. "},
	} {
		fx := push(c.state, c.status, c.note, own)
		if len(fx.Replies) != 1 || !strings.HasPrefix(fx.Replies[0].Text, c.want) {
			t.Errorf("%s: %+v, want %q", name, fx.Replies, c.want)
		}
	}
	english, _ := e.Step(s, conversation.SMS{Text: "LANG EN"}, morning)
	if fx := push(english, conversation.Verified, "tomorrow", own); len(fx.Replies) != 1 || fx.Replies[0].Text != "Report "+first.String()+" is now verified, says Dinas PU: tomorrow" {
		t.Errorf("in English: %+v", fx.Replies)
	}
	if fx := push(s, conversation.Verified, strings.Repeat("panjang ", 80), own); fx.Refused != conversation.RefusedTooLong || fx.Segments < 4 || len(fx.Changes) != 0 {
		t.Errorf("a note too long is cut or sent: %+v", fx)
	}
}

// A template that names the agency would tell whom a confidential ticket is about.
func TestATemplateNeverTellsWhatIsConfidential(t *testing.T) {
	e := engine(t)
	s, _ := e.Step(conversation.State{}, conversation.SMS{Text: "RAHASIA pungli di kantor", NewNumber: first, Link: "main"}, morning)
	pu := "Dinas PU"
	_, fx := e.Step(s, conversation.StaffStatus{
		Ticket: first, Status: conversation.Forwarded, Agency: &pu, Notify: true, By: "k",
		Templates: map[string]string{"": "Laporan {number} {status} ke {agency}"},
	}, morning.Add(time.Minute))
	if len(fx.Replies) != 1 || strings.Contains(fx.Replies[0].Text, "PU") || !strings.Contains(fx.Replies[0].Text, first.String()) {
		t.Errorf("%+v", fx.Replies)
	}
}
