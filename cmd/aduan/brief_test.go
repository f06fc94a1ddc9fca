package main

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

func TestAnswersAreBriefFromAsManyBehindAsConfiguredUntilHalf(t *testing.T) {
	var b brief
	b.init(prometheus.NewRegistry(), zap.NewNop(), 1000)
	for _, step := range []struct {
		behind int
		from   int
		want   bool
	}{
		{999, 1000, false},
		{1000, 1000, true},
		{500, 1000, true},
		{499, 1000, false},
		{999, 1000, false},
		{5000, 1000, true},
		{5000, 0, false},
		{5000, 0, false},
	} {
		b.use(step.from)
		if b.see(step.behind); b.is() != step.want {
			t.Errorf("%d behind, from %d: brief %t, want %t", step.behind, step.from, b.is(), step.want)
		}
	}
}
