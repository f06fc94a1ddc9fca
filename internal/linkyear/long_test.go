package linkyear

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"aduan/smpp"
	"aduan/store"
)

// partsWithin is how long the parts of a long SMS are waited for.
const partsWithin = 2 * time.Minute

// long is a text of a citizen that comes in parts.
type long struct {
	lane   *lane
	tokens []string // of each part, in the text's order
	away   int      // the part that never comes; -1: none
}

// writeLong lets a citizen write in two to four parts, which come in any order; at times one stays away, or comes late. The
// SMSC's mu is held.
func (w *world) writeLong() {
	w.written++
	l := w.newLane()
	x := &long{lane: l, away: -1}
	total := 2 + w.dice.IntN(3)
	for i := range total {
		x.tokens = append(x.tokens, fmt.Sprintf("(%d/%d)", w.written, i+1))
	}
	order, how := w.dice.Perm(total), w.dice.IntN(6)
	for i, n := range order {
		last := i == total-1
		if last && how == 0 {
			x.away = n
			break
		}
		words := "di jalan melati " + x.tokens[n] + " "
		if n == 0 {
			words = "LAPOR lubang " + words
		}
		m := message(l.phone.Digits(), words)
		m.ESMClass = smpp.ESMUDHI
		m.ShortMessage = append([]byte{5, 0, 3, byte(w.written), byte(total), byte(n + 1)}, words...)
		pdu, err := smpp.AppendMessage(nil, smpp.CmdDeliverSM, 1, m)
		if err != nil {
			panic(err)
		}
		t := w.smsc.queue(l, m, pdu)
		t.part, t.digest = true, w.digest([]byte{0}, []byte(words))
		if last && how == 1 { // its gap has been marked meanwhile
			t.at = time.Now().Add(partsWithin + 2*w.set.look)
			w.smsc.later(time.Until(t.at), w.smsc.pump)
		}
	}
	l.long = x
	w.longs = append(w.longs, x)
	w.smsc.pump()
}

// stands looks whether a long text is in one ticket, once: each part in its place, and a gap where one is away.
func (x *long) stands(tickets [][]string) (found bool, wrong string) {
	all := 0
	for _, texts := range tickets {
		for _, text := range texts {
			if !slices.ContainsFunc(x.tokens, func(s string) bool { return strings.Contains(text, s) }) {
				continue
			}
			all++
			at := 0
			for n, token := range x.tokens {
				if n == x.away {
					token = "[...]"
				}
				i := strings.Index(text[at:], token)
				if i < 0 {
					wrong = fmt.Sprintf("%s is not in its place in %q", token, text)
					break
				}
				at += i + len(token)
			}
		}
	}
	if all > 1 {
		wrong = fmt.Sprintf("its parts stand in %d texts", all)
	}
	return all > 0, wrong
}

// long: what came in parts became one text.
func (a *audit) long() {
	tickets := a.w.redis.Tickets()
	for _, x := range a.w.longs {
		switch found, wrong := x.stands(tickets); {
		case !found:
			a.fail("a long SMS became no text: %v", x.tokens)
		case wrong != "":
			a.fail("a long SMS: %s", wrong)
		}
	}
}

// waits tells whether a long SMS is not joined yet.
func (w *world) longWaits() bool {
	tickets := w.redis.Tickets()
	return slices.ContainsFunc(w.longs, func(x *long) bool {
		found, _ := x.stands(tickets)
		return !found
	})
}

// push lets an officer ask somebody something that takes two to four segments.
func (w *world) push() {
	var l *lane
	w.smsc.locked(func() { l = w.newLane() })
	l.pushed = true
	d := w.daemons[w.dice.IntN(len(w.daemons))]
	text := fmt.Sprintf("Petugas bertanya, laporan %d: ", w.citizen) + strings.Repeat("di mana tepatnya lubang itu? ", 6+w.dice.IntN(12))
	w.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		c, err := d.store.Assume(l.phone)
		if err != nil {
			w.fail("%v", err)
			return
		}
		one := store.SMS{ID: d.store.NewID(c.ID.Shard), Text: text, From: shortCode, Link: "main", Class: store.ClassPush}
		_, _ = d.store.Commit(ctx, &store.Turn{ // where it fails, the officer is told so
			Boot: d.store.BootID(), Deadline: time.Now().Add(3 * time.Second), Now: time.Now(), Citizen: c, State: []byte("{}"), SMS: []store.SMS{one},
		})
	})
}

// way is how the segments of a long SMS to a telephone have gone.
type way struct {
	taken   map[byte]bool // by number
	by      *link         // which the last one came by
	refused bool
}

// inOrder: a segment comes when the one before was taken, and by the same session while that is well.
func (c *link) inOrder(m *smpp.Message) {
	b := m.ShortMessage
	if m.ESMClass&smpp.ESMUDHI == 0 || len(b) < 6 {
		return
	}
	v := c.s.ways[m.Destination.Addr]
	if v == nil {
		v = &way{taken: map[byte]bool{}}
		c.s.ways[m.Destination.Addr] = v
	}
	number := b[5]
	if number > 1 && !v.taken[number-1] {
		c.s.w.fail("segment %d of an SMS came before the one ahead of it was taken", number)
	}
	if was := v.by; number > 1 && was != nil && was != c && was.d == c.d && !v.refused && !was.gone && !was.hole && !was.odd && !was.leaving &&
		c.s.m == (mode{}) && !v.taken[number] {
		c.s.w.fail("segment %d of an SMS came by another session", number)
	}
	v.by = c
}

// went notes what became of a segment.
func (s *smsc) went(m *smpp.Message, taken bool) {
	v := s.ways[m.Destination.Addr]
	if v == nil || len(m.ShortMessage) < 6 {
		return
	}
	if !taken {
		v.refused = true
		return
	}
	v.taken[m.ShortMessage[5]] = true
}
