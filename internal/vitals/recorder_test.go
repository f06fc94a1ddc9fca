package vitals_test

import (
	"slices"
	"testing"

	"aduan/internal/vitals"
	"aduan/smpp"
)

func TestAPulseIsOfTheLastMinute(t *testing.T) {
	var r vitals.Recorder
	var counted smpp.Pulse
	var p vitals.Pulse
	for second := range 200 {
		counted.Sent += uint64(second)
		counted.Received += 2
		counted.Responses[10]++ // 23 to 32 ms
		p = r.Read(second%7, counted)
		if want := min(second+1, 60); len(p.Window) != want || len(p.Sent) != want || len(p.Received) != want {
			t.Fatalf("second %d: %d, %d, %d points, want %d", second, len(p.Window), len(p.Sent), len(p.Received), want)
		}
	}
	if p.Sent[0] != 140 || p.Sent[59] != 199 || p.Window[59] != 199%7 || slices.Max(p.Received) != 2 {
		t.Errorf("%+v", p)
	}
	if p.Responses.Count != 60 || p.Responses.P50 < 22 || p.Responses.P99 > 32 || p.Answers.Count != 0 || p.Answers.P50 != 0 {
		t.Errorf("%+v, %+v", p.Responses, p.Answers)
	}
}

// A link that a reload has made anew counts from 0: no rate is wrong by that.
func TestALinkThatIsMadeAnewBeginsItsPulseAnew(t *testing.T) {
	var r vitals.Recorder
	r.Read(3, smpp.Pulse{Sent: 1000, Received: 10})
	p := r.Read(1, smpp.Pulse{Sent: 2, Received: 10})
	if !slices.Equal(p.Sent, []int{2}) || !slices.Equal(p.Window, []int{1}) {
		t.Errorf("%+v", p)
	}
}
