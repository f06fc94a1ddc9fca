package smsc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aduan/smpp"
	"aduan/smpp/receipt"
)

// Action is one thing that a script, or a flag of `aduan smsc`, can ask for.
type Action struct {
	Name  string   // as in a step's do
	Help  string   // what it does
	Reads []string // the keys of a step that it reads, besides at, after and for
	Lasts bool     // it reads for
}

// Actions are all of them, by name.
func Actions() []Action {
	var list []Action
	for _, name := range slices.Sorted(maps.Keys(actions)) {
		a := actions[name]
		list = append(list, Action{Name: name, Help: a.help, Reads: a.reads, Lasts: a.undo != nil})
	}
	return list
}

type action struct {
	help  string
	reads []string
	check func(Step) error
	do    func(*Server, Step)
	undo  func(*Server) // nil: it happens at once
}

func reads(keys ...string) []string { return keys }

var actions = map[string]action{
	"refuse_binds": {
		"answer binds with a status (default ESME_RBINDFAIL); sessions that are bound stay", reads("status"), nil,
		func(s *Server, st Step) { s.Refuse(st.status(smpp.StatusRBINDFAIL)) }, func(s *Server) { s.Refuse(smpp.StatusROK) },
	},
	"ignore_binds": {
		"leave binds without an answer", nil, nil,
		func(s *Server, _ Step) { s.IgnoreBinds(true) }, func(s *Server) { s.IgnoreBinds(false) },
	},
	"delay_binds": {
		"answer binds so much later", reads("by"), needsBy,
		func(s *Server, st Step) { s.DelayBindResps(time.Duration(st.By)) }, func(s *Server) { s.DelayBindResps(s.o.BindDelay) },
	},
	"limit_binds": {
		"answer ESME_RALYBND beyond so many bound sessions", reads("count"), nil,
		func(s *Server, st Step) { s.LimitBinds(max(st.Count, 1)) }, func(s *Server) { s.LimitBinds(0) },
	},
	"outbind": {
		"send an outbind, now and first of all on new connections", nil, nil,
		func(s *Server, _ Step) { s.Outbind(true) }, func(s *Server) { s.Outbind(false) },
	},
	"unbind":    {"send an unbind on every session, whatever is under way", nil, nil, func(s *Server, _ Step) { s.UnbindLinks() }, nil},
	"close":     {"close all connections without an unbind (FIN)", nil, nil, func(s *Server, _ Step) { s.CloseLinks() }, nil},
	"reset":     {"reset all connections (RST)", nil, nil, func(s *Server, _ Step) { s.CutLinks() }, nil},
	"cut":       {"cut the connections after count more octets to the ESME: inside a PDU", reads("count"), nil, func(s *Server, st Step) { s.CutAfterWriting(max(st.Count, 1)) }, nil},
	"cut_in":    {"reset the connections after count more octets from the ESME", reads("count"), nil, func(s *Server, st Step) { s.CutAfterReading(max(st.Count, 1)) }, nil},
	"half_open": {"let nothing pass on the connections that stand, and tell nobody", nil, nil, func(s *Server, _ Step) { s.HalfOpen() }, nil},
	"stop_reading": {
		"read nothing from any connection", nil, nil,
		func(s *Server, _ Step) { s.StopReading(true) }, func(s *Server) { s.StopReading(false) },
	},
	"stop_enquire": {
		"leave enquire_link unanswered", nil, nil,
		func(s *Server, _ Step) { s.StopEnquire(true) }, func(s *Server) { s.StopEnquire(false) },
	},
	"submit_status": {
		"answer submits with a status (default ESME_RTHROTTLED), or share percent of them", reads("status", "share"), nil,
		func(s *Server, st Step) { s.SubmitStatus(s.someOf(st.status(smpp.StatusRTHROTTLED), st.Share)) },
		func(s *Server) { s.SubmitStatus(nil) },
	},
	"swallow_submit_resps":  {"take the next count submits and answer none", reads("count"), nil, func(s *Server, st Step) { s.SwallowSubmitResps(max(st.Count, 1)) }, nil},
	"swallow_deliver_resps": {"treat the next count answers to deliver_sm as unseen: each is delivered again", reads("count"), nil, func(s *Server, st Step) { s.SwallowDeliverResps(max(st.Count, 1)) }, nil},
	"delay_submit_resps": {
		"answer submits so much later", reads("by"), needsBy,
		func(s *Server, st Step) { s.DelaySubmitResps(time.Duration(st.By)) }, func(s *Server) { s.DelaySubmitResps(s.o.SubmitDelay) },
	},
	"double_submit_resps":  {"answer the next count submits twice", reads("count"), nil, twisted(TwistTwice), nil},
	"wrong_submit_resps":   {"answer the next count submits by other commands under their number first", reads("count"), nil, twisted(TwistWrongType), nil},
	"unknown_submit_resps": {"answer the next count submits under a number that nobody used first", reads("count"), nil, twisted(TwistUnknown), nil},
	"nack_submits":         {"answer the next count submits with a generic_nack, though they were taken", reads("count"), nil, twisted(TwistNack), nil},
	"no_message_id":        {"answer the next count submits without a message_id", reads("count"), nil, twisted(TwistNoID), nil},
	"receipts_first": {
		"send receipts so much before the submit_sm_resp", reads("by"), needsBy,
		func(s *Server, st Step) { s.ReceiptsFirst(time.Duration(st.By)) }, func(s *Server) { s.ReceiptsFirst(0) },
	},
	"number":    {"make the next request of each session bear this sequence number: 1 restarts, 2147483647 wraps", reads("number"), nil, func(s *Server, st Step) { s.Number(st.Number) }, nil},
	"in_pieces": {"write everything in small pieces", nil, nil, func(s *Server, _ Step) { s.InPieces(true) }, func(s *Server) { s.InPieces(false) }},
	"glue": {
		"hold back what is written for so long, so that many PDUs come as one piece", reads("by"), needsBy,
		func(s *Server, st Step) { s.Glue(time.Duration(st.By)) }, func(s *Server) { s.Glue(0) },
	},
	"bad_pdus": {
		"write PDUs that are whole and wrong: unknown commands, cut bodies, false lengths inside, stray responses", nil, nil,
		func(s *Server, _ Step) {
			bad := BadPDUs()
			for _, name := range slices.Sorted(maps.Keys(bad)) {
				s.WriteRaw(bad[name])
			}
		}, nil,
	},
	"bad_tlvs": {"deliver a text whose optional parameters are broken", reads("from", "to", "text"), needsText, (*Server).badTLVs, nil},
	"bad_length": {
		"write a header whose command_length is number (default 0): nothing after it can be read", reads("number"), nil,
		func(s *Server, st Step) { s.WriteRaw(BadLength(st.Number)) }, nil,
	},
	"write":   {"write these octets on all sessions", reads("octets"), needsOctets, func(s *Server, st Step) { b, _ := st.octets(); s.WriteRaw(b) }, nil},
	"text":    {"send count texts from a telephone to the short code", reads("from", "to", "text", "count"), needsText, (*Server).texts, nil},
	"receipt": {"send a receipt of any id and state (delivered, undeliverable, expired, enroute, …), also of nothing", reads("from", "to", "id", "state"), needsReceipt, (*Server).strangeReceipt, nil},
	"phone":   {"let a telephone (from) be reached or not: delivered, undeliverable, expired, never", reads("from", "state"), needsPhone, (*Server).setPhone, nil},
	"end":     {"end the simulator, after an unbind", nil, nil, nil, nil},
}

func twisted(t Twist) func(*Server, Step) {
	return func(s *Server, st Step) { s.TwistSubmitResps(t, max(st.Count, 1)) }
}

// someOf refuses share percent of the submits.
func (s *Server) someOf(status smpp.Status, share int) func(*smpp.Message) smpp.Status {
	return func(*smpp.Message) smpp.Status {
		if share > 0 {
			s.mu.Lock()
			pass := s.dice.IntN(100) >= share
			s.mu.Unlock()
			if pass {
				return smpp.StatusROK
			}
		}
		return status
	}
}

func (s *Server) texts(st Step) {
	for i := range max(st.Count, 1) {
		words := st.Text
		if st.Count > 1 {
			words = strings.ReplaceAll(words, "{n}", fmt.Sprint(i+1))
		}
		s.Phone(st.From).Send(st.to(), words)
	}
}

func (s *Server) badTLVs(st Step) {
	if pdu, err := BrokenTLVs(st.From, st.to(), st.Text); err == nil { // needsText has tried it
		s.WriteRaw(pdu)
	}
}

func (s *Server) strangeReceipt(st Step) {
	state, _ := receipt.ParseState(st.State)
	s.Phone(st.From).SendReceipt(st.to(), st.ID, state)
}

func (s *Server) setPhone(st Step) {
	s.Phone(st.From).SetState(PhoneState(slices.Index(phoneStateNames[:], st.State)))
}

func (st Step) to() string {
	if st.To == "" {
		return "1708"
	}
	return st.To
}

func (st Step) status(otherwise smpp.Status) smpp.Status {
	if st.Status == "" {
		return otherwise
	}
	status, _ := statusNamed(st.Status) // check has tried it
	return status
}

func (st Step) octets() ([]byte, error) {
	return hex.DecodeString(strings.Join(strings.Fields(st.Octets), ""))
}

func needsBy(st Step) error {
	if st.By <= 0 {
		return fmt.Errorf("%s needs by, how much, for instance 2s", st.Do)
	}
	return nil
}

func needsText(st Step) error {
	if st.From == "" || strings.Trim(st.From, "0123456789") != "" || st.Text == "" {
		return fmt.Errorf("%s needs from, a number in digits, and text", st.Do)
	}
	if st.Do == "bad_tlvs" {
		_, err := BrokenTLVs(st.From, st.to(), st.Text)
		return err
	}
	return nil
}

func needsOctets(st Step) error {
	if b, err := st.octets(); err != nil || len(b) == 0 {
		return errors.New("write needs octets in hexadecimal, for instance 00000010 00000015 00000000 00000001")
	}
	return nil
}

func needsReceipt(st Step) error {
	if _, ok := receipt.ParseState(st.State); !ok || st.From == "" || st.ID == "" {
		return errors.New("receipt needs from (the telephone), id and state (delivered, undeliverable, expired, enroute, accepted, deleted, rejected, unknown)")
	}
	return nil
}

func needsPhone(st Step) error {
	if st.From == "" || !slices.Contains(phoneStateNames[:], st.State) {
		return fmt.Errorf("phone needs from, its number, and state, one of %s", strings.Join(phoneStateNames[:], ", "))
	}
	return nil
}
