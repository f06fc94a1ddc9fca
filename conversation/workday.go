package conversation

import (
	"slices"
	"strings"
	"time"
)

// holidays are the days on which no office works, besides the weekend: day → its name.
type holidays map[int]string

// dayOf is a day's key: 20260817.
func dayOf(t time.Time) int {
	y, m, d := t.Date()
	return y*10_000 + int(m)*100 + d
}

// dayForm is how the files write a date.
const dayForm = "2006-01-02"

// noDay is written instead of a holiday's name where a later folder makes it a
// working day again.
const noDay = "-"

// holidaysFile reads a file of holidays.
func (l *loader) holidaysFile(n node) {
	n.known("holidays", "weekend")
	n.get("holidays").each(func(date string, v node) {
		day, err := time.Parse(dayForm, date)
		switch {
		case err != nil:
			l.problem(v.at(), "write it as 2026-08-17", "holiday %q: not a date", date)
		case v.text() == "":
			l.problem(v.at(), `write its name, or "-" to make it a working day`, "holiday %s: it has no name", date)
		case v.text() == noDay:
			delete(l.w.holidays, dayOf(day))
		default:
			l.w.holidays[dayOf(day)] = v.text()
		}
	})
	if w := n.get("weekend"); w != nil {
		l.w.weekend = nil
		w.list(func(name string, at place) {
			for d := time.Sunday; d <= time.Saturday; d++ {
				if strings.EqualFold(d.String(), name) {
					l.w.weekend = append(l.w.weekend, d)
					return
				}
			}
			l.problem(at, "write saturday, sunday …", "weekend: %q is no day", name)
		})
		if len(l.w.weekend) >= 7 {
			l.problem(w.at(), "leave a day to work on", "weekend: it has all seven days")
			l.w.weekend = nil
		}
	}
}

// working tells whether offices work on that day.
func (w *Words) working(day time.Time) bool {
	if slices.Contains(w.weekend, day.Weekday()) {
		return false
	}
	_, off := w.holidays[dayOf(day)]
	return !off
}

// longestRest bounds the search for a working day where a file rests for ever.
const longestRest = 400

// workdays returns the moment n working days after t (before it, where n is
// negative) in the zone of loc, at the same time of day by the clock on the
// wall, whatever daylight saving does. From a day of rest it counts as from
// the first minute of the next working day.
func (w *Words) workdays(t time.Time, n int, loc *time.Location) time.Time {
	from := t.In(loc)
	if day := noon(from); !w.working(day) {
		day = w.nextWorking(day, 1)
		from = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, loc)
	}
	day, step := noon(from), 1
	if n < 0 {
		step, n = -1, -n
	}
	for range n {
		day = w.nextWorking(day, step)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), from.Hour(), from.Minute(), from.Second(), from.Nanosecond(), loc).UTC()
}

// noon stands for the day of a local time: no change of the clock comes near it.
func noon(local time.Time) time.Time {
	return time.Date(local.Year(), local.Month(), local.Day(), 12, 0, 0, 0, time.UTC)
}

// nextWorking is the next working day in the direction of step.
func (w *Words) nextWorking(day time.Time, step int) time.Time {
	for range longestRest {
		day = day.AddDate(0, 0, step)
		if w.working(day) {
			break
		}
	}
	return day
}
