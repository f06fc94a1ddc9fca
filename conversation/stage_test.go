package conversation_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"aduan/conversation"
)

// stage plays dialogues directly on Step: a map stands for the store.
type stage struct {
	t        testing.TB
	e        *conversation.Engine
	now      time.Time
	citizens map[string]*person
	tickets  map[conversation.Number]*record
	names    map[string]conversation.Number
	replies  map[string]string
	last     map[string]string
	events   []string
	serial   uint64
	filed    int
	from     string
	sent     []conversation.Reply
	refused  string
}

type person struct {
	state   conversation.State
	kept    int
	parts   []string // of the last long SMS
	arrived []int
	due     time.Time
	entry   conversation.TextEntry
	field   string
	number  conversation.Number
}

type record struct {
	owner   string
	head    conversation.Ticket
	texts   map[int]conversation.TextEntry
	answers map[int]conversation.AnswerEntry
}

func newStage(t testing.TB) *stage {
	return &stage{
		t: t, e: engine(t), now: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC), // a Monday, 09:00 in Jakarta
		citizens: map[string]*person{}, tickets: map[conversation.Number]*record{},
		names: map[string]conversation.Number{}, replies: map[string]string{}, last: map[string]string{},
		serial: 10001,
	}
}

func (g *stage) citizen(name string) *person {
	if g.citizens[name] == nil {
		g.citizens[name] = &person{}
	}
	return g.citizens[name]
}

func (g *stage) bound(n conversation.Number) bool {
	for _, have := range g.names {
		if have == n {
			return true
		}
	}
	return false
}

func (g *stage) unknown() conversation.Number { return conversation.NewNumber(7, 98765) }

func numbersIn(text string) []conversation.Number { return conversation.NumbersIn(text) }

// step runs one input through Step and a codec, and keeps what it causes.
func (g *stage) step(name string, in conversation.Input) conversation.Effects {
	g.t.Helper()
	p := g.citizen(name)
	before, err := conversation.EncodeState(p.state)
	if err != nil {
		g.t.Fatal(err)
	}
	next, fx := g.e.Step(p.state, in, g.now)
	if after, _ := conversation.EncodeState(p.state); string(after) != string(before) {
		g.t.Errorf("Step changed its argument:\n%s\n%s", before, after)
	}
	data, err := conversation.EncodeState(next)
	if err != nil {
		g.t.Fatal(err)
	}
	if p.state, err = conversation.DecodeState(data); err != nil {
		g.t.Fatal(err)
	}
	for _, head := range fx.Tickets {
		if g.tickets[head.Number] == nil {
			g.tickets[head.Number] = &record{owner: name, texts: map[int]conversation.TextEntry{}, answers: map[int]conversation.AnswerEntry{}}
			g.filed++
			g.serial++
		}
		g.tickets[head.Number].head = head
	}
	for _, e := range fx.Texts {
		g.tickets[e.Ticket].texts[e.Index] = e
		p.number, p.field, p.entry = e.Ticket, "x", e
	}
	for _, a := range fx.Answers {
		g.tickets[a.Ticket].answers[a.Index] = a
		data, _ := json.Marshal(a) // an answer's stored form reads as a text's
		p.number, p.field, p.entry = a.Ticket, "a", conversation.TextEntry{}
		if err := json.Unmarshal(data, &p.entry); err != nil {
			g.t.Fatal(err)
		}
	}
	for _, e := range fx.Events {
		if !strings.HasPrefix(e.Type, "ticket.") {
			g.events = append(g.events, e.Type)
		}
	}
	if fx.Kept {
		p.kept++
	}
	if len(fx.Replies) > 1 {
		g.t.Errorf("%d replies", len(fx.Replies))
	}
	for _, r := range fx.Replies {
		g.last[name] = r.Text
		if testing.Verbose() {
			g.t.Logf("  %s < %s", name, r.Text)
		}
	}
	g.sent = append(g.sent, fx.Replies...)
	return fx
}

func (g *stage) text(from, text string) {
	g.t.Helper()
	in := conversation.SMS{Text: text, Link: "main", NewNumber: conversation.NewNumber(42, g.serial)}
	if testing.Verbose() {
		g.t.Logf("  %s > %s", from, text)
	}
	if from != strings.ToLower(from) || strings.Trim(from, "0123456789") == "" {
		in.Sender = conversation.SenderMachine
	}
	for _, n := range conversation.NumbersIn(text) {
		if r := g.tickets[n]; r != nil && r.owner == from && !holds(g.citizen(from).state, n) {
			in.Known = append(in.Known, r.head)
		}
	}
	g.step(from, in)
}

func holds(s conversation.State, n conversation.Number) bool {
	return slices.ContainsFunc(s.Tickets, func(t conversation.Ticket) bool { return t.Number == n })
}

func (g *stage) unreadable(from string) { g.step(from, conversation.Unreadable{Link: "main"}) }

// long keeps the parts; the whole text, or after ten minutes what came of it, is a turn.
func (g *stage) long(from string, parts []string, arrive []int) {
	p := g.citizen(from)
	p.parts, p.arrived = parts, arrive
	if len(arrive) == len(parts) {
		g.step(from, conversation.SMS{Text: strings.Join(parts, ""), Parts: parts, Link: "main", NewNumber: conversation.NewNumber(42, g.serial)})
		return
	}
	p.due = g.now.Add(10 * time.Minute)
}

func (g *stage) late(from string, part int) {
	p := g.citizen(from)
	if !p.due.IsZero() { // not too late: it still waits for its parts
		p.due = time.Time{}
		g.long(from, p.parts, append(slices.Clone(p.arrived), part))
		return
	}
	g.step(from, conversation.LatePart{Ticket: p.number, Field: p.field + strconv.Itoa(p.entry.Index), Entry: p.entry, Part: part, Text: p.parts[part-1]})
}

func (g *stage) staff(n conversation.Number, status, note, question string) {
	r := g.tickets[n]
	g.from = r.owner
	var fx conversation.Effects
	if question != "" {
		fx = g.step(r.owner, conversation.StaffQuestion{Ticket: n, Text: question, By: "staff", Known: []conversation.Ticket{r.head}})
	} else {
		fx = g.step(r.owner, conversation.StaffStatus{Ticket: n, Status: conversation.Status(status), Note: note, Notify: true, By: "staff", Known: []conversation.Ticket{r.head}})
	}
	g.refused = fx.Refused
}

// until lets time pass; what falls due happens at its time.
func (g *stage) until(at time.Time) {
	for {
		first, name := at, ""
		for n, p := range g.citizens {
			if due := p.state.TickAt(); !due.IsZero() && due.Before(first) {
				first, name = due, n
			}
			if !p.due.IsZero() && p.due.Before(first) {
				first, name = p.due, n
			}
		}
		g.now = first
		if name == "" {
			return
		}
		p := g.citizen(name)
		if !p.due.IsZero() && !p.due.After(g.now) {
			p.due = time.Time{}
			parts, gaps := make([]string, len(p.parts)), []int(nil)
			for i := range p.parts {
				if slices.Contains(p.arrived, i+1) {
					parts[i] = p.parts[i]
				} else {
					gaps = append(gaps, i+1)
				}
			}
			g.step(name, conversation.SMS{Parts: parts, Gaps: gaps, Link: "main", NewNumber: conversation.NewNumber(42, g.serial)})
			continue
		}
		g.step(name, conversation.Tick{})
	}
}

// check compares facts.
func (g *stage) check(where string, facts map[string]yaml.Node) {
	g.t.Helper()
	for key, node := range facts {
		switch {
		case key == "tickets":
			g.same(where, key, strconv.Itoa(g.filed), node.Value)
		case key == "events":
			var want []string
			_ = node.Decode(&want)
			if !slices.Equal(g.events, want) {
				g.t.Errorf("%s: events %v, want %v", where, g.events, want)
			}
		case strings.HasPrefix(key, "$"):
			g.checkTicket(where+" "+key, g.tickets[g.names[key]], node)
		default:
			g.checkCitizen(where+" "+key, g.citizen(key), node)
		}
	}
}

func (g *stage) same(where, what, got, want string) {
	g.t.Helper()
	if got != want {
		g.t.Errorf("%s: %s %s, want %s", where, what, got, want)
	}
}

func (g *stage) checkCitizen(where string, p *person, node yaml.Node) {
	var facts map[string]string
	_ = node.Decode(&facts)
	for key, want := range facts {
		got := map[string]string{
			"opted_out": strconv.FormatBool(p.state.OptedOut), "erased": strconv.FormatBool(p.state.Erased),
			"language": p.state.Language, "kept": strconv.Itoa(p.kept),
		}[key]
		g.same(where, key, got, want)
	}
}

func (g *stage) checkTicket(where string, r *record, node yaml.Node) {
	g.t.Helper()
	if r == nil {
		g.t.Errorf("%s: no such ticket", where)
		return
	}
	h := r.head
	var all string
	answers, missing := []string{}, false
	for i := 1; i <= h.Texts; i++ {
		all += r.texts[i].Text() + "\n"
		missing = missing || r.texts[i].Missing()
	}
	for i := 1; i <= h.Answers; i++ {
		all += r.answers[i].Text + "\n"
		answers = append(answers, r.answers[i].Question)
		missing = missing || r.answers[i].Missing()
	}
	all = strings.ToLower(all)
	rating := strconv.Itoa(h.Rating)
	if h.Rating == 0 {
		rating = "none"
	}
	got := map[string]string{
		"kind": string(h.Kind), "status": string(h.Status), "texts": strconv.Itoa(h.Texts), "rating": rating, "language": h.Language,
		"confidential": strconv.FormatBool(h.Confidential), "incomplete": strconv.FormatBool(h.Incomplete),
		"urgent": strconv.FormatBool(h.Urgent), "missing": strconv.FormatBool(missing),
	}
	var facts map[string]yaml.Node
	_ = node.Decode(&facts)
	for key, n := range facts {
		var list wordList
		_ = n.Decode(&list)
		switch key {
		case "has", "lacks":
			for _, s := range list {
				if strings.Contains(all, strings.ToLower(s)) != (key == "has") {
					g.t.Errorf("%s %s %q: %s", where, key, s, all)
				}
			}
		case "category":
			category := h.Category
			if category == "" {
				category = "none"
			}
			if !slices.Contains(list, category) {
				g.t.Errorf("%s: category %q, want %v", where, h.Category, list)
			}
		case "answers":
			if !slices.Equal(answers, list) {
				g.t.Errorf("%s: answers %v, want %v", where, answers, list)
			}
		default:
			g.same(where, key, got[key], n.Value)
		}
	}
}
