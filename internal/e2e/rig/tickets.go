package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"aduan/conversation"
	"aduan/store"
)

// content is what the tickets hold.
type content struct {
	bad     []string
	tickets map[conversation.Number]*ticket
	kept    map[string]int // texts that no ticket took → how often
}

type ticket struct {
	head  conversation.Ticket
	owner string // the citizen's whole number, digits
	texts map[string]written
	sms   []string // id, state and error of each
}

// written is one text or answer of a ticket.
type written struct {
	text    string
	missing bool
	order   string // its place among the events of its shard; "": there is no event
}

// open opens the store for reading, past all networks of the test.
func (j *Judge) open(ctx context.Context) (*store.Store, error) {
	o := j.keeper().Where()
	o.Mode, o.KeyFile, o.DataDir, o.Fsync, o.AcceptFailoverLoss = store.ModeExternal, j.Config.KeyFile, j.T.TempDir(), "none", true
	return store.Open(ctx, o)
}

// contents reads every ticket and finds halves of turns: a ticket without its owner, a head that counts what is not
// there, a session that knows the ticket otherwise, no event (promise 2).
func (j *Judge) contents(ctx context.Context, d *dump) (*content, error) {
	s, err := j.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	c := &content{tickets: map[conversation.Number]*ticket{}, kept: map[string]int{}}
	for key := range d.hash {
		tag, kind, rest := name(key)
		shard, _ := strconv.Atoi(strings.Trim(tag, "{}:"))
		switch kind {
		case "t":
			serial, err := strconv.ParseUint(rest, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if err := c.ticket(ctx, s, d, tag, shard, serial); err != nil {
				c.say("%s: %v", key, err)
			}
		case "c":
			if err := c.citizen(ctx, s, d, tag, store.CitizenID{Shard: shard, Hash: rest}); err != nil {
				c.say("%s: %v", key, err)
			}
		}
	}
	c.events(d)
	return c, nil
}

func (c *content) say(format string, args ...any) {
	c.bad = append(c.bad, fmt.Sprintf(format, args...))
}

func (c *content) ticket(ctx context.Context, s *store.Store, d *dump, tag string, shard int, serial uint64) error {
	rec, err := s.Ticket(ctx, shard, serial)
	if err != nil {
		return err
	}
	t := &ticket{owner: rec.Number.Digits(), texts: map[string]written{}}
	if err := json.Unmarshal(rec.Head, &t.head); err != nil {
		return fmt.Errorf("its head: %w", err)
	}
	if want := conversation.NewNumber(shard, serial); t.head.Number != want {
		return fmt.Errorf("its head bears the number %v", t.head.Number)
	}
	c.tickets[t.head.Number] = t
	if rec.Citizen.Version == 0 && !t.head.Erased {
		return fmt.Errorf("its owner is missing")
	}
	counts := map[byte]int{}
	for field, data := range rec.Entries {
		counts[field[0]]++
		if field[0] == 'm' && d.hash[tag+"m:"+string(data)] == nil {
			return fmt.Errorf("%s: SMS %s is missing", field, data)
		}
		if field[0] == 'm' {
			m := d.hash[tag+"m:"+string(data)]
			t.sms = append(t.sms, fmt.Sprintf("%s %s %s accepted as %s", data, m["st"], m["er"], m["acc"]))
		}
		if field[0] == 'x' || field[0] == 'a' {
			var e struct {
				conversation.TextEntry
				Text string `json:"t"` // of an answer
			}
			if err := json.Unmarshal(data, &e); err != nil {
				return fmt.Errorf("%s: %w", field, err)
			}
			w := written{text: e.TextEntry.Text(), missing: e.Missing()}
			if w.text == "" {
				w.text = e.Text
			}
			t.texts[field] = w
		}
	}
	if h := t.head; !h.Erased && (counts['x'] != h.Texts || counts['a'] != h.Answers || counts['y'] != h.Changes || counts['m'] != h.Messages) {
		return fmt.Errorf("its head counts %d texts, %d answers, %d changes, %d SMS; there are %d, %d, %d, %d",
			h.Texts, h.Answers, h.Changes, h.Messages, counts['x'], counts['a'], counts['y'], counts['m'])
	}
	state, err := conversation.DecodeState(rec.Citizen.State)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(state.Tickets, func(x conversation.Ticket) bool { return x.Number == t.head.Number })
	if i < 0 {
		if t.head.Status.Open() && !t.head.Erased {
			return fmt.Errorf("it is %s, and its citizen's session does not know it", t.head.Status)
		}
		return nil
	}
	a, _ := json.Marshal(state.Tickets[i])
	b, _ := json.Marshal(t.head)
	if string(a) != string(b) {
		return fmt.Errorf("its citizen's session knows it as %s, its head is %s", a, b)
	}
	return nil
}

func (c *content) citizen(ctx context.Context, s *store.Store, d *dump, tag string, id store.CitizenID) error {
	who, err := s.Load(ctx, id)
	if err != nil {
		return err
	}
	state, err := conversation.DecodeState(who.State)
	if err != nil {
		return err
	}
	if _, due := d.zset[tag+"due"]["q"+id.Hash]; due == state.TickAt().IsZero() {
		return fmt.Errorf("its session falls due at %v, in the due set: %v", state.TickAt(), due)
	}
	for _, t := range state.Tickets {
		if d.hash[tag+"t:"+strconv.FormatUint(t.Number.Serial(), 10)] == nil {
			return fmt.Errorf("its session knows ticket %v, which is missing", t.Number)
		}
	}
	kept, err := s.KeptContent(ctx, id)
	if err != nil {
		return err
	}
	for _, k := range kept {
		var raw struct {
			Data []byte `json:"data"`
		}
		if json.Unmarshal(k, &raw) == nil {
			c.kept[string(raw.Data)]++
		}
	}
	return nil
}

// events puts each text at its place in the stream of events, and finds tickets that were never told of.
func (c *content) events(d *dump) {
	filed := map[conversation.Number]int{}
	for key, messages := range d.streams {
		tag, kind, _ := name(key)
		if kind != "ev" {
			continue
		}
		shard, _ := strconv.Atoi(strings.Trim(tag, "{}:"))
		for i, m := range messages {
			c.event(shard, fmt.Sprintf("%09d", i), m, filed)
		}
	}
	for number := range c.tickets {
		if filed[number] != 1 {
			c.say("ticket %v has %d events complaint.filed", number, filed[number])
		}
	}
}

func (c *content) event(shard int, order string, m redis.XMessage, filed map[conversation.Number]int) {
	var e struct {
		Type   string
		Ticket uint64
		Data   struct{ Text, Answer int }
	}
	body, _ := m.Values["e"].(string)
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		c.say("shard %02d: event %s: %v", shard, m.ID, err)
		return
	}
	if e.Ticket == 0 {
		return
	}
	number := conversation.NewNumber(shard, e.Ticket)
	t := c.tickets[number]
	if t == nil {
		c.say("shard %02d: event %s (%s) is about ticket %v, which is missing", shard, m.ID, e.Type, number)
		return
	}
	if e.Type == "complaint.filed" {
		filed[number]++
		e.Data.Text = 1
	}
	for field, n := range map[string]int{"x": e.Data.Text, "a": e.Data.Answer} {
		field += strconv.Itoa(n)
		if w, ok := t.texts[field]; ok && n > 0 && w.order == "" {
			w.order = order
			t.texts[field] = w
		}
	}
}
