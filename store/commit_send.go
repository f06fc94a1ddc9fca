package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Commit keeps everything that one message caused, or nothing, in one round trip. ErrNotKept: surely nothing was
// written; ErrUnknown: the answer was lost, twice where the deadline left time for that, and the turn may stand. The same
// Turn may be committed again: what stands is not written twice.
func (s *Store) Commit(ctx context.Context, t *Turn) (Outcome, error) {
	began := time.Now()
	s.name(t)
	if err := s.boot.allowed(t.Boot); errors.Is(err, ErrFenced) {
		return s.counted(Outcome{Kind: Late, Fenced: true}, nil, began)
	} else if err != nil {
		return s.counted(Outcome{}, notKept(err), began)
	}
	redisDeadline, err := s.redisDeadline(ctx, t.Deadline)
	if errors.Is(err, ErrLate) {
		return s.counted(Outcome{Kind: Late}, nil, began)
	}
	if err != nil {
		return s.counted(Outcome{}, err, began)
	}
	keeping := s.Keeping()
	keys, args := t.wire(s.keys, redisDeadline, keeping.Redelivery, keeping.Handoffs)
	reply, err := s.lines.twice(ctx, scriptCommit, keys, args...)
	if err != nil {
		s.cache.drop(t.Citizen.ID)
		if errors.Is(err, ErrUnknown) {
			s.noteUnknown(t.Citizen.ID.Shard)
		}
		if redis.HasErrorPrefix(err, "TAKEN") {
			err = fmt.Errorf("%w: %w", ErrTaken, err)
		}
		return s.counted(Outcome{}, err, began)
	}
	out, err := s.outcome(ctx, t, asList(reply))
	return s.counted(out, err, began)
}

// name gives a turn the name by which it is known when it is tried again.
func (s *Store) name(t *Turn) {
	switch {
	case t.ID != "":
	case t.Mark != nil:
		t.ID = t.Mark.ID
	default:
		t.ID = s.NewID(t.Citizen.ID.Shard)
	}
}

func (s *Store) counted(o Outcome, err error, began time.Time) (Outcome, error) {
	label := o.Kind.String()
	switch {
	case errors.Is(err, ErrUnknown):
		label = "unknown"
	case err != nil:
		label = "not_kept"
	}
	s.met.turns.WithLabelValues(label).Inc()
	s.met.seconds.Observe(time.Since(began).Seconds())
	return o, err
}

// outcome reads what commit.lua returned.
func (s *Store) outcome(ctx context.Context, t *Turn, reply []any) (Outcome, error) {
	id := t.Citizen.ID
	switch kind := asInt(reply, 0); kind {
	case 1:
		return s.kept(t, reply)
	case 2:
		return Outcome{Kind: Copy, Mark: readMark(t.Mark.Digest, asStrings(reply[1:]))}, nil
	case 3:
		stands, err := s.citizen(id, asStrings(reply[1:]))
		if errors.Is(err, ErrNotFound) { // erased meanwhile: as if never seen
			stands, err = s.newCitizen(id, t.Citizen.Number)
		}
		if err != nil {
			s.cache.drop(id)
			return Outcome{}, notKept(s.hurt(err))
		}
		s.aside(ctx, stands)
		s.cache.put(stands)
		return Outcome{Kind: Stale, Citizen: stands}, nil
	case 4:
		return Outcome{Kind: Late, Fenced: asString(reply[1]) == "fenced"}, nil
	case 5:
		answer, err := decodePlain(idempotencyKey(id.Shard, t.Idempotency.Key), "a", []byte(asString(reply[1])))
		if err != nil {
			return Outcome{}, notKept(err)
		}
		return Outcome{Kind: Replayed, FirstAnswer: answer}, nil
	case 6:
		return Outcome{Kind: KeyMisused}, nil
	case 7:
		return Outcome{Kind: GroupChanged}, nil
	default:
		return Outcome{}, unknown(errors.New("the commit script gave an answer that this version does not know"))
	}
}

func (s *Store) kept(t *Turn, reply []any) (Outcome, error) {
	out := Outcome{Kind: Kept}
	s.manager.kept.Store(true)
	out.Version, _ = strconv.ParseUint(asString(reply[1]), 10, 64)
	after := t.Citizen
	after.Version, after.State = out.Version, t.State
	if t.Erase {
		s.cache.drop(t.Citizen.ID)
	} else if out.Version == t.Citizen.Version+1 {
		s.cache.put(after)
	} else { // it was kept before, and another turn came after it
		s.cache.drop(t.Citizen.ID)
	}
	for _, n := range reply[3:] {
		i, ok := n.(int64)
		if !ok || i < 1 || int(i) > len(t.SMS) {
			continue
		}
		sms := t.SMS[i-1]
		out.Send = append(out.Send, Outgoing{
			ID: sms.ID, Citizen: t.Citizen.ID, To: t.Citizen.Number, From: sms.From, Text: sms.Text, Link: sms.Link,
			Ticket: sms.Ticket, Class: sms.Class, Queued: t.Now, Hold: 1,
		})
	}
	return out, nil
}

// wire is the turn as commit.lua takes it.
func (t *Turn) wire(veil *sealer, deadline int64, redelivery time.Duration, handoffs bool) (keys []string, args []any) {
	id, shard := t.Citizen.ID, t.Citizen.ID.Shard
	due, citizen := dueKey(shard), citizenKey(id)
	keys = append(make([]string, 0, 12+len(t.Tickets)+len(t.SMS)+len(t.Events)),
		due, fenceKey(shard), citizen, outKey(id), heldKey(shard, t.Boot), queuedKey(shard), eventsKey(shard), keptKey(id),
		due, due, due, due)
	key := t.Citizen.key
	args = append(make([]any, 0, 28+12*len(t.Tickets)+9*len(t.SMS)+2*len(t.Events)),
		t.Boot, deadline, safe(t.ID), t.Citizen.Version, key.wrapped, t.sealedNumber(), key.seal(citizen, "s", t.State),
		millis(t.Now), millis(t.TickAt), safe(id.Hash))

	if m := t.Mark; m != nil {
		keys[8] = markKey(id, veil.veil(m.Digest))
		args = append(args, int(m.Mode), m.ID, m.Session, m.Replaces, flag(m.AsksOnly), redelivery.Milliseconds())
	} else {
		args = append(args, 0, "", "", "", 0, 0)
	}
	if i := t.Idempotency; i != nil {
		keys[9] = idempotencyKey(shard, i.Key)
		args = append(args, i.Fingerprint, encodePlain(keys[9], "a", i.Answer))
	} else {
		args = append(args, "", "")
	}
	if j := t.Join; j != nil {
		keys[10] = groupKey(id, j.Key)
		args = append(args, j.Version, j.Ticket, j.Field)
	} else {
		args = append(args, "", "", "")
	}
	if f := t.Fill; f != nil {
		keys[11] = groupKey(id, f.Key)
		args = append(args, f.Number, veil.veil(f.Digest))
	} else {
		args = append(args, "", "")
	}
	switch {
	case !handoffs:
		args = append(args, "")
	case t.HandoffHere:
		args = append(args, millis(t.Now.Add(Lease)))
	default:
		args = append(args, millis(t.Now))
	}
	if t.Kept != nil {
		args = append(args, key.seal(keys[7], "kept", t.Kept))
	} else {
		args = append(args, "")
	}
	args = append(args, flag(t.Erase))
	keys, args = t.wireTickets(veil, keys, args)
	keys, args = t.wireSMS(keys, args)
	keys, args = t.wireEvents(keys, args)
	return keys, t.wireAudit(args)
}

const idempotencyStands = 24 * time.Hour

func (t *Turn) wireAudit(args []any) []any {
	args = append(args, len(t.Audit))
	for _, a := range t.Audit {
		args = append(args, a.encode())
	}
	stands := idempotencyStands
	if t.Idempotency != nil && t.Idempotency.Stands > 0 {
		stands = t.Idempotency.Stands
	}
	args = append(args, stands.Milliseconds())
	for _, m := range t.SMS {
		args = append(args, t.Citizen.key.proof(m.Text))
	}
	return args
}

func (t *Turn) sealedNumber() []byte {
	if t.Citizen.Version > 0 {
		return nil // it stands already
	}
	return t.Citizen.key.seal(citizenKey(t.Citizen.ID), "n", []byte(t.Citizen.Number.Reveal()))
}

func (t *Turn) wireTickets(veil *sealer, keys []string, args []any) ([]string, []any) {
	args = append(args, len(t.Tickets))
	for _, w := range t.Tickets {
		key := ticketKey(t.Citizen.ID.Shard, w.Serial)
		keys = append(keys, key)
		fields := make([]any, 0, 2+2*len(w.Entries))
		if t.Erase { // nobody can tell any more, with the number in hand, whose it was
			fields = append(fields, "o", encodePlain(key, "o", []byte(erasedOwner)))
		}
		if w.Head != nil {
			fields = append(fields, "h", encodePlain(key, "h", w.Head))
		}
		for _, e := range w.Entries {
			if e.Plain {
				fields = append(fields, e.Field, encodePlain(key, e.Field, e.Data))
			} else {
				fields = append(fields, e.Field, t.Citizen.key.seal(key, e.Field, e.Data))
			}
		}
		args = append(args, flag(w.New), encodePlain(key, "o", []byte(t.Citizen.ID.Hash)), w.Index.entry(veil, key), len(fields))
		args = append(args, fields...)
	}
	return keys, args
}

func (t *Turn) wireSMS(keys []string, args []any) ([]string, []any) {
	args = append(args, len(t.SMS))
	for _, m := range t.SMS {
		key := smsKey(t.Citizen.ID.Shard, m.ID)
		keys = append(keys, key)
		notBefore := int64(0)
		if m.NotBefore.After(t.Now) {
			notBefore = millis(m.NotBefore)
		}
		args = append(args, safe(m.ID), m.Link, m.From, m.Ticket, int(m.Class), notBefore, flag(m.Hold),
			t.Citizen.key.seal(key, "x", []byte(m.Text)), m.Origin.String())
	}
	return keys, args
}

func (t *Turn) wireEvents(keys []string, args []any) ([]string, []any) {
	args = append(args, len(t.Events))
	for _, e := range t.Events {
		subject := subjectOf(e.Ticket, t.Citizen.ID)
		keys = append(keys, handoffKey(t.Citizen.ID.Shard, subject))
		args = append(args, subject, encodeEvent(e, t.Citizen.ID))
	}
	return keys, args
}

// flag is a truth as scripts take it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// redisDeadline is a deadline of our clock in Redis's time, early rather than late; 0 for none. ErrLate where it has passed.
func (s *Store) redisDeadline(ctx context.Context, deadline time.Time) (int64, error) {
	if deadline.IsZero() {
		return 0, nil
	}
	if !s.opt.Now().Before(deadline) {
		return 0, ErrLate
	}
	if at, ok := s.boot.toRedis(deadline); ok {
		return at, nil
	}
	if err := s.askTime(ctx); err != nil {
		return 0, notKept(err)
	}
	at, _ := s.boot.toRedis(deadline)
	return at, nil
}

// askTime learns Redis's time without a heartbeat: a tool, or the moment before the first one.
func (s *Store) askTime(ctx context.Context) error {
	t, err := s.rdb.Time(ctx).Result()
	if err == nil {
		s.boot.setClock(s.opt.Now(), t)
	}
	return err
}

// splitIDs reads a list of ids joined by commas.
func splitIDs(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
