package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/internal/failpoint"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/store"
)

// verdict is what becomes of a delivery.
type verdict int

const (
	acknowledged verdict = iota // kept: ESME_ROK
	later                       // cannot be kept now: ESME_RX_T_APPN
	dropped                     // its session is gone: no answer, the SMSC sends it again
)

// handle brings one message to its answer. A panic on the way costs this
// message a temporary error; the third time it is kept as undecodable.
func (in *Intake) handle(it *item) {
	begun := time.Now()
	v := later
	defer func() {
		if r := recover(); r != nil {
			in.poison.strike(in.digest(it))
			in.panicked(r, it.d.Link)
			v = later
		}
		in.answer(it, v, begun)
	}()
	if !it.d.Carrier.Alive() {
		v = dropped
		return
	}
	failpoint.Hit(failpoint.AfterReceive)
	v = in.message(in.ctx, it)
}

// errPanicked is the end of a long message whose handling panicked.
var errPanicked = errors.New("intake: handling a message panicked")

// panicked tells of a panic, whose value may hold a citizen's text.
func (in *Intake) panicked(r any, link string) {
	in.o.Metrics.panics.Inc()
	in.o.Log.Error("message handling panicked", zap.String("link", link), zap.String("panic", fmt.Sprintf("%T", r)), zap.Stack("stack"))
}

// answer writes the verdict. What is known before the answer (whether its mark
// can be settled) is noted before it, since the proof may come at once.
func (in *Intake) answer(it *item, v verdict, begun time.Time) {
	in.o.Metrics.handled(v, time.Since(begun))
	switch v {
	case acknowledged:
		if in.age(it) >= in.ackWithin(it.d.Link) {
			in.sessions.unprovable(it.d.ID)
			in.settler.forget(it.d.ID)
		}
		failpoint.Hit(failpoint.BeforeAck)
		it.d.Respond(smpp.StatusROK)
		failpoint.Hit(failpoint.AfterAck)
		if !it.d.Carrier.Alive() { // nothing will prove it
			in.settler.forget(it.d.ID)
		}
	case later:
		in.sessions.unprovable(it.d.ID)
		in.settler.forget(it.d.ID)
		it.d.Respond(smpp.StatusRXTAPPN)
	case dropped:
		in.settler.forget(it.d.ID)
	}
}

// age is how long ago the message's last octet came.
func (in *Intake) age(it *item) time.Duration { return in.o.Age(it.d) }

// message handles a whole message, or a part of a long one.
func (in *Intake) message(ctx context.Context, it *item) verdict {
	if c, ok := concat(it.d.Message); ok {
		return in.part(ctx, it, c)
	}
	begun := time.Now()
	m := in.turn(it)
	m.Mark = &store.MarkWrite{Mode: store.MarkFresh, Digest: in.digest(it), ID: it.d.ID, Session: it.d.Carrier.ID()}
	return in.once(ctx, it, m, begun)
}

// once makes the turn of a message that may be a copy of an earlier one.
func (in *Intake) once(ctx context.Context, it *item, m turn.Message, begun time.Time) verdict {
	res, err := in.commit(ctx, it, m)
	switch {
	case err != nil:
		return in.failed(it, err)
	case res.Outcome.Kind == store.Kept:
		return acknowledged
	case res.Outcome.Kind == store.Copy:
		return in.copy(ctx, it, m, res.Outcome.Mark, begun)
	default:
		return in.failed(it, fmt.Errorf("commit: %v", res.Outcome.Kind))
	}
}

// commit makes one turn with a deadline of its own. The mark is expected to be
// proven from before the commit on: the answer follows at once.
func (in *Intake) commit(ctx context.Context, it *item, m turn.Message) (turn.Result, error) {
	wait := in.commitWait(it.d.Link)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	m.Deadline = in.o.Now().Add(wait)
	res, err := in.o.Turner.SMS(ctx, m)
	if err == nil && res.Outcome.Kind == store.Kept && m.Mark != nil {
		in.settler.expect(it.d.ID, m.Mark.Session, store.MarkRef{Citizen: in.o.Store.Identify(it.from), Digest: m.Mark.Digest, ID: m.Mark.ID})
	}
	return res, err
}

// failed tells why a message could not be kept now.
func (in *Intake) failed(it *item, err error) verdict {
	reason := "store"
	switch {
	case errors.Is(err, turn.ErrBusy):
		reason = "busy"
	case errors.Is(err, store.ErrUnknown):
		reason = "unknown"
	}
	in.o.Metrics.refused(reason)
	in.o.Log.Warn("message not kept, the SMSC keeps it", zap.String("link", it.d.Link), zap.String("reason", reason), zap.Error(err))
	return later
}

// turn is the frame of a message's turn: who, where, and how its input is made.
func (in *Intake) turn(it *item) turn.Message {
	udh, body := it.d.Message.Content()
	coding, only := it.d.Message.DataCoding, []segment.Segment{{UDH: udh, Text: body}}
	text, readable := segment.Join(coding, in.alphabet(it), only)
	m := in.turnOf(it, text, readable && !in.poison.fatal(in.digest(it)), raw{Coding: coding, UDH: udh, Data: body})
	m.Beside = segment.More(coding, only, text)
	return m
}

func (in *Intake) turnOf(it *item, text string, readable bool, kept any) turn.Message {
	m := turn.Message{Boot: it.boot, From: it.from, To: it.d.Message.Destination.Addr, Link: it.d.Link, Origin: it.origin()}
	if m.To == "" {
		m.To = in.settings.Load().ShortCode
	}
	m.Raw, _ = json.Marshal(kept) // bytes and numbers: cannot fail
	if !readable {
		m.Input = func(conversation.Number, []conversation.Ticket) conversation.Input {
			return conversation.Unreadable{Link: it.d.Link, Sender: it.sender()}
		}
		return m
	}
	m.Text = text
	m.Input = func(n conversation.Number, known []conversation.Ticket) conversation.Input {
		return conversation.SMS{Text: text, Link: it.d.Link, NewNumber: n, Known: known, Sender: it.sender()}
	}
	return m
}

// origin is how the message came, for who traces it.
func (it *item) origin() store.Origin {
	return store.Origin{Delivery: it.d.ID, Received: it.d.Received}
}

func (it *item) sender() conversation.SenderKind {
	if it.machine {
		return conversation.SenderMachine
	}
	return conversation.SenderCitizen
}

func (in *Intake) alphabet(it *item) string {
	if a := in.o.Links(it.d.Link).Alphabet; a != "" {
		return a
	}
	return "gsm7"
}

// raw is a message as it came, kept for staff where no ticket takes it.
type raw struct {
	Coding byte   `json:"coding"`
	UDH    []byte `json:"udh,omitempty"`
	Data   []byte `json:"data"`
}

// digest is the mark's digest (promise 3). It is keyed, so that a dump of
// Redis does not confirm a guessed text.
func (in *Intake) digest(it *item) string {
	m := it.d.Message
	udh, body := m.Content()
	return in.o.Store.Digest(
		[]byte(m.Source.Addr), []byte(m.Destination.Addr), []byte{m.ESMClass, m.DataCoding}, udh, body)
}
