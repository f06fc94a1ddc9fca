package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aduan/store"
)

// restModel is a few citizens with tickets, of whom everything that can be read is known.
type restModel struct {
	b       *bench
	tickets map[string]*restTicket // by serial and citizen
	sms     map[string]*store.Message
	state   map[int]string
	n       int
}

type restTicket struct {
	citizen int
	serial  uint64
	head    string
	entries map[string]string
}

func (m *restModel) id(citizen int, serial uint64) string {
	return fmt.Sprintf("%d/%d", citizen, serial)
}

// turn writes a ticket: a new head, a text, an answer, an SMS that ends at once or stays under way.
func (m *restModel) turn(t *rapid.T) {
	who := rapid.IntRange(0, 2).Draw(t, "citizen")
	serial := 10001 + uint64(rapid.IntRange(0, 2).Draw(t, "ticket"))
	c, err := m.b.Assume(number(who))
	if err != nil {
		t.Fatal(err)
	}
	x := m.tickets[m.id(who, serial)]
	isNew := x == nil
	if isNew {
		x = &restTicket{citizen: who, serial: serial, entries: map[string]string{}}
		m.tickets[m.id(who, serial)] = x
	}
	m.n++
	status := rapid.SampledFrom([]string{"filed", "closed"}).Draw(t, "status")
	x.head = fmt.Sprintf(`{"n":%d,"s":%q,"f":"2026-11-23T09:00:00Z","x":"K-%d"}`, m.n, status, serial)
	index, err := store.IndexOf([]byte(x.head))
	if err != nil {
		t.Fatal(err)
	}
	w := store.TicketWrite{Serial: serial, New: isNew, Head: []byte(x.head), Index: &index}
	entry := func(field, data string, plain bool) {
		x.entries[field] = data
		w.Entries = append(w.Entries, store.Entry{Field: field, Data: []byte(data), Plain: plain})
	}
	text := rapid.IntRange(1, 3).Draw(t, "text")
	opening := rapid.SampledFrom([]string{"", "\x1d", "\x1c\x1e", `"2026-02-30T00:00:00Z 2026-11-23T09:00:00.120Z 2026-11-23T09:00:00.12Z\x1f`, fmt.Sprintf(`{"n":%d,"i":%d,"at":"2026-11-23T09:00:00Z"`, m.n, text)}).Draw(t, "opening")
	entry(fmt.Sprintf("x%d", text), opening+strings.Repeat(fmt.Sprintf("jalan rusak %d ", m.n), rapid.IntRange(0, 20).Draw(t, "long")), false)
	entry(fmt.Sprintf("wx%d", rapid.IntRange(1, 3).Draw(t, "origin")), fmt.Sprintf("d 01-main-1-%d 17000", m.n), true)
	turn := &store.Turn{Boot: m.b.BootID(), Now: m.b.now, Citizen: c, State: fmt.Appendf(nil, "state %d", m.n)}
	var sms *store.Message
	if rapid.Bool().Draw(t, "with an SMS") {
		one := m.b.sms(c, fmt.Sprintf("Laporan %d: <diproses> é", m.n))
		one.ID, one.Ticket = m.b.NewSMSID(c.ID.Shard, serial), serial
		if rapid.IntRange(0, 4).Draw(t, "an old id") == 0 {
			one.ID = m.b.NewID(c.ID.Shard)
		}
		turn.SMS = []store.SMS{one}
		entry(fmt.Sprintf("m%d", countSMS(x)+1), one.ID, true)
		sms = &store.Message{
			ID: one.ID, Ticket: serial, State: store.StateQueued, Link: "main", Text: one.Text,
			Times: map[string]time.Time{store.StateQueued: m.b.now.UTC()}, Proof: c.Proof(one.Text),
		}
		m.sms[one.ID] = sms
	}
	turn.Tickets = []store.TicketWrite{w}
	out, err := m.b.Commit(m.b.ctx, turn)
	if err == nil && out.Kind == store.Stale {
		turn.Citizen = out.Citizen
		out, err = m.b.Commit(m.b.ctx, turn)
	}
	if err != nil || out.Kind != store.Kept {
		t.Fatalf("commit: %v, %v", out.Kind, err)
	}
	m.state[who] = string(turn.State)
	for _, o := range out.Send {
		m.end(t, o)
	}
}

func countSMS(x *restTicket) (n int) {
	for f := range x.entries {
		if f[0] == 'm' {
			n++
		}
	}
	return n
}

// end says what became of an SMS that this boot holds.
func (m *restModel) end(t *rapid.T, o store.Outgoing) {
	sms := m.sms[o.ID]
	switch rapid.IntRange(0, 3).Draw(t, "end") {
	case 0: // never accepted
		d := store.Done{Boot: m.b.BootID(), SMS: o, End: store.DoneEnded, State: store.StateUndeliverable, Error: "ESME_RINVDSTADR", At: m.b.now}
		if _, err := m.b.Done(m.b.ctx, d); err != nil {
			t.Fatal(err)
		}
		sms.State, sms.Error = d.State, d.Error
		sms.Times[d.State] = m.b.now.UTC()
	case 1, 2: // accepted, delivered
		at := m.b.now.Add(time.Second)
		d := store.Done{Boot: m.b.BootID(), SMS: o, End: store.DoneAccepted, MessageIDs: []string{"SMSC-" + o.ID[20:]}, At: at, Try: &store.Try{At: at, Link: "main", Session: "s"}}
		if _, err := m.b.Done(m.b.ctx, d); err != nil {
			t.Fatal(err)
		}
		got, err := m.b.Receipt(m.b.ctx, store.ReceiptUpdate{
			Citizen: o.Citizen, Link: "main", MessageID: d.MessageIDs[0], IDs: d.MessageIDs, State: store.StateDelivered, Final: true, At: at.Add(time.Second),
		})
		if err != nil || got.Kind != store.ReceiptKnown {
			t.Fatalf("%+v, %v", got, err)
		}
		sms.State = store.StateDelivered
		sms.Times[store.StateSent], sms.Times[store.StateDelivered] = at.UTC(), at.Add(time.Second).UTC()
	default: // under way
		if err := m.b.Release(m.b.ctx, m.b.BootID(), []store.Outgoing{o}, m.b.now); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *restModel) rest(t *rapid.T) {
	for range 4 { // one that stays awake is looked at again after as long
		if _, err := m.b.Rest(m.b.ctx, m.b.now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

// check reads all that can be read.
func (m *restModel) check(t *rapid.T) {
	for _, x := range m.tickets {
		id := m.b.Identify(number(x.citizen))
		rec, err := m.b.Ticket(m.b.ctx, id.Shard, x.serial)
		if err != nil || string(rec.Head) != x.head || rec.Owner != id || rec.Number != number(x.citizen) || string(rec.Citizen.State) != m.state[x.citizen] {
			t.Fatalf("ticket %d: %+v, %v", x.serial, rec, err)
		}
		got, want := map[string]string{}, maps.Clone(x.entries)
		for f, data := range rec.Entries {
			got[f] = string(data)
		}
		for f := range want {
			if f[0] == 'w' && got[f] == "" { // how a text came is let go at rest
				delete(want, f)
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("ticket %d: %v, want %v", x.serial, got, want)
		}
	}
	ids := slices.Sorted(maps.Keys(m.sms))
	list, err := m.b.Messages(m.b.ctx, ids)
	if err != nil || len(list) != len(ids) {
		t.Fatalf("%d SMS, want %d: %v", len(list), len(ids), err)
	}
	for _, got := range list {
		want := *m.sms[got.ID]
		for state, at := range want.Times {
			want.Times[state] = at.Truncate(time.Millisecond)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("SMS %+v, want %+v", got, want)
		}
		if tr, err := m.b.TraceSMS(m.b.ctx, got.ID); err != nil || tr.Text != want.Text || tr.From != "1708" || tr.Number.IsZero() {
			t.Fatalf("trace %+v, %v", tr, err)
		}
	}
	open := 0
	for _, x := range m.tickets {
		if strings.Contains(x.head, `"filed"`) {
			open++
		}
		id := m.b.Identify(number(x.citizen))
		if tr, err := m.b.TraceCitizen(m.b.ctx, number(x.citizen)); err != nil || !slices.Contains(tr.Tickets, x.serial) {
			t.Fatalf("%d is not among %+v of %v: %v", x.serial, tr.Tickets, id, err)
		}
	}
	recs, _, err := m.b.ListTickets(m.b.ctx, store.TicketQuery{Open: true, Status: []string{"filed"}}, "", 100)
	if err != nil || len(recs) != open {
		t.Fatalf("%d open tickets listed, want %d: %v", len(recs), open, err)
	}
}

func TestWhatRestsIsReadAsBefore(t *testing.T) {
	addr := sharedRedis(t)
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, addr)
		b.rdb.FlushAll(b.ctx)
		b.rdb.Set(b.ctx, store.IndexKey(), store.IndexWhole, 0)
		b.now = time.Now().Truncate(time.Millisecond)
		for c := range 3 {
			b.rdb.Set(b.ctx, store.SerialKey(b.Identify(number(c)).Shard), "10020", 0)
		}
		m := &restModel{b: b, tickets: map[string]*restTicket{}, sms: map[string]*store.Message{}, state: map[int]string{}}
		rt.Repeat(map[string]func(*rapid.T){"turn": m.turn, "more": m.turn, "rest": m.rest, "read": m.check})
	})
}

// restedOne makes a closed ticket with one delivered SMS, and lays it to rest.
func restedOne(t *testing.T, b *bench) (store.Citizen, string) {
	t.Helper()
	b.now = b.now.Truncate(time.Millisecond)
	c := b.citizen(1)
	sms := b.sms(c, "Laporan 1000-1070: selesai")
	sms.ID, sms.Ticket = b.NewSMSID(c.ID.Shard, 10001), 10001
	turn := b.turn(c, sms)
	index := store.TicketIndex{Status: "closed"}
	turn.Tickets = []store.TicketWrite{{
		Serial: 10001, New: true, Head: []byte(`{"s":"closed","ms":1}`), Index: &index,
		Entries: []store.Entry{{Field: "x1", Data: []byte("rahasia sekali")}, {Field: "m1", Data: []byte(sms.ID), Plain: true}},
	}}
	out, c := b.mustKeep(turn)
	if _, err := b.Done(b.ctx, store.Done{Boot: b.BootID(), SMS: out.Send[0], End: store.DoneEnded, State: store.StateExpired, At: b.now}); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Rest(b.ctx, b.now.Add(time.Hour)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	return c, sms.ID
}

func TestATicketAtRestIsOneString(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c, sms := restedOne(t, b)
		if kind := b.rdb.Type(b.ctx, store.TicketKey(c.ID.Shard, 10001)).Val(); kind != "string" {
			t.Errorf("a %s", kind)
		}
		if n := b.rdb.Exists(b.ctx, store.SMSKey(c.ID.Shard, sms)).Val(); n != 0 {
			t.Error("its SMS stands beside it")
		}
		for k, v := range b.dump() {
			if strings.Contains(k+v, "rahasia") || strings.Contains(k+v, "selesai") {
				t.Errorf("%s tells what was written", k)
			}
		}
		if n, err := b.Rest(b.ctx, b.now.Add(time.Hour)); n != 0 || err != nil {
			t.Errorf("laid to rest again: %d, %v", n, err)
		}
	})
}

func TestATicketAtRestThatIsDamagedIsSaidToBe(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c, sms := restedOne(t, b)
		key := store.TicketKey(c.ID.Shard, 10001)
		whole := b.rdb.Get(b.ctx, key).Val()
		for i := 0; i < len(whole); i++ {
			if i >= 23 && i < 23+1+int(whole[23]) {
				continue // the entry is looked at by lists alone, which read the ticket itself
			}
			broken := []byte(whole)
			broken[i] ^= 0x10
			b.rdb.Set(b.ctx, key, broken, 0)
			rec, err := b.Ticket(b.ctx, c.ID.Shard, 10001)
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatalf("octet %d of %d: %+v, %v", i, len(whole), rec, err)
			}
		}
		b.rdb.Set(b.ctx, key, whole[:len(whole)/2], 0)
		if _, err := b.Ticket(b.ctx, c.ID.Shard, 10001); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("cut in half: %v", err)
		}
		b.rdb.Set(b.ctx, key, whole, 0)
		if list, err := b.Messages(b.ctx, []string{sms}); err != nil || len(list) != 1 || list[0].State != store.StateExpired {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestAnErasedCitizensTicketAtRestTellsFiguresAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		c, sms := restedOne(t, b)
		head, _ := json.Marshal(map[string]any{"s": "closed", "er": true})
		turn := b.turn(c)
		turn.Erase, turn.Tickets = true, []store.TicketWrite{{Serial: 10001, Head: head, Index: &store.TicketIndex{}}}
		b.mustKeep(turn)
		rec, err := b.Ticket(b.ctx, c.ID.Shard, 10001)
		if err != nil || string(rec.Head) != string(head) || len(rec.Entries["x1"]) != 0 {
			t.Errorf("%+v, %v", rec, err)
		}
		if list, err := b.Messages(b.ctx, []string{sms}); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
		for k, v := range b.dump() {
			if strings.Contains(k+v, c.ID.Hash) && !strings.Contains(k, ":ev") {
				t.Errorf("%s still names the citizen: %s", k, v)
			}
		}
	})
}
