package console

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"aduan/internal/vitals"
	"aduan/store"
)

// linksData is what the link page shows: what each daemon wrote to the store, at most a second old.
type linksData struct {
	At      time.Time
	Daemons []daemonShown
	Queue   store.Stats
	Away    bool // the store does not tell
}

type daemonShown struct {
	vitals.Daemon
	Boot  string
	Links []linkShown
}

type linkShown struct {
	vitals.Link
	Memory   int
	Charts   []chart
	Learnt   []learnt
	Failures []vitals.Change // newest first
}

// learnt is a word with its argument.
type learnt struct{ Word, Arg string }

// State is the worst state of all links, for the page's own signal.
func (d linksData) State() string {
	ranks := []string{"bound", "standby", "closed", "connecting", "waiting", "refused"}
	worst := -1
	for _, daemon := range d.Daemons {
		for _, l := range daemon.Links {
			worst = max(worst, slices.Index(ranks, l.State))
		}
	}
	if worst < 0 {
		return ""
	}
	return ranks[worst]
}

func (c *Console) readLinks(ctx context.Context) linksData {
	d := linksData{At: c.o.Now()}
	raw, err := c.o.Line.Statuses(ctx)
	if err == nil {
		d.Queue, err = c.o.Line.Stats(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			c.o.Log.Warn("the store does not tell how the links are", zap.Error(err))
		}
		d.Away = true
		return d
	}
	for _, boot := range slices.Sorted(maps.Keys(raw)) {
		var v vitals.Daemon
		if err := json.Unmarshal(raw[boot], &v); err != nil {
			c.o.Log.Warn("a daemon's status cannot be read", zap.String("boot", boot), zap.Error(err))
			continue
		}
		shown := daemonShown{Daemon: v, Boot: boot}
		for _, l := range v.Links {
			shown.Links = append(shown.Links, linkOf(l, v.Memory[l.Name]))
		}
		slices.SortFunc(shown.Links, func(a, b linkShown) int { return cmp.Compare(a.Name, b.Name) })
		d.Daemons = append(d.Daemons, shown)
	}
	return d
}

func linkOf(l vitals.Link, memory int) linkShown {
	s := linkShown{Link: l, Memory: memory, Charts: []chart{
		chartOf("window", l.Pulse.Window, l.Window.Size), chartOf("sent", l.Pulse.Sent, 0), chartOf("received", l.Pulse.Received, 0),
	}}
	s.Failures = slices.Clone(l.History)
	slices.Reverse(s.Failures)
	k := l.Receipts
	if k.Receipts == 0 {
		return s
	}
	if k.IDs != "" {
		s.Learnt = append(s.Learnt, learnt{"learnt.ids." + string(k.IDs), ""})
	}
	if k.Zeros {
		s.Learnt = append(s.Learnt, learnt{"learnt.zeros", ""})
	}
	if k.Case {
		s.Learnt = append(s.Learnt, learnt{"learnt.case", ""})
	}
	s.Learnt = append(s.Learnt, learnt{"learnt.form." + cmp.Or(k.Form, "text"), ""})
	if k.Clock != nil {
		sign, minutes := '+', *k.Clock
		if minutes < 0 {
			sign, minutes = '-', -minutes
		}
		s.Learnt = append(s.Learnt, learnt{"learnt.clock", fmt.Sprintf("UTC%c%02d:%02d", sign, minutes/60, minutes%60)})
	}
	return s
}

// A chart is drawn in a box of this size, a column for each second of a minute.
const (
	chartWidth  = 236
	chartHeight = 40
	chartPoints = 60
)

// chart is a line of the last minute.
type chart struct {
	Word       string
	Last, Most int
	Line, Area string // points of an SVG polyline, polygon
}

// chartOf draws values, the newest at the right edge. top is what fills the box; 0: the greatest of them.
func chartOf(word string, values []int, top int) chart {
	c := chart{Word: word}
	if len(values) == 0 {
		return c
	}
	values = values[max(0, len(values)-chartPoints):]
	c.Last, c.Most = values[len(values)-1], slices.Max(values)
	full := max(top, c.Most, 1)
	var points []string
	at := func(i int) int { return (chartPoints - len(values) + i) * chartWidth / (chartPoints - 1) }
	for i, v := range values {
		points = append(points, fmt.Sprintf("%d,%d", at(i), 1+(chartHeight-2)*(full-v)/full))
	}
	c.Line = strings.Join(points, " ")
	c.Area = fmt.Sprintf("%d,%d %s %d,%d", at(0), chartHeight, c.Line, chartWidth, chartHeight)
	return c
}

func (c *Console) links(w http.ResponseWriter, r *http.Request, who viewer) {
	c.show(w, r, who, http.StatusOK, "links", "links", c.readLinks(r.Context()))
}
