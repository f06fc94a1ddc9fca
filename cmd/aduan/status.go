package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"go.uber.org/zap"

	"aduan/internal/vitals"
	"aduan/store"
)

// rate is how fast a link sends now.
func (l *line) rate(link string) vitals.Rate {
	f, _ := l.sender.Flow(link)
	return vitals.Rate{Given: f.Given, Learnt: math.Round(f.Learnt*100) / 100, Waits: f.Waits, Stopped: f.Stopped}
}

// queueView is what waits in the store.
type queueView struct {
	Queued        int        `json:"queued"`         // SMS that are not accepted and have not ended
	Held          int        `json:"held"`           // of these, in a daemon's memory
	Due           int        `json:"due"`            // of these, waiting for their time
	Dead          int        `json:"dead"`           // SMS that wait for a person
	Oldest        *time.Time `json:"oldest"`         // since when the oldest queued SMS waits; null: none
	Conversations int        `json:"conversations"`  // that wait for an answer or a time
	Groups        int        `json:"long_messages"`  // whose parts are not all there
	Handoffs      int        `json:"events_waiting"` // tickets with events that the case system has not taken
}

func viewQueues(s store.Stats) queueView {
	v := queueView{
		Queued: s.Queued, Held: s.Held, Due: s.DueSMS, Dead: s.Dead, Conversations: s.DueTicks, Groups: s.Groups, Handoffs: s.Handoffs,
	}
	if !s.Oldest.IsZero() {
		oldest := s.Oldest.UTC()
		v.Oldest = &oldest
	}
	return v
}

// publish writes this daemon's status into the store each second until ctx ends.
func (l *line) publish(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	s := vitals.Daemon{Version: version, Host: host, PID: os.Getpid(), Since: time.Now().UTC()}
	pulses := map[string]*vitals.Recorder{}
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		s.Promise, s.Links, s.Memory = l.store.Promise(), nil, map[string]int{}
		for _, link := range l.pool.Links() {
			st := link.Status()
			v := vitals.Of(st, link.History())
			v.Rate, v.Receipts = l.rate(st.Name), l.sender.Learnt(st.Name)
			if pulses[st.Name] == nil {
				pulses[st.Name] = &vitals.Recorder{}
			}
			v.Pulse = pulses[st.Name].Read(st.WindowUsed, link.Pulse())
			s.Links = append(s.Links, v)
			if n, err := l.sender.Depth(st.Name); err == nil {
				s.Memory[st.Name] = n
			}
		}
		body, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("status: %w", err)
		}
		call, cancel := context.WithTimeout(ctx, time.Second)
		_ = l.store.PutStatus(call, l.store.BootID(), body) // a store that is away is told of elsewhere
		cancel()
		select {
		case <-ctx.Done():
			l.unpublish(ctx)
			return nil
		case <-t.C:
		}
	}
}

// unpublish takes this daemon's status away: it is ending, and what it said last is not so any more.
func (l *line) unpublish(ctx context.Context) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := l.store.DropStatus(call, l.store.BootID()); err != nil {
		l.log.Warn("this daemon's status stands for 5 s more", zap.Error(err))
	}
}
