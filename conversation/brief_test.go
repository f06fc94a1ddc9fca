package conversation_test

import (
	"testing"
	"time"

	"aduan/conversation"
)

// A line that is far behind sends the number and nothing else, and asks nothing: what is asked comes back as more messages.
func TestABriefLineAnswersWithTheNumberAlone(t *testing.T) {
	g := newStage(t)
	say := func(text string, brief bool) string {
		g.step("siti", conversation.SMS{Text: text, NewNumber: conversation.NewNumber(7, g.serial), Brief: brief})
		return g.last["siti"]
	}
	number := conversation.NewNumber(7, g.serial).String()
	for _, row := range []struct {
		text  string
		brief bool
		want  string
	}{
		{"jembatan kayu di kampung kami putus", true, "Laporan " + number + " diterima."},
		{"lewat sungai sekarang", true, "Ditambahkan ke laporan " + number + "."},
		{"TAMBAH " + number + " ada anak sekolah", true, "Ditambahkan ke laporan " + number + "."},
	} {
		if got := say(row.text, row.brief); got != row.want {
			t.Errorf("%q: %q, want %q", row.text, got, row.want)
		}
	}
	if head := g.tickets[conversation.NewNumber(7, 10001)].head; head.Texts != 3 || head.Incomplete {
		t.Errorf("%d texts, incomplete %t: brevity costs the ticket nothing", head.Texts, head.Incomplete)
	}
	g.now = g.now.Add(48 * time.Hour)
	g.step("siti", conversation.Tick{})
	if head := g.tickets[conversation.NewNumber(7, 10001)].head; head.Incomplete {
		t.Error("nothing was asked, so nothing is missing")
	}
	if got := say("kebakaran besar di pasar lama", true); got != "DARURAT? Telepon 112! Laporan "+conversation.NewNumber(7, 10002).String()+" diterima." {
		t.Errorf("%q: the emergency number is never left out", got)
	}
}
