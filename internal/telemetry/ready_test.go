package telemetry_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"aduan/internal/telemetry"
)

func TestReadinessIsAMetricToo(t *testing.T) {
	ok := true
	h := line(func(o *telemetry.HealthOptions) {
		o.Store = func() telemetry.StoreReport { return telemetry.StoreReport{OK: ok} }
	})
	r := prometheus.NewPedanticRegistry()
	h.Register(r)
	for _, want := range []string{"1", "0"} {
		ok = want == "1"
		expected := strings.ReplaceAll(`
			# HELP aduan_ready 1 while /readyz answers 200: the store keeps, and a link is bound.
			# TYPE aduan_ready gauge
			aduan_ready N
			# HELP aduan_store_ok 1 while the store can keep messages; 0: what comes is left with the SMSC.
			# TYPE aduan_store_ok gauge
			aduan_store_ok N
			`, "N", want)
		if err := testutil.GatherAndCompare(r, strings.NewReader(expected)); err != nil {
			t.Error(err)
		}
	}
	if problems, err := testutil.GatherAndLint(r); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
