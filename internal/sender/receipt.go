package sender

import (
	"context"

	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/smpp/receipt"
	"aduan/store"
)

// Receipt stores what a delivery receipt says. A receipt's source is the
// telephone that the SMS went to, so the citizen's shard is known without an
// index; some SMSCs turn the addresses round, so the destination is tried too.
// A receipt of an unknown SMS is kept for ReceiptsGrace: it may be early.
func (s *Sender) Receipt(ctx context.Context, d *smpp.Delivery, r receipt.Receipt) error {
	if r.MessageID == "" {
		s.o.Metrics.receipt(d.Link, "without id")
		return nil
	}
	citizens := s.citizensOf(d.Message)
	if len(citizens) == 0 {
		s.o.Metrics.receipt(d.Link, "without number")
		return nil
	}
	for _, id := range citizens {
		found, err := s.o.Store.Receipt(ctx, store.ReceiptUpdate{
			Citizen: id, Link: d.Link, MessageID: r.MessageID, State: stateOf(r.State), Error: reason(r),
			Final: r.State.Final() && !r.Intermediate, At: s.o.Now(), EventID: s.o.Store.NewID(id.Shard), Delivery: d.ID, Grace: s.limitsNow().ReceiptsGrace,
		})
		if err != nil {
			return err
		}
		if found {
			s.o.Metrics.receipt(d.Link, r.State.String())
			return nil
		}
	}
	s.o.Metrics.receipt(d.Link, "unknown id")
	return nil
}

// stateOf is the state of an SMS that a receipt's state means: what the SMSC
// deleted or rejected never comes.
func stateOf(s receipt.State) string {
	switch s {
	case receipt.StateDeleted, receipt.StateRejected:
		return store.StateUndeliverable
	default:
		return s.String()
	}
}

// reason is the receipt's err with what stateOf leaves out; empty where the SMS came.
func reason(r receipt.Receipt) string {
	if r.State == receipt.StateDelivered {
		return "" // its err tells nothing that matters
	}
	if state := r.State.String(); stateOf(r.State) != state {
		return state + " " + r.Err
	}
	return r.Err
}

// citizensOf are the telephones that a receipt may speak of, likeliest first.
func (s *Sender) citizensOf(m *smpp.Message) []store.CitizenID {
	var ids []store.CitizenID
	for _, a := range []smpp.Address{m.Source, m.Destination} {
		if n, err := msisdn.Parse(a.Addr, a.TON, s.o.Region); err == nil {
			ids = append(ids, s.o.Store.Identify(n))
		}
	}
	return ids
}
