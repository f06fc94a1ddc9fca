package bench_test

import (
	"fmt"
	"testing"

	"aduan/internal/capture"
	"aduan/smpp"
)

// BenchmarkTap is what a capture costs a link at a window of 100: never tapped, tapped before and not any more, and while a recorder
// copies all that passes. The ratios are medians of rounds in which the three took turns.
func BenchmarkTap(b *testing.B) {
	p := startPeer(b)
	done := make(chan struct{})
	defer close(done)
	ways := []struct {
		name string
		tap  func(*smpp.Link)
	}{
		{"none", nil},
		{"idle", func(l *smpp.Link) { l.Tap(func(smpp.Tapped) {})() }},
		{"active", func(l *smpp.Link) {
			r := capture.NewRecorder()
			l.Tap(r.Tap)
			go func() { // ends with the benchmark
				for {
					select {
					case t := <-r.Waiting():
						r.Took(t)
					case <-done:
						return
					}
				}
			}()
		}},
	}
	got := make([][]*linkMeasure, len(ways))
	for range rounds() {
		for i, way := range ways {
			got[i] = append(got[i], benchTapped(b, p, 100, way.tap))
		}
	}
	for i, way := range ways {
		m := middleLink(got[i])
		var ratios []float64
		for k, r := range got[i] {
			ratios = append(ratios, 100*r.perSecond/got[0][k].perSecond)
		}
		fmt.Printf("tap %s: %.0f turns/s, %.1f µs CPU a turn, %.1f allocations, %.0f %% of a link without\n", way.name, m.perSecond, m.cpu, m.allocs, median(ratios))
		b.ReportMetric(median(ratios), "%"+way.name)
	}
}
