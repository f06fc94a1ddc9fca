package sender

import (
	"context"

	"aduan/store"
)

// Expire ends those of the SMS that this boot claimed which have gone
// unaccepted for too long, and returns the others. It needs no link: a link
// that stays down must not keep its SMS without an end (promise 5).
func (s *Sender) Expire(ctx context.Context, sms []store.Outgoing) []store.Outgoing {
	boot, rest, expire := s.o.Store.BootID(), sms[:0:0], s.limitsNow().Expire
	for _, m := range sms {
		if s.o.Now().Sub(m.Queued) <= expire || !s.inHand.take(boot, m.ID) {
			rest = append(rest, m)
			continue
		}
		d := expired(boot, m)
		s.o.Metrics.submitted(m.Link, d)
		s.done(ctx, d)
		s.letGo(boot, m.ID)
	}
	return rest
}

// expired is the end of an SMS that was not accepted in time.
func expired(boot string, m store.Outgoing) store.Done {
	return store.Done{
		Boot: boot, SMS: m, End: store.DoneEnded, State: store.StateExpired, MessageIDs: m.Accepted,
		Error: "not accepted within sms_expire",
	}
}
