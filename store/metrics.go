package store

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the store's instruments. No label tells a number, a ticket or a text.
type metrics struct {
	turns    *prometheus.CounterVec // by outcome
	seconds  prometheus.Histogram   // of a commit, as its caller waited
	batch    prometheus.Histogram   // scripts that travelled together
	failures *prometheus.CounterVec // by script and kind
	taken    prometheus.Counter     // SMS taken over from dead boots
	fenced   prometheus.Counter     // times that this process lost its boot
	bad      prometheus.Counter     // due entries that could not be read
	damaged  prometheus.Counter     // values read that are damaged
	younger  prometheus.Gauge       // 1: the store knows less than this line has told
	audited  prometheus.Counter     // records of the audit trail that were chained
	lacking  prometheus.Counter     // pipelines whose replicas did not answer in time
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_store_turns_total", Help: "Turns committed, by outcome.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aduan_store_commit_seconds", Help: "How long a commit took.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aduan_store_batch_scripts", Help: "Scripts that travelled to Redis together.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128},
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_store_failures_total", Help: "Scripts that failed, by script and by whether something may have been written.",
		}, []string{"script", "kind"}),
		taken: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_store_taken_over_total", Help: "SMS taken over from daemons that died.",
		}),
		fenced: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_store_fenced_total", Help: "Times that this daemon was fenced off or stood still.",
		}),
		bad: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_store_unreadable_due_total", Help: "Due entries put off because they cannot be read.",
		}),
		damaged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_store_damaged_total", Help: "Times that a value was read from the store and found damaged: its checksum is wrong, or it does not open.",
		}),
		younger: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aduan_store_younger", Help: "1 while the store knows less than this line has told (emptied, or put back from a backup) and nobody has acknowledged it.",
		}),
		audited: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_audit_records_total", Help: "Records of the audit trail that this daemon has chained.",
		}),
	}
	m.lacking = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "aduan_store_replicas_short_total", Help: "Pipelines that fewer replicas than store.kept.replicas confirmed in time: nothing of them counts as kept.",
	})
	if reg != nil {
		for _, c := range []prometheus.Collector{m.turns, m.seconds, m.batch, m.failures, m.taken, m.fenced, m.bad, m.damaged, m.younger, m.audited, m.lacking} {
			if err := reg.Register(c); err != nil && !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
				panic("store: " + err.Error()) // two instruments of one name: a mistake in the code
			}
		}
	}
	return m
}
