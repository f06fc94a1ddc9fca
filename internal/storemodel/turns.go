package storemodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aduan/store"
)

// Commit is commit.lua, sent again once where its answer is lost.
func (s *Store) Commit(ctx context.Context, t *store.Turn) (store.Outcome, error) {
	if t.ID == "" {
		if t.ID = s.NewID(t.Citizen.ID.Shard); t.Mark != nil {
			t.ID = t.Mark.ID
		}
	}
	if err := s.allowed(t.Boot); errors.Is(err, store.ErrFenced) {
		return store.Outcome{Kind: store.Late, Fenced: true}, nil
	} else if err != nil {
		return store.Outcome{}, fmt.Errorf("%w: %w", store.ErrNotKept, err)
	}
	deadline := s.toRedis(t.Deadline)
	turn := *t // what is run late is what was sent
	var out *store.Outcome
	err := s.twice(ctx, "commit", func() (func(), func()) {
		got := &store.Outcome{}
		return func() { *got = s.r.commit(&turn, deadline) }, func() { out = got }
	})
	if err != nil {
		s.forget(t.Citizen.ID)
		if errors.Is(err, store.ErrUnknown) {
			s.noteUnknown(t.Citizen.ID.Shard)
		}
		return store.Outcome{}, err
	}
	switch out.Kind {
	case store.Kept:
		after := t.Citizen
		after.Version, after.State = out.Version, t.State
		if s.forget(t.Citizen.ID); out.Version == t.Citizen.Version+1 && !t.Erase {
			s.remember(after)
		}
	case store.Stale:
		if out.Citizen.Version == 0 {
			out.Citizen = store.Citizen{ID: t.Citizen.ID, Number: t.Citizen.Number}
		}
		s.remember(out.Citizen)
	}
	return *out, nil
}

// commit is the script. The lock is held.
func (r *Redis) commit(t *store.Turn, deadline time.Time) store.Outcome {
	c := r.citizens[t.Citizen.ID]
	m := r.mark(t)
	if (c != nil && slices.Contains(c.turns, t.ID)) || (m != nil && m.ID == t.Mark.ID) {
		out := store.Outcome{Kind: store.Kept}
		if c != nil {
			out.Version = c.version
		}
		for _, one := range t.SMS {
			if stands := r.sms[one.ID]; stands != nil && t.Boot != "" && stands.holder == t.Boot && stands.hold == 1 {
				out.Send = append(out.Send, r.outgoing(stands))
			}
		}
		return out
	}
	if r.fences[t.Boot] {
		return store.Outcome{Kind: store.Late, Fenced: true}
	}
	now := r.clock()
	if !deadline.IsZero() && now.After(deadline) {
		return store.Outcome{Kind: store.Late}
	}
	if i := t.Idempotency; i != nil {
		if first, ok := r.answers[answerKey{t.Citizen.ID.Shard, i.Key}]; ok {
			if first.Fingerprint == i.Fingerprint {
				return store.Outcome{Kind: store.Replayed, FirstAnswer: first.Answer}
			}
			return store.Outcome{Kind: store.KeyMisused}
		}
	}
	if t.Mark != nil && clash(t.Mark, m) {
		out := store.Outcome{Kind: store.Copy, Mark: store.Mark{Digest: t.Mark.Digest}}
		if m != nil {
			out.Mark = m.copied()
		}
		return out
	}
	if (c == nil && t.Citizen.Version != 0) || (c != nil && c.version != t.Citizen.Version) {
		out := store.Outcome{Kind: store.Stale}
		if c != nil {
			out.Citizen = c.seen(t.Citizen.ID)
		}
		return out
	}
	if !r.groupAsExpected(t) {
		return store.Outcome{Kind: store.GroupChanged}
	}
	return r.write(t, c, m, now)
}

func (r *Redis) mark(t *store.Turn) *mark {
	if t.Mark == nil {
		return nil
	}
	return r.markOf(markKey{t.Citizen.ID, t.Mark.Digest})
}

// markOf is a mark that has not expired.
func (r *Redis) markOf(k markKey) *mark {
	m := r.marks[k]
	if m != nil && !r.clock().Before(m.until) {
		delete(r.marks, k)
		return nil
	}
	return m
}

func (m *mark) copied() store.Mark {
	c := m.Mark
	c.SMS = slices.Clone(m.SMS)
	return c
}

func clash(w *store.MarkWrite, m *mark) bool {
	switch w.Mode {
	case store.MarkFresh:
		return m != nil
	case store.MarkRepetition:
		return m != nil && (m.ID != w.Replaces || !m.Settled)
	case store.MarkAnew:
		return m == nil || m.ID != w.Replaces
	default:
		return m == nil || m.ID != w.Replaces || m.Again
	}
}

// write is the second half of commit.lua: all checks have passed.
func (r *Redis) write(t *store.Turn, c *citizen, m *mark, now time.Time) store.Outcome {
	id := t.Citizen.ID
	if c == nil {
		c = &citizen{number: t.Citizen.Number}
		r.citizens[id] = c
	}
	c.version++
	c.state = slices.Clone(t.State)
	c.turns = append([]string{t.ID}, c.turns[:min(len(c.turns), 8)]...)
	for _, w := range t.Tickets {
		r.writeTicket(id, w)
	}
	out := store.Outcome{Kind: store.Kept, Version: c.version}
	ids := make([]string, 0, len(t.SMS))
	for _, one := range t.SMS {
		ids = append(ids, one.ID)
		if held := r.queue(t, c, one); held != nil {
			out.Send = append(out.Send, *held)
		}
	}
	for _, e := range t.Events {
		e.Shard, e.Citizen = id.Shard, id.Hash
		r.events = append(r.events, e)
	}
	r.audit[id.Shard] = append(r.audit[id.Shard], t.Audit...)
	if t.Kept != nil {
		c.kept = append(c.kept, t.Kept)
	}
	if w := t.Mark; w != nil {
		switch w.Mode {
		case store.MarkFresh, store.MarkRepetition:
			c.took = append(c.took, w.Digest)
		default:
			c.again++
		}
		next := &mark{Mark: store.Mark{
			Digest: w.Digest, ID: w.ID, Session: w.Session, First: now, Last: now, AsksOnly: w.AsksOnly, SMS: ids,
		}, until: now.Add(r.redeliv)}
		if w.Mode == store.MarkAgain {
			next.First, next.Again = m.First, true
			if len(ids) == 0 {
				next.SMS = m.SMS
			}
		}
		r.marks[markKey{id, w.Digest}] = next
	}
	if i := t.Idempotency; i != nil {
		r.answers[answerKey{id.Shard, i.Key}] = *i
	}
	r.writeGroup(t)
	tick := dueKey{shard: id.Shard, kind: 'q', name: id.Hash}
	if t.TickAt.IsZero() || t.Erase {
		delete(r.due, tick)
	} else {
		r.due[tick] = t.TickAt
	}
	return out
}

func (r *Redis) writeTicket(id store.CitizenID, w store.TicketWrite) {
	key := ticketKey{id.Shard, w.Serial}
	stands := r.tickets[key]
	switch {
	case stands == nil && !w.New:
		panic(fmt.Sprintf("storemodel: GONE ticket %v", key))
	case stands != nil && w.New:
		panic(fmt.Sprintf("storemodel: TAKEN ticket %v: its serial was given twice", key))
	case stands != nil && stands.owner != id:
		panic(fmt.Sprintf("storemodel: GONE ticket %v is another citizen's", key))
	case stands == nil:
		stands = &ticket{owner: id, entries: map[string][]byte{}}
		r.tickets[key] = stands
	}
	if w.Head != nil {
		stands.head = slices.Clone(w.Head)
	}
	for _, e := range w.Entries {
		stands.entries[e.Field] = slices.Clone(e.Data)
	}
}

// Audit is audit.lua.
func (s *Store) Audit(ctx context.Context, chain int, records ...store.Audit) error {
	records = slices.Clone(records)
	return s.do(ctx, "audit", func() { s.r.audit[chain] = append(s.r.audit[chain], records...) })
}

// AuditTrail gives all that was written down of a ticket, the newest first, in one page.
func (s *Store) AuditTrail(_ context.Context, q store.AuditQuery) (page []store.AuditRecord, next string, err error) {
	s.r.locked(func() {
		for chain, records := range s.r.audit {
			for i, a := range slices.Backward(records) {
				if (q.Ticket == 0 || (chain == q.Shard && a.Ticket == q.Ticket)) && (q.Keys == nil || q.Keys[a.KeyID]) && (q.Action == "" || a.Action == q.Action) {
					page = append(page, store.AuditRecord{Chain: chain, Seq: uint64(i) + 1, At: s.r.now(), Audit: a})
				}
			}
		}
	})
	return page, "", nil
}

// ListKeys gives no keys: the model has none.
func (s *Store) ListKeys(context.Context) ([]store.APIKey, error) { return nil, nil }

// Mark reads a mark.
func (s *Store) Mark(ctx context.Context, id store.CitizenID, digest string) (store.Mark, bool, error) {
	var got *store.Mark
	answer := &store.Mark{}
	err := s.do(ctx, "mark", func() {
		if m := s.r.markOf(markKey{id, digest}); m != nil {
			*answer = m.copied()
			got = answer
		}
	})
	if err != nil {
		return store.Mark{}, false, err
	}
	if got == nil {
		return store.Mark{Digest: digest}, false, nil
	}
	return *got, true, nil
}

// Redeliver is redeliver.lua.
func (s *Store) Redeliver(ctx context.Context, id store.CitizenID, boot string, deadline time.Time, digest, expect, newID, session string) (store.Mark, bool, error) {
	if err := s.allowed(boot); err != nil {
		return store.Mark{}, false, fmt.Errorf("%w: %w", store.ErrNotKept, err)
	}
	type answer struct {
		mark store.Mark
		done bool
		err  error
	}
	var out *answer
	at := s.toRedis(deadline)
	err := s.twice(ctx, "redeliver", func() (func(), func()) {
		got := &answer{mark: store.Mark{Digest: digest}}
		return func() {
			m := s.r.markOf(markKey{id, digest})
			now := s.r.clock()
			switch {
			case m != nil && m.ID == newID:
				m.Session = session
			case s.r.fences[boot]:
				got.err = fmt.Errorf("%w: %w", store.ErrNotKept, store.ErrFenced)
				return
			case !at.IsZero() && now.After(at):
				got.err = fmt.Errorf("%w: %w", store.ErrNotKept, store.ErrLate)
				return
			case m == nil:
				return
			case m.ID != expect:
				got.mark = m.copied()
				return
			default:
				m.ID, m.Session, m.Last, m.Settled, m.until = newID, session, now, false, now.Add(s.r.redeliv)
			}
			got.mark, got.done = m.copied(), true
		}, func() { out = got }
	})
	if err != nil {
		return store.Mark{}, false, err
	}
	return out.mark, out.done, out.err
}

// Settle is settle.lua.
func (s *Store) Settle(ctx context.Context, refs []store.MarkRef) error {
	refs = slices.Clone(refs)
	return s.do(ctx, "settle", func() { s.r.settle(refs) })
}

func (r *Redis) settle(refs []store.MarkRef) {
	for _, ref := range refs {
		m := r.markOf(markKey{ref.Citizen, ref.Digest})
		if m != nil && m.ID == ref.ID && !m.Settled {
			m.Settled, m.until = true, r.clock().Add(r.settled)
		}
	}
}
