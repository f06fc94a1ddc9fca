package sender

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"aduan/internal/msisdn"
)

// Route is which SMS a link carries.
type Route struct {
	Prefixes []string // digits of E.164: of numbers that answer nobody
	Fallback []string // links that may carry its SMS while it is down, the first that is bound
	Rate     float64  // submit_sm a second, over all daemons; 0: no limit of ours
	Alone    bool     // one daemon of several holds the bind: the whole rate is its own
}

// Routes are which link carries what. A link that is not named is not configured (any more).
type Routes struct {
	Links   map[string]Route
	Default string // for SMS of links that are not configured, and numbers of no prefix; "": they wait
}

// Choose is the link for an SMS that answers nobody: the one that the citizen wrote by last, else that of the longest
// prefix of the number, else the default.
func (r Routes) Choose(last string, to msisdn.MSISDN) string {
	if _, known := r.Links[last]; known {
		return last
	}
	best, longest := r.Default, 0
	for _, name := range slices.Sorted(maps.Keys(r.Links)) {
		for _, p := range r.Links[name].Prefixes {
			if len(p) > longest && strings.HasPrefix(to.Digits(), p) {
				best, longest = name, len(p)
			}
		}
	}
	return cmp.Or(best, last)
}

// SetRoutes changes which link carries what, and how fast. SMS in memory stay where they are.
func (s *Sender) SetRoutes(r Routes) {
	s.mu.Lock()
	s.routes = r
	s.mu.Unlock()
	s.share()
}

// Choose is [Routes.Choose] of the routes of now.
func (s *Sender) Choose(last string, to msisdn.MSISDN) string {
	s.mu.Lock()
	r := s.routes
	s.mu.Unlock()
	return r.Choose(last, to)
}

// Default is the link that carries SMS of links that are not configured.
func (s *Sender) Default() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.routes.Default
}

// way is the queue that SMS of a link go through now: the link's own, while it is down the first of its fallbacks that
// is bound, for a link that is not configured the default's; nil: they wait in the store. mu is held.
func (s *Sender) way(name string, now time.Time) *queue {
	route, known := s.routes.Links[name]
	if !known {
		name = s.routes.Default
		route = s.routes.Links[name]
	}
	q := s.queues[name]
	if q == nil || len(route.Fallback) == 0 || !q.down(now) {
		return q
	}
	for _, other := range route.Fallback {
		if f := s.queues[other]; f != nil && f.link.Bound() {
			if stopped, _ := f.pace.isStopped(now); !stopped {
				return f
			}
		}
	}
	return q
}

// share divides the links' rates among the daemons that send on them.
func (s *Sender) share() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for name, q := range s.queues {
		q.pace.setGiven(s.given(q, s.routes.Links[name], now))
		q.signal()
		s.o.Metrics.flow(name, q.flow())
	}
}

// given is this daemon's part of a link's rate; 0: no limit; negative: it may not send. mu is held.
func (s *Sender) given(q *queue, r Route, now time.Time) float64 {
	switch {
	case r.Rate <= 0:
		return 0
	case s.o.Daemons == nil:
		return r.Rate
	case r.Alone:
		if !q.bound(now, spacing(r.Rate)) { // the holder before us sent until a moment ago
			return -1
		}
		return r.Rate
	}
	n := s.o.Daemons(q.link.Name)
	if n <= 0 {
		return -1
	}
	return r.Rate / float64(n)
}
