package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"aduan/internal/msisdn"
)

// Outgoing is an SMS that a boot holds: it, and nobody else, sends it.
type Outgoing struct {
	ID       string
	Citizen  CitizenID
	To       msisdn.MSISDN
	From     string
	Text     string
	Link     string
	Ticket   uint64 // serial; 0: none
	Class    Class
	Tries    int
	Queued   time.Time
	Accepted []string // message ids of the parts already accepted
	Hold     int      // how often it was held so far, this time included: what is said of an earlier hold changes nothing
}

// DoneEnd says how a try to send ended.
type DoneEnd int

// The ends of a try.
const (
	DoneAccepted DoneEnd = iota + 1 // the SMSC took all parts
	DoneRetry                       // again at RetryAt
	DoneEnded                       // never again: State says why
)

// States of an SMS.
const (
	StateQueued        = "queued"
	StateSent          = "sent"
	StateDelivered     = "delivered"
	StateUndeliverable = "undeliverable"
	StateExpired       = "expired"
	StateDead          = "dead"
)

// Done is what became of one try.
type Done struct {
	Boot       string
	SMS        Outgoing
	End        DoneEnd
	State      string   // DoneEnded: undeliverable, expired, dead
	MessageIDs []string // of all parts accepted so far
	// Receipts are, for each of MessageIDs, the ids under which its receipt may have come, likeliest first;
	// nil: the id itself.
	Receipts [][]string
	Error    string
	At       time.Time
	RetryAt  time.Time     // DoneRetry
	HoldNext bool          // the caller has room and sends the citizen's next SMS now
	Try      *Try          // how it went, for who traces the SMS; nil: nothing was tried
	Settle   []MarkRef     // marks of the same shard to settle on the way
	EventID  string        // of the event sms.failed, where the end is one; empty: no event
	Grace    time.Duration // how long the SMS waits for its receipts; 0: 72 h
	// Early is told of each receipt that had come before and was applied now: of the accepted part's place in MessageIDs, the
	// place in its Receipts, and the id as the receipt told it. Nil: nobody asks.
	Early func(part, which int, told string)
}

// Message is an SMS as staff see it.
type Message struct {
	ID     string
	Ticket uint64
	State  string
	Link   string
	Error  string
	Text   string
	Times  map[string]time.Time // state → when
	Tries  int
	Class  Class
	// Interim is the latest state of an intermediate receipt, such as enroute; InterimAt is when it came.
	Interim   string
	InterimAt time.Time
	// Proof is that of the text, under the citizen's key: see [Citizen.Proof]. Empty: written by an older version.
	Proof string
	// Damaged: the text does not open any more; what else stands here was not sealed.
	Damaged bool
}

// Done writes down what became of a try and frees the citizen's queue. next is the citizen's next SMS, held by this boot
// to be sent now (HoldNext); else it is due for whoever comes. ErrFenced: the SMS is not this boot's any more. Done may be
// called again after ErrUnknown: it gives the same next.
func (s *Store) Done(ctx context.Context, d Done) (next *Outgoing, err error) {
	shard := d.SMS.Citizen.Shard
	ids, err := json.Marshal(d.MessageIDs)
	if err != nil {
		return nil, notKept(err)
	}
	keys := []string{
		dueKey(shard), fenceKey(shard), smsKey(shard, d.SMS.ID), outKey(d.SMS.Citizen), heldKey(shard, d.Boot), queuedKey(shard),
		deadKey(shard), eventsKey(shard), handoffKey(shard, subjectOf(d.SMS.Ticket, d.SMS.Citizen)),
	}
	marks, markIDs := s.settleArgs(d.Settle)
	keys = append(keys, marks...)
	keys, places := d.wireParts(keys)
	keeping := s.Keeping()
	args := []any{
		d.Boot, safe(d.SMS.ID), int(d.End), d.State, ids, d.Error, millis(d.At), millis(d.RetryAt), flag(d.HoldNext),
		grace(d.Grace).Milliseconds(), d.SMS.Tries + 1, d.EventID, keeping.SettledFor.Milliseconds(), flag(keeping.Handoffs), d.SMS.Link, d.SMS.Hold, len(markIDs),
	}
	args = append(args, markIDs...)
	args = append(args, d.Try.field(), d.Try.encode())
	args = append(args, places...)
	reply, err := s.lines.twice(ctx, scriptDone, keys, args...)
	if err != nil {
		if errors.Is(err, ErrUnknown) {
			s.noteUnknown(shard)
		}
		if strings.Contains(err.Error(), "WRONGTYPE") {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, err
	}
	l := asList(reply)
	if asInt(l, 0) != 1 {
		return nil, ErrFenced
	}
	if len(l) > 2 && d.Early != nil {
		for _, one := range asList(l[2]) {
			r := asList(one)
			d.Early(int(asInt(r, 0))-1, int(asInt(r, 1))-1, asString(r[2]))
		}
	}
	if len(l) < 2 || len(asList(l[1])) == 0 {
		return nil, nil
	}
	return s.readable(ctx, d.Boot, shard, asList(l[1]))
}

// readable reads an SMS that a boot holds. One that cannot be opened ends dead, for a person to look at, since no try
// will ever open it; then it is the citizen's next, if there is one. nil: there is nothing to send.
func (s *Store) readable(ctx context.Context, boot string, shard int, l []any) (*Outgoing, error) {
	o, err := s.outgoing(shard, l)
	if err == nil {
		return &o, nil
	}
	s.met.bad.Inc()
	_ = s.hurt(err)
	s.opt.Log.Error("an SMS cannot be opened: it waits for a person", zap.String("sms", o.ID), zap.Error(err))
	if o.ID == "" {
		return nil, nil
	}
	return s.Done(ctx, Done{
		Boot: boot, SMS: o, End: DoneEnded, State: StateDead, Error: "it cannot be opened: what stands in the store is damaged",
		At: s.opt.Now(), EventID: s.NewID(shard), HoldNext: true,
	})
}

// outgoing reads what lib.lua's outgoing gave.
func (s *Store) outgoing(shard int, l []any) (Outgoing, error) {
	f := asStrings(l)
	if len(f) < 13 {
		return Outgoing{}, fmt.Errorf("%w: an SMS of shard %02d has no fields", ErrDamaged, shard)
	}
	id := CitizenID{Shard: shard, Hash: f[1]}
	o := Outgoing{ID: f[0], Citizen: id, Link: f[2], From: f[3], Queued: fromMillis(f[8])}
	o.Ticket, _ = strconv.ParseUint(f[5], 10, 64)
	o.Tries, _ = strconv.Atoi(f[7])
	o.Hold, _ = strconv.Atoi(f[12])
	c, ok := s.cache.get(id)
	if !ok || string(c.key.wrapped) != f[10] {
		key, err := s.keys.openDataKey(citizenKey(id), []byte(f[10]))
		if err != nil {
			return o, err
		}
		number, err := key.unseal(citizenKey(id), "n", []byte(f[11]))
		if err != nil {
			return o, err
		}
		c = Citizen{key: key, Number: msisdn.FromRevealed(string(number))}
	}
	o.To = c.Number
	text, err := c.key.unseal(smsKey(shard, o.ID), "x", []byte(f[4]))
	if err != nil {
		return o, err
	}
	o.Text = string(text)
	class, _ := strconv.Atoi(f[6])
	o.Class = Class(class)
	if f[9] != "" && f[9] != "null" {
		if err := json.Unmarshal([]byte(f[9]), &o.Accepted); err != nil {
			return o, damaged(smsKey(shard, o.ID), "acc", err)
		}
	}
	return o, nil
}

// outgoings reads a list of SMS that a boot holds.
func (s *Store) outgoings(ctx context.Context, boot string, shard int, l []any) []Outgoing {
	var out []Outgoing
	for _, v := range l {
		o, err := s.readable(ctx, boot, shard, asList(v))
		if err != nil {
			s.noteUnknown(shard) // its end could not be stored: it is looked at again
			s.opt.Log.Warn("an SMS that cannot be opened stays held", zap.Int("shard", shard), zap.Error(err))
			continue
		}
		if o != nil {
			out = append(out, *o)
		}
	}
	return out
}

// Release gives back what this boot holds: due at at, for whoever comes. Tries stay as they are. What is not held by
// the boot any more is left alone.
func (s *Store) Release(ctx context.Context, boot string, sms []Outgoing, at time.Time) error {
	byShard := map[int][]Outgoing{}
	for _, o := range sms {
		byShard[o.Citizen.Shard] = append(byShard[o.Citizen.Shard], o)
	}
	var jobs []*job
	for shard, list := range byShard {
		keys, args := []string{dueKey(shard), heldKey(shard, boot)}, []any{boot, millis(at)}
		for _, o := range list {
			keys, args = append(keys, smsKey(shard, o.ID)), append(args, safe(o.ID), o.Hold)
		}
		jobs = append(jobs, s.lines.start(ctx, scriptRelease, keys, args))
	}
	var errs []error
	for _, j := range jobs {
		_, err := s.lines.wait1(ctx, j)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Held reads what a boot holds in these shards: after an unknown outcome, it may be more than its daemon knows.
func (s *Store) Held(ctx context.Context, boot string, shards []int) ([]Outgoing, error) {
	var jobs []*job
	for _, shard := range shards {
		jobs = append(jobs, s.lines.start(ctx, scriptHeld, []string{heldKey(shard, boot)}, []any{boot}))
	}
	var out []Outgoing
	var errs []error
	for i, j := range jobs {
		reply, err := s.lines.wait1(ctx, j)
		if err != nil {
			s.noteUnknown(shards[i]) // not looked at yet
			errs = append(errs, err)
			continue
		}
		out = append(out, s.outgoings(ctx, boot, shards[i], asList(reply))...)
	}
	return out, errors.Join(errs...)
}

// Messages reads SMS as staff see them, in the order of ids; what does not stand is left out. The text of an erased
// citizen's SMS is empty, and of one that is damaged too: the others are told all the same.
func (s *Store) Messages(ctx context.Context, ids []string) ([]Message, error) {
	var jobs []*job
	var shards []int
	for _, id := range ids {
		shard, ok := ShardOf(id)
		if !ok {
			continue
		}
		jobs = append(jobs, s.lines.start(ctx, scriptRead, []string{smsKey(shard, id)}, []any{"c"}))
		shards = append(shards, shard)
	}
	var out []Message
	rested := restedMessages{s: s, tickets: map[ticketRef]TicketRecord{}}
	for i, j := range jobs {
		reply, err := s.lines.wait1(ctx, j)
		if err != nil {
			return nil, fmt.Errorf("read SMS: %w", err)
		}
		m, err := s.message(shards[i], j.keys[0], asList(reply))
		if errors.Is(err, ErrNotFound) {
			m, err = rested.message(ctx, shards[i], strings.TrimPrefix(j.keys[0], tag(shards[i])+"m:"))
		}
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case errors.Is(err, ErrDamaged):
			m.Damaged = true
			_ = s.hurt(err)
			s.opt.Log.Error("an SMS cannot be read", zap.String("sms", m.ID), zap.Error(err))
		case err != nil:
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (s *Store) message(shard int, key string, reply []any) (Message, error) {
	if len(reply) < 2 || len(asList(reply[0])) == 0 {
		return Message{}, ErrNotFound
	}
	f, who := asMap(asList(reply[0])), asStrings(asList(reply[1]))
	m := readMessage(key[len(tag(shard))+len("m:"):], f)
	m.Ticket, _ = strconv.ParseUint(f["tk"], 10, 64)
	m.Proof = f["th"]
	c, err := s.citizen(CitizenID{Shard: shard, Hash: who[0]}, who[1:])
	if errors.Is(err, ErrNotFound) || f["x"] == "" { // erased
		return m, nil
	}
	if err != nil {
		return m, err
	}
	text, err := c.key.unseal(key, "x", []byte(f["x"]))
	m.Text = string(text)
	return m, err
}

// readMessage reads what is readable of an SMS.
func readMessage(id string, f map[string]string) Message {
	m := Message{ID: id, State: f["st"], Link: f["l"], Error: f["er"], Times: map[string]time.Time{}}
	m.Tries, _ = strconv.Atoi(f["tr"])
	class, _ := strconv.Atoi(f["cl"])
	m.Class = Class(class)
	if m.Interim = f["ir"]; m.Interim != "" {
		m.InterimAt = fromMillis(f["ia"])
	}
	for name, v := range f {
		if state, ok := strings.CutPrefix(name, "t:"); ok {
			m.Times[state] = fromMillis(v)
		}
	}
	return m
}
