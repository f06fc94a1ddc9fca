package sender

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aduan/store"
)

// Metrics are the sender's instruments.
type Metrics struct {
	outcomes *prometheus.CounterVec
	receipts *prometheus.CounterVec
	lag      *prometheus.HistogramVec
	unstored prometheus.Counter

	throttled *prometheus.CounterVec
	requeued  *prometheus.CounterVec
	given     *prometheus.GaugeVec
	learnt    *prometheus.GaugeVec
	stopped   *prometheus.GaugeVec
	awaits    *prometheus.GaugeVec
}

// NewMetrics registers the sender's instruments with reg; nil keeps them unregistered.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_sender_sms_total", Help: "SMS submitted, by link and by what followed: sent, retry, undeliverable, expired, dead.",
		}, []string{"link", "outcome"}),
		receipts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_sender_receipts_total", Help: "Delivery receipts, by link and by the state that they tell.",
		}, []string{"link", "state"}),
		lag: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "aduan_sender_receipt_lag_seconds", Help: "From the acceptance of an SMS to each final receipt of it, by link.",
			Buckets: []float64{.1, .5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400, 259200},
		}, []string{"link"}),
		unstored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_sender_unstored_total", Help: "Outcomes of a submit_sm that could not be stored at once; each holds a place in the window until it is.",
		}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_sender_throttled_total", Help: "Answers of the operator that ask us to be slower, by link and status.",
		}, []string{"link", "status"}),
		requeued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_sender_requeued_total", Help: "SMS that wait in memory because the operator asked us to be slower.",
		}, []string{"link"}),
		given: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aduan_sender_rate", Help: "submit_sm a second that the configuration gives this daemon on a link; 0: no limit of ours.",
		}, []string{"link"}),
		learnt: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aduan_sender_learnt_rate", Help: "submit_sm a second that the operator lets us send, learnt from its throttling; 0: it does not slow us.",
		}, []string{"link"}),
		stopped: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aduan_sender_stopped", Help: "1 where a link's sending waits because the operator refuses our settings.",
		}, []string{"link"}),
		awaits: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "aduan_sender_awaits_share", Help: "1 where a link is bound and this daemon sends nothing yet: its share of the rate is still the others', 4 s as a rule.",
		}, []string{"link"}),
	}
	if reg != nil {
		reg.MustRegister(m.outcomes, m.receipts, m.lag, m.unstored, m.throttled, m.requeued, m.given, m.learnt, m.stopped, m.awaits)
	}
	return m
}

func (m *Metrics) submitted(link string, d store.Done) {
	outcome := d.State
	if d.End == store.DoneRetry {
		outcome = "retry"
	}
	m.outcomes.WithLabelValues(link, outcome).Inc()
}

func (m *Metrics) receipt(link, state string) { m.receipts.WithLabelValues(link, state).Inc() }

func (m *Metrics) receiptLag(link string, d time.Duration) {
	m.lag.WithLabelValues(link).Observe(max(d.Seconds(), 0))
}

func (m *Metrics) waits(link string) { m.requeued.WithLabelValues(link).Inc() }

func (m *Metrics) flow(link string, f Flow) {
	m.given.WithLabelValues(link).Set(f.Given)
	m.learnt.WithLabelValues(link).Set(f.Learnt)
	m.stopped.WithLabelValues(link).Set(yes(f.Stopped != ""))
	m.awaits.WithLabelValues(link).Set(yes(f.Waits))
}

// yes is a condition as a gauge tells it.
func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// forget takes the gauges of a link away that is not served any more.
func (m *Metrics) forget(link string) {
	m.given.DeleteLabelValues(link)
	m.learnt.DeleteLabelValues(link)
	m.stopped.DeleteLabelValues(link)
	m.awaits.DeleteLabelValues(link)
}
