package conversation

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// A citizen to whom nothing happens for days is kept small: what the guards remember of hours goes, and a ticket's head
// stands in the ticket alone. The next turn brings the heads back.

// restForm begins a state that has the short form: language, link, opted out, tickets at rest. JSON begins with a brace.
const restForm = 1

// restGuards is how long the guards' memory is of use: floods and loops are of minutes, the cap is of a day.
const restGuards = 48 * time.Hour

// Rest makes a stored state small. head gives the head of a ticket as it is stored, nil where there is none: one that
// differs from the state's stays in it.
func Rest(state []byte, now time.Time, head func(Number) *Ticket) ([]byte, error) {
	s, err := DecodeState(state)
	if err != nil {
		return nil, err
	}
	var awake []Ticket
	for i := range s.Tickets {
		stored := head(s.Tickets[i].Number)
		if stored != nil && len(awake) == 0 && *stored == s.Tickets[i] {
			s.Resting = append(s.Resting, s.Tickets[i].Number)
		} else {
			awake = append(awake, s.Tickets[i])
		}
	}
	s.Tickets = awake
	s.Recent = slices.DeleteFunc(s.Recent, func(t time.Time) bool { return now.Sub(t) > restGuards })
	if now.Sub(s.Loop.At) > restGuards {
		s.Loop = Loop{}
		s.Flooded = s.Flooded && len(s.Recent) > 0
		s.Day, s.Sent = 0, 0
	}
	if now.Sub(s.Unreadable) > restGuards {
		s.Unreadable = time.Time{}
	}
	if b, ok := s.short(); ok {
		return b, nil
	}
	return EncodeState(s)
}

// Wake gives the state the tickets that Resting named, as they stand now.
func (s *State) Wake(tickets []Ticket) {
	s.Tickets = append(tickets[:len(tickets):len(tickets)], s.Tickets...)
	s.Resting = nil
}

// short is the short form of a state that holds no more than it can tell.
func (s *State) short() ([]byte, bool) {
	if len(s.Language) > 20 || len(s.Link) > 100 {
		return nil, false
	}
	full, err := EncodeState(*s)
	if err != nil {
		return nil, false
	}
	b := []byte{restForm, stateVersion, 0}
	if s.OptedOut {
		b[2] = 1
	}
	b = append(append(b, byte(len(s.Language))), s.Language...)
	b = append(append(b, byte(len(s.Link))), s.Link...)
	for _, n := range s.Resting {
		b = binary.AppendUvarint(b, uint64(n))
	}
	back, err := decodeShort(b)
	if err != nil {
		return nil, false
	}
	again, err := EncodeState(back)
	return b, err == nil && string(again) == string(full)
}

var errShort = errors.New("conversation: a stored state at rest cannot be read")

func decodeShort(b []byte) (State, error) {
	if len(b) < 4 {
		return State{}, errShort
	}
	if b[1] > stateVersion {
		return State{}, ErrNewerState
	}
	s := State{V: int(b[1]), OptedOut: b[2]&1 != 0}
	b = b[3:]
	for _, field := range []*string{&s.Language, &s.Link} {
		if len(b) < 1 || len(b) < 1+int(b[0]) {
			return State{}, errShort
		}
		*field, b = string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	}
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return State{}, errShort
		}
		s.Resting, b = append(s.Resting, Number(n)), b[size:]
	}
	return s, nil
}
