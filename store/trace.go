package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/msisdn"
)

// SMSTrace is an outgoing SMS with all that is known of its way.
type SMSTrace struct {
	Message
	Citizen    CitizenID
	Number     msisdn.MSISDN // zero: the citizen was erased
	From       string
	Queued     time.Time
	Origin     Origin
	Attempts   []Try // the first eight and the last eight, by number
	MessageIDs []string
	Receipts   []ReceiptNote // of those that ended no part the first seven and the last
	Untold     int           // receipts that ended no part beyond these
	Holder     string        // the boot that holds it; empty: none
	Due        time.Time     // when it is due; zero: it is not
	Place      int           // in the citizen's queue, from 1; 0: it is not in it
}

// ReceiptNote is a receipt of one part.
type ReceiptNote struct {
	Ended    bool // it told the part's final state: others told one that is not final, or came after it
	Part     int
	State    string
	At       time.Time
	Delivery string // the id of its deliver_sm; empty: not noted
	Error    string
}

// interimTold is how many receipts that ended no part are kept of an SMS (lua/receipt.lua).
const interimTold = 8

// TraceSMS reads an SMS with its way. ErrNotFound.
func (s *Store) TraceSMS(ctx context.Context, id string) (SMSTrace, error) {
	shard, ok := ShardOf(id)
	if !ok {
		return SMSTrace{}, fmt.Errorf("SMS %s: %w", id, ErrNotFound)
	}
	key := smsKey(shard, id)
	reply, err := s.lines.do(ctx, scriptRead, []string{key}, "c")
	if err != nil {
		return SMSTrace{}, fmt.Errorf("read SMS %s: %w", id, err)
	}
	l := asList(reply)
	m, err := s.message(shard, key, l)
	if errors.Is(err, ErrNotFound) {
		return s.traceRested(ctx, shard, id)
	}
	if err != nil {
		return SMSTrace{}, err
	}
	f, who := asMap(asList(l[0])), asStrings(asList(l[1]))
	t := SMSTrace{
		Message: m, Citizen: CitizenID{Shard: shard, Hash: who[0]}, From: f["fr"], Queued: fromMillis(f["q"]),
		Origin: ParseOrigin(f["by"]), Holder: f["hb"],
	}
	if c, err := s.citizen(t.Citizen, who[1:]); err == nil {
		t.Number = c.Number
	}
	_ = json.Unmarshal([]byte(f["acc"]), &t.MessageIDs) // none yet
	t.readNotes(f)
	return t, s.readPlace(ctx, &t)
}

// traceRested reads an SMS that rests in its ticket: the ways of its tries and receipts are not kept any more.
func (s *Store) traceRested(ctx context.Context, shard int, id string) (SMSTrace, error) {
	rec, m, err := s.findRested(ctx, shard, id)
	if err != nil {
		return SMSTrace{}, fmt.Errorf("SMS %s: %w", id, err)
	}
	t := SMSTrace{
		Message: m.message(rec), Citizen: rec.Owner, Number: rec.Number, From: m.fields["fr"], Queued: fromMillis(m.fields["q"]),
	}
	_ = json.Unmarshal([]byte(m.fields["acc"]), &t.MessageIDs) // refused: there are none
	return t, nil
}

// readNotes reads tries and receipts.
func (t *SMSTrace) readNotes(f map[string]string) {
	for name, v := range f {
		if n, ok := strings.CutPrefix(name, "a"); ok && strings.Trim(n, "0123456789") == "" {
			if try, ok := decodeTry(v); ok {
				t.Attempts = append(t.Attempts, try)
			}
		}
		if part, err := strconv.Atoi(strings.TrimPrefix(name, "rv")); err == nil && strings.HasPrefix(name, "rv") {
			at, rest, _ := strings.Cut(v, " ")
			by, why, _ := strings.Cut(rest, " ")
			t.Receipts = append(t.Receipts, ReceiptNote{
				Part: part, State: f["rp"+strconv.Itoa(part)], At: fromMillis(at), Delivery: by, Error: why, Ended: true,
			})
		}
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "in")); err == nil && n > 0 && strings.HasPrefix(name, "in") {
			if w := strings.SplitN(v, " ", 5); len(w) == 5 {
				part, _ := strconv.Atoi(w[0])
				t.Receipts = append(t.Receipts, ReceiptNote{Part: part, At: fromMillis(w[1]), State: w[2], Delivery: w[3], Error: w[4]})
			}
		}
	}
	slices.SortFunc(t.Attempts, func(a, b Try) int { return cmp.Or(a.At.Compare(b.At), a.Number-b.Number) })
	slices.SortFunc(t.Receipts, func(a, b ReceiptNote) int {
		return cmp.Or(a.Part-b.Part, a.At.Compare(b.At), strings.Compare(a.Delivery, b.Delivery))
	})
	if n, err := strconv.Atoi(f["in"]); err == nil {
		t.Untold = max(n-interimTold, 0)
	}
}

// readPlace reads where an SMS waits that has not ended.
func (s *Store) readPlace(ctx context.Context, t *SMSTrace) error {
	if t.State != StateQueued {
		return nil
	}
	pipe := s.rdb.Pipeline()
	due := pipe.ZScore(ctx, dueKey(t.Citizen.Shard), string(dueSMS)+t.ID)
	queue := pipe.LRange(ctx, outKey(t.Citizen), 0, -1)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("read where SMS %s waits: %w", t.ID, err)
	}
	if due.Err() == nil {
		t.Due = time.UnixMilli(int64(due.Val())).UTC()
	}
	t.Place = slices.Index(queue.Val(), t.ID) + 1
	return nil
}

// CitizenTrace is a citizen with all that the store has of them.
type CitizenTrace struct {
	Citizen
	Tickets []uint64 // serials, oldest first
	Turns   []string // ids of the last turns: those of messages are their deliver_sm's
	Alone   []string // ids of the last SMS that belong to no ticket, newest first
	Waiting []string // ids of the SMS that wait their turn
	Kept    int      // messages that no ticket took
}

// TraceCitizen reads what the store has of a number. ErrNotFound.
func (s *Store) TraceCitizen(ctx context.Context, number msisdn.MSISDN) (CitizenTrace, error) {
	id := s.Identify(number)
	c, err := s.Load(ctx, id)
	if err != nil {
		return CitizenTrace{}, err
	}
	pipe := s.rdb.Pipeline()
	last := pipe.HMGet(ctx, citizenKey(id), "lt", "ls")
	waiting := pipe.LRange(ctx, outKey(id), 0, -1)
	kept := pipe.LLen(ctx, keptKey(id))
	if _, err := pipe.Exec(ctx); err != nil {
		return CitizenTrace{}, fmt.Errorf("read citizen %s: %w", id, err)
	}
	lists := asStrings(last.Val())
	t := CitizenTrace{Citizen: c, Turns: splitIDs(lists[0]), Alone: whole(splitIDs(lists[1])), Waiting: waiting.Val(), Kept: int(kept.Val())}
	t.Tickets, err = s.TicketsOf(ctx, id)
	return t, err
}

// whole leaves out what was cut off at the end of a bounded list.
func whole(ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { _, ok := ShardOf(id); return !ok })
}

// ownersAtOnce is how many tickets are looked at by one script.
const ownersAtOnce = 200

// TicketsOf gives the serials of a citizen's tickets. It looks through the tickets of the citizen's shard: there is no index, and a shard is a hundredth of a line.
func (s *Store) TicketsOf(ctx context.Context, id CitizenID) ([]uint64, error) {
	var found []uint64
	err := s.eachSerial(ctx, id.Shard, ownersAtOnce, func(serials []uint64) error {
		keys := make([]string, len(serials))
		for i, n := range serials {
			keys[i] = ticketKey(id.Shard, n)
		}
		reply, err := s.lines.do(ctx, scriptHeads, keys, "o")
		if err != nil {
			return fmt.Errorf("look for tickets of citizen %s: %w", id, err)
		}
		for i, owner := range asStrings(asList(reply)) {
			if owner == id.Hash {
				found = append(found, serials[i])
			}
		}
		return nil
	})
	return found, err
}

// eachSerial calls f with all serials of a shard that may be given, so many at once.
func (s *Store) eachSerial(ctx context.Context, shard, atOnce int, f func([]uint64) error) error {
	last, err := s.rdb.Get(ctx, serialKey(shard)).Uint64()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the serials of shard %02d: %w", shard, err)
	}
	var batch []uint64
	for n := uint64(serialStart) + 1; n <= last; n++ {
		if batch = append(batch, n); len(batch) == atOnce || n == last {
			if err := f(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}

// EventTrace is an event and whether the case system still has to take it.
type EventTrace struct {
	Event
	Waits bool
}

// eventsAtOnce is how many events of a shard are read at once.
const eventsAtOnce = 1000

// EventsAbout reads the events of a ticket (serial) since a time, as far as they are kept.
func (s *Store) EventsAbout(ctx context.Context, shard int, ticket uint64, since time.Time) ([]EventTrace, error) {
	waiting, err := s.rdb.LRange(ctx, handoffKey(shard, subjectOf(ticket, CitizenID{})), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("read the events of a ticket: %w", err)
	}
	waits := map[string]bool{}
	for _, body := range waiting {
		if e, err := decodeEvent(shard, body); err == nil {
			waits[e.ID] = true
		}
	}
	var found []EventTrace
	for from := strconv.FormatInt(max(millis(since)-1000, 0), 10); ; {
		msgs, err := s.rdb.XRangeN(ctx, eventsKey(shard), from, "+", eventsAtOnce).Result()
		if err != nil {
			return nil, fmt.Errorf("read the events of a ticket: %w", err)
		}
		for _, m := range msgs {
			if e, err := decodeEvent(shard, asString(m.Values["e"])); err == nil && e.Ticket == ticket {
				found = append(found, EventTrace{Event: e, Waits: waits[e.ID]})
			}
		}
		if len(msgs) < eventsAtOnce {
			return found, nil
		}
		from = "(" + msgs[len(msgs)-1].ID
	}
}

// FindMessageID finds the SMS, and which part of it, that an SMSC gave a message id on one of these links. ErrNotFound,
// also where the SMS was sent longer ago than receipts are waited for.
func (s *Store) FindMessageID(ctx context.Context, links []string, messageID string) (sms string, part int, err error) {
	pipe := s.rdb.Pipeline()
	var asked []*redis.SliceCmd
	for shard := range Shards {
		for _, link := range links {
			asked = append(asked, pipe.MGet(ctx, receiptKey(shard, link, messageID)))
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return "", 0, fmt.Errorf("look for a message id: %w", err)
	}
	for _, cmd := range asked {
		if f := strings.Fields(asString(cmd.Val()[0])); len(f) == 3 { // SMS, part, citizen
			part, _ = strconv.Atoi(f[1])
			return f[0], part, nil
		}
	}
	return "", 0, fmt.Errorf("message id: %w", ErrNotFound)
}
