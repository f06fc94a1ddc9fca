package tally

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/store"
)

// EventSurge is told when many complaints of one category and place come
// within an hour.
const EventSurge = "line.surge"

const (
	defaultEvery = time.Second
	surgePause   = 6 * time.Hour // a surge that lasts is not told again in it
	maxKinds     = 10_000        // counted in memory; what comes beyond counts for its category alone
	storeWithin  = 3 * time.Second
)

// keeper is what a Tally needs of the store; *store.Store is one.
type keeper interface {
	CountComplaints(ctx context.Context, kind string, n int, now time.Time, g store.Surge) (store.Rise, error)
	CountAnswers(ctx context.Context, n int, now time.Time) (int, error)
	Announce(ctx context.Context, kind string, now time.Time, data []byte) error
}

// Limits are what is alarmed of.
type Limits struct {
	SurgeCount    int     // complaints of one category and place in an hour; 0: surges are not looked for
	SurgeTimes    float64 // and so many times the usual hour of the week before
	AnswersByHour int     // of the whole line; 0: no alarm
}

// Options are the parts of a Tally. Store and Now are required.
type Options struct {
	Store   keeper
	Limits  Limits
	Now     func() time.Time
	Every   time.Duration // between two times that it is stored; default 1 s
	Metrics prometheus.Registerer
	Log     *zap.Logger
}

// kind is what is counted together. place "" is the whole line.
type kind struct{ category, place string }

// Tally counts. Its methods may be used by many goroutines.
type Tally struct {
	o       Options
	surges  *prometheus.CounterVec
	answers prometheus.Gauge
	over    prometheus.Gauge

	mu      sync.Mutex // guards all below
	limits  Limits
	counted map[kind]int
	said    int // answers

	alarmed time.Time // only Once: the hour of the last alarm
}

// New returns a Tally; Run stores what it counts.
func New(o Options) *Tally {
	if o.Every <= 0 {
		o.Every = defaultEvery
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	t := &Tally{
		o: o, limits: o.Limits, counted: map[kind]int{},
		surges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aduan_surges_total", Help: "Surges of complaints that were told, by category; none: no category was guessed.",
		}, []string{"category"}),
		answers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aduan_answers_this_hour", Help: "Answers of the whole line in this hour of the clock.",
		}),
		over: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aduan_answers_cap_reached", Help: "1 while conversation.answers.line_per_hour is reached. Nothing is held back by it.",
		}),
	}
	if o.Metrics != nil {
		o.Metrics.MustRegister(t.surges, t.answers, t.over)
	}
	return t
}

// Limits are those in use.
func (t *Tally) Limits() Limits {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limits
}

// Use changes the limits from now on.
func (t *Tally) Use(l Limits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits = l
}

// Observe counts what a turn has brought. It never waits.
func (t *Tally) Observe(fx conversation.Effects) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range fx.Replies {
		if !r.Push {
			t.said++
		}
	}
	if t.limits.SurgeCount == 0 {
		return
	}
	for _, s := range fx.Sighted {
		if s.New {
			t.counted[kind{s.Category, ""}]++
		}
		for _, place := range s.Places {
			if k := (kind{s.Category, place}); len(t.counted) < maxKinds || t.counted[k] > 0 {
				t.counted[k]++
			}
		}
	}
}

// Run stores what was counted until ctx ends, and what is left then.
func (t *Tally) Run(ctx context.Context) error {
	tick := time.NewTicker(t.o.Every)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
			defer cancel()
			if err := t.Once(last); err != nil {
				t.o.Log.Warn("what the line counted last is lost", zap.Error(err))
			}
			return nil
		case <-tick.C:
		}
		err := t.Once(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			t.o.Log.Warn("the line's counts cannot be stored, tried again", zap.Error(err))
		}
		failed = err != nil
	}
}

// Once stores what was counted so far, and tells what it finds.
func (t *Tally) Once(ctx context.Context) error {
	t.mu.Lock()
	counted, said, limits := t.counted, t.said, t.limits
	t.counted, t.said = map[kind]int{}, 0
	t.mu.Unlock()
	now := t.o.Now()
	if err := t.countAnswers(ctx, said, now, limits.AnswersByHour); err != nil {
		t.back(counted, said)
		return err
	}
	g := store.Surge{Count: limits.SurgeCount, Times: limits.SurgeTimes, Pause: surgePause}
	for k, n := range counted {
		rise, err := t.o.Store.CountComplaints(ctx, k.category+"\x00"+k.place, n, now, g)
		if err != nil {
			t.back(counted, 0)
			return err
		}
		delete(counted, k)
		if rise.Told {
			if err := t.tell(ctx, k, rise, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// back puts back what could not be stored.
func (t *Tally) back(counted map[kind]int, said int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said += said
	for k, n := range counted {
		t.counted[k] += n
	}
}

// Told is the data of a line.surge.
type Told struct {
	Category string  `json:"category"` // "": none was guessed
	Place    string  `json:"place"`    // as citizens wrote it, in small letters: "kec beji"; "": the whole line
	Count    int     `json:"count"`    // complaints of the last hour
	Usual    float64 `json:"usual"`    // of an hour of the week before
}

func (t *Tally) tell(ctx context.Context, k kind, r store.Rise, now time.Time) error {
	label := k.category
	if label == "" {
		label = "none"
	}
	t.surges.WithLabelValues(label).Inc()
	t.o.Log.Warn("a surge of complaints", zap.String("category", label), zap.Int("hour", r.Hour))
	data, err := json.Marshal(Told{Category: k.category, Place: k.place, Count: r.Hour, Usual: math.Round(r.Usual*100) / 100})
	if err != nil {
		return fmt.Errorf("tally: %w", err)
	}
	return t.o.Store.Announce(ctx, EventSurge, now, data)
}

// countAnswers alarms once in an hour in which the line answers too much.
func (t *Tally) countAnswers(ctx context.Context, n int, now time.Time, limit int) error {
	total, err := t.o.Store.CountAnswers(ctx, n, now)
	if err != nil {
		return err
	}
	t.answers.Set(float64(total))
	if limit == 0 || total < limit {
		t.over.Set(0)
		return nil
	}
	t.over.Set(1)
	if hour := now.Truncate(time.Hour); !hour.Equal(t.alarmed) {
		t.alarmed = hour
		t.o.Log.Error("the line has sent as many answers in this hour as conversation.answers.line_per_hour allows; it goes on answering",
			zap.Int("answers", total), zap.Int("cap", limit))
	}
	return nil
}
