package smpp

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestTimesGiveTheirQuantiles(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	var times, before Times
	for i := range 3000 {
		d := time.Duration(chance.ExpFloat64() * float64(80*time.Millisecond))
		if i == 1000 {
			before = times
			all = nil
		}
		times[bucket(d)]++
		all = append(all, d)
	}
	slices.Sort(all)
	times = times.Since(before)
	if times.Count() != 2000 {
		t.Fatalf("%d counted", times.Count())
	}
	for _, q := range []float64{.1, .5, .9, .99} {
		want := all[int(q*float64(len(all)))]
		if got := times.Quantile(q); got < want*7/10 || got > want*14/10 {
			t.Errorf("quantile %v: %v, in truth %v", q, got, want)
		}
	}
	if d := (Times{}).Quantile(.5); d != 0 {
		t.Errorf("of nothing: %v", d)
	}
	var long Times
	long[bucket(time.Hour)]++
	long[bucket(-time.Second)]++
	if long.Count() != 2 {
		t.Error("an hour, or a clock that was set back, is lost")
	}
}
