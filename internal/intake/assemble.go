package intake

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aduan/conversation"
	"aduan/internal/failpoint"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/store"
)

// SAR TLVs, SMPP 3.4 §5.3.2.22 to 24.
const (
	tagSARMsgRefNum     = 0x020C
	tagSARTotalSegments = 0x020E
	tagSARSegmentSeqnum = 0x020F
)

// piece is a part of a long SMS as the store keeps it (sealed): octets are
// joined before they are decoded, since a character may be cut in two.
type piece struct {
	Coding byte   `json:"c"`
	UDH    []byte `json:"u,omitempty"`
	Data   []byte `json:"d"`
	To     string `json:"to"`
	Link   string `json:"l"`
}

// concat tells which part of which long SMS a message is: by UDH (3GPP TS
// 23.040 §9.2.3.24.1 and .8), else by SAR TLVs.
func concat(m *smpp.Message) (segment.Concat, bool) {
	udh, _ := m.Content()
	if c, ok := segment.ParseUDH(udh); ok {
		return c, true
	}
	ref, okRef := m.TLVs.Get(tagSARMsgRefNum)
	total, okTotal := m.TLVs.Get(tagSARTotalSegments)
	number, okNumber := m.TLVs.Get(tagSARSegmentSeqnum)
	if !okRef || !okTotal || !okNumber || len(ref) != 2 || len(total) != 1 || len(number) != 1 {
		return segment.Concat{}, false
	}
	c := segment.Concat{Ref: binary.BigEndian.Uint16(ref), Wide: true, Total: int(total[0]), Number: int(number[0])}
	return c, c.Total > 1 && c.Number >= 1 && c.Number <= c.Total
}

// part keeps one part of a long SMS, and makes the turn when it completes it.
func (in *Intake) part(ctx context.Context, it *item, c segment.Concat) verdict {
	udh, body := it.d.Message.Content()
	p := piece{Coding: it.d.Message.DataCoding, UDH: udh, Data: body, To: it.d.Message.Destination.Addr, Link: it.d.Link}
	data, err := json.Marshal(p)
	if err != nil {
		return in.failed(it, err)
	}
	citizen, err := in.o.Store.Assume(it.from)
	if err != nil {
		return in.failed(it, err)
	}
	digest, over := in.o.Store.Digest([]byte{p.Coding}, body), false
	for range maxPartAttempts {
		wait := in.commitWait(it.d.Link)
		keep, cancel := context.WithTimeout(ctx, wait)
		failpoint.Hit(failpoint.BeforeCommit)
		out, err := in.o.Store.KeepPart(keep, store.Part{
			Boot: it.boot, Deadline: in.o.Now().Add(wait), Now: in.o.Now(), Timeout: in.settings.Load().SegmentsTimeout,
			Citizen: citizen, Destination: p.To, Ref: c.Ref, Wide: c.Wide, Total: c.Total, Number: c.Number,
			Data: data, Digest: digest, Over: over,
		})
		cancel()
		if err != nil {
			return in.failed(it, err)
		}
		switch out.Kind {
		case store.PartStale:
			citizen = out.Citizen
			continue
		case store.PartConflict:
			// The reference has come round: what was begun under it ends here.
			if err := in.join(ctx, it, out.Group); err != nil {
				return in.failed(it, err)
			}
			in.o.Metrics.part("reference reused")
			continue
		case store.PartFull:
			// Joined with its gaps before its time; where that fails, it holds up nothing else.
			over = in.join(ctx, it, out.Group) != nil
			in.o.Metrics.part("too many open")
			continue
		case store.PartWhole:
			err = in.join(ctx, it, out.Group)
			in.o.Metrics.part("whole")
		case store.PartGap:
			err = in.fillGap(ctx, it, out.Group, c.Number, digest, p)
			in.o.Metrics.part("late")
		case store.PartDuplicate:
			in.o.Metrics.part("duplicate")
		case store.PartKept:
			failpoint.Hit(failpoint.BetweenParts)
			in.o.Metrics.part("kept")
		default: // late, or of a boot that is fenced: nothing was written
			err = fmt.Errorf("part of a long message: nothing kept: outcome %d", out.Kind)
		}
		if err != nil {
			return in.failed(it, err)
		}
		return acknowledged
	}
	return in.failed(it, turn.ErrBusy)
}

const maxPartAttempts = 6

// join makes the turn of a long SMS from its parts, whole or with gaps. it is
// the message that brought the last part, nil when the time for it has passed.
func (in *Intake) join(ctx context.Context, it *item, g store.Group) (err error) {
	defer func() {
		if r := recover(); r != nil {
			in.poison.strike(groupName(g.Ref))
			in.panicked(r, "")
			err = errPanicked
		}
	}()
	for range maxPartAttempts {
		m, err := in.joined(ctx, it, g)
		if err != nil {
			return err
		}
		wait := 1500 * time.Millisecond
		commit, cancel := context.WithTimeout(ctx, wait)
		m.Deadline = in.o.Now().Add(wait)
		res, err := in.o.Turner.SMS(commit, m)
		cancel()
		if err != nil {
			return err
		}
		if res.Outcome.Kind == store.Kept {
			return nil
		}
		if res.Outcome.Kind != store.GroupChanged {
			return fmt.Errorf("long message: nothing kept: %v", res.Outcome.Kind)
		}
		stands, ok, err := in.o.Store.Group(ctx, g.Ref)
		if err != nil {
			return err
		}
		if !ok || stands.Joined {
			return nil // somebody else joined it
		}
		g = stands
	}
	return turn.ErrBusy
}

// groupName is a group among the messages that made their handling panic.
func groupName(ref store.GroupRef) string { return ref.Citizen.Hash + ":" + ref.Key }

// joined is the turn of a group's text.
func (in *Intake) joined(ctx context.Context, it *item, g store.Group) (turn.Message, error) {
	whole, err := assemble(g, in.alphabetOf)
	if err != nil {
		return turn.Message{}, err
	}
	parts, gaps, first := whole.parts, whole.gaps, whole.first
	m := turn.Message{Boot: in.o.Store.BootID(), To: first.To, Link: first.Link, Beside: whole.more, Join: &store.GroupJoin{Key: g.Ref.Key, Version: g.Version}}
	if m.To == "" {
		m.To = in.settings.Load().ShortCode
	}
	sender := conversation.SenderCitizen
	if it != nil {
		m.Boot, m.From, m.Origin, sender = it.boot, it.from, it.origin(), it.sender()
	} else {
		c, err := in.o.Store.Load(ctx, g.Ref.Citizen)
		if err != nil {
			return turn.Message{}, err
		}
		m.From = c.Number
		if !c.Number.IsNumber() || c.Number.Reveal() == in.settings.Load().ShortCode {
			sender = conversation.SenderMachine
		}
	}
	m.Raw, _ = json.Marshal(g.Parts) // octets and numbers: cannot fail
	if !whole.readable || in.poison.fatal(groupName(g.Ref)) {
		m.Input = func(conversation.Number, []conversation.Ticket) conversation.Input {
			return conversation.Unreadable{Link: first.Link, Sender: sender}
		}
		return m, nil
	}
	entry := conversation.TextEntry{Parts: parts, Gaps: gaps}
	m.Text = entry.Text()
	m.Input = func(n conversation.Number, known []conversation.Ticket) conversation.Input {
		return conversation.SMS{Text: m.Text, Parts: parts, Gaps: gaps, Link: first.Link, NewNumber: n, Known: known, Sender: sender}
	}
	return m, nil
}

func (in *Intake) alphabetOf(link string) string {
	if a := in.o.Links(link).Alphabet; a != "" {
		return a
	}
	return "gsm7"
}

// assembled is what a group's parts say.
type assembled struct {
	parts    []string
	gaps     []int
	first    piece // of those that came
	readable bool
	more     bool // the octets say more than the parts
}

// assemble decodes a group's parts. Parts that follow each other in one coding
// are joined before they are decoded; their text then stands under the first
// of them, and the others are empty without being gaps.
func assemble(g store.Group, alphabet func(link string) string) (assembled, error) {
	a := assembled{parts: make([]string, g.Total), readable: true}
	pieces := make([]*piece, g.Total+1)
	for n, data := range g.Parts {
		if n < 1 || n > g.Total {
			return assembled{}, fmt.Errorf("long message: part %d of %d", n, g.Total)
		}
		p := &piece{}
		if err := json.Unmarshal(data, p); err != nil {
			return assembled{}, fmt.Errorf("long message: a kept part cannot be read: %w", err)
		}
		pieces[n] = p
	}
	for n := 1; n <= g.Total; {
		p := pieces[n]
		if p == nil {
			a.gaps = append(a.gaps, n)
			n++
			continue
		}
		if a.first.Link == "" {
			a.first = *p
		}
		at := n - 1
		var run []segment.Segment
		for ; n <= g.Total && pieces[n] != nil && pieces[n].Coding == p.Coding; n++ {
			run = append(run, segment.Segment{UDH: pieces[n].UDH, Text: pieces[n].Data})
		}
		text, ok := segment.Join(p.Coding, alphabet(p.Link), run)
		a.readable = a.readable && ok
		a.more = a.more || segment.More(p.Coding, run, text)
		a.parts[at] = text
	}
	return a, nil
}

// fillGap puts a part that came late where it was missing. Nobody is answered.
func (in *Intake) fillGap(ctx context.Context, it *item, g store.Group, number int, digest string, p piece) error {
	only := []segment.Segment{{UDH: p.UDH, Text: p.Data}}
	text, readable := segment.Join(p.Coding, in.alphabetOf(p.Link), only)
	more := segment.More(p.Coding, only, text)
	if !readable {
		text = ""
	}
	late := turn.LatePart{
		Boot: it.boot, From: it.from, Serial: g.JoinedTicket, Field: g.JoinedField, Number: number, Text: text, Beside: more,
		Fill: &store.GroupFill{Key: g.Ref.Key, Number: number, Digest: digest},
	}
	if !readable || in.poison.fatal(in.digest(it)) {
		late.Serial, late.Field = 0, "" // as it came, for staff
	}
	late.Raw, _ = json.Marshal(p) // octets and numbers: cannot fail
	wait := in.commitWait(it.d.Link)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	late.Deadline = in.o.Now().Add(wait)
	out, err := in.o.Turner.Late(ctx, late)
	switch {
	case err != nil:
		return err
	case out.Kind == store.Kept || out.Kind == store.GroupChanged: // changed: the same part was filled by another copy
		return nil
	default:
		return fmt.Errorf("late part: nothing kept: %v", out.Kind)
	}
}

// JoinDue takes a long SMS whose missing parts stayed away: with the gap
// marked, it is taken like any other (promise 7).
func (in *Intake) JoinDue(ctx context.Context, ref store.GroupRef) error {
	if !in.begin() {
		return errors.New("intake: stopping")
	}
	defer in.working.Done()
	g, ok, err := in.o.Store.Group(ctx, ref)
	if err != nil || !ok || g.Joined {
		return err
	}
	return in.join(ctx, nil, g)
}
