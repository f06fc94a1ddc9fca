package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aduan/conversation"
	"aduan/internal/tally"
	"aduan/store"
)

// Source is where tickets and surges stand; *store.Store is one.
type Source interface {
	ScanTickets(ctx context.Context, o store.ScanOptions, each func(step []store.TicketRecord, cursor string) error) error
	Announced(ctx context.Context, from, to time.Time) ([]store.Event, error)
}

// ErrPeriod is a time that ends before it begins.
var ErrPeriod = errors.New("the time ends before it begins")

// Run counts all tickets of a store, in small steps that hold up nobody.
func Run(ctx context.Context, s Source, o Options) (Report, error) {
	if !o.From.Before(o.To) {
		return Report{}, ErrPeriod
	}
	b := New(o)
	var t conversation.Ticket
	err := s.ScanTickets(ctx, store.ScanOptions{}, func(step []store.TicketRecord, _ string) error {
		for i := range step {
			t = conversation.Ticket{}
			if err := json.Unmarshal(step[i].Head, &t); err != nil {
				return fmt.Errorf("%w: shard %02d serial %d: its head is no ticket", store.ErrDamaged, step[i].Shard, step[i].Serial)
			}
			b.Add(&t)
		}
		return ctx.Err()
	})
	if err != nil {
		return Report{}, fmt.Errorf("report: %w", err)
	}
	told, err := s.Announced(ctx, o.From, o.To)
	if err != nil {
		return Report{}, fmt.Errorf("report: surges: %w", err)
	}
	for _, ev := range told {
		var d tally.Told
		if ev.Type != tally.EventSurge || json.Unmarshal(ev.Data, &d) != nil {
			continue
		}
		b.Surge(Surge{At: ev.At, Category: d.Category, Place: d.Place, Count: d.Count, Usual: d.Usual})
	}
	return b.Report(), nil
}

// Day is a whole day of the calendar in loc.
func Day(day time.Time, loc *time.Location) (from, to time.Time) {
	y, m, d := day.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc), time.Date(y, m, d+1, 0, 0, 0, 0, loc)
}

// dayForm is how a day is written.
const dayForm = "2006-01-02"

// Period reads the time of a report: a day, or from one to another. Each is a day (2026-11-23, in loc) or a moment (RFC 3339);
// to is a day that still belongs to it. Nothing at all: yesterday.
func Period(day, from, to string, now time.Time, loc *time.Location) (time.Time, time.Time, error) {
	if day != "" && (from != "" || to != "") {
		return now, now, errors.New("give a day, or from and to: not both")
	}
	if day == "" && from == "" && to == "" {
		f, t := Day(now.In(loc).AddDate(0, 0, -1), loc)
		return f, t, nil
	}
	if day != "" {
		d, err := time.ParseInLocation(dayForm, day, loc)
		if err != nil {
			return now, now, errors.New("day: write it as 2026-11-23")
		}
		f, t := Day(d, loc)
		return f, t, nil
	}
	begin, _, err := moment("from", from, loc)
	if err != nil {
		return now, now, err
	}
	end := now
	if to != "" {
		at, whole, err := moment("to", to, loc)
		if err != nil {
			return now, now, err
		}
		if end = at; whole {
			_, end = Day(at, loc)
		}
	}
	if !begin.Before(end) {
		return now, now, ErrPeriod
	}
	return begin, end, nil
}

func moment(name, s string, loc *time.Location) (at time.Time, day bool, err error) {
	if s == "" {
		return at, false, fmt.Errorf("%s: write it as 2026-11-23", name)
	}
	if at, err = time.ParseInLocation(dayForm, s, loc); err == nil {
		return at, true, nil
	}
	if at, err = time.Parse(time.RFC3339, s); err == nil {
		return at, false, nil
	}
	return at, false, fmt.Errorf("%s: write it as 2026-11-23, or 2026-11-23T09:00:00Z", name)
}
