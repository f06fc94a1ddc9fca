package sender

import (
	"github.com/prometheus/client_golang/prometheus"

	"aduan/store"
)

// Metrics are the sender's instruments.
type Metrics struct {
	outcomes *prometheus.CounterVec
	receipts *prometheus.CounterVec
	unstored prometheus.Counter
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
		unstored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_sender_unstored_total", Help: "Outcomes of a submit_sm that could not be stored at once; each holds a place in the window until it is.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.outcomes, m.receipts, m.unstored)
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
