package archive

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	every     = 24 * time.Hour
	looks     = 10 * time.Minute // between two looks whether it is time
	workPause = 20 * time.Millisecond
)

// Holder runs something in one daemon of several; *store.LineLease is one.
type Holder interface {
	Hold(ctx context.Context, run func(ctx context.Context)) error
}

// WorkerOptions of a [Worker].
type WorkerOptions struct {
	Run     func() Options // as the configuration is now
	Lease   Holder
	Log     *zap.Logger
	Metrics prometheus.Registerer
}

// Worker brings the archive up to date, daily.
type Worker struct {
	o       WorkerOptions
	tickets prometheus.Counter
	waiting prometheus.Gauge
	last    prometheus.Gauge
}

// NewWorker makes one.
func NewWorker(o WorkerOptions) *Worker {
	w := &Worker{
		o: o,
		tickets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "aduan_archive_tickets_total", Help: "Closed tickets that went from the store into the archive.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aduan_archive_waiting", Help: "Tickets due for the archive that wait for a person's yes, being too many at once; 0: none.",
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "aduan_archive_last_timestamp_seconds", Help: "When the archive was last brought up to date, Unix time; 0: not by this daemon yet.",
		}),
	}
	if o.Metrics != nil {
		o.Metrics.MustRegister(w.tickets, w.waiting, w.last)
	}
	return w
}

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	return w.o.Lease.Hold(ctx, func(ctx context.Context) {
		t := time.NewTimer(looks / 10)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			if err := w.daily(ctx); err != nil && ctx.Err() == nil {
				w.o.Log.Warn("the archive is not up to date", zap.Error(err))
			}
			t.Reset(looks)
		}
	})
}

// daily runs where a day has passed.
func (w *Worker) daily(ctx context.Context) error {
	o := w.o.Run()
	note, err := o.Store.ArchiveNote(ctx)
	if err != nil {
		return err
	}
	now := o.Now()
	if since := now.Sub(note.At); since >= 0 && since < every {
		w.waiting.Set(float64(note.Waiting))
		return nil
	}
	o.Pause = workPause
	return w.once(ctx, o)
}

// once brings the archive up to date, and writes down that it did, or that a person must say yes.
func (w *Worker) once(ctx context.Context, o Options) error {
	res, err := Run(ctx, o)
	w.tickets.Add(float64(res.Gone))
	var waits *Waits
	if err != nil && !errors.As(err, &waits) {
		return err
	}
	note, noted := o.Store.ArchiveNote(ctx)
	if noted != nil {
		return noted
	}
	note.At, note.Waiting = o.Now(), 0
	if waits != nil {
		note.Waiting = waits.Due
		w.o.Log.Error("more tickets than usual are due for the archive: a person must say yes", zap.Int("tickets", waits.Due), zap.Int("of", waits.Of))
	} else if res.Gone > 0 {
		w.o.Log.Info("closed tickets went into the archive", zap.Int("tickets", res.Gone), zap.Int("left", res.Left))
	}
	w.waiting.Set(float64(note.Waiting))
	w.last.Set(float64(note.At.Unix()))
	return o.Store.NoteArchive(ctx, note)
}
