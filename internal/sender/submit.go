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

// outcome submits one SMS and stores what became of it; it returns when that
// is stored, and with it the citizen's next SMS where it is ready.
func (s *Sender) outcome(ctx context.Context, q *queue, slot Slot, h held) *store.Outgoing {
	d := store.Done{Boot: h.boot, SMS: h.sms, HoldNext: true}
	if age := s.o.Now().Sub(h.sms.Queued); age > s.o.Policy.Expire {
		d = expired(h.boot, h.sms)
		d.HoldNext = true
		return s.done(ctx, d)
	}
	try := newTry(q.link.Name, slot, h.sms.Tries, s.o.Now)
	ids, err := s.submit(ctx, q.link, try, h.sms)
	d.MessageIDs, d.Try = ids, try.told()
	var refused *refusal
	var unfit *smpp.PDUError
	switch {
	case err == nil:
		d.End, d.State = store.DoneAccepted, "sent"
	case errors.As(err, &refused):
		dec := s.o.Policy.decide(refused.status, h.sms.Tries+1, s.o.Now().Sub(h.sms.Queued))
		d.Error = refused.status.String()
		if refused.status.Class() == smpp.ClassSettings {
			s.o.Log.Error("the operator refuses our settings", zap.String("link", q.link.Name), zap.Stringer("status", refused.status), zap.String("advice", refused.status.Advice()))
		}
		if dec.again {
			d.End, d.RetryAt = store.DoneRetry, s.o.Now().Add(dec.pause)
		} else {
			d.End, d.State = store.DoneEnded, dec.state
		}
	case errors.As(err, &unfit):
		// No try will ever fit it into a PDU: a person must look.
		d.End, d.State, d.Error = store.DoneEnded, "dead", "does not fit a submit_sm: "+unfit.Field
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
	return s.done(ctx, d)
}

// notWrittenPause is how long an SMS waits that could not be written.
const notWrittenPause = time.Second

// refusal is a submit_sm_resp that is not ESME_ROK.
type refusal struct{ status smpp.Status }

func (r *refusal) Error() string { return r.status.String() }

// submit sends the segments that were not accepted yet, in order, on one
// session. It returns the ids of all that are accepted, earlier ones included.
func (s *Sender) submit(ctx context.Context, link Link, slot Slot, sms store.Outgoing) ([]string, error) {
	ids := append([]string(nil), sms.Accepted...)
	enc, err := link.Wire.Split(sms.Text, reference(sms.ID))
	if err != nil {
		return ids, &refusal{smpp.StatusRINVMSGLEN}
	}
	// What is under way is finished also while the daemon is stopping; the
	// link's response timeout bounds it.
	ctx = context.WithoutCancel(ctx)
	for i := len(ids); i < len(enc.Parts); i++ {
		if i > 0 {
			failpoint.Hit(failpoint.BetweenParts)
		}
		failpoint.Hit(failpoint.BeforeSubmit)
		res, err := slot.Submit(ctx, message(link, sms, enc, i))
		failpoint.Hit(failpoint.AfterSubmit)
		if err != nil {
			return ids, err
		}
		if res.Status != smpp.StatusROK {
			return ids, &refusal{res.Status}
		}
		ids = append(ids, res.MessageID)
	}
	return ids, nil
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
// fenced, since the SMS then belongs to another, or when the daemon ends.
func (s *Sender) done(ctx context.Context, d store.Done) *store.Outgoing {
	shard := d.SMS.Citizen.Shard
	d.At = s.o.Now()
	if d.End == store.DoneEnded {
		d.EventID = s.o.Store.NewID(shard)
	}
	if s.o.Settler != nil {
		d.Settle = s.o.Settler.Take(shard)
	}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		// An outcome in hand is stored also while the daemon is stopping.
		call, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		failpoint.Hit(failpoint.BeforeDone)
		next, err := s.o.Store.Done(call, d)
		failpoint.Hit(failpoint.AfterDone)
		cancel()
		if err == nil {
			if d.End == store.DoneEnded {
				s.announce(d)
			}
			return next
		}
		if errors.Is(err, store.ErrFenced) {
			s.giveBack(d)
			return nil
		}
		s.o.Metrics.unstored.Inc()
		select {
		case <-ctx.Done():
			s.giveBack(d)
			return nil
		case <-time.After(pause):
		}
	}
}

func (s *Sender) giveBack(d store.Done) {
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
