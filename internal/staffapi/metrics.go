package staffapi

import "github.com/prometheus/client_golang/prometheus"

// metrics are the instruments of this package. A route is the pattern that matched, never the path that was asked for.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	logins   *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_http_requests_total", Help: "HTTP requests answered, by route and status.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aduan_http_seconds", Help: "Time to answer an HTTP request.", Buckets: prometheus.DefBuckets,
		}, []string{"route"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_http_failed_logins_total", Help: "Requests whose key was refused, or not looked up after too many that were.",
		}, []string{"outcome"}),
	}
	if r != nil {
		r.MustRegister(m.requests, m.seconds, m.logins)
	}
	return m
}
