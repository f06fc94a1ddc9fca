package talk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"aduan/conversation"
	"aduan/internal/msisdn"
)

// Conversation is a talk with a line of its own, a step at a time: what is
// typed at the terminal. Steps are a minute apart, as in a dialogue.
type Conversation struct {
	p     *player
	from  string // the citizen who types
	begun bool
	last  conversation.Number // the ticket named last, for staff
	steps *recorder
}

// NewConversation begins a talk at the given time. Close ends it.
func NewConversation(ctx context.Context, o Options, start time.Time) (*Conversation, error) {
	if o.Location != nil {
		start = start.In(o.Location)
	}
	p, err := newPlayer(ctx, o, start)
	if err != nil {
		return nil, err
	}
	p.literal = true
	return &Conversation{p: p, from: defaultName, steps: newRecorder()}, nil
}

// Close ends the talk.
func (c *Conversation) Close() error { return c.p.w.Close() }

// Now is the time on the line's clock.
func (c *Conversation) Now() time.Time { return c.p.w.clock.Now() }

// From is the citizen who types; Become changes it. A name in lower case is a
// citizen, anything else an address.
func (c *Conversation) From() string { return c.from }

// Become lets another citizen type.
func (c *Conversation) Become(name string) error {
	if name == "" {
		return fmt.Errorf("name somebody: /as sari")
	}
	c.from = name
	return nil
}

// Outcome is what a step brought.
type Outcome struct {
	SMS     []Received
	Effects []conversation.Effects
	Refused string // of staff: why the citizen is not told
}

// Say sends an SMS and returns what comes back.
func (c *Conversation) Say(ctx context.Context, text string) (Outcome, error) {
	s := Step{SMS: &texts{text}}
	if c.from != defaultName {
		s.From = c.from
	}
	return c.do(ctx, s)
}

// Staff sets a status, as an officer does; the ticket is the one named last
// unless number says another.
func (c *Conversation) Staff(ctx context.Context, number conversation.Number, status, note string) (Outcome, error) {
	return c.staff(ctx, number, staffStep{Status: status, Note: note})
}

// Ask asks the citizen something, as an officer does.
func (c *Conversation) Ask(ctx context.Context, number conversation.Number, question string) (Outcome, error) {
	return c.staff(ctx, number, staffStep{Question: question})
}

func (c *Conversation) staff(ctx context.Context, number conversation.Number, s staffStep) (Outcome, error) {
	if number == 0 {
		number = c.last
	}
	if number == 0 {
		return Outcome{}, fmt.Errorf("there is no ticket yet")
	}
	s.Ticket = c.name(number)
	return c.do(ctx, Step{Staff: &s})
}

// Advance lets time pass, and returns what comes meanwhile.
func (c *Conversation) Advance(ctx context.Context, d time.Duration) (Outcome, error) {
	passed := span(d)
	return c.do(ctx, Step{Advance: &passed})
}

// do lets a step happen as the player of scripts would, and notes it.
func (c *Conversation) do(ctx context.Context, s Step) (Outcome, error) {
	if c.begun && s.Advance == nil {
		if err := c.p.w.advance(ctx, time.Minute, c.p.nextDue(ctx)); err != nil {
			return Outcome{}, err
		}
	}
	early := c.p.w.Air.Take()
	c.p.w.takeEffects()
	done, err := c.p.do(ctx, &s)
	if err != nil {
		return Outcome{}, err
	}
	c.begun = true
	out := Outcome{SMS: append(early, c.p.w.Air.Take()...), Effects: c.p.w.takeEffects(), Refused: done.refused}
	for _, r := range out.SMS {
		c.p.heard = r.Text
		for _, n := range conversation.NumbersIn(r.Text) {
			c.name(n)
			c.last = n
		}
	}
	st, err := c.p.state(ctx, done.to)
	if err != nil {
		return out, err
	}
	c.steps.add(c, s, out, st)
	return out, nil
}

// name is what a ticket is called in a script: $a, $b …
func (c *Conversation) name(n conversation.Number) string {
	for name, have := range c.p.names {
		if have == n {
			return name
		}
	}
	name := letters(len(c.p.names))
	c.p.names[name] = n
	return name
}

// letters counts $a, $b … $z, $aa.
func letters(i int) string {
	s := ""
	for ; i >= 0; i = i/26 - 1 {
		s = string(rune('a'+i%26)) + s
	}
	return "$" + s
}

// State is what the conversation with the citizen who types remembers.
func (c *Conversation) State(ctx context.Context) (conversation.State, error) {
	m, err := c.who()
	if err != nil {
		return conversation.State{}, err
	}
	return c.p.state(ctx, m)
}

func (c *Conversation) who() (msisdn.MSISDN, error) {
	m, _, err := c.p.address(c.from, "")
	return m, err
}

// written puts the names of tickets into a text, so that a script of it holds
// for other numbers too. A script knows braces only around them.
func (c *Conversation) written(text string) string {
	text = strings.NewReplacer("{", "(", "}", ")").Replace(text)
	for _, n := range conversation.NumbersIn(text) {
		for name, have := range c.p.names {
			if have != n {
				continue
			}
			for _, dress := range []struct{ is, name string }{
				{n.String(), ""},
				{n.Digits(), "digits "},
				{strings.ReplaceAll(n.String(), "-", " "), "spaced "},
				{strings.ReplaceAll(n.String(), "-", "."), "dotted "},
			} {
				text = strings.ReplaceAll(text, dress.is, "{"+dress.name+name+"}")
			}
		}
	}
	return text
}
