package smsc

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrEnd is what Play returns when the script's end step is reached.
var ErrEnd = errors.New("smsc: the script ended the simulator")

// due is a step, or the end of one, whose time is known.
type due struct {
	at   time.Time
	step Step
	undo bool
}

// Play does the steps when their time comes, beside Run, until all are done or ctx ends. Steps of one moment are done in
// their order. It returns ErrEnd at an end step; whoever called Run then ends that.
func (s *Server) Play(ctx context.Context, steps []Step) error {
	began := time.Now()
	var timed []due
	var waiting []Step
	for _, st := range steps {
		if len(st.After) > 0 {
			waiting = append(waiting, st)
		} else {
			timed = append(timed, due{at: began.Add(time.Duration(st.At)), step: st})
		}
	}
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	for len(timed)+len(waiting) > 0 {
		now := time.Now()
		var changed <-chan struct{}
		waiting, timed, changed = s.ripe(waiting, timed, now)
		slices.SortStableFunc(timed, func(a, b due) int { return a.at.Compare(b.at) })
		if len(timed) > 0 && !timed[0].at.After(now) {
			next := timed[0]
			if next.step.Do == "end" {
				return ErrEnd
			}
			timed = timed[1:]
			if s.perform(next); !next.undo && next.step.For > 0 {
				timed = append(timed, due{at: now.Add(time.Duration(next.step.For)), step: next.step, undo: true})
			}
			continue
		}
		wait := time.Hour
		if len(timed) > 0 {
			wait = timed[0].at.Sub(now)
		}
		t.Reset(wait)
		select {
		case <-t.C:
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// ripe gives the steps whose number of PDUs has been reached their time, and what tells of the next PDU.
func (s *Server) ripe(waiting []Step, timed []due, now time.Time) ([]Step, []due, <-chan struct{}) {
	if len(waiting) == 0 {
		return nil, timed, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting = slices.DeleteFunc(waiting, func(st Step) bool {
		for what, n := range st.After {
			if id, _ := countOf(what); s.counts[id] < n { // check has tried the name
				return false
			}
		}
		timed = append(timed, due{at: now.Add(time.Duration(st.At)), step: st})
		return true
	})
	return waiting, timed, s.counted.wait()
}

// perform does a step, or ends it, and tells of it.
func (s *Server) perform(d due) {
	a := actions[d.step.Do]
	told := d.step.String()
	if d.undo {
		told = d.step.Do + " ends"
		a.undo(s)
	} else {
		a.do(s, d.step)
	}
	s.mu.Lock()
	s.emit(Event{Kind: EventScript, Reason: told, Sessions: s.bound})
	s.unlock()
}
