package talk

import (
	"testing"
	"time"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/smpp/gsm7"
)

// The message is handled before the timer that would erase: its text is the
// citizen's word after the erasure, and must stand.
func TestAMessageThatComesWithADueErasureIsNotErased(t *testing.T) {
	w, err := conversation.LoadWords(gsm7.Len, words.FS)
	if err != nil {
		t.Fatal(err)
	}
	e, err := conversation.New(conversation.Options{ShortCode: "1708", Words: w})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	p, err := newPlayer(ctx, Options{Engine: e, ShortCode: "1708", Region: "ID", SegmentsTimeout: time.Minute}, monday(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer p.w.Close()
	_, from, err := p.address(defaultName, "")
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) []conversation.Number {
		t.Helper()
		for _, m := range p.plain(from, text) {
			if err := p.deliver(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		var all []conversation.Number
		for _, r := range p.w.Air.Take() {
			all = append(all, conversation.NumbersIn(r.Text)...)
		}
		return all
	}
	before := say("LAPOR banjir di RT 7 RW 7")
	say("HAPUS")
	say("YA")
	p.w.clock.set(p.w.clock.Now().Add(25 * time.Hour)) // no timer has run
	after := say("LAPOR sampah di RT 7 RW 7")
	if len(before) != 1 || len(after) != 1 || before[0] == after[0] {
		t.Fatalf("tickets %v, then %v", before, after)
	}
	for n, want := range map[conversation.Number]int{before[0]: 0, after[0]: 1} {
		v, err := p.w.Desk.Ticket(ctx, desk.TicketRequest{Number: n})
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Texts) != want {
			t.Errorf("ticket %v has %d texts, want %d", n, len(v.Texts), want)
		}
	}
}
