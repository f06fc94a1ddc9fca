package storemodel

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"aduan/store"
)

// keyOf tells ids apart as the store does: by link and citizen, without case and leading zeros.
func keyOf(c store.CitizenID, link, id string) receiptKey {
	id = strings.ToUpper(strings.TrimSpace(id))
	if bare := strings.TrimLeft(id, "0"); bare != "" {
		id = bare
	}
	return receiptKey{c, link, id}
}

// Receipt is receipt.lua.
func (s *Store) Receipt(ctx context.Context, u store.ReceiptUpdate) (store.ReceiptOutcome, error) {
	out := new(store.ReceiptOutcome)
	u.IDs = slices.Clone(u.IDs)
	err := s.do(ctx, "receipt", func() { *out = s.r.receipt(u) })
	if err != nil {
		return store.ReceiptOutcome{}, err
	}
	return *out, nil
}

func (r *Redis) receipt(u store.ReceiptUpdate) store.ReceiptOutcome {
	ids := u.IDs
	if len(ids) == 0 {
		ids = []string{u.MessageID}
	}
	var found *part
	which := 0
	for i, id := range ids {
		p, ok := r.receipts[keyOf(u.Citizen, u.Link, id)]
		switch {
		case !ok:
		case found == nil:
			found, which = &p, i
		case !u.Certain && p != *found:
			return store.ReceiptOutcome{Kind: store.ReceiptAmbiguous}
		}
	}
	final := u.Final && (u.State == store.StateDelivered || u.State == store.StateUndeliverable || u.State == store.StateExpired)
	if found == nil || r.sms[found.sms].state == store.StateQueued {
		if !final || u.LookOnly {
			return store.ReceiptOutcome{Kind: store.ReceiptUnknown}
		}
		key := keyOf(u.Citizen, u.Link, u.MessageID)
		if _, waits := r.early[key]; !waits {
			r.early[key] = u
		}
		return store.ReceiptOutcome{Kind: store.ReceiptWaits}
	}
	m := r.sms[found.sms]
	if final {
		r.receipted(m, found.n, u)
	} else if m.state == store.StateSent {
		m.interim, m.interimAt = u.State, u.At
	}
	return store.ReceiptOutcome{Kind: store.ReceiptKnown, Which: which, Accepted: m.accepted[found.n-1]}
}

// early is a receipt that was applied when its SMS was noted as sent.
type early struct {
	part, which int
	told        string
}

// takeEarly applies the receipts that came before their SMS was noted as sent.
func (r *Redis) takeEarly(m *sms, d store.Done) (taken []early) {
	for i, id := range d.MessageIDs {
		may := []string{id}
		if i < len(d.Receipts) && len(d.Receipts[i]) > 0 {
			may = d.Receipts[i]
		}
		for which, other := range may {
			key := keyOf(d.SMS.Citizen, d.SMS.Link, other)
			if u, ok := r.early[key]; ok {
				r.receipted(m, i+1, u)
				delete(r.early, key)
				taken = append(taken, early{i, which, u.MessageID})
				break
			}
		}
	}
	return taken
}

// StrayReceipts is stray.lua over all shards.
func (s *Store) StrayReceipts(ctx context.Context, now time.Time) ([]store.StrayReceipt, error) {
	out := new([]store.StrayReceipt)
	err := s.do(ctx, "stray", func() {
		for key, u := range s.r.early {
			grace := u.Grace
			if grace <= 0 {
				grace = store.DefaultGrace
			}
			if !now.Before(u.At.Add(grace)) {
				delete(s.r.early, key)
				*out = append(*out, store.StrayReceipt{Link: u.Link, MessageID: u.MessageID, State: u.State})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return *out, nil
}

// Learn notes what was learnt of a link.
func (s *Store) Learn(ctx context.Context, link string, what []byte) error {
	what = slices.Clone(what)
	return s.do(ctx, "learn", func() { s.r.learnt[link] = what })
}

// Learnt reads it.
func (s *Store) Learnt(ctx context.Context) (map[string][]byte, error) {
	out := map[string][]byte{}
	if err := s.do(ctx, "learnt", func() { maps.Copy(out, s.r.learnt) }); err != nil {
		return nil, err
	}
	return out, nil
}
