package smsc

import (
	"container/heap"
	"context"
	"time"
)

// signal wakes all who wait for a change; guarded by the server's mu.
type signal struct{ c chan struct{} }

func (g *signal) wait() <-chan struct{} {
	if g.c == nil {
		g.c = make(chan struct{})
	}
	return g.c
}

func (g *signal) fire() {
	if g.c != nil {
		close(g.c)
		g.c = nil
	}
}

// timer is something to do later, with mu held.
type timer struct {
	at time.Time
	n  uint64
	do func()
}

type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].n < h[j].n
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *timerHeap) Push(x any) { *h = append(*h, x.(timer)) }

// Pop is for container/heap.
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = timer{}
	*h = (*h)[:last]
	return t
}

// after does something later, with mu held; mu is held now.
func (s *Server) after(d time.Duration, do func()) {
	at := time.Now().Add(d)
	heap.Push(&s.timers, timer{at, s.nextNumber(), do})
	if s.timers[0].at.Equal(at) {
		poke(s.wake)
	}
}

// runTimers does what is due, and looks now and then at every session's deadlines.
func (s *Server) runTimers(ctx context.Context) {
	every := s.o.ResponseTimeout / 10
	if s.o.EnquireLink > 0 {
		every = min(every, s.o.EnquireLink/10)
	}
	look := time.NewTicker(min(max(every, 2*time.Millisecond), 250*time.Millisecond))
	defer look.Stop()
	next := time.NewTimer(time.Hour)
	defer next.Stop()
	for {
		s.mu.Lock()
		wait := time.Hour
		for len(s.timers) > 0 {
			if wait = time.Until(s.timers[0].at); wait > 0 {
				break
			}
			heap.Pop(&s.timers).(timer).do()
			wait = time.Hour
		}
		s.unlock()
		next.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-next.C:
		case <-look.C:
			s.mu.Lock()
			s.checkDeadlines(time.Now())
			s.unlock()
		}
	}
}
