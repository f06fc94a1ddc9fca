package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultGrace is how long an SMS waits for its receipt, and a receipt for its SMS.
const DefaultGrace = 72 * time.Hour

// earlyMost is how many receipts of a shard may wait for their SMS: 200,000 in all, some 60 MB. Of more the oldest goes,
// so that one who floods us with receipts of nothing does not fill the store.
const earlyMost = 2000

// ReceiptUpdate is a delivery receipt.
type ReceiptUpdate struct {
	Citizen         CitizenID
	Link, MessageID string
	// IDs are what the submit_sm_resp may have told as MessageID, likeliest first; nil: MessageID. Upper and lower case and
	// leading zeros are never told apart.
	IDs []string
	// Certain: how the SMSC writes ids is known, and of several SMS that may be meant it is the first.
	Certain      bool
	State, Error string // delivered, undeliverable, expired; any other state is only noted
	Final        bool
	LookOnly     bool // one of an unknown SMS does not wait for it
	At           time.Time
	EventID      string
	Delivery     string        // the id of its deliver_sm
	Grace        time.Duration // how long a receipt waits for its SMS; 0: 72 h
}

// ReceiptKind says what a receipt was taken for.
type ReceiptKind int

// What Receipt gives.
const (
	ReceiptUnknown   ReceiptKind = iota // no SMS of this citizen and link has that id, and it does not wait
	ReceiptKnown                        // applied, or its SMS had ended before
	ReceiptWaits                        // no SMS has that id yet
	ReceiptAmbiguous                    // several SMS may be meant; none was changed
)

// ReceiptOutcome is the answer to Receipt.
type ReceiptOutcome struct {
	Kind     ReceiptKind
	Which    int       // Known: the place in IDs
	Accepted string    // Known: the id as the submit_sm_resp told it
	Sent     time.Time // Known: when the SMS was accepted; zero: not noted
}

// StrayReceipt is one that waited in vain.
type StrayReceipt struct {
	Link      string `json:"link"`
	MessageID string `json:"id"`
	State     string `json:"state"`
}

// Receipt applies a delivery receipt, or keeps it for an SMS that was not noted as sent yet.
func (s *Store) Receipt(ctx context.Context, r ReceiptUpdate) (ReceiptOutcome, error) {
	ids := r.IDs
	if len(ids) == 0 {
		ids = []string{r.MessageID}
	}
	keys := append(make([]string, 0, 2+len(ids)), earliesKey(r.Citizen.Shard), earlyKey(r.Citizen, r.Link, r.MessageID))
	for _, id := range ids {
		keys = append(keys, receiptKey(r.Citizen.Shard, r.Link, id))
	}
	reply, err := s.lines.do(ctx, scriptReceipt, keys, r.State, r.Error, millis(r.At), r.EventID, grace(r.Grace).Milliseconds(),
		flag(s.Keeping().Handoffs), flag(r.Final && ends(r.State)), flag(!r.LookOnly), flag(r.Certain), r.Link, r.MessageID, earlyMost, r.Citizen.Hash, word(r.Delivery))
	if err != nil {
		return ReceiptOutcome{}, err
	}
	l := asList(reply)
	switch asInt(l, 0) {
	case 0:
		return ReceiptOutcome{Kind: ReceiptUnknown}, nil
	case 1:
		out := ReceiptOutcome{Kind: ReceiptKnown, Which: int(asInt(l, 1)) - 1, Accepted: asString(l[2])}
		if ms, err := strconv.ParseInt(asString(l[3]), 10, 64); err == nil {
			out.Sent = time.UnixMilli(ms)
		}
		return out, nil
	case 2:
		return ReceiptOutcome{Kind: ReceiptWaits}, nil
	case 3:
		return ReceiptOutcome{Kind: ReceiptAmbiguous}, nil
	}
	return ReceiptOutcome{}, unknown(errors.New("the receipt script gave an answer that this version does not know"))
}

// StrayReceipts gives up the receipts whose SMS did not come within their grace. Each is given to one caller only, at most
// a hundred a shard and call.
func (s *Store) StrayReceipts(ctx context.Context, now time.Time) ([]StrayReceipt, error) {
	jobs := make([]*job, 0, Shards)
	for shard := range Shards {
		jobs = append(jobs, s.lines.start(ctx, scriptStray, []string{earliesKey(shard)}, []any{millis(now), 100}))
	}
	var out []StrayReceipt
	var errs []error
	for _, j := range jobs {
		reply, err := s.lines.wait1(ctx, j)
		errs = append(errs, err)
		for _, v := range asStrings(asList(reply)) {
			var r StrayReceipt
			if err := json.Unmarshal([]byte(v), &r); err == nil {
				out = append(out, r)
			}
		}
	}
	return out, errors.Join(errs...)
}

// wireParts appends what done.lua is told of the accepted parts: keys, and how many places each has.
func (d *Done) wireParts(keys []string) ([]string, []any) {
	keys = append(keys, earliesKey(d.SMS.Citizen.Shard))
	places := make([]any, 0, len(d.MessageIDs))
	for i, id := range d.MessageIDs {
		may := []string{id}
		if i < len(d.Receipts) && len(d.Receipts[i]) > 0 {
			may = d.Receipts[i]
		}
		keys = append(keys, receiptKey(d.SMS.Citizen.Shard, d.SMS.Link, id))
		for _, other := range may {
			keys = append(keys, earlyKey(d.SMS.Citizen, d.SMS.Link, other))
		}
		places = append(places, len(may))
	}
	return keys, places
}

// normalID is an SMSC's id without what SMSCs write one way in a response and another in a receipt: case, and leading zeros.
func normalID(id string) string {
	id = strings.ToUpper(strings.TrimSpace(id))
	if bare := strings.TrimLeft(id, "0"); bare != "" {
		return bare
	}
	return id[:min(len(id), 1)]
}

func grace(d time.Duration) time.Duration {
	if d <= 0 {
		return DefaultGrace
	}
	return d
}

func ends(state string) bool {
	return state == StateDelivered || state == StateUndeliverable || state == StateExpired
}

func learntKey() string { return lineTag + "learnt" }

// Learn notes what a daemon has learnt of a link, for its next start and for tools.
func (s *Store) Learn(ctx context.Context, link string, what []byte) error {
	if err := s.rdb.HSet(ctx, learntKey(), link, what).Err(); err != nil {
		return fmt.Errorf("note what was learnt of link %s: %w", link, err)
	}
	return nil
}

// Learnt is what is known of the links, by link.
func (s *Store) Learnt(ctx context.Context) (map[string][]byte, error) {
	all, err := s.rdb.HGetAll(ctx, learntKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("read what was learnt of the links: %w", err)
	}
	out := make(map[string][]byte, len(all))
	for link, what := range all {
		out[link] = []byte(what)
	}
	return out, nil
}
