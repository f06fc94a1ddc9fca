package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"aduan/internal/sender"
	"aduan/smpp"
	"aduan/store"
)

// daemonStatus is what a daemon writes into the store each second, for tools.
type daemonStatus struct {
	Version string         `json:"version"`
	Host    string         `json:"host"`
	PID     int            `json:"pid"`
	Since   time.Time      `json:"since"`
	Promise string         `json:"promise"`
	Links   []linkView     `json:"links"`
	Memory  map[string]int `json:"in_memory"` // SMS held in memory, by link
}

// linkView is one link in it.
type linkView struct {
	Name     string        `json:"name"`
	State    string        `json:"state"`
	Reason   string        `json:"reason"`
	Since    time.Time     `json:"since"`
	Window   windowView    `json:"window"`
	Rate     rateView      `json:"rate"`
	Sessions []sessionView `json:"sessions"`

	Certificates certificatesView `json:"certificates"`

	Receipts sender.Learnt `json:"receipts"` // what its receipts have shown of the operator's SMSC
}

// certificatesView is when the certificates of a link's last TLS handshake expire; null: none.
type certificatesView struct {
	Theirs *time.Time `json:"theirs"`
	Ours   *time.Time `json:"ours"`
}

type windowView struct {
	Used int `json:"used"`
	Size int `json:"size"`
}

// rateView is how fast a link sends; 0: not limited by it.
type rateView struct {
	Given   float64 `json:"given"`   // submit_sm a second, this daemon's share of the link's rate
	Learnt  float64 `json:"learnt"`  // what the operator lets us send at the moment
	Stopped string  `json:"stopped"` // why nothing is sent: the operator refuses our settings; "": it is
}

// String is the rate in words; "" where nothing limits it.
func (v rateView) String() string {
	switch {
	case v.Stopped != "":
		return "sending waits: " + v.Stopped
	case v.Learnt > 0:
		return fmt.Sprintf("slowed by the operator to %.3g a second", v.Learnt)
	case v.Given > 0:
		return fmt.Sprintf("at most %.3g a second", v.Given)
	}
	return ""
}

// rate is how fast a link sends now.
func (l *line) rate(link string) rateView {
	f, _ := l.sender.Flow(link)
	return rateView{Given: f.Given, Learnt: math.Round(f.Learnt*100) / 100, Stopped: f.Stopped}
}

type sessionView struct {
	ID          string    `json:"id"`
	Bind        string    `json:"bind"`
	State       string    `json:"state"`
	Since       time.Time `json:"since"`
	InHand      int       `json:"in_hand"`     // deliver_sm not answered yet
	Outstanding int       `json:"outstanding"` // submit_sm not answered yet
}

func viewLink(st smpp.LinkStatus) linkView {
	v := linkView{
		Name: st.Name, State: st.State, Reason: st.Reason, Since: st.Since.UTC(),
		Window: windowView{Used: st.WindowUsed, Size: st.WindowSize}, Sessions: []sessionView{},
	}
	v.Certificates = certificatesView{Theirs: utc(st.Certificates.Theirs), Ours: utc(st.Certificates.Ours)}
	for _, s := range st.Sessions {
		v.Sessions = append(v.Sessions, sessionView{
			ID: s.ID, Bind: s.Bind, State: s.State.String(), Since: s.Since.UTC(), InHand: s.InHand, Outstanding: s.Outstanding,
		})
	}
	return v
}

// utc is a time for people; nil: none.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
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
	v.Oldest = utc(s.Oldest)
	return v
}

// publish writes this daemon's status into the store each second until ctx ends.
func (l *line) publish(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	s := daemonStatus{Version: version, Host: host, PID: os.Getpid(), Since: time.Now().UTC()}
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		s.Promise, s.Links, s.Memory = l.store.Promise(), nil, map[string]int{}
		for _, link := range l.pool.Links() {
			st := link.Status()
			s.Links = append(s.Links, viewLink(st))
			s.Links[len(s.Links)-1].Rate = l.rate(st.Name)
			s.Links[len(s.Links)-1].Receipts = l.sender.Learnt(st.Name)
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
			return nil
		case <-t.C:
		}
	}
}
