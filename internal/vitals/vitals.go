package vitals

import (
	"fmt"
	"time"

	"aduan/internal/sender"
	"aduan/smpp"
)

// Daemon is what a daemon writes into the store each second, for tools and the console.
type Daemon struct {
	Version string         `json:"version"`
	Host    string         `json:"host"`
	PID     int            `json:"pid"`
	Since   time.Time      `json:"since"`
	Promise string         `json:"promise"`
	Links   []Link         `json:"links"`
	Memory  map[string]int `json:"in_memory"` // SMS held in memory, by link
}

// Link is one link in it.
type Link struct {
	Name     string    `json:"name"`
	State    string    `json:"state"`
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
	Window   Window    `json:"window"`
	Rate     Rate      `json:"rate"`
	Sessions []Session `json:"sessions"`

	Certificates Certificates `json:"certificates"`

	Receipts sender.Learnt `json:"receipts"` // what its receipts have shown of the operator's SMSC
	Pulse    Pulse         `json:"pulse"`
	History  []Change      `json:"history"` // the latest changes of state, oldest first
}

// Certificates is when the certificates of a link's last TLS handshake expire; null: none.
type Certificates struct {
	Theirs *time.Time `json:"theirs"`
	Ours   *time.Time `json:"ours"`
}

// Window is how many places of a link's window are taken.
type Window struct {
	Used int `json:"used"`
	Size int `json:"size"`
}

// Rate is how fast a link sends; 0: not limited by it.
type Rate struct {
	Given   float64 `json:"given"`   // submit_sm a second, this daemon's share of the link's rate
	Learnt  float64 `json:"learnt"`  // what the operator lets us send at the moment
	Waits   bool    `json:"waits"`   // nothing is sent yet: its share is still the others'
	Stopped string  `json:"stopped"` // why nothing is sent: the operator refuses our settings; "": it is
}

// String is the rate in words; "" where nothing limits it.
func (v Rate) String() string {
	switch {
	case v.Stopped != "":
		return "sending waits: " + v.Stopped
	case v.Waits:
		return "sending waits for its share of the rate: the other daemons must leave it first, a few seconds"
	case v.Learnt > 0:
		return fmt.Sprintf("slowed by the operator to %.3g a second", v.Learnt)
	case v.Given > 0:
		return fmt.Sprintf("at most %.3g a second", v.Given)
	}
	return ""
}

// Session is one connection of a link.
type Session struct {
	ID          string    `json:"id"`
	Bind        string    `json:"bind"`
	State       string    `json:"state"`
	Since       time.Time `json:"since"`
	InHand      int       `json:"in_hand"`     // deliver_sm not answered yet
	Outstanding int       `json:"outstanding"` // submit_sm not answered yet
}

// Change is a link's step from one state to another.
type Change struct {
	At     time.Time `json:"at"`
	State  string    `json:"state"`
	Reason string    `json:"reason"`
}

// Pulse is how a link has gone in the last minute: the lists have a number for each second, the newest last.
type Pulse struct {
	Window    []int `json:"window"`    // places taken
	Sent      []int `json:"sent"`      // submit_sm
	Received  []int `json:"received"`  // deliver_sm
	Responses Times `json:"responses"` // of the SMSC to our submit_sm
	Answers   Times `json:"answers"`   // of ours to its deliver_sm
}

// Times are quantiles of the last minute, milliseconds; 0: there were none.
type Times struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
}

// Of is a link as it is now, without what the sender knows of it.
func Of(st smpp.LinkStatus, history []smpp.LinkChange) Link {
	v := Link{
		Name: st.Name, State: st.State, Reason: st.Reason, Since: st.Since.UTC(),
		Window: Window{Used: st.WindowUsed, Size: st.WindowSize}, Sessions: []Session{}, History: []Change{},
		Certificates: Certificates{Theirs: utc(st.Certificates.Theirs), Ours: utc(st.Certificates.Ours)},
	}
	for _, s := range st.Sessions {
		v.Sessions = append(v.Sessions, Session{
			ID: s.ID, Bind: s.Bind, State: s.State.String(), Since: s.Since.UTC(), InHand: s.InHand, Outstanding: s.Outstanding,
		})
	}
	for _, c := range history {
		v.History = append(v.History, Change{At: c.At.UTC(), State: c.State, Reason: c.Reason})
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
