package turn

import "time"

// QuietHours returns for Options.Quiet the end of the night for every time
// inside it, and other times as they are. from and to are times of the day
// since midnight in loc; where to is before from, the span passes midnight.
func QuietHours(from, to time.Duration, loc *time.Location) func(time.Time) time.Time {
	return func(t time.Time) time.Time {
		local := t.In(loc)
		at := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
		inside := at >= from && at < to
		if from > to {
			inside = at >= from || at < to
		}
		if !inside {
			return t
		}
		day := local.Day()
		if at >= to {
			day++
		}
		// time.Date keeps the wall clock right across a daylight change.
		return time.Date(local.Year(), local.Month(), day, int(to/time.Hour), int(to%time.Hour/time.Minute), 0, 0, loc)
	}
}
