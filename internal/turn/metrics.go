package turn

import (
	"github.com/prometheus/client_golang/prometheus"

	"aduan/conversation"
)

// Metrics are the instruments of turns.
type Metrics struct {
	turns  prometheus.Counter
	filed  *prometheus.CounterVec
	events *prometheus.CounterVec
	muted  *prometheus.CounterVec
}

// NewMetrics registers the instruments of turns with reg; nil keeps them unregistered.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		turns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_turns_total", Help: "Turns of conversations that were kept.",
		}),
		filed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_tickets_filed_total", Help: "Tickets filed, by kind.",
		}, []string{"kind"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_events_total", Help: "Events for the case system, by type.",
		}, []string{"type"}),
	}
	m.muted = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "aduan_answers_muted_total", Help: "Answers left out, by reason: flood, machine (two machines talk), echo (our own text comes back), cap.",
	}, []string{"reason"})
	if reg != nil {
		reg.MustRegister(m.turns, m.filed, m.events, m.muted)
	}
	return m
}

// kept counts a turn that was kept.
func (m *Metrics) kept(eff conversation.Effects) {
	m.turns.Inc()
	if eff.Muted != "" {
		m.muted.WithLabelValues(eff.Muted).Inc()
	}
	for _, e := range eff.Events {
		m.events.WithLabelValues(e.Type).Inc()
		if e.Type != conversation.EventFiled {
			continue
		}
		for i := range eff.Tickets {
			if eff.Tickets[i].Number == e.Ticket {
				m.filed.WithLabelValues(string(eff.Tickets[i].Kind)).Inc()
			}
		}
	}
}
