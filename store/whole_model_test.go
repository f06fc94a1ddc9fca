package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aduan/store"
)

// lineModel is what the store must hold, said plainly: of each citizen a state under a version, marks, tickets, content kept
// and parts; events in order; answers to keys. Several daemons, each with what it has in memory, drive the store.
type lineModel struct {
	daemons  []*bench
	citizens [3]*modelCitizen
	events   map[int][]string // shard → ids
	keys     map[string]modelAnswer
	serial   uint64
	made     int
	steps    int
	past     []modelTurn
}

type modelCitizen struct {
	id      store.CitizenID
	version uint64
	state   string
	marks   map[string]*store.Mark
	tickets map[uint64]*modelTicket
	kept    []string
	parts   map[int]string
}

type modelTicket struct {
	head    string
	entries map[string]string
}

type modelAnswer struct{ fingerprint, answer string }

// modelTurn is one that was kept, to be committed once more.
type modelTurn struct {
	turn    store.Turn
	version uint64
}

func newLineModel(t testing.TB, addr string) *lineModel {
	m := &lineModel{events: map[int][]string{}, keys: map[string]modelAnswer{}, serial: 10000}
	first := newBench(t, addr)
	first.rdb.FlushAll(first.ctx)
	m.daemons = []*bench{first.other(), first.other(), first.other()}
	for n := range m.citizens {
		m.citizens[n] = &modelCitizen{
			id: first.Identify(number(n)), marks: map[string]*store.Mark{}, tickets: map[uint64]*modelTicket{}, parts: map[int]string{},
		}
	}
	return m
}

func (m *lineModel) draw(t *rapid.T) (*bench, int, *modelCitizen) {
	n := rapid.IntRange(0, len(m.citizens)-1).Draw(t, "citizen")
	return rapid.SampledFrom(m.daemons).Draw(t, "daemon"), n, m.citizens[n]
}

func (m *lineModel) name(kind string) string {
	m.made++
	return fmt.Sprintf("%s%d", kind, m.made)
}

// commit is a turn as intake or staff make it, on what its daemon believes of the citizen.
func (m *lineModel) commit(t *rapid.T) {
	b, n, c := m.draw(t)
	who, err := b.Assume(number(n))
	if err != nil {
		t.Fatal(err)
	}
	turn := b.turn(who)
	turn.ID = m.name("turn")
	turn.State = []byte(m.name("state"))
	if rapid.Bool().Draw(t, "marked") {
		turn.Mark = fresh(rapid.SampledFrom([]string{"d1", "d2"}).Draw(t, "digest"), m.name("delivery"), b.BootID()+".s")
		turn.ID = ""
	}
	serial := m.serial
	if rapid.Bool().Draw(t, "new ticket") {
		m.serial++
		serial = m.serial
		turn.Tickets = []store.TicketWrite{{Serial: serial, New: true, Head: []byte(`"` + m.name("head") + `"`), Entries: []store.Entry{{Field: "x1", Data: []byte(m.name("text"))}}}}
	} else if known := slices.Sorted(maps.Keys(c.tickets)); len(known) > 0 {
		serial = rapid.SampledFrom(known).Draw(t, "ticket")
		field := fmt.Sprint("y", len(c.tickets[serial].entries))
		turn.Tickets = []store.TicketWrite{{Serial: serial, Head: []byte(`"` + m.name("head") + `"`), Entries: []store.Entry{{Field: field, Data: []byte(m.name("change")), Plain: true}}}}
	}
	if len(turn.Tickets) > 0 {
		turn.Events = []store.Event{{ID: b.NewID(c.id.Shard), Type: "complaint.updated", Ticket: serial, At: b.now}}
	} else {
		turn.Kept = []byte(m.name("kept"))
	}
	if rapid.IntRange(0, 3).Draw(t, "keyed") == 0 {
		turn.Idempotency = &store.Idempotency{
			Key: fmt.Sprint("key", rapid.IntRange(0, 2).Draw(t, "key"), "-", n), Fingerprint: fmt.Sprint("f", rapid.IntRange(0, 1).Draw(t, "body")), Answer: []byte(m.name("answer")),
		}
	}
	want := m.expect(c, turn)
	out, err := b.Commit(b.ctx, turn)
	if err != nil || out.Kind != want {
		t.Fatalf("commit: %v %v, want %v", out.Kind, err, want)
	}
	switch want {
	case store.Kept:
		m.keep(c, turn, out)
	case store.Stale:
		if out.Citizen.Version != c.version || string(out.Citizen.State) != c.state {
			t.Fatalf("stale: %d %q, want %d %q", out.Citizen.Version, out.Citizen.State, c.version, c.state)
		}
	case store.Copy:
		if !sameMark(out.Mark, c.marks[turn.Mark.Digest]) {
			t.Fatalf("copy: %+v, want %+v", out.Mark, c.marks[turn.Mark.Digest])
		}
	case store.Replayed:
		if string(out.FirstAnswer) != m.keys[turn.Idempotency.Key].answer {
			t.Fatalf("replayed: %q", out.FirstAnswer)
		}
	}
}

// expect is what must become of a turn.
func (m *lineModel) expect(c *modelCitizen, turn *store.Turn) store.OutcomeKind {
	if i := turn.Idempotency; i != nil {
		if known, ok := m.keys[i.Key]; ok && known.fingerprint == i.Fingerprint {
			return store.Replayed
		} else if ok {
			return store.KeyMisused
		}
	}
	switch {
	case turn.Mark != nil && c.marks[turn.Mark.Digest] != nil:
		return store.Copy
	case turn.Citizen.Version != c.version:
		return store.Stale
	}
	return store.Kept
}

func (m *lineModel) keep(c *modelCitizen, turn *store.Turn, out store.Outcome) {
	c.version++
	c.state = string(turn.State)
	if k := turn.Mark; k != nil {
		c.marks[k.Digest] = &store.Mark{Digest: k.Digest, ID: k.ID, Session: k.Session}
	}
	for _, w := range turn.Tickets {
		if w.New {
			c.tickets[w.Serial] = &modelTicket{entries: map[string]string{}}
		}
		c.tickets[w.Serial].head = string(w.Head)
		for _, e := range w.Entries {
			c.tickets[w.Serial].entries[e.Field] = string(e.Data)
		}
	}
	for _, e := range turn.Events {
		m.events[c.id.Shard] = append(m.events[c.id.Shard], e.ID)
	}
	if turn.Kept != nil {
		c.kept = append(c.kept, string(turn.Kept))
	}
	if i := turn.Idempotency; i != nil {
		m.keys[i.Key] = modelAnswer{i.Fingerprint, string(i.Answer)}
	}
	m.past = append(m.past, modelTurn{*turn, out.Version})
}

// again commits a turn once more, as after a lost answer: where it is among the citizen's last it is known, and nothing changes.
func (m *lineModel) again(t *rapid.T) {
	if len(m.past) == 0 {
		t.Skip("nothing was kept yet")
	}
	last := m.past[max(0, len(m.past)-3):]
	p := rapid.SampledFrom(last).Draw(t, "turn")
	b := rapid.SampledFrom(m.daemons).Draw(t, "daemon")
	turn := p.turn
	out, err := b.Commit(b.ctx, &turn)
	if err != nil || out.Kind != store.Kept || out.Version < p.version {
		t.Fatalf("the same turn again: %+v %v", out, err)
	}
}

// redeliver gives a mark to a redelivery, where the mark is the one expected.
func (m *lineModel) redeliver(t *rapid.T) {
	b, _, c := m.draw(t)
	digest := rapid.SampledFrom([]string{"d1", "d2"}).Draw(t, "digest")
	k := c.marks[digest]
	expected := "another"
	if k != nil && rapid.Bool().Draw(t, "right") {
		expected = k.ID
	}
	id := m.name("delivery")
	got, ok, err := b.Redeliver(b.ctx, c.id, b.BootID(), time.Now().Add(time.Minute), digest, expected, id, "s2")
	if err != nil || ok != (k != nil && expected == k.ID) {
		t.Fatalf("redeliver: %+v %v %v", got, ok, err)
	}
	if ok {
		k.ID, k.Session, k.Settled = id, "s2", false
	}
	if k != nil && !sameMark(got, k) {
		t.Fatalf("redeliver: %+v, want %+v", got, k)
	}
}

// settle notes that an acknowledgement was read, by the id of its delivery only.
func (m *lineModel) settle(t *rapid.T) {
	b, _, c := m.draw(t)
	digest := rapid.SampledFrom([]string{"d1", "d2"}).Draw(t, "digest")
	ref := store.MarkRef{Citizen: c.id, Digest: digest, ID: "another"}
	if k := c.marks[digest]; k != nil && rapid.Bool().Draw(t, "right") {
		ref.ID = k.ID
		k.Settled = true
	}
	if err := b.Settle(b.ctx, []store.MarkRef{ref}); err != nil {
		t.Fatal(err)
	}
}

// part keeps one of the parts of a long SMS whose last part never comes.
func (m *lineModel) part(t *rapid.T) {
	b, n, c := m.draw(t)
	who, err := b.Assume(number(n))
	if err != nil {
		t.Fatal(err)
	}
	at := rapid.IntRange(1, 2).Draw(t, "part")
	want := store.PartKept
	switch {
	case (who.Version == 0) != (c.version == 0):
		want = store.PartStale // its data key is not the one that stands
	case c.parts[at] != "":
		want = store.PartDuplicate
	}
	out, err := b.KeepPart(b.ctx, b.part(who, at, 3, fmt.Sprint("part ", at)))
	if err != nil || out.Kind != want {
		t.Fatalf("part: %v %v, want %v", out.Kind, err, want)
	}
	if want == store.PartKept {
		c.parts[at] = fmt.Sprint("part ", at)
		c.version = max(c.version, 1)
	}
}

func sameMark(got store.Mark, want *store.Mark) bool {
	return want != nil && got.Digest == want.Digest && got.ID == want.ID && got.Session == want.Session && got.Settled == want.Settled
}

// check compares all that can be read, by a daemon that has seen nothing yet.
func (m *lineModel) check(t *rapid.T) {
	if m.steps++; m.steps%4 != 0 {
		return // reading all takes longer than what is written between
	}
	b := m.daemons[0].other()
	for n, c := range m.citizens {
		stands, err := b.Load(b.ctx, c.id)
		if c.version == 0 {
			if !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("citizen %d: %v, and was never written", n, err)
			}
			continue
		}
		if err != nil || stands.Version != c.version || string(stands.State) != c.state || stands.Number != number(n) {
			t.Fatalf("citizen %d: %d %q %v, want %d %q", n, stands.Version, stands.State, err, c.version, c.state)
		}
		for _, digest := range []string{"d1", "d2"} {
			got, ok, err := b.Mark(b.ctx, c.id, digest)
			if want := c.marks[digest]; err != nil || ok != (want != nil) || ok && !sameMark(got, want) {
				t.Fatalf("mark %s: %+v %v, want %+v", digest, got, err, want)
			}
		}
		kept, err := b.KeptContent(b.ctx, c.id)
		if err != nil || !slices.EqualFunc(kept, c.kept, func(a []byte, w string) bool { return string(a) == w }) {
			t.Fatalf("kept: %q %v, want %q", kept, err, c.kept)
		}
		for serial, want := range c.tickets {
			got, err := b.Ticket(b.ctx, c.id.Shard, serial)
			entries := map[string]string{}
			for f, data := range got.Entries {
				entries[f] = string(data)
			}
			if err != nil || string(got.Head) != want.head || got.Owner != c.id || !maps.Equal(entries, want.entries) {
				t.Fatalf("ticket %d: %s %v %v, want %+v", serial, got.Head, entries, err, want)
			}
		}
	}
	events, _, err := b.Events(b.ctx, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	got := map[int][]string{}
	for _, e := range events {
		got[e.Shard] = append(got[e.Shard], e.ID)
	}
	if !maps.EqualFunc(got, m.events, slices.Equal) {
		t.Fatalf("events %v, want %v", got, m.events)
	}
}

// TestTheStoreAgainstItsModel drives the store with random operations of three daemons.
func TestTheStoreAgainstItsModel(t *testing.T) {
	addr := sharedRedis(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := newLineModel(t, addr)
		rt.Repeat(map[string]func(*rapid.T){
			"commit":    m.commit,
			"again":     m.again,
			"redeliver": m.redeliver,
			"settle":    m.settle,
			"part":      m.part,
			"":          m.check,
		})
	})
}
