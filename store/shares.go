package store

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// The times of a rate's division. A daemon may send for 3 s (stoodStill) after its last answered renewal was sent, so
// nobody who sends has an older view of the others; and it divides anew within divideWithin of a new one.
const (
	// DivideEvery is the longest that may pass between two questions to [Store.Daemons] about a link that is sent on.
	DivideEvery  = 250 * time.Millisecond
	divideWithin = 2 * DivideEvery
	countsFor    = 5 * time.Second // so long a link that is down keeps its share: it usually comes back
	settleIn     = stoodStill + divideWithin
)

// Shares is who divides each link's rate, as one daemon sees it. A daemon that may send on a link says so in its heartbeat:
//
//	link up ──▶ named in a renewal ──answered──▶ counts ──settleIn (the others count us; alone: at once)──▶ sends
//	   ▲                                                                                         │ down for countsFor
//	   └──── not named any more ◀──divideWithin (nothing is sent)── leaves ◀─────────────────────┘
//
// So whoever sends is counted by all who send, and the sum of the shares is never more than the rate.
type Shares struct {
	mu    sync.Mutex
	up    func() []string // the links that are up; nil: this daemon says nothing, and counts for each link
	links map[string]*sharing

	beat   time.Time // when the last answered renewal was sent
	since  time.Time // since when the others know of this boot, or may have forgotten us
	living int       // boots whose counter moves, ours included; 0: not known yet
	on     map[string]int
	all    int  // living boots that say nothing of their links: each counts for all of them
	asked  bool // a renewal was asked for since the last one
}

// sharing is a link that this daemon's renewals name.
type sharing struct {
	up      time.Time // when it was last seen up
	joined  time.Time // the first renewal that named it was answered; zero: it was not yet
	leaving time.Time // when it was given up; zero: it was not
}

// SetUp says how the links are asked for that are up now.
func (s *Shares) SetUp(up func() []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = up
}

// Reset forgets all: this is a new boot, of which nobody knows.
func (s *Shares) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links, s.on, s.living, s.all, s.asked = nil, nil, 0, 0, false
	s.beat, s.since = time.Time{}, time.Time{}
}

func (s *Shares) seen(now time.Time) (up []string, known bool) {
	s.mu.Lock()
	ask := s.up
	s.mu.Unlock()
	if ask == nil {
		return nil, false
	}
	up = ask() // it may take locks of others
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range up {
		if l := s.links[name]; l != nil && l.leaving.IsZero() {
			l.up = now
		}
	}
	return up, true
}

// Named are the links for the renewal that is sent now; nil: it says nothing of links.
func (s *Shares) Named(now time.Time) []string {
	up, known := s.seen(now)
	if !known {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = false
	if s.links == nil {
		s.links = map[string]*sharing{}
	}
	for name, l := range s.links {
		switch {
		case !l.leaving.IsZero() && now.Sub(l.leaving) >= divideWithin:
			delete(s.links, name)
		case l.leaving.IsZero() && now.Sub(l.up) >= countsFor:
			l.leaving = now
		}
	}
	for _, name := range up {
		if s.links[name] == nil {
			s.links[name] = &sharing{up: now}
		}
	}
	return append([]string{}, slices.Sorted(maps.Keys(s.links))...)
}

// Answered notes a renewal that was sent at sent and named links. sends is what each living boot says, nil of one that
// says nothing.
func (s *Shares) Answered(sent, now time.Time, named []string, sends map[string][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() || sent.Sub(s.beat) >= inTouch { // others may have taken us for dead, and not count us
		s.since = now
	}
	s.beat, s.living, s.all = sent, max(len(sends), 1), 0
	s.on = map[string]int{}
	for _, links := range sends {
		if links == nil {
			s.all++
		}
		for _, name := range links {
			s.on[name]++
		}
	}
	for _, name := range named {
		if l := s.links[name]; l != nil && l.joined.IsZero() {
			l.joined = now
		}
	}
}

// Daemons is among how many a link's rate is divided, this daemon included; 0: it may not send on it (yet). ask: a renewal
// is wanted now, so that the others hear of the link.
func (s *Shares) Daemons(link string, now time.Time) (n int, ask bool) {
	up, known := s.seen(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.living == 0 {
		return 0, false
	}
	since := s.since
	if !known {
		n = s.living
	} else {
		l := s.links[link]
		switch {
		case l == nil:
			if ask = slices.Contains(up, link) && !s.asked; ask {
				s.asked = true
			}
			return 0, ask
		case l.joined.IsZero() || !l.leaving.IsZero():
			return 0, false
		case l.joined.After(since):
			since = l.joined
		}
		n = max(s.on[link]+s.all, 1)
	}
	if n > 1 && now.Sub(since) < settleIn {
		return 0, false
	}
	return n, false
}
