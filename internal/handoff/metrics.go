package handoff

import "github.com/prometheus/client_golang/prometheus"

// metrics are the instruments of this package; no label holds a ticket, a number or a URL.
type metrics struct {
	attempts *prometheus.CounterVec
	seconds  prometheus.Histogram
	lag      prometheus.Histogram
	queue    prometheus.Gauge
	full     prometheus.Counter
	parked   prometheus.Counter
	breaker  *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_webhook_attempts_total", Help: "Deliveries of events to the case system, by what became of them.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aduan_webhook_seconds", Help: "Time from the request to the status of its answer.", Buckets: prometheus.DefBuckets,
		}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aduan_webhook_lag_seconds", Help: "Time from an event to its delivery.",
			Buckets: []float64{.05, .2, 1, 5, 30, 120, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600},
		}),
		queue: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aduan_webhook_queue", Help: "Tickets whose events wait in memory for a worker.",
		}),
		full: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_webhook_queue_full_total", Help: "Tickets that found no room in memory and wait in the store.",
		}),
		parked: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_webhook_parked_total", Help: "Times that a ticket's events were put off for long: not taken for days, or answered 410.",
		}),
		breaker: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aduan_webhook_breaker_state", Help: "Of each receiver: 0 closed, 1 half open, 2 open: nothing is sent for a while.",
		}, []string{"receiver"}),
	}
	if r != nil {
		r.MustRegister(m.attempts, m.seconds, m.lag, m.queue, m.full, m.parked, m.breaker)
	}
	return m
}
