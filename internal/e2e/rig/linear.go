package rig

import (
	"fmt"
	"slices"
	"strings"

	"aduan/conversation"
)

// turn is one text of a citizen in the recorded history: when it was sent and acknowledged (by the SMSC's journal), its
// place in the store's order, and the place of its answer among all that the telephone got.
type turn struct {
	smsc       string
	token      string
	sent, read uint64 // the SMSC's own count of events; read: acknowledged at the latest then
	place      string // in the stream of events of the citizen's shard
	answer     int    // -1: no answer names its ticket
}

// linear looks whether each citizen's history is one of a line that handles one message at a time: the store's order is
// the witness. It must not turn round what was acknowledged before the other was sent, and the answers must come in it,
// also those to texts that were under way together. And nobody is told of a ticket that does not stand.
func (j Judge) linear(phones map[string][]*said, c *content, heards map[string][]*heard) {
	j.T.Helper()
	var bad []string
	filed := map[string]filing{}
	for number, k := range c.tickets {
		if w := k.texts["x1"]; w.order != "" {
			filed[tokenPattern.FindString(w.text)] = filing{number, w.order}
		}
	}
	for phone, list := range phones {
		told := map[conversation.Number]int{}
		for i, h := range heards[phone] {
			for _, n := range numbersIn(h.text) {
				if _, seen := told[n]; !seen {
					told[n] = i
				}
				if c.tickets[n] == nil {
					bad = append(bad, fmt.Sprintf("an SMS names ticket %v, which does not stand", n))
				}
			}
		}
		bad = append(bad, crooked(turnsOf(list, filed, told))...)
	}
	j.complain("(c)", bad)
}

// filing is where the text of a token filed a ticket.
type filing struct {
	number conversation.Number
	order  string
}

// turnsOf is a citizen's history of texts that filed a ticket.
func turnsOf(list []*said, filed map[string]filing, told map[conversation.Number]int) []turn {
	byToken := map[string]turn{}
	for _, m := range list {
		token := tokenPattern.FindString(m.text)
		if token == "" || !m.acked() {
			continue
		}
		t, again := byToken[token]
		if again {
			delete(byToken, token) // sent twice: two turns, which cannot be told apart here
			continue
		}
		t.token, t.smsc, t.answer = token, m.smsc, -1
		for _, p := range m.parts {
			if t.sent == 0 || p.firstN < t.sent {
				t.sent = p.firstN
			}
			t.read = max(t.read, p.ackN)
		}
		byToken[token] = t
	}
	for token, t := range byToken {
		f, ok := filed[token]
		if !ok {
			continue
		}
		t.place = f.order
		if i, ok := told[f.number]; ok {
			t.answer = i
		}
		byToken[token] = t
	}
	var turns []turn
	for _, t := range byToken {
		if t.place != "" {
			turns = append(turns, t)
		}
	}
	slices.SortFunc(turns, func(a, b turn) int { return strings.Compare(a.place, b.place) })
	return turns
}

// crooked finds what cannot be in a history whose turns took place in this order.
func crooked(turns []turn) []string {
	var bad []string
	for i, a := range turns {
		for _, b := range turns[i+1:] {
			if a.smsc == b.smsc && b.read < a.sent {
				bad = append(bad, fmt.Sprintf("%s stands before %s, which was acknowledged before the other was sent", a.token, b.token))
			}
			if a.answer >= 0 && b.answer >= 0 && a.answer > b.answer {
				bad = append(bad, fmt.Sprintf("%s stands before %s, and is answered after it", a.token, b.token))
			}
		}
	}
	return bad
}
