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
	id, ok := s.citizenOf(d.Message)
	if !ok {
		s.o.Metrics.receipt(d.Link, "without number")
		return nil
	}
	found, err := s.o.Store.Receipt(ctx, store.ReceiptUpdate{
		Citizen: id, Link: d.Link, MessageID: r.MessageID, State: r.State.String(), Error: r.Err,
		Final: r.State.Final() && !r.Intermediate, At: s.o.Now(), EventID: s.o.Store.NewID(id.Shard), Grace: s.o.ReceiptsGrace,
	})
	if err != nil {
		return err
	}
	if !found {
		s.o.Metrics.receipt(d.Link, "unknown id")
		return nil
	}
	s.o.Metrics.receipt(d.Link, r.State.String())
	return nil
}

// citizenOf is the telephone that a receipt speaks of.
func (s *Sender) citizenOf(m *smpp.Message) (store.CitizenID, bool) {
	for _, a := range []smpp.Address{m.Source, m.Destination} {
		if n, err := msisdn.Parse(a.Addr, a.TON, s.o.Region); err == nil {
			return s.o.Store.Identify(n), true
		}
	}
	return store.CitizenID{}, false
}
