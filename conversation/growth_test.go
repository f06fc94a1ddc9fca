package conversation_test

import (
	"fmt"
	"testing"
	"time"

	"aduan/conversation"
)

// A telephone that files without end costs no more with each complaint: the
// state, which every commit carries whole, stays small.
func TestATelephoneThatFilesWithoutEndKeepsASmallState(t *testing.T) {
	e := engine(t)
	var s conversation.State
	now := morning
	filed := 0
	for n := range 3_000 {
		var eff conversation.Effects
		s, eff = e.Step(s, conversation.SMS{
			Text: fmt.Sprintf("LAPOR jalan rusak nomor %d di depan pasar", n), NewNumber: conversation.NewNumber(42, uint64(10001+n)), Link: "main",
		}, now)
		for _, ev := range eff.Events {
			if ev.Type == "complaint.filed" {
				filed++
			}
		}
		now = now.Add(7 * time.Second)
	}
	b, err := conversation.EncodeState(s)
	if err != nil {
		t.Fatal(err)
	}
	if filed < 2_900 {
		t.Errorf("%d complaints filed", filed)
	}
	if len(b) > 64<<10 {
		t.Errorf("the state has %d octets: %d tickets, %d questions", len(b), len(s.Tickets), len(s.Questions))
	}
}
