package report

import (
	"cmp"
	"slices"
	"time"

	"aduan/conversation"
)

// small is the size below which a group of a category is hidden: few tickets of one kind may tell who wrote them.
const small = 5

// Options are what is counted.
type Options struct {
	From, To time.Time // what happened from From to before To
	Now      time.Time // at which it is open, or overdue
	Agency   string    // only its tickets; "": all
	Small    bool      // groups of a category with less than 5 tickets are shown too
	Late     int       // so many overdue tickets are named; 0: none
}

// Report is how the line did in a time.
type Report struct {
	From       time.Time `json:"from" doc:"What happened from then"`
	To         time.Time `json:"to" doc:"and before then"`
	At         time.Time `json:"at" doc:"When it was counted: open and overdue are as of then"`
	Line       Row       `json:"line" doc:"All tickets that the key sees"`
	Agencies   []Row     `json:"agencies" nullable:"false" doc:"By who handles them now; an empty name: the triage desk"`
	Categories []Row     `json:"categories" nullable:"false" doc:"By category; an empty name: none was guessed. Of less than 5 tickets only the name is told (hidden), but to keys with admin"`
	Surges     []Surge   `json:"surges" nullable:"false" doc:"Surges that were told in that time"`
	Late       []Late    `json:"late,omitempty" nullable:"false" doc:"The most overdue tickets, the oldest limit first"`
}

// Row is one line of a report.
type Row struct {
	Name     string   `json:"name"`
	Hidden   bool     `json:"hidden,omitempty" doc:"Too few tickets to be told of"`
	Received int      `json:"received" doc:"Filed in that time"`
	Verified int      `json:"verified" doc:"Verified first in that time"`
	Answered int      `json:"answered" doc:"Answered first by the institution in that time"`
	Closed   int      `json:"closed" doc:"Closed, rejected or withdrawn in that time"`
	Reopened int      `json:"reopened" doc:"Reopened last in that time"`
	Open     int      `json:"open" doc:"Open now"`
	Overdue  int      `json:"overdue" doc:"Of these: the office's limit has passed"`
	Verify   Times    `json:"verify" doc:"From filing to verification, of those verified in that time"`
	Answer   Times    `json:"answer" doc:"From filing to the first answer"`
	Close    Times    `json:"close" doc:"From filing to the end"`
	Rated    int      `json:"rated" doc:"Of the tickets whose status changed last in that time: how many have a mark"`
	Rating   *float64 `json:"rating" nullable:"true" doc:"Their mean; null: none"`
}

// Times are durations in hours of the calendar; nil: nothing was measured.
type Times struct {
	Median *float64 `json:"median" nullable:"true" doc:"Hours"`
	P90    *float64 `json:"p90" nullable:"true" doc:"Hours; nine of ten were faster"`
}

// Surge is many complaints of one category and place at once.
type Surge struct {
	At       time.Time `json:"at"`
	Category string    `json:"category"`
	Place    string    `json:"place" doc:"Empty: the whole line"`
	Count    int       `json:"count" doc:"In that hour"`
	Usual    float64   `json:"usual" doc:"Of an hour of the week before"`
}

// Late is an overdue ticket.
type Late struct {
	Number string    `json:"number"`
	Agency string    `json:"agency"`
	Limit  string    `json:"limit" doc:"verify or answer"`
	DueAt  time.Time `json:"due_at"`
	Urgent bool      `json:"urgent"`
}

// Builder counts tickets. It may be used by one goroutine.
type Builder struct {
	o          Options
	line       *group
	agencies   map[string]*group
	categories map[string]*group
	surges     []Surge
	late       []Late
}

// group is what is counted together.
type group struct {
	row                   Row
	touched               int // tickets that any figure counts
	marks                 int // sum of the ratings
	verify, answer, close []float32
}

// New returns a Builder.
func New(o Options) *Builder {
	return &Builder{o: o, line: &group{}, agencies: map[string]*group{}, categories: map[string]*group{}}
}

// Add counts a ticket, where it is one of the agency's.
func (b *Builder) Add(t *conversation.Ticket) {
	if b.o.Agency != "" && t.Agency != b.o.Agency {
		return
	}
	b.line.add(t, &b.o)
	in(b.agencies, t.Agency).add(t, &b.o)
	in(b.categories, t.Category).add(t, &b.o)
	if b.o.Late > 0 && t.Overdue(b.o.Now) {
		b.late = append(b.late, Late{Number: t.Number.String(), Agency: t.Agency, Limit: t.Limit, DueAt: t.DueAt, Urgent: t.Urgent})
		if len(b.late) >= 4*b.o.Late {
			b.trim()
		}
	}
}

// Surge adds a surge that was told; not for a report of one agency: it is of the whole line.
func (b *Builder) Surge(s Surge) {
	if b.o.Agency == "" && b.o.in(s.At) {
		b.surges = append(b.surges, s)
	}
}

// trim keeps the latest limits that passed longest ago.
func (b *Builder) trim() {
	slices.SortFunc(b.late, func(a, c Late) int { return cmp.Or(a.DueAt.Compare(c.DueAt), cmp.Compare(a.Number, c.Number)) })
	b.late = b.late[:min(len(b.late), b.o.Late)]
}

func in(groups map[string]*group, name string) *group {
	g := groups[name]
	if g == nil {
		g = &group{row: Row{Name: name}}
		groups[name] = g
	}
	return g
}

// in tells whether something happened in the time that is told of.
func (o *Options) in(at time.Time) bool {
	return !at.IsZero() && !at.Before(o.From) && at.Before(o.To)
}

func (g *group) add(t *conversation.Ticket, o *Options) {
	r, any := &g.row, false
	count := func(n *int, yes bool) {
		if yes {
			*n++
			any = true
		}
	}
	span := func(list []float32, at time.Time) []float32 {
		if !o.in(at) {
			return list
		}
		return append(list, float32(at.Sub(t.FiledAt).Hours()))
	}
	count(&r.Received, o.in(t.FiledAt))
	count(&r.Verified, o.in(t.VerifiedAt))
	count(&r.Answered, o.in(t.AnsweredAt))
	count(&r.Closed, o.in(t.ClosedAt))
	count(&r.Reopened, o.in(t.ReopenedAt))
	count(&r.Open, t.Status.Open())
	count(&r.Overdue, t.Status.Open() && t.Overdue(o.Now))
	g.verify, g.answer, g.close = span(g.verify, t.VerifiedAt), span(g.answer, t.AnsweredAt), span(g.close, t.ClosedAt)
	if t.Rating > 0 && o.in(t.StatusAt) {
		count(&r.Rated, true)
		g.marks += t.Rating
	}
	if any {
		g.touched++
	}
}

// Report gives the figures of what was added. Rows without anything are left out.
func (b *Builder) Report() Report {
	r := Report{From: b.o.From.UTC(), To: b.o.To.UTC(), At: b.o.Now.UTC(), Line: b.line.figures(), Surges: b.surges}
	r.Agencies = rows(b.agencies, false)
	r.Categories = rows(b.categories, !b.o.Small)
	if r.Surges == nil {
		r.Surges = []Surge{}
	}
	b.trim()
	r.Late = b.late
	return r
}

// rows are the groups by name. hide: those too small are named alone, and the smallest of the others where only one is, for
// else the sum would tell it.
func rows(groups map[string]*group, hide bool) []Row {
	all := make([]*group, 0, len(groups))
	for _, g := range groups {
		if g.touched > 0 {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b *group) int { return cmp.Compare(a.touched, b.touched) })
	out := make([]Row, 0, len(all))
	hidden := 0
	for _, g := range all {
		if hide && (g.touched < small || hidden == 1) {
			hidden++
			out = append(out, Row{Name: g.row.Name, Hidden: true})
			continue
		}
		out = append(out, g.figures())
	}
	slices.SortFunc(out, func(a, b Row) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (g *group) figures() Row {
	r := g.row
	r.Verify, r.Answer, r.Close = times(g.verify), times(g.answer), times(g.close)
	if r.Rated > 0 {
		mean := round(float64(g.marks) / float64(r.Rated))
		r.Rating = &mean
	}
	return r
}

// times are the median and the nearest-rank 90th percentile.
func times(hours []float32) Times {
	if len(hours) == 0 {
		return Times{}
	}
	slices.Sort(hours)
	n := len(hours)
	median := float64(hours[n/2])
	if n%2 == 0 {
		median = (float64(hours[n/2-1]) + float64(hours[n/2])) / 2
	}
	p90 := round(float64(hours[(n*9+9)/10-1]))
	median = round(median)
	return Times{Median: &median, P90: &p90}
}

// round keeps one digit behind the point.
func round(f float64) float64 {
	if f < 0 {
		return -round(-f)
	}
	return float64(int64(f*10+0.5)) / 10
}
