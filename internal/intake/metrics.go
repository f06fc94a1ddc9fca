package intake

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are intake's instruments.
type Metrics struct {
	messages   *prometheus.CounterVec
	refusals   *prometheus.CounterVec
	copied     *prometheus.CounterVec
	parts      *prometheus.CounterVec
	panics     prometheus.Counter
	handleTime prometheus.Histogram
}

// NewMetrics registers intake's instruments with reg; nil keeps them unregistered.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_intake_messages_total", Help: "Citizens' messages handled, by what became of them: acknowledged, later, dropped.",
		}, []string{"verdict"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_intake_refusals_total", Help: "Messages that could not be kept and stay with the SMSC, by reason.",
		}, []string{"reason"}),
		copied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_intake_copies_total", Help: "Messages equal to an earlier one, by what they were taken for.",
		}, []string{"taken_for"}),
		parts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_intake_parts_total", Help: "Parts of long messages, by what became of them.",
		}, []string{"outcome"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_intake_panics_total", Help: "Messages whose handling panicked.",
		}),
		handleTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aduan_intake_seconds", Help: "Time from the start of a message's handling to its answer.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5},
		}),
	}
	if reg != nil {
		reg.MustRegister(m.messages, m.refusals, m.copied, m.parts, m.panics, m.handleTime)
	}
	return m
}

func (m *Metrics) handled(v verdict, took time.Duration) {
	m.messages.WithLabelValues([...]string{"acknowledged", "later", "dropped"}[v]).Inc()
	m.handleTime.Observe(took.Seconds())
}

func (m *Metrics) refused(reason string) { m.refusals.WithLabelValues(reason).Inc() }
func (m *Metrics) copies(as string)      { m.copied.WithLabelValues(as).Inc() }
func (m *Metrics) part(outcome string)   { m.parts.WithLabelValues(outcome).Inc() }
