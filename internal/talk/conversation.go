package talk

import (
	"context"
	"time"

	"aduan/internal/msisdn"
)

// Conversation is one citizen's talk with a line of its own.
type Conversation struct {
	p  *player
	me msisdn.MSISDN
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
	me, _, err := p.address(defaultName, "")
	if err != nil {
		return nil, err
	}
	return &Conversation{p: p, me: me}, nil
}

// Close ends the talk.
func (c *Conversation) Close() error { return c.p.w.Close() }

// Now is the time on the line's clock.
func (c *Conversation) Now() time.Time { return c.p.w.clock.Now() }

// Say sends an SMS and returns what comes back. A second later the clock goes on.
func (c *Conversation) Say(ctx context.Context, text string) ([]Received, error) {
	_, from, err := c.p.address(defaultName, "")
	if err != nil {
		return nil, err
	}
	msgs := c.p.plain(from, text)
	for _, m := range msgs {
		if err := c.p.deliver(ctx, m); err != nil {
			return nil, err
		}
	}
	if err := c.p.w.advance(ctx, time.Second, c.p.nextDue(ctx)); err != nil {
		return nil, err
	}
	return c.p.w.Air.Take(), nil
}

// Advance lets time pass, and returns what comes meanwhile.
func (c *Conversation) Advance(ctx context.Context, d time.Duration) ([]Received, error) {
	if err := c.p.w.advance(ctx, d, c.p.nextDue(ctx)); err != nil {
		return nil, err
	}
	return c.p.w.Air.Take(), nil
}
