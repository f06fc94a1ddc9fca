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
	out, err := s.find(ctx, d, r, citizens)
	if err != nil {
		return err
	}
	switch out.Kind {
	case store.ReceiptKnown:
		s.o.Metrics.receipt(d.Link, r.State.String())
		if !out.Sent.IsZero() && r.State.Final() && !r.Intermediate {
			s.o.Metrics.receiptLag(d.Link, s.o.Now().Sub(out.Sent))
		}
	case store.ReceiptAmbiguous:
		s.o.Metrics.receipt(d.Link, "ambiguous id")
	default:
		s.o.Metrics.receipt(d.Link, "unknown id")
	}
	return nil
}

// find asks for the SMS of each telephone in turn. Only the likeliest keeps a
// receipt that nobody knows: with one telephone that is one commit.
func (s *Sender) find(ctx context.Context, d *smpp.Delivery, r receipt.Receipt, citizens []store.CitizenID) (store.ReceiptOutcome, error) {
	forms := receiptForms(r)
	ids, sorted, certain := s.learner.sort(d.Link, forms)
	now := s.o.Now()
	_, byTLV := d.Message.TLVs.Get(smpp.TagReceiptedMessageID)
	u := store.ReceiptUpdate{
		Link: d.Link, MessageID: r.MessageID, IDs: ids, Certain: certain, State: stateOf(r.State), Error: reason(r),
		Final: r.State.Final() && !r.Intermediate, At: now, Delivery: d.ID, Grace: s.limitsNow().ReceiptsGrace,
	}
	if len(citizens) > 1 {
		citizens = append(citizens, citizens[0])
	}
	for i, id := range citizens {
		u.Citizen, u.EventID = id, s.o.Store.NewID(id.Shard)
		u.LookOnly = i < len(citizens)-1
		out, err := s.o.Store.Receipt(ctx, u)
		if err != nil || out.Kind == store.ReceiptAmbiguous {
			return out, err
		}
		if out.Kind == store.ReceiptKnown {
			found := sorted[min(out.Which, len(sorted)-1)]
			told := r.MessageID
			if r.TextID != "" && receipt.Normal(r.TextID) == receipt.Normal(out.Accepted) {
				told = r.TextID
			}
			s.learner.seen(d.Link, told, out.Accepted, found, len(sorted), sign{byTLV: byTLV, done: r.Done, at: now})
			return out, nil
		}
	}
	s.learner.waits(d.Link, r.MessageID, sign{byTLV: byTLV, done: r.Done, at: now})
	return store.ReceiptOutcome{Kind: store.ReceiptWaits}, nil
}

// receiptForms are the ids that the submit_sm_resp may have told: by the TLV's id
// where there is one, then by the text's.
func receiptForms(r receipt.Receipt) []receipt.Form {
	forms := receipt.Accepted(r.MessageID)
	if r.TextID == "" {
		return forms
	}
	for _, form := range receipt.Accepted(r.TextID) {
		twice := false
		for _, has := range forms {
			twice = twice || has.ID == form.ID
		}
		if !twice {
			forms = append(forms, form)
		}
	}
	return forms
}

// expectEarly names, for each accepted id, those under which its receipt may have come
// before its submit_sm_resp was stored; one that has come teaches like a later one.
func (s *Sender) expectEarly(d *store.Done) {
	link, accepted := d.SMS.Link, d.MessageIDs
	d.Receipts = make([][]string, len(accepted))
	forms := make([][]receipt.Form, len(accepted))
	for i, id := range accepted {
		d.Receipts[i], forms[i], _ = s.learner.sort(link, receipt.Written(id))
	}
	d.Early = func(part, which int, told string) {
		if part < len(forms) && which < len(forms[part]) && told != "" {
			s.learner.seen(link, told, accepted[part], forms[part][which], len(receipt.Accepted(told)), s.learner.waited(link, told))
		}
	}
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
	region := s.limitsNow().Region
	for _, a := range []smpp.Address{m.Source, m.Destination} {
		if n, err := msisdn.Parse(a.Addr, a.TON, region); err == nil {
			ids = append(ids, s.o.Store.Identify(n))
		}
	}
	return ids
}
