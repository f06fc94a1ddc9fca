package telemetry

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// StoreReport is what the store says when asked.
type StoreReport struct {
	OK      bool   // it keeps messages now
	Reason  string // why not, in words; "" where OK
	Promise string // what "kept" means with it, in a sentence
}

// LinkReport is what a link says when asked.
type LinkReport struct {
	State  string // connecting, bound, waiting, refused, closed
	Bound  bool
	Reason string // why it is not bound, in words
}

// Behind is how much work waits: what is due and not done.
type Behind struct {
	Messages int           // SMS and events that are due
	Oldest   time.Duration // for how long the oldest has been due
}

// HealthOptions are the questions that a look at the line's health asks. Each must answer at once from what is
// known, without network; nil ones are not asked.
type HealthOptions struct {
	Store  func() StoreReport
	Links  func() map[string]LinkReport
	Behind func() Behind
	// Checks are further reasons for not being ready: "" or why not, in words.
	Checks map[string]func() string
}

// Health answers whether the line keeps messages, and why not.
type Health struct {
	o HealthOptions // immutable

	mu       sync.Mutex
	stopping bool // guarded by mu
}

// NewHealth makes a Health of its questions.
func NewHealth(o HealthOptions) *Health { return &Health{o: o} }

// Stopping makes the line not ready from now on: it takes no new messages.
func (h *Health) Stopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// Readiness is the document of /readyz.
type Readiness struct {
	Ready   bool                  `json:"ready"`
	Promise string                `json:"promise"`
	Store   StoreHealth           `json:"store"`
	Links   map[string]LinkHealth `json:"links"`
	Behind  BehindHealth          `json:"behind"`
	Reasons []string              `json:"reasons"` // everything that is not as it should be, in words
}

// StoreHealth is the store's part of Readiness.
type StoreHealth struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason"`
}

// LinkHealth is a link's part of Readiness.
type LinkHealth struct {
	State  string `json:"state"`
	Reason string `json:"reason"`
}

// BehindHealth is how much work waits.
type BehindHealth struct {
	Messages int     `json:"messages"`
	Seconds  float64 `json:"seconds"` // since when the oldest is due, to a millisecond
}

// Look asks every question once. Not ready: the store cannot keep, no link is bound, or the daemon stops; one link
// down of several is a reason, and ready all the same.
func (h *Health) Look() Readiness {
	r := Readiness{Ready: true, Links: map[string]LinkHealth{}, Reasons: []string{}}
	not := func(reason string) {
		r.Ready = false
		r.Reasons = append(r.Reasons, reason)
	}
	h.mu.Lock()
	stopping := h.stopping
	h.mu.Unlock()
	if stopping {
		not("the daemon is stopping")
	}
	if h.o.Store != nil {
		s := h.o.Store()
		r.Promise, r.Store = s.Promise, StoreHealth{s.OK, s.Reason}
		if !s.OK {
			not("the store cannot keep messages" + because(s.Reason))
		} else if s.Reason != "" {
			r.Reasons = append(r.Reasons, s.Reason)
		}
	}
	if h.o.Links != nil {
		h.links(&r, h.o.Links(), not)
	}
	if h.o.Behind != nil {
		b := h.o.Behind()
		r.Behind = BehindHealth{b.Messages, max(b.Oldest, 0).Truncate(time.Millisecond).Seconds()}
	}
	for _, name := range slices.Sorted(maps.Keys(h.o.Checks)) {
		if why := h.o.Checks[name](); why != "" {
			not(name + ": " + why)
		}
	}
	return r
}

func (h *Health) links(r *Readiness, links map[string]LinkReport, not func(string)) {
	bound := 0
	for _, name := range slices.Sorted(maps.Keys(links)) {
		l := links[name]
		r.Links[name] = LinkHealth{l.State, l.Reason}
		if l.Bound {
			bound++
			if l.Reason != "" {
				r.Reasons = append(r.Reasons, "link "+name+": "+l.Reason)
			}
			continue
		}
		r.Reasons = append(r.Reasons, "link "+name+" is not bound"+because(l.Reason))
	}
	if bound == 0 {
		not("no link is bound")
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// Livez answers 200, with the same document, as long as the process can answer: a line that waits for its store is
// alive, and starting it anew would help nobody.
func (h *Health) Livez() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, h.Look())
	})
}

// Readyz answers 200 or 503 with the Readiness document.
func (h *Health) Readyz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r := h.Look()
		code := http.StatusOK
		if !r.Ready {
			code = http.StatusServiceUnavailable
		}
		answer(w, code, r)
	})
}

func answer(w http.ResponseWriter, code int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(document) // an asker that went away needs no answer
}

// Register shows what /readyz says as metrics too: whether the line is ready, and whether its store keeps.
func (h *Health) Register(r prometheus.Registerer) {
	gauge := func(name, help string, look func(Readiness) bool) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			if look(h.Look()) {
				return 1
			}
			return 0
		}))
	}
	gauge("aduan_ready", "1 while /readyz answers 200: the store keeps, and a link is bound.", func(r Readiness) bool { return r.Ready })
	gauge("aduan_store_ok", "1 while the store can keep messages; 0: what comes is left with the SMSC.", func(r Readiness) bool { return r.Store.OK })
}

// Run tells the supervisor: READY once it runs, STATUS with each change, WATCHDOG as often as it was asked for,
// STOPPING when ctx ends. It blocks until then. Without a supervisor it only waits.
func (h *Health) Run(ctx context.Context, s *Supervisor) error {
	s.Ready(h.Look().sentence())
	every := time.Second
	if w := s.WatchdogEvery(); w > 0 {
		every = min(every, w)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for told := ""; ; {
		select {
		case <-ctx.Done():
			s.Stopping()
			return nil
		case <-tick.C:
			if now := h.Look().sentence(); now != told {
				s.Status(now)
				told = now
			}
			s.Watchdog()
		}
	}
}
