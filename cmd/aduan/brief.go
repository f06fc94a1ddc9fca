package main

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// brief is whether the line is so far behind with its SMS that a new ticket is answered with its number alone: each SMS less,
// and each question less, brings the others' numbers sooner.
type brief struct {
	from  atomic.Int64 // SMS behind; 0: never
	on    atomic.Bool
	gauge prometheus.Gauge
	log   *zap.Logger
}

func (b *brief) init(reg prometheus.Registerer, log *zap.Logger, from int) {
	b.log = log
	b.gauge = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aduan_answers_brief", Help: "1: so many SMS wait that new tickets are answered with their number alone (conversation.surge.brief).",
	})
	reg.MustRegister(b.gauge)
	b.use(from)
}

func (b *brief) use(from int) { b.from.Store(int64(from)) }

func (b *brief) is() bool { return b.on.Load() }

// see is told how many SMS wait. What has begun ends at half of what began it.
func (b *brief) see(behind int) {
	from, on := b.from.Load(), b.on.Load()
	switch {
	case !on && from > 0 && int64(behind) >= from:
		b.log.Warn("far behind: new tickets are answered with their number alone", zap.Int("behind", behind))
		b.on.Store(true)
		b.gauge.Set(1)
	case on && (from == 0 || int64(behind) < (from+1)/2):
		b.log.Info("no longer far behind: answers are whole again", zap.Int("behind", behind))
		b.on.Store(false)
		b.gauge.Set(0)
	}
}
