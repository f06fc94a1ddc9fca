package vitals

import (
	"math"
	"slices"
	"time"

	"aduan/smpp"
)

// seconds is how far a pulse goes back.
const seconds = 60

// Recorder makes pulses of what a link has counted, read once a second. Its zero value is empty; it is one goroutine's.
type Recorder struct {
	readings []reading // the newest last; one more than a pulse has
}

type reading struct {
	window int
	smpp.Pulse
}

// Read takes the counts of now and gives the pulse of the last minute. A link that was made anew counts from 0 again.
func (r *Recorder) Read(window int, now smpp.Pulse) Pulse {
	if n := len(r.readings); n > 0 && (now.Sent < r.readings[n-1].Sent || now.Received < r.readings[n-1].Received) {
		r.readings = nil
	}
	if len(r.readings) > seconds {
		r.readings = slices.Delete(r.readings, 0, 1)
	}
	r.readings = append(r.readings, reading{window, now})
	first := r.readings[0].Pulse
	if len(r.readings) == 1 {
		first = smpp.Pulse{} // all of it is new
	}
	p := Pulse{
		Window: []int{}, Sent: []int{}, Received: []int{},
		Responses: quantiles(now.Responses.Since(first.Responses)), Answers: quantiles(now.Answers.Since(first.Answers)),
	}
	for i, v := range r.readings {
		before := smpp.Pulse{}
		if i > 0 {
			before = r.readings[i-1].Pulse
		}
		if i == 0 && len(r.readings) > seconds {
			continue
		}
		p.Window = append(p.Window, v.window)
		p.Sent = append(p.Sent, int(v.Sent-before.Sent))
		p.Received = append(p.Received, int(v.Received-before.Received))
	}
	return p
}

func quantiles(t smpp.Times) Times {
	ms := func(q float64) float64 {
		return math.Round(float64(t.Quantile(q))/float64(time.Millisecond)*10) / 10
	}
	return Times{Count: t.Count(), P50: ms(.5), P90: ms(.9), P99: ms(.99)}
}
