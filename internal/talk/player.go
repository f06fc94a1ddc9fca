package talk

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/smpp/segment"
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
	problems []string
}

type longSMS struct {
	parts []*smpp.Message
	ref   byte
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
	if stray := p.w.phones.take(); len(stray) > 0 {
		p.fail(p.where(i), "%d SMS came by themselves before this step: %q", len(stray), stray[0].Text)
		return nil
	}
	where := p.where(i)
	if s.Check.set {
		return p.check(ctx, where, s.Check)
	}
	out, err := p.do(ctx, s)
	if err != nil {
		return err
	}
	if !redelivered {
		p.w.prove()
	}
	out.got = p.w.phones.take()
	return p.judge(ctx, where, s, out)
}

func (p *player) where(i int) string { return fmt.Sprintf("step %d", i+1) }

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
	c, err := p.w.store.Load(ctx, p.w.store.Identify(m))
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
		p.w.connect()
		for _, m := range p.last {
			if err := p.deliver(ctx, m); err != nil {
				return out, err
			}
		}
		return out, nil
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

// send delivers a text, in parts where it is long or given in parts.
func (p *player) send(ctx context.Context, name string, m msisdn.MSISDN, from smpp.Address, parts texts, arrive []int) error {
	msgs, err := p.messages(from, parts)
	if err != nil {
		return err
	}
	p.last = msgs
	if len(msgs) > 1 {
		p.long[name] = &longSMS{parts: msgs}
	}
	if arrive == nil {
		for i := range msgs {
			arrive = append(arrive, i+1)
		}
	}
	if len(arrive) < len(msgs) {
		p.groups[m] = p.w.clock.Now().Add(p.o.SegmentsTimeout + time.Second)
	}
	for _, n := range arrive {
		if n < 1 || n > len(msgs) {
			return fmt.Errorf("arrive: there is no part %d", n)
		}
		if err := p.deliver(ctx, msgs[n-1]); err != nil {
			return err
		}
	}
	return nil
}

// messages are the deliver_sm of a text.
func (p *player) messages(from smpp.Address, parts texts) ([]*smpp.Message, error) {
	p.ref++
	var msgs []*smpp.Message
	filled := make([]string, len(parts))
	for i := range parts {
		var err error
		if filled[i], err = p.fill(parts[i]); err != nil {
			return nil, err
		}
	}
	if len(filled) == 1 {
		return p.plain(from, filled[0]), nil
	}
	for i, text := range filled {
		enc := segment.Split(text, p.ref)
		if len(enc.Parts) != 1 {
			return nil, fmt.Errorf("part %d is longer than one SMS", i+1)
		}
		udh := []byte{5, 0, 3, p.ref, byte(len(filled)), byte(i + 1)}
		msgs = append(msgs, p.message(from, enc.DataCoding, udh, enc.Parts[0].Text))
	}
	return msgs, nil
}

// plain is a text as a telephone sends it, in as many parts as it takes.
func (p *player) plain(from smpp.Address, text string) []*smpp.Message {
	p.ref++
	enc := segment.Split(text, p.ref)
	msgs := make([]*smpp.Message, 0, len(enc.Parts))
	for _, part := range enc.Parts {
		msgs = append(msgs, p.message(from, enc.DataCoding, part.UDH, part.Text))
	}
	return msgs
}

func (p *player) message(from smpp.Address, coding byte, udh, text []byte) *smpp.Message {
	m := &smpp.Message{Source: from, Destination: smpp.Address{TON: 3, Addr: p.o.ShortCode}, DataCoding: coding}
	if len(udh) > 0 {
		m.ESMClass = 0x40
	}
	m.ShortMessage = append(append([]byte(nil), udh...), text...)
	return m
}

func (p *player) binary(ctx context.Context, from smpp.Address, s *Step) error {
	data, err := hex.DecodeString(s.Binary)
	if err != nil {
		return fmt.Errorf("binary: %w", err)
	}
	coding := byte(4)
	if s.Coding != nil {
		coding = *s.Coding
	}
	m := p.message(from, coding, nil, data)
	p.last = []*smpp.Message{m}
	return p.deliver(ctx, m)
}

func (p *player) deliver(ctx context.Context, m *smpp.Message) error {
	status, err := p.w.deliver(ctx, m)
	if err != nil {
		return err
	}
	if status != smpp.StatusROK {
		return fmt.Errorf("deliver_sm was answered %v", status)
	}
	return nil
}

// staff does what a case officer does over HTTP.
func (p *player) staff(ctx context.Context, s *staffStep) (outcome, error) {
	n, ok := p.names[s.Ticket]
	if !ok {
		return outcome{}, fmt.Errorf("staff: no ticket is called %s yet", s.Ticket)
	}
	rec, err := p.w.store.Ticket(ctx, n.Shard(), n.Serial())
	if err != nil {
		return outcome{}, err
	}
	out := outcome{to: rec.Number}
	viewer := desk.Viewer{Name: "staff", Reveal: true}
	var a desk.StatusAnswer
	if s.Question != "" {
		a, _, err = p.w.desk.PushQuestion(ctx, desk.QuestionRequest{Viewer: viewer, Number: n, Text: s.Question})
	} else {
		a, _, err = p.w.desk.PushStatus(ctx, desk.StatusRequest{Viewer: viewer, Number: n, Status: conversation.Status(s.Status), Note: s.Note, Notify: true})
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

// fill puts ticket numbers into a text: {$a} {digits $a} {spaced $a} {dotted
// $a} {mistype $a} {swap $a} {unknown}.
func (p *player) fill(text string) (string, error) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		inside, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "", fmt.Errorf("%q: a { without its }", text)
		}
		v, err := p.dress(inside)
		if err != nil {
			return "", err
		}
		b.WriteString(v)
		text = after
	}
}

func (p *player) dress(what string) (string, error) {
	if what == "unknown" {
		return p.unknown().String(), nil
	}
	dress, name, ok := strings.Cut(what, " ")
	if !ok {
		dress, name = "", what
	}
	n, known := p.names[name]
	if !known {
		return "", fmt.Errorf("{%s}: no ticket is called %s yet", what, name)
	}
	d := n.Digits()
	switch dress {
	case "":
		return n.String(), nil
	case "digits":
		return d, nil
	case "spaced":
		return strings.ReplaceAll(n.String(), "-", " "), nil
	case "dotted":
		return strings.ReplaceAll(n.String(), "-", "."), nil
	case "mistype":
		b := []byte(d)
		b[2] = '0' + (b[2]-'0'+1)%10
		return string(b), nil
	case "swap":
		b := []byte(d)
		for i := 0; i+1 < len(b); i++ {
			if b[i] != b[i+1] {
				b[i], b[i+1] = b[i+1], b[i]
				return string(b), nil
			}
		}
		return "", fmt.Errorf("{%s}: all digits are alike", what)
	default:
		return "", fmt.Errorf("{%s}: no such dress", what)
	}
}

// unknown is a right number that was never given.
func (p *player) unknown() conversation.Number {
	shard := 7
	for _, n := range p.names {
		shard = n.Shard()
	}
	return conversation.NewNumber(shard, 98765)
}

// citizenNames are all who took part, in order.
func (p *player) citizenNames() []string {
	all := make([]string, 0, len(p.citizens))
	for n := range p.citizens {
		all = append(all, n)
	}
	sort.Strings(all)
	return all
}
