package storemodel

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"aduan/store"
)

// sms is one outgoing SMS as it stands.
type sms struct {
	id       string
	citizen  store.CitizenID
	one      store.SMS
	state    string
	holder   string // the boot that holds it; empty: nobody
	inQueue  bool   // stands, or stood, in the citizen's queue
	hold     int    // how often it was held
	tries    int
	queued   time.Time
	accepted []string
	token    string // of the last Done
	err      string
	times    map[string]time.Time
	parts    int
	receipts map[int]string

	interim   string
	interimAt time.Time
}

// queue puts an SMS of a turn where it waits; not nil: the boot holds it.
func (r *Redis) queue(t *store.Turn, c *citizen, one store.SMS) *store.Outgoing {
	if r.sms[one.ID] != nil {
		panic("storemodel: TAKEN: the id of an SMS was given twice")
	}
	m := &sms{
		id: one.ID, citizen: t.Citizen.ID, one: one, state: store.StateQueued, queued: t.Now,
		times: map[string]time.Time{store.StateQueued: t.Now}, receipts: map[int]string{},
	}
	r.sms[one.ID] = m
	due := dueKey{shard: t.Citizen.ID.Shard, kind: 's', name: one.ID}
	if one.NotBefore.After(t.Now) {
		r.due[due] = one.NotBefore
		return nil
	}
	m.inQueue = true
	c.out = append(c.out, one.ID)
	switch {
	case len(c.out) > 1:
	case one.Hold && t.Boot != "":
		r.holds(t.Boot, m)
		out := r.outgoing(m)
		return &out
	default:
		r.due[due] = t.Now.Add(-time.Duration(max(2-int(one.Class), 0)) * 30 * time.Minute)
	}
	return nil
}

// holds is lib.lua's holds.
func (r *Redis) holds(boot string, m *sms) {
	m.hold++
	m.holder = boot
}

func (r *Redis) outgoing(m *sms) store.Outgoing {
	return store.Outgoing{
		ID: m.id, Citizen: m.citizen, To: r.citizens[m.citizen].number, From: m.one.From, Text: m.one.Text, Link: m.one.Link,
		Ticket: m.one.Ticket, Class: m.one.Class, Tries: m.tries, Queued: m.queued, Accepted: slices.Clone(m.accepted), Hold: m.hold,
	}
}

// Done is done.lua, sent again once where its answer is lost.
func (s *Store) Done(ctx context.Context, d store.Done) (*store.Outgoing, error) {
	type answer struct {
		next  *store.Outgoing
		early []early
		ok    bool
	}
	var out *answer
	err := s.twice(ctx, "done", func() (func(), func()) {
		got := &answer{}
		return func() { got.next, got.early, got.ok = s.r.done(d) }, func() { out = got }
	})
	if err != nil {
		if errors.Is(err, store.ErrUnknown) {
			s.noteUnknown(d.SMS.Citizen.Shard)
		}
		return nil, err
	}
	if !out.ok {
		return nil, store.ErrFenced
	}
	if d.Early != nil {
		for _, e := range out.early {
			d.Early(e.part, e.which, e.told)
		}
	}
	return out.next, nil
}

func (r *Redis) done(d store.Done) (*store.Outgoing, []early, bool) {
	m, shard := r.sms[d.SMS.ID], d.SMS.Citizen.Shard
	token := d.Boot + ":" + itoa(d.SMS.Hold)
	if r.fences[d.Boot] || m == nil {
		return nil, nil, false
	}
	c := r.citizens[m.citizen]
	if m.holder != d.Boot || m.hold != d.SMS.Hold {
		if m.token != token {
			return nil, nil, false
		}
		r.settle(d.Settle)
		if len(c.out) > 0 && c.out[0] != m.id && r.sms[c.out[0]].holder == d.Boot {
			next := r.outgoing(r.sms[c.out[0]])
			return &next, nil, true
		}
		return nil, nil, true
	}
	m.token, m.holder, m.accepted = token, "", slices.Clone(d.MessageIDs)
	if len(d.MessageIDs) > 0 && d.SMS.Link != "" {
		m.one.Link = d.SMS.Link
	}
	switch d.End {
	case store.DoneAccepted:
		m.state, m.err, m.parts = store.StateSent, "", len(d.MessageIDs)
		m.times[m.state] = d.At
	case store.DoneRetry:
		m.tries, m.err = d.SMS.Tries+1, d.Error
		r.due[dueKey{shard: shard, kind: 's', name: m.id}] = d.RetryAt
	default:
		m.state, m.err = d.State, d.Error
		m.times[m.state] = d.At
		r.tell(d.EventID, "sms.failed", m, d.At)
	}
	for i, id := range d.MessageIDs {
		r.receipts[keyOf(d.SMS.Citizen, d.SMS.Link, id)] = part{m.id, i + 1}
	}
	var next *store.Outgoing
	if d.End != store.DoneRetry {
		delete(r.due, dueKey{shard: shard, kind: 's', name: m.id})
		next = r.moveUp(c, m, d)
	}
	var taken []early
	if d.End == store.DoneAccepted {
		taken = r.takeEarly(m, d)
	}
	r.settle(d.Settle)
	return next, taken, true
}

// moveUp takes an SMS out of its citizen's queue; the next becomes held, or due.
func (r *Redis) moveUp(c *citizen, m *sms, d store.Done) *store.Outgoing {
	if i := slices.Index(c.out, m.id); i >= 0 {
		c.out = slices.Delete(c.out, i, i+1)
	}
	if len(c.out) == 0 {
		return nil
	}
	n := r.sms[c.out[0]]
	due := dueKey{shard: n.citizen.Shard, kind: 's', name: n.id}
	switch {
	case n.holder != "":
		return nil
	case !d.HoldNext:
		r.due[due] = d.At
		return nil
	}
	delete(r.due, due)
	r.holds(d.Boot, n)
	next := r.outgoing(n)
	return &next
}

// receipted is lib.lua's receipted.
func (r *Redis) receipted(m *sms, n int, u store.ReceiptUpdate) {
	if m.state != store.StateSent {
		return
	}
	if m.receipts[n] != "" {
		return
	}
	m.receipts[n] = u.State
	if u.State == store.StateDelivered {
		for i := 1; i <= max(m.parts, 1); i++ {
			if m.receipts[i] != store.StateDelivered {
				return
			}
		}
	}
	m.state, m.err = u.State, u.Error
	m.times[m.state] = u.At
	if u.State == store.StateDelivered {
		r.tell(u.EventID, "sms.delivered", m, u.At)
	} else {
		r.tell(u.EventID, "sms.failed", m, u.At)
	}
}

func (r *Redis) tell(id, kind string, m *sms, at time.Time) {
	if id != "" {
		r.events = append(r.events, store.Event{ID: id, Type: kind, Ticket: m.one.Ticket, At: at, Shard: m.citizen.Shard, Citizen: m.citizen.Hash})
	}
}

// Release is release.lua.
func (s *Store) Release(ctx context.Context, boot string, list []store.Outgoing, at time.Time) error {
	list = slices.Clone(list)
	return s.do(ctx, "release", func() {
		for _, o := range list {
			if m := s.r.sms[o.ID]; m != nil && m.holder == boot && m.hold == o.Hold {
				m.holder = ""
				s.r.due[dueKey{shard: m.citizen.Shard, kind: 's', name: m.id}] = at
			}
		}
	})
}

// Held is held.lua.
func (s *Store) Held(ctx context.Context, boot string, shards []int) ([]store.Outgoing, error) {
	out := new([]store.Outgoing)
	err := s.do(ctx, "held", func() {
		for _, id := range slices.Sorted(maps.Keys(s.r.sms)) {
			if m := s.r.sms[id]; m.holder == boot && slices.Contains(shards, m.citizen.Shard) {
				*out = append(*out, s.r.outgoing(m))
			}
		}
	})
	if err != nil {
		for _, shard := range shards {
			s.noteUnknown(shard)
		}
		return nil, err
	}
	return *out, nil
}

// Claim is claim.lua over all shards.
func (s *Store) Claim(ctx context.Context, c store.Claim) (store.Claimed, error) {
	if err := s.allowed(c.Boot); err != nil {
		return store.Claimed{}, err
	}
	due := new(map[int]bool) // the shards that are claimed from, as the store does: told where an answer is lost
	err := s.do(ctx, "read", func() {
		*due = s.r.dueShards(c.Now)
	})
	if err != nil || len(*due) == 0 {
		return store.Claimed{}, err
	}
	shards := *due
	room := maps.Clone(c.Room)
	type answer struct {
		got    store.Claimed
		fenced bool
	}
	a := &answer{}
	err = s.do(ctx, "claim", func() {
		if a.fenced = s.r.fences[c.Boot]; a.fenced {
			return
		}
		for _, k := range s.r.dueNow(c.Now, shards) {
			switch k.kind {
			case 's':
				s.r.claimSMS(&a.got, k, c, room)
			case 'q':
				s.r.due[k] = c.Now.Add(store.Lease)
				a.got.Ticks = append(a.got.Ticks, store.CitizenID{Shard: k.shard, Hash: k.name})
			case 'g':
				s.r.due[k] = c.Now.Add(store.Lease)
				a.got.Groups = append(a.got.Groups, k.group)
			}
		}
	})
	switch {
	case err != nil:
		if errors.Is(err, store.ErrUnknown) {
			s.r.locked(func() {
				for shard := range shards {
					s.unknown[shard] = true
				}
			})
		}
		return store.Claimed{}, err
	case a.fenced:
		return store.Claimed{}, store.ErrFenced
	}
	return a.got, nil
}

// dueShards are those in which something is due.
func (r *Redis) dueShards(now time.Time) map[int]bool {
	shards := map[int]bool{}
	for k, at := range r.due {
		if !at.After(now) {
			shards[k.shard] = true
		}
	}
	return shards
}

// dueNow is what is due in some shards, the oldest first.
func (r *Redis) dueNow(now time.Time, shards map[int]bool) []dueKey {
	type due struct {
		key dueKey
		at  time.Time
	}
	var list []due
	for k, at := range r.due {
		if !at.After(now) && shards[k.shard] {
			list = append(list, due{k, at})
		}
	}
	slices.SortFunc(list, func(a, b due) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.key.kind, b.key.kind), cmp.Compare(a.key.name, b.key.name))
	})
	keys := make([]dueKey, len(list))
	for i, d := range list {
		keys[i] = d.key
	}
	return keys
}

func (r *Redis) claimSMS(got *store.Claimed, k dueKey, c store.Claim, room map[string]int) {
	m := r.sms[k.name]
	if m == nil || m.state != store.StateQueued || m.holder != "" {
		delete(r.due, k)
		return
	}
	z := r.citizens[m.citizen]
	if len(z.out) > 0 && z.out[0] != m.id {
		if !m.inQueue {
			m.inQueue = true
			z.out = append(z.out, m.id)
		}
		delete(r.due, k)
		return
	}
	link := m.one.Link
	if _, told := room[link]; !told {
		link = c.Otherwise
	}
	if room[link] <= 0 {
		return
	}
	room[link]--
	r.holds(c.Boot, m)
	m.inQueue = true
	if len(z.out) == 0 {
		z.out = append(z.out, m.id)
	}
	delete(r.due, k)
	got.SMS = append(got.SMS, r.outgoing(m))
}

// Messages reads SMS.
func (s *Store) Messages(ctx context.Context, ids []string) ([]store.Message, error) {
	out := new([]store.Message)
	ids = slices.Clone(ids)
	err := s.do(ctx, "read", func() {
		for _, id := range ids {
			if m := s.r.sms[id]; m != nil {
				*out = append(*out, m.message())
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return *out, nil
}

func (m *sms) message() store.Message {
	return store.Message{
		ID: m.id, Ticket: m.one.Ticket, State: m.state, Link: m.one.Link, Error: m.err, Text: m.one.Text,
		Times: maps.Clone(m.times), Tries: m.tries, Class: m.one.Class, Interim: m.interim, InterimAt: m.interimAt,
	}
}
