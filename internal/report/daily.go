package report

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// EventDigest tells each morning how the line did the day before.
const EventDigest = "line.digest"

const (
	lookEvery    = 20 * time.Second
	digestLate   = 200 // overdue tickets that a digest names
	digestWithin = 5 * time.Minute
)

// announcer tells something of the line once; *store.Store is one.
type announcer interface {
	Source
	AnnouncedMark(ctx context.Context, kind string) (string, error)
	AnnounceOnce(ctx context.Context, kind, mark string, now time.Time, data []byte) (told bool, err error)
}

// Schedule is when the digest is told.
type Schedule struct {
	On       bool
	At       time.Duration // since midnight
	Location *time.Location
}

// DailyOptions are the parts of a Daily. Store and Now are required.
type DailyOptions struct {
	Store    announcer
	Schedule Schedule
	Now      func() time.Time
	Every    time.Duration // between two looks at the clock; default 20 s
	Log      *zap.Logger
}

// Daily tells the digest of the day before, once a day for the whole line however many daemons there are. A day on which no
// daemon ran at that time is told when one starts; of several such days, the last.
type Daily struct {
	o        DailyOptions
	schedule atomic.Pointer[Schedule]
}

// Digest is the data of a line.digest.
type Digest struct {
	Day      string `json:"day"` // of the line's calendar
	Timezone string `json:"timezone"`
	Overdue  int    `json:"overdue"` // all that are; late names the oldest
	Report
}

// NewDaily returns a Daily.
func NewDaily(o DailyOptions) *Daily {
	if o.Every <= 0 {
		o.Every = lookEvery
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	d := &Daily{o: o}
	d.Use(o.Schedule)
	return d
}

// Use tells it at another time from now on.
func (d *Daily) Use(s Schedule) {
	if s.Location == nil {
		s.Location = time.UTC
	}
	d.schedule.Store(&s)
}

// Schedule is when it is told.
func (d *Daily) Schedule() Schedule { return *d.schedule.Load() }

// Run tells each day's digest until ctx ends.
func (d *Daily) Run(ctx context.Context) error {
	tick := time.NewTicker(d.o.Every)
	defer tick.Stop()
	failed := false
	for {
		_, err := d.Once(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			d.o.Log.Warn("the daily digest cannot be told, tried again", zap.Error(err))
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Once tells the digest where it is time and nobody has told it; told: this call did.
func (d *Daily) Once(ctx context.Context) (told bool, err error) {
	s := d.schedule.Load()
	now := d.o.Now()
	today, _ := Day(now, s.Location)
	if !s.On || now.In(s.Location).Before(wall(today, s.At)) {
		return false, nil
	}
	mark := today.Format(dayForm)
	last, err := d.o.Store.AnnouncedMark(ctx, EventDigest)
	if err != nil || last >= mark {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, digestWithin)
	defer cancel()
	from, to := Day(today.AddDate(0, 0, -1), s.Location)
	r, err := Run(ctx, d.o.Store, Options{From: from, To: to, Now: now, Small: true, Late: digestLate})
	if err != nil {
		return false, err
	}
	data, err := json.Marshal(Digest{Day: from.Format(dayForm), Timezone: s.Location.String(), Overdue: r.Line.Overdue, Report: r})
	if err != nil {
		return false, fmt.Errorf("digest: %w", err)
	}
	return d.o.Store.AnnounceOnce(ctx, EventDigest, mark, now, data)
}

// wall is a time of the day by the clock on the wall, whatever daylight saving does.
func wall(day time.Time, at time.Duration) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, int(at/time.Hour), int(at%time.Hour/time.Minute), 0, 0, day.Location())
}
