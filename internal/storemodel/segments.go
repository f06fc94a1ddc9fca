package storemodel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"aduan/store"
)

// group is a long SMS of which some parts have come.
type group struct {
	version int64
	total   int
	first   time.Time
	parts   map[int][]byte
	digests map[int]string
	joined  bool
	ticket  uint64
	field   string
	until   time.Time      // of Redis's clock; zero: for ever
	opened  int64          // the order in which groups were begun
	copies  map[int]copied // of a tombstone: parts that came again, or begin another message alike
}

// copied is a part that met the tombstone of an equal one.
type copied struct {
	data []byte
	at   time.Time
}

func (r *Redis) groupOf(ref store.GroupRef) *group {
	g := r.groups[ref]
	if g != nil && !g.until.IsZero() && !r.clock().Before(g.until) {
		delete(r.groups, ref)
		return nil
	}
	return g
}

func (g *group) seen(ref store.GroupRef, c store.Citizen) store.Group {
	return store.Group{
		Ref: ref, Citizen: c, Total: g.total, Parts: maps.Clone(g.parts), First: g.first, Version: g.version,
		Joined: g.joined, JoinedTicket: g.ticket, JoinedField: g.field,
	}
}

// KeepPart is part.lua, sent again once where its answer is lost.
func (s *Store) KeepPart(ctx context.Context, p store.Part) (store.PartOutcome, error) {
	if err := s.allowed(p.Boot); errors.Is(err, store.ErrFenced) {
		return store.PartOutcome{Kind: store.PartLate}, nil
	} else if err != nil {
		return store.PartOutcome{}, fmt.Errorf("%w: %w", store.ErrNotKept, err)
	}
	deadline := s.toRedis(p.Deadline)
	var out *store.PartOutcome
	err := s.twice(ctx, "part", func() (func(), func()) {
		got := &store.PartOutcome{}
		return func() { *got = s.r.part(p, deadline) }, func() { out = got }
	})
	if err != nil {
		s.forget(p.Citizen.ID)
		return store.PartOutcome{}, err
	}
	s.remember(out.Citizen)
	return *out, nil
}

func (r *Redis) part(p store.Part, deadline time.Time) store.PartOutcome {
	id := p.Citizen.ID
	out := store.PartOutcome{Citizen: p.Citizen}
	if r.fences[p.Boot] || (!deadline.IsZero() && r.clock().After(deadline)) {
		out.Kind = store.PartLate
		return out
	}
	c := r.citizens[id]
	if (c == nil) != (p.Citizen.Version == 0) { // the data key is not as assumed
		out.Kind = store.PartStale
		out.Citizen = store.Citizen{ID: id, Number: p.Citizen.Number}
		if c != nil {
			out.Citizen = c.seen(id)
		}
		return out
	}
	ref := store.GroupRef{Citizen: id, Key: fmt.Sprintf("%s/%d/%t/%d", p.Destination, p.Ref, p.Wide, p.Total)}
	g := r.groupOf(ref)
	tell := func(kind store.PartKind) store.PartOutcome {
		out.Kind, out.Group = kind, g.seen(ref, out.Citizen)
		return out
	}
	if g != nil {
		had, same := g.digests[p.Number], g.digests[p.Number] == p.Digest
		switch {
		case g.joined && same: // a copy, or the start of another message that begins alike: what comes next tells
			if c != nil {
				g.copies[p.Number] = copied{slices.Clone(p.Data), p.Now}
			}
			return tell(store.PartDuplicate)
		case g.joined && had == "":
			return tell(store.PartGap)
		case g.joined: // a tombstone makes way
		case had != "" && !same:
			return tell(store.PartConflict)
		case had != "" && len(g.parts) >= p.Total:
			return tell(store.PartWhole)
		case had != "":
			return tell(store.PartDuplicate)
		}
	}
	if g == nil || g.joined {
		if oldest, n := r.openGroups(id); n >= store.MaxOpenGroups && !p.Over {
			out.Kind, out.Group = store.PartFull, r.groups[oldest].seen(oldest, out.Citizen)
			return out
		}
	}
	if c == nil {
		c = &citizen{number: p.Citizen.Number, version: 1}
		r.citizens[id] = c
		out.Citizen.Version = 1
	}
	if g == nil || g.joined {
		next := &group{total: p.Total, first: p.Now, parts: map[int][]byte{}, digests: map[int]string{}, copies: map[int]copied{}, opened: r.opened}
		r.opened++
		if g != nil {
			next.version = g.version
			for n, had := range g.copies { // came a moment ago, before this one, and looked like copies
				if n < p.Number && p.Now.Sub(had.at) < p.Timeout {
					next.parts[n], next.digests[n] = had.data, g.digests[n]
				}
			}
		}
		g = next
		r.groups[ref] = g
		r.due[groupDue(ref)] = p.Now.Add(p.Timeout)
	}
	g.version++
	g.parts[p.Number], g.digests[p.Number] = slices.Clone(p.Data), p.Digest
	if len(g.parts) >= p.Total {
		r.due[groupDue(ref)] = p.Now.Add(min(10*time.Second, p.Timeout))
		return tell(store.PartWhole)
	}
	return tell(store.PartKept)
}

// openGroups are a citizen's that are begun and not joined: how many, and the oldest.
func (r *Redis) openGroups(id store.CitizenID) (oldest store.GroupRef, n int) {
	first := int64(-1)
	for ref := range r.groups {
		if ref.Citizen != id {
			continue
		}
		if g := r.groupOf(ref); g != nil && !g.joined {
			n++
			if first < 0 || g.opened < first {
				oldest, first = ref, g.opened
			}
		}
	}
	return oldest, n
}

func groupDue(ref store.GroupRef) dueKey {
	return dueKey{shard: ref.Citizen.Shard, kind: 'g', name: ref.Key, group: ref}
}

// Group reads a group.
func (s *Store) Group(ctx context.Context, ref store.GroupRef) (store.Group, bool, error) {
	var got *store.Group
	answer := &store.Group{}
	err := s.do(ctx, "read", func() {
		if g := s.r.groupOf(ref); g != nil {
			*answer = g.seen(ref, s.r.citizens[ref.Citizen].seen(ref.Citizen))
			got = answer
		}
	})
	if err != nil || got == nil {
		return store.Group{}, false, err
	}
	return *got, true, nil
}

// groupAsExpected is what commit.lua asks of the group that a turn joins or fills.
func (r *Redis) groupAsExpected(t *store.Turn) bool {
	if j := t.Join; j != nil {
		g := r.groupOf(store.GroupRef{Citizen: t.Citizen.ID, Key: j.Key})
		if g == nil || g.version != j.Version || g.joined {
			return false
		}
	}
	if f := t.Fill; f != nil {
		g := r.groupOf(store.GroupRef{Citizen: t.Citizen.ID, Key: f.Key})
		if g == nil || !g.joined || g.digests[f.Number] != "" {
			return false
		}
	}
	return true
}

func (r *Redis) writeGroup(t *store.Turn) {
	if j := t.Join; j != nil {
		ref := store.GroupRef{Citizen: t.Citizen.ID, Key: j.Key}
		g := r.groups[ref]
		g.version++
		g.joined, g.ticket, g.field, g.parts = true, j.Ticket, j.Field, map[int][]byte{}
		g.until = r.clock().Add(24 * time.Hour)
		delete(r.due, groupDue(ref))
	}
	if f := t.Fill; f != nil {
		g := r.groups[store.GroupRef{Citizen: t.Citizen.ID, Key: f.Key}]
		g.digests[f.Number] = f.Digest
		g.until = r.clock().Add(24 * time.Hour)
	}
}
