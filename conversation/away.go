package conversation

import (
	"slices"
	"time"
)

// Away is the clock of an open ticket that the state had to let go: it goes on,
// and the ticket is fetched when it strikes.
type Away struct {
	Number Number `json:"n"`
	At     int64  `json:"a"` // Unix seconds, of Ticket.ClockAt rounded up
}

// Bounds of clocks of tickets that the state does not hold.
const (
	awayKept = 500 // the oldest of more stand still
	awayOnce = 20  // struck in one step; the others at once after it
)

// Due returns the tickets, not held by the state, whose clocks strike by now:
// Tick.Known is to bring them. They are the first few where there are many.
func (s State) Due(now time.Time) []Number {
	var due []Number
	for _, a := range s.Away {
		if a.At <= now.Unix() && len(due) < awayOnce {
			due = append(due, a.Number)
		}
	}
	return due
}

// strikeAway lets the clocks strike whose tickets the tick has brought. A
// ticket that it could not bring is no more.
func (st *step) strikeAway() {
	for _, n := range st.s.Due(st.now) {
		st.s.Away = slices.DeleteFunc(slices.Clone(st.s.Away), func(a Away) bool { return a.Number == n })
		st.strike(n)
	}
}

// leave lets an open ticket go from the state; its clock goes on.
func (st *step) leave(t *Ticket) {
	if t.ClockAt.IsZero() {
		return
	}
	at := t.ClockAt.Unix()
	if t.ClockAt.Nanosecond() > 0 {
		at++
	}
	st.s.Away = append(slices.Clip(st.s.Away), Away{Number: t.Number, At: at})
	if over := len(st.s.Away) - awayKept; over > 0 {
		st.s.Away = st.s.Away[over:]
	}
}
