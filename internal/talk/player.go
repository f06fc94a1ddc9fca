package talk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/store"
)

// defaultName is the citizen of a step that names nobody.
const defaultName = "warga"

// player plays one dialogue.
type player struct {
	o     Options
	w     *World
	names map[string]conversation.Number // $a → its number
	texts map[string]string              // $r → an SMS, digits masked

	citizens map[string]msisdn.MSISDN // all that took part, by name
	long     map[string]*longSMS      // the last long SMS of each
	groups   map[msisdn.MSISDN]time.Time
	seen     map[msisdn.MSISDN]bool // those of whom something was kept; gone again: erased
	last     []*smpp.Message        // what the last sms step delivered
	heard    string                 // the last SMS that a citizen got
	ref      byte
	lost     bool // the acknowledgement of this step's SMS is lost: the next step redelivers it
	literal  bool // braces in a text are a citizen's own
	problems []string
}

type longSMS struct {
	parts []*smpp.Message
}

// Play plays a dialogue on a line of its own, and returns what was not as
// expected, a line each.
func Play(ctx context.Context, o Options, d Dialogue) ([]string, error) {
	p, err := newPlayer(ctx, o, monday(o.Location))
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.w.Close() }() // the embedded store keeps nothing
	for i := range d.Steps {
		redelivered := i+1 < len(d.Steps) && d.Steps[i+1].Redeliver
		if err := p.step(ctx, i, &d.Steps[i], redelivered); err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		if len(p.problems) > 0 {
			return p.problems, nil // what follows would only repeat it
		}
	}
	if d.End.set {
		if err := p.check(ctx, "end", d.End); err != nil {
			return nil, err
		}
	}
	return p.problems, nil
}

func newPlayer(ctx context.Context, o Options, start time.Time) (*player, error) {
	w, err := NewWorld(ctx, o, start)
	if err != nil {
		return nil, err
	}
	return &player{
		o: o, w: w, names: map[string]conversation.Number{}, texts: map[string]string{},
		citizens: map[string]msisdn.MSISDN{}, long: map[string]*longSMS{}, groups: map[msisdn.MSISDN]time.Time{},
		seen: map[msisdn.MSISDN]bool{},
	}, nil
}

// monday is 09:00 on a Monday in the line's time zone.
func monday(loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	return time.Date(2026, time.March, 2, 9, 0, 0, 0, loc)
}

func (p *player) fail(where, format string, args ...any) {
	p.problems = append(p.problems, where+": "+fmt.Sprintf(format, args...))
}

// outcome is what a step brought.
type outcome struct {
	to      msisdn.MSISDN // whose SMS are expected
	got     []Received
	refused string
}

func (p *player) step(ctx context.Context, i int, s *Step, redelivered bool) error {
	if i > 0 {
		gap := time.Minute
		if s.After != nil {
			gap = time.Duration(*s.After)
		}
		if s.Advance != nil || s.Check.set {
			gap = 0
		}
		if err := p.w.advance(ctx, gap, p.nextDue(ctx)); err != nil {
			return err
		}
	}
	if stray := p.w.Air.Take(); len(stray) > 0 {
		p.fail(where(i, s), "%d SMS came by themselves before this step: %q", len(stray), stray[0].Text)
		return nil
	}
	at := where(i, s)
	if s.Check.set {
		return p.check(ctx, at, s.Check)
	}
	p.lost = redelivered
	out, err := p.do(ctx, s)
	if err != nil {
		return err
	}
	out.got = p.w.Air.Take()
	return p.judge(ctx, at, s, out)
}

// where names a step so that its author finds it.
func where(i int, s *Step) string {
	what := "redeliver"
	switch {
	case s.SMS != nil:
		what = fmt.Sprintf("sms %q", strings.Join(*s.SMS, " + "))
	case s.Staff != nil:
		what = strings.TrimSpace("staff " + s.Staff.Status)
	case s.Advance != nil:
		what = "advance " + spanText(time.Duration(*s.Advance))
	case s.Check.set:
		what = "check"
	case s.Late > 0:
		what = fmt.Sprintf("late %d", s.Late)
	case s.Binary != "":
		what = "binary"
	case s.Echo:
		what = "echo"
	}
	if s.From != "" {
		what += " from " + s.From
	}
	return fmt.Sprintf("step %d (%s)", i+1, what)
}

// nextDue tells when something falls due after a time: what the conversations
// wait for, and long SMS whose parts stay away.
func (p *player) nextDue(ctx context.Context) func(time.Time) time.Time {
	return func(after time.Time) time.Time {
		var next time.Time
		take := func(t time.Time) {
			if t.After(after) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
		for _, m := range p.citizens {
			if st, err := p.state(ctx, m); err == nil {
				if at := st.TickAt(); !at.IsZero() {
					take(at.Add(time.Second))
				}
			}
		}
		for _, at := range p.groups {
			take(at)
		}
		return next
	}
}

func (p *player) state(ctx context.Context, m msisdn.MSISDN) (conversation.State, error) {
	c, err := p.w.Store.Load(ctx, p.w.Store.Identify(m))
	if errors.Is(err, store.ErrNotFound) {
		return conversation.State{Erased: p.seen[m]}, nil
	}
	if err != nil {
		return conversation.State{}, err
	}
	p.seen[m] = true
	return conversation.DecodeState(c.State)
}

// do lets a step happen.
func (p *player) do(ctx context.Context, s *Step) (outcome, error) {
	name := s.From
	if name == "" {
		name = defaultName
	}
	m, addr, err := p.address(name, s.As)
	if err != nil {
		return outcome{}, err
	}
	out := outcome{to: m}
	switch {
	case s.SMS != nil:
		return out, p.send(ctx, name, m, addr, *s.SMS, s.Arrive)
	case s.Binary != "":
		return out, p.binary(ctx, addr, s)
	case s.Echo:
		return out, p.send(ctx, name, m, addr, texts{p.heard}, nil)
	case s.Late > 0:
		l := p.long[name]
		if l == nil || s.Late > len(l.parts) {
			return out, fmt.Errorf("late: %s sent no long SMS with a part %d", name, s.Late)
		}
		return out, p.deliver(ctx, l.parts[s.Late-1])
	case s.Redeliver:
		if err := p.w.Air.Redeliver(ctx, p.last, p.lost); err != nil {
			return out, err
		}
		return out, p.w.settle(ctx)
	case s.Staff != nil:
		return p.staff(ctx, s.Staff)
	default:
		return out, p.w.advance(ctx, time.Duration(*s.Advance), p.nextDue(ctx))
	}
}

// address is the sender's address in the dress that the step asks for. Names
// in lower case are citizens, others are addresses themselves.
func (p *player) address(name, as string) (msisdn.MSISDN, smpp.Address, error) {
	if name != strings.ToLower(name) || strings.ContainsAny(name[:1], "0123456789+") {
		m, err := msisdn.Parse(name, 5, p.o.Region)
		if err != nil {
			m = msisdn.FromAddress(name)
		}
		return m, smpp.Address{TON: 5, Addr: name}, nil
	}
	m, err := number(name)
	if err != nil {
		return m, smpp.Address{}, err
	}
	p.citizens[name] = m
	switch as {
	case "":
		return m, smpp.Address{TON: 1, NPI: 1, Addr: m.Digits()}, nil
	case "national":
		return m, smpp.Address{TON: 2, NPI: 1, Addr: "0" + m.Digits()[2:]}, nil
	case "bare":
		return m, smpp.Address{Addr: m.Digits()}, nil
	default:
		return m, smpp.Address{}, fmt.Errorf("as: %q is unknown: national or bare", as)
	}
}

// staff does what a case officer does over HTTP.
func (p *player) staff(ctx context.Context, s *staffStep) (outcome, error) {
	n, ok := p.names[s.Ticket]
	if !ok {
		return outcome{}, fmt.Errorf("staff: no ticket is called %s yet", s.Ticket)
	}
	rec, err := p.w.Store.Ticket(ctx, n.Shard(), n.Serial())
	if err != nil {
		return outcome{}, err
	}
	out := outcome{to: rec.Number}
	viewer := desk.Viewer{Name: "staff", Reveal: true}
	var a desk.StatusAnswer
	if s.Question != "" {
		a, _, err = p.w.Desk.PushQuestion(ctx, desk.QuestionRequest{Viewer: viewer, Number: n, Text: s.Question})
	} else {
		a, _, err = p.w.Desk.PushStatus(ctx, desk.StatusRequest{Viewer: viewer, Number: n, Status: conversation.Status(s.Status), Note: s.Note, Notify: true})
	}
	switch {
	case errors.Is(err, desk.ErrClosed):
		out.refused = "closed"
	case errors.Is(err, desk.ErrErased):
		out.refused = "erased"
	case err != nil:
		return out, err
	case a.Refused != nil:
		out.refused = *a.Refused
	}
	return out, p.w.settle(ctx)
}
