package talk

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"aduan/conversation"
	"aduan/internal/desk"
)

// recorder keeps the steps of a conversation as a dialogue.
type recorder struct{ steps []*yaml.Node }

func newRecorder() *recorder { return &recorder{} }

// add notes a step with what it brought.
func (r *recorder) add(c *Conversation, s Step, out Outcome, st conversation.State) {
	step := mapping(false)
	switch {
	case s.Advance != nil:
		put(step, "advance", plain(spanText(time.Duration(*s.Advance))))
	case s.Staff != nil:
		staff := mapping(true)
		put(staff, "ticket", plain(s.Staff.Ticket))
		for _, f := range []struct{ key, value string }{{"status", s.Staff.Status}, {"note", s.Staff.Note}, {"question", s.Staff.Question}} {
			if f.value != "" {
				put(staff, f.key, quote(f.value))
			}
		}
		put(step, "staff", staff)
	default:
		put(step, "sms", quote(c.written(strings.Join(*s.SMS, ""))))
		if s.From != "" {
			put(step, "from", plain(s.From))
		}
	}
	put(step, "expect", expectation(c, s, out, st))
	r.steps = append(r.steps, step)
}

// expectation is what a step brought, in the words of a script.
func expectation(c *Conversation, s Step, out Outcome, st conversation.State) *yaml.Node {
	e := mapping(true)
	usual := 1
	if s.Advance != nil || out.Refused != "" {
		usual = 0
	}
	if len(out.SMS) != usual {
		put(e, "replies", plain(strconv.Itoa(len(out.SMS))))
	}
	if out.Refused != "" {
		put(e, "refused", plain(out.Refused))
	}
	if len(out.SMS) > 0 {
		put(e, "ticket", tickets(c, out.SMS))
		longest := 1
		for _, m := range out.SMS {
			longest = max(longest, m.Segments)
		}
		if longest > 1 {
			put(e, "max_segments", plain(strconv.Itoa(longest)))
		}
	}
	question, about := st.Asks()
	put(e, "asks", plain(question))
	if about != 0 {
		put(e, "asks_about", plain(c.name(about)))
	}
	return e
}

// tickets names those in the SMS: none, one, or a list.
func tickets(c *Conversation, got []Received) *yaml.Node {
	var named []string
	for _, m := range got {
		for _, n := range conversation.NumbersIn(m.Text) {
			if name := c.name(n); !slices.Contains(named, name) {
				named = append(named, name)
			}
		}
	}
	switch len(named) {
	case 0:
		return plain("none")
	case 1:
		return plain(named[0])
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, name := range named {
		list.Content = append(list.Content, plain(name))
	}
	return list
}

// Record writes the conversation so far as a dialogue with the given name,
// which passes when it is played.
func (c *Conversation) Record(ctx context.Context, w io.Writer, name string) error {
	d := mapping(false)
	put(d, "name", quote(name))
	put(d, "about", plain("recorded"))
	put(d, "steps", &yaml.Node{Kind: yaml.SequenceNode, Content: c.steps.steps})
	end := mapping(true)
	events, err := c.p.events(ctx)
	if err != nil {
		return err
	}
	filed := 0
	list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, e := range events {
		if e == conversation.EventFiled {
			filed++
		}
		list.Content = append(list.Content, plain(e))
	}
	put(end, "tickets", plain(strconv.Itoa(filed)))
	put(end, "events", list)
	for i := range len(c.p.names) {
		ticket := letters(i)
		n, ok := c.p.names[ticket]
		if !ok {
			continue
		}
		v, err := c.p.w.Desk.Ticket(ctx, desk.TicketRequest{Number: n})
		if err != nil {
			continue // a number that was never given
		}
		facts := mapping(true)
		put(facts, "status", plain(v.Status))
		put(facts, "texts", plain(strconv.Itoa(len(v.Texts))))
		put(end, ticket, facts)
	}
	put(d, "end", end)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{d}}); err != nil {
		return fmt.Errorf("talk: record: %w", err)
	}
	return enc.Close()
}

// Said tells whether anything has happened yet.
func (c *Conversation) Said() bool { return len(c.steps.steps) > 0 }

func mapping(flow bool) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if flow {
		n.Style = yaml.FlowStyle
	}
	return n
}

func put(m *yaml.Node, key string, v *yaml.Node) { m.Content = append(m.Content, plain(key), v) }

func plain(v string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: v} }

func quote(v string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v, Style: yaml.DoubleQuotedStyle}
}

// spanText writes a span as scripts do: 10d, 3h, 90s.
func spanText(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day && d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	case d >= time.Hour && d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d >= time.Minute && d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	default:
		return d.String()
	}
}
