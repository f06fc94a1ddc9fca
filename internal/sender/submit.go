package sender

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"go.uber.org/zap"

	"aduan/internal/failpoint"
	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/store"
)

// throttledFor is how long an SMS is kept in memory that the operator asks us to wait with. Then the store learns why it
// waits, and another daemon may have it.
const throttledFor = 30 * time.Second

// outcome submits one SMS and stores what became of it; it returns when that is stored, and with it the citizen's next
// SMS where it is ready. again: nothing of it was accepted and it is to wait at the head of the queue, at the pace that
// the operator allows; nothing is stored.
func (s *Sender) outcome(ctx context.Context, q *queue, slot Slot, h *held) (next *store.Outgoing, again bool) {
	d := store.Done{Boot: h.boot, SMS: h.sms, HoldNext: true, Grace: s.limitsNow().ReceiptsGrace}
	if age := s.o.Now().Sub(h.sms.Queued); age > s.limitsNow().Expire {
		d = expired(h.boot, h.sms)
		d.HoldNext = true
		return s.done(ctx, d), false
	}
	try := newTry(q.link.Name, slot, h.sms.Tries, s.o.Now)
	ids, err := s.submit(ctx, q, try, h)
	d.MessageIDs, d.Try = ids, try.told()
	var refused *refusal
	var unfit *smpp.PDUError
	switch {
	case err == nil:
		d.End, d.State = store.DoneAccepted, "sent"
	case errors.As(err, &refused) && refused.status.Class() == smpp.ClassThrottled && len(ids) == 0 && !h.tooLong():
		s.o.Metrics.waits(q.link.Name)
		return nil, true
	case errors.As(err, &refused):
		dec := s.o.Policy.decide(refused.status, h.sms.Tries+1, s.o.Now().Sub(h.sms.Queued), s.limitsNow().Expire)
		d.Error = refused.status.String()
		if dec.again {
			d.End, d.RetryAt = store.DoneRetry, s.o.Now().Add(dec.pause)
		} else {
			d.End, d.State = store.DoneEnded, dec.state
		}
		h.throttled = time.Time{}
	case errors.As(err, &unfit):
		// No try will ever fit it into a PDU: a person must look.
		d.End, d.State, d.Error = store.DoneEnded, "dead", "does not fit a submit_sm: "+unfit.Field
	case errors.Is(err, errStopping):
		d.End, d.RetryAt, d.SMS.Tries = store.DoneRetry, s.o.Now(), h.sms.Tries-1
		d.Error = "the daemon stopped, or its link went, between two parts"
	case errors.Is(err, smpp.ErrNotWritten):
		// Nothing left this process: the try does not count.
		d.End, d.RetryAt, d.SMS.Tries = store.DoneRetry, s.o.Now().Add(notWrittenPause), h.sms.Tries-1
		d.Error = "not written: the link was down or held"
	default:
		// Written, and no answer: whether the citizen has it is not known.
		// Reading a ticket number twice is better than never.
		// The pause grows: an SMSC that takes it each time without saying so must
		// not send it to the citizen for days.
		d.End, d.RetryAt, d.Error = store.DoneRetry, s.o.Now().Add(s.o.Policy.pause(h.sms.Tries)), "no response"
	}
	s.o.Metrics.submitted(q.link.Name, d)
	return s.done(ctx, d), false
}

// tooLong tells that the operator has asked us to wait with this SMS for long enough that the store must know.
func (h *held) tooLong() bool {
	return !h.throttled.IsZero() && time.Since(h.throttled) >= throttledFor
}

var errStopping = errors.New("stopping")

// notWrittenPause is how long an SMS waits that could not be written.
const notWrittenPause = time.Second

// refusal is a submit_sm_resp that is not ESME_ROK.
type refusal struct{ status smpp.Status }

func (r *refusal) Error() string { return r.status.String() }

// submit sends the segments that were not accepted yet, in order, on one
// session. It returns the ids of all that are accepted, earlier ones included.
// The first goes at once, each further one when the link's pace lets it.
func (s *Sender) submit(ctx context.Context, q *queue, slot Slot, h *held) ([]string, error) {
	sms := h.sms
	ids := append([]string(nil), sms.Accepted...)
	enc, err := q.link.Wire.Split(sms.Text, reference(sms.ID))
	if err != nil {
		return ids, &refusal{smpp.StatusRINVMSGLEN}
	}
	// What is under way is finished also while the daemon is stopping; the
	// link's response timeout bounds it.
	ctx = context.WithoutCancel(ctx)
	first := true
	for i := len(ids); i < len(enc.Parts); {
		if !first {
			failpoint.Hit(failpoint.BetweenParts)
			if !q.await(sms) {
				return ids, errStopping
			}
		}
		first = false
		failpoint.Hit(failpoint.BeforeSubmit)
		sent := time.Now()
		res, err := slot.Submit(ctx, message(q.link, sms, enc, i))
		failpoint.Hit(failpoint.AfterSubmit)
		s.learn(q, sent, res, err)
		if err != nil {
			return ids, err
		}
		switch {
		case res.Status == smpp.StatusROK:
			h.throttled = time.Time{}
			ids = append(ids, res.MessageID)
			i++
		case res.Status.Class() == smpp.ClassThrottled:
			if h.throttled.IsZero() {
				h.throttled = sent
			}
			if len(ids) == 0 || h.tooLong() {
				return ids, &refusal{res.Status}
			}
		default:
			return ids, &refusal{res.Status}
		}
	}
	return ids, nil
}

// learn tells the link's pace what the SMSC said.
func (s *Sender) learn(q *queue, sent time.Time, res smpp.SubmitResult, err error) {
	name := q.link.Name
	switch class := res.Status.Class(); {
	case err != nil:
		q.pace.other()
	case class == smpp.ClassOK:
		before := q.pace.flow()
		q.pace.passed(sent, time.Now())
		if before.Stopped != "" {
			s.o.Log.Warn("the operator takes our SMS again", zap.String("link", name))
		}
	case class == smpp.ClassThrottled:
		before := q.pace.flow()
		q.pace.throttled(sent, time.Now())
		s.o.Metrics.throttled.WithLabelValues(name, res.Status.String()).Inc()
		if before.Learnt == 0 {
			s.o.Log.Warn("the operator slows us", zap.String("link", name), zap.Stringer("status", res.Status),
				zap.Float64("a_second", q.pace.flow().Learnt))
		}
	case class == smpp.ClassSettings:
		why := res.Status.String() + ": " + res.Status.Advice()
		if q.pace.settings(time.Now(), why) {
			s.o.Log.Error("the operator refuses our settings: this link's sending waits", zap.String("link", name),
				zap.Stringer("status", res.Status), zap.String("advice", res.Status.Advice()))
		}
	default:
		q.pace.other()
	}
	s.o.Metrics.flow(name, q.pace.flow())
	q.signal()
}

// reference is the concatenation reference of an SMS: the same at every try,
// so that a telephone joins segments of different tries.
func reference(id string) byte {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // cannot fail
	return byte(h.Sum32())
}

// message is the submit_sm of one segment.
func message(link Link, sms store.Outgoing, enc segment.Encoded, i int) *smpp.Message {
	m := &smpp.Message{
		ServiceType: link.ServiceType,
		Source:      smpp.Address{TON: link.Source.TON, NPI: link.Source.NPI, Addr: sms.From},
		Destination: smpp.Address{TON: link.Destination.TON, NPI: link.Destination.NPI, Addr: sms.To.Digits()},
		DataCoding:  enc.DataCoding,
	}
	if link.Receipts {
		m.RegisteredDelivery = 1
	}
	part := enc.Parts[i]
	m.ShortMessage = part.Text
	if len(part.UDH) > 0 {
		m.ESMClass |= 0x40
		m.ShortMessage = append(append(make([]byte, 0, len(part.UDH)+len(part.Text)), part.UDH...), part.Text...)
	}
	return m
}

// done stores an outcome, again and again until it is stored: the window's
// place is taken as long (promise 5). It gives up only when this boot was
// fenced, since the SMS then belongs to another, when what stands in the store
// can never take it (it is then tried again now and then, without a place in
// the window), or some time after the daemon was told to end.
func (s *Sender) done(ctx context.Context, d store.Done) *store.Outgoing {
	shard := d.SMS.Citizen.Shard
	d.At = s.o.Now()
	d.Grace = s.limitsNow().ReceiptsGrace
	s.expectEarly(&d)
	if d.End == store.DoneEnded {
		d.EventID = s.o.Store.NewID(shard)
	}
	if s.o.Settler != nil {
		d.Settle = s.o.Settler.Take(shard)
	}
	ending := ctx.Done()
	var over <-chan time.Time
	damaged := 0
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		next, err := s.storeDone(ctx, d)
		if err == nil {
			return next
		}
		if errors.Is(err, store.ErrFenced) {
			s.unsettle(d)
			return nil
		}
		s.o.Metrics.unstored.Inc()
		if errors.Is(err, store.ErrDamaged) {
			if damaged++; damaged >= damagedTries {
				s.unsettle(d)
				d.Settle = nil
				s.stuck.add(d)
				s.o.Log.Error("what became of an SMS cannot be stored: what stands there is damaged", zap.String("sms", d.SMS.ID), zap.Error(err))
				return nil
			}
		}
		again := time.After(pause)
	waiting:
		for {
			select {
			case <-ending: // an outcome in hand is stored also while the daemon is stopping
				ending, over = nil, time.After(s.o.StopWithin)
			case <-over:
				s.unsettle(d)
				return nil
			case <-again:
				break waiting
			}
		}
	}
}

func (s *Sender) storeDone(ctx context.Context, d store.Done) (*store.Outgoing, error) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	failpoint.Hit(failpoint.BeforeDone)
	next, err := s.o.Store.Done(call, d)
	failpoint.Hit(failpoint.AfterDone)
	if err == nil && d.End == store.DoneEnded {
		s.announce(d)
	}
	return next, err
}

func (s *Sender) unsettle(d store.Done) {
	if s.o.Settler != nil && len(d.Settle) > 0 {
		s.o.Settler.Return(d.Settle)
	}
}

// announce tells the courier of the event that a failed SMS brings.
func (s *Sender) announce(d store.Done) {
	if s.o.Offer != nil && d.SMS.Ticket != 0 {
		s.o.Offer(store.TicketHandoff(d.SMS.Citizen.Shard, d.SMS.Ticket))
	}
}
