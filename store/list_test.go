package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aduan/store"
)

// listModel is what lists must show, said plainly.
type listModel struct {
	b       *bench
	now     time.Time
	tickets []*listedTicket
	serials map[int]uint64
}

type listedTicket struct {
	owner   int
	shard   int
	serial  uint64
	head    listedHead
	changed int // counts changes
}

// listedHead has the names that a ticket's head has.
type listedHead struct {
	Status     string    `json:"s"`
	FiledAt    time.Time `json:"f"`
	DueAt      time.Time `json:"du,omitzero"`
	Agency     string    `json:"ag,omitempty"`
	ExternalID string    `json:"x,omitempty"`
}

var (
	listStatuses = []string{"filed", "verified", "forwarded", "resolved", "closed", "rejected"}
	listAgencies = []string{"", "PLN", "Dinas Pekerjaan Umum", "a|b"}
)

func (m *listModel) write(t *rapid.T, x *listedTicket, isNew bool) {
	head, err := json.Marshal(x.head)
	if err != nil {
		t.Fatal(err)
	}
	index, err := store.IndexOf(head)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.b.Assume(number(x.owner))
	if err != nil {
		t.Fatal(err)
	}
	turn := &store.Turn{Now: m.now, Citizen: c, State: []byte("s"), Tickets: []store.TicketWrite{{
		Serial: x.serial, New: isNew, Head: head, Index: &index, Entries: []store.Entry{{Field: "x1", Data: []byte("teks")}},
	}}}
	if out, err := m.b.Commit(m.b.ctx, turn); err != nil || out.Kind != store.Kept {
		t.Fatalf("commit: %v, %v", out.Kind, err)
	}
	x.changed++
}

func (m *listModel) file(t *rapid.T) {
	x := &listedTicket{owner: rapid.IntRange(0, 7).Draw(t, "citizen")}
	x.shard = m.b.Identify(number(x.owner)).Shard
	if rapid.IntRange(0, 3).Draw(t, "same moment") > 0 {
		m.now = m.now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
	}
	m.serials[x.shard] += 1 + uint64(rapid.IntRange(0, 1).Draw(t, "lost"))
	x.serial = 10000 + m.serials[x.shard]
	m.b.rdb.Set(m.b.ctx, store.SerialKey(x.shard), strconv.FormatUint(x.serial+20, 10), 0)
	x.head = listedHead{Status: "filed", FiledAt: m.now, DueAt: m.now.Add(time.Minute)}
	m.write(t, x, true)
	m.tickets = append(m.tickets, x)
}

func (m *listModel) change(t *rapid.T) {
	if len(m.tickets) == 0 {
		t.Skip("no ticket")
	}
	x := rapid.SampledFrom(m.tickets).Draw(t, "ticket")
	x.head.Status = rapid.SampledFrom(listStatuses).Draw(t, "status")
	x.head.Agency = rapid.SampledFrom(listAgencies).Draw(t, "agency")
	x.head.ExternalID = rapid.SampledFrom([]string{"", "K-1", "K-2"}).Draw(t, "external")
	x.head.DueAt = time.Time{}
	if rapid.Bool().Draw(t, "limited") && x.head.Status != "closed" && x.head.Status != "rejected" {
		x.head.DueAt = m.now.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "due")) * time.Minute)
	}
	m.write(t, x, false)
}

func (m *listModel) query(t *rapid.T) store.TicketQuery {
	q := store.TicketQuery{Open: rapid.Bool().Draw(t, "open")}
	if rapid.Bool().Draw(t, "by status") {
		q.Status = rapid.SliceOfNDistinct(rapid.SampledFrom(listStatuses), 1, 3, rapid.ID).Draw(t, "statuses")
	}
	if rapid.Bool().Draw(t, "by agency") {
		a := rapid.SampledFrom(listAgencies).Draw(t, "of")
		q.Agency = &a
	}
	if rapid.IntRange(0, 3).Draw(t, "overdue") == 0 {
		q.OverdueAt = m.now
	}
	return q
}

// matching are the tickets of a query, newest first.
func (m *listModel) matching(q *store.TicketQuery) (list []*listedTicket) {
	for _, x := range m.tickets {
		head, _ := json.Marshal(x.head)
		if index, _ := store.IndexOf(head); q.Wants(index) {
			list = append(list, x)
		}
	}
	return list
}

// list reads a whole list page by page, changing tickets on the way where it says so.
func (m *listModel) list(t *rapid.T) {
	q := m.query(t)
	limit := rapid.IntRange(1, 7).Draw(t, "limit")
	busy := rapid.Bool().Draw(t, "busy")
	before := m.matching(&q)
	stamps := map[*listedTicket]int{}
	for _, x := range before {
		stamps[x] = x.changed
	}
	seen := map[string]time.Time{}
	last := time.Time{}
	for cursor, pages := "", 0; ; pages++ {
		recs, next, err := m.b.ListTickets(m.b.ctx, q, cursor, limit)
		if err != nil || len(recs) > limit || pages > 1000 {
			t.Fatalf("page %d: %d tickets, %v", pages, len(recs), err)
		}
		for _, r := range recs {
			name := fmt.Sprintf("%d/%d", r.Shard, r.Serial)
			index, err := store.IndexOf(r.Head)
			if _, twice := seen[name]; twice || err != nil || !q.Wants(index) || string(r.Entries["x1"]) != "teks" {
				t.Fatalf("%s: twice %v, %+v, %v", name, twice, index, err)
			}
			if !last.IsZero() && index.FiledAt.After(last) {
				t.Fatalf("%s was filed after the one before it", name)
			}
			last = index.FiledAt
			seen[name] = index.FiledAt
		}
		if next == "" {
			break
		}
		if cursor = next; busy {
			m.change(t)
			m.file(t)
		}
	}
	for _, x := range before {
		if _, ok := seen[fmt.Sprintf("%d/%d", x.shard, x.serial)]; !ok && x.changed == stamps[x] {
			t.Fatalf("ticket %d/%d stood all the while and is not listed: %+v, %+v", x.shard, x.serial, x.head, q)
		}
	}
	if !busy && len(seen) != len(before) {
		t.Fatalf("%d listed, want %d", len(seen), len(before))
	}
}

func (m *listModel) external(t *rapid.T) {
	id := rapid.SampledFrom([]string{"K-1", "K-2", "K-3"}).Draw(t, "id")
	q := store.TicketQuery{ExternalID: id}
	want := m.matching(&q)
	recs, next, err := m.b.ListTickets(m.b.ctx, q, "", 500)
	if err != nil || next != "" || len(recs) != len(want) {
		t.Fatalf("%d of %s, want %d; %q, %v", len(recs), id, len(want), next, err)
	}
	_, serial, err := m.b.FindExternal(m.b.ctx, id)
	if (len(want) == 0) != errors.Is(err, store.ErrNotFound) || (len(want) > 0 && !slices.ContainsFunc(want, func(x *listedTicket) bool { return x.serial == serial })) {
		t.Fatalf("found %d, %v, want one of %d", serial, err, len(want))
	}
}

func TestListsAgainstTheirModel(t *testing.T) {
	addr := sharedRedis(t)
	for _, row := range []struct {
		name  string
		whole bool
	}{
		{"from the index", true},
		{"without one, by looking at every ticket", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				b := newBench(t, addr)
				b.rdb.FlushAll(b.ctx)
				if row.whole {
					b.rdb.Set(b.ctx, store.IndexKey(), store.IndexWhole, 0)
				}
				m := &listModel{b: b, now: time.Now().Truncate(time.Millisecond), serials: map[int]uint64{}}
				rt.Repeat(map[string]func(*rapid.T){"file": m.file, "change": m.change, "list": m.list, "external": m.external})
			})
		})
	}
}

func TestACursorBelongsToItsList(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		b.rdb.Set(b.ctx, store.IndexKey(), store.IndexWhole, 0)
		for i := range 12 {
			c := b.citizen(i)
			x := store.TicketIndex{Open: true, Status: "filed", FiledAt: b.now.Add(time.Duration(i) * time.Second), Agency: "PLN"}
			head := fmt.Sprintf(`{"s":"filed","f":%q,"ag":"PLN"}`, x.FiledAt.Format(time.RFC3339Nano))
			turn := b.turn(c)
			turn.Tickets = []store.TicketWrite{{Serial: 10001, New: true, Head: []byte(head), Index: &x}}
			b.mustKeep(turn)
			b.rdb.Set(b.ctx, store.SerialKey(c.ID.Shard), "10020", 0)
		}
		pln, other := "PLN", "Polri"
		for _, own := range []store.TicketQuery{{Open: true, Agency: &pln}, {Agency: &pln}, {Open: true}, {}} {
			recs, cursor, err := b.ListTickets(b.ctx, own, "", 5)
			if err != nil || len(recs) != 5 || cursor == "" {
				t.Fatalf("%d tickets, cursor %q, %v", len(recs), cursor, err)
			}
			for _, q := range []store.TicketQuery{
				{Open: !own.Open, Agency: own.Agency},
				{Open: own.Open, Agency: &other},
				{Open: own.Open, Agency: own.Agency, Status: []string{"filed"}},
				{Open: own.Open, Agency: own.Agency, OverdueAt: b.now},
				{Open: own.Open, Agency: own.Agency, ExternalID: "K"},
			} {
				if _, _, err := b.ListTickets(b.ctx, q, cursor, 5); !errors.Is(err, store.ErrCursor) {
					t.Errorf("the cursor of %+v opens %+v: %v", own, q, err)
				}
			}
			for _, bad := range []string{"x", cursor + "A", cursor[:len(cursor)-2], "A" + cursor[1:]} {
				if _, _, err := b.ListTickets(b.ctx, own, bad, 5); !errors.Is(err, store.ErrCursor) {
					t.Errorf("%q: %v", bad, err)
				}
			}
			if recs, cursor, err = b.ListTickets(b.ctx, own, cursor, 500); err != nil || len(recs) != 7 || cursor != "" {
				t.Errorf("the rest: %d, %q, %v", len(recs), cursor, err)
			}
			if recs, _, err = b.ListTickets(b.ctx, store.TicketQuery{Open: true, Agency: &other}, "", 5); err != nil || len(recs) != 0 {
				t.Errorf("another agency sees %d, %v", len(recs), err)
			}
		}
	})
}
