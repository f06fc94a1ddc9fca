package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads "90s", "10m", "24h", and with days "30d" or "1d12h".
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration; write it as 90s, 10m, 24h or 30d", s)
	days, rest, found := strings.Cut(s, "d")
	if !found {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil {
		return 0, bad
	}
	var d time.Duration
	if rest != "" {
		d, err = time.ParseDuration(rest)
		if err != nil || found && strings.ContainsAny(rest[:1], "+-") {
			return 0, bad
		}
	} else if !found {
		return 0, bad
	}
	const most = math.MaxInt64 / int64(day)
	if int64(n) >= most || d > 0 && d > math.MaxInt64-time.Duration(n)*day {
		return 0, fmt.Errorf("%q is longer than 292 years; write a shorter one", s)
	}
	return time.Duration(n)*day + d, nil
}

// QuietHours is the part of the day in which nothing but direct answers is sent. To before From passes midnight.
type QuietHours struct {
	On       bool
	From, To time.Duration // since midnight in the line's time zone
}

// ParseQuietHours reads "21:00-06:00"; "" is off.
func ParseQuietHours(s string) (QuietHours, error) {
	if s == "" {
		return QuietHours{}, nil
	}
	bad := fmt.Errorf("%q is not a part of the day; write it as \"21:00-06:00\", or \"\" for none", s)
	from, to, found := strings.Cut(s, "-")
	if !found {
		return QuietHours{}, bad
	}
	q := QuietHours{On: true}
	var err error
	if q.From, err = clock(from); err != nil {
		return QuietHours{}, bad
	}
	if q.To, err = clock(to); err != nil {
		return QuietHours{}, bad
	}
	if q.From == q.To {
		return QuietHours{}, fmt.Errorf("%q begins when it ends; write two times, or \"\" for no quiet hours", s)
	}
	return q, nil
}

// clock reads "21:00" as the time since midnight.
func clock(s string) (time.Duration, error) {
	t, err := time.Parse("15:04", strings.TrimSpace(s))
	if err != nil {
		return 0, err
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

// String is what ParseQuietHours reads.
func (q QuietHours) String() string {
	if !q.On {
		return ""
	}
	hm := func(d time.Duration) string {
		return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
	}
	return hm(q.From) + "-" + hm(q.To)
}
