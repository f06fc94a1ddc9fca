package receipt

import (
	"strconv"
	"strings"
)

// State is the message_state of SMPP 3.4 §5.2.28.
type State int

// The values are those of the TLV, but for StateUnknown, which is 7 there.
const (
	StateUnknown       State = 0 // not told, not understood, or UNKNOWN
	StateEnroute       State = 1
	StateDelivered     State = 2
	StateExpired       State = 3
	StateDeleted       State = 4
	StateUndeliverable State = 5
	StateAccepted      State = 6
	StateRejected      State = 8
)

// String is the lower-case name, such as "delivered".
func (s State) String() string {
	switch s {
	case StateEnroute:
		return "enroute"
	case StateDelivered:
		return "delivered"
	case StateExpired:
		return "expired"
	case StateDeleted:
		return "deleted"
	case StateUndeliverable:
		return "undeliverable"
	case StateAccepted:
		return "accepted"
	case StateRejected:
		return "rejected"
	}
	return "unknown"
}

// Final says that nothing else can become of the SMS. Accepted is not: many
// gateways say so before they deliver.
func (s State) Final() bool {
	switch s {
	case StateDelivered, StateExpired, StateDeleted, StateUndeliverable, StateRejected:
		return true
	}
	return false
}

// Short is the seven-letter form of a receipt's text, such as "DELIVRD".
func (s State) Short() string {
	switch s {
	case StateEnroute:
		return "ENROUTE"
	case StateDelivered:
		return "DELIVRD"
	case StateExpired:
		return "EXPIRED"
	case StateDeleted:
		return "DELETED"
	case StateUndeliverable:
		return "UNDELIV"
	case StateAccepted:
		return "ACCEPTD"
	case StateRejected:
		return "REJECTD"
	}
	return "UNKNOWN"
}

// MessageState is the octet of the TLV message_state.
func (s State) MessageState() byte {
	if s == StateUnknown {
		return 7
	}
	return byte(s)
}

func fromOctet(b byte) (State, bool) {
	switch {
	case b == 7:
		return StateUnknown, true
	case b >= 1 && b <= 8:
		return State(b), true
	}
	return StateUnknown, false
}

// fromWord reads stat: the seven letters, the whole word, or the TLV's number.
func fromWord(word string) (State, bool) {
	if n, err := strconv.ParseUint(word, 10, 8); err == nil {
		return fromOctet(byte(n))
	}
	word = strings.ToUpper(word)
	for _, w := range []struct {
		begins string
		state  State
	}{
		{"DELIV", StateDelivered},
		{"EXPIR", StateExpired},
		{"DELET", StateDeleted},
		{"UNDEL", StateUndeliverable},
		{"FAIL", StateUndeliverable},
		{"ACCEP", StateAccepted},
		{"REJEC", StateRejected},
		{"ENROU", StateEnroute},
		{"BUFF", StateEnroute},
		{"UNKNO", StateUnknown},
	} {
		if strings.HasPrefix(word, w.begins) {
			return w.state, true
		}
	}
	return StateUnknown, false
}

// ParseState reads a state as people and SMSCs write it: delivered, DELIVRD, 2.
func ParseState(word string) (State, bool) { return fromWord(word) }
