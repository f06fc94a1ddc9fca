package fill

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"aduan/internal/msisdn"
	"aduan/store"
)

// paper keeps the turns of one citizen in memory, as the store would. What no life asks for is the store's.
type paper struct {
	*store.Store
	rng     *rand.Rand
	now     time.Time
	serials *serials

	c       store.Citizen
	tick    time.Time
	tickets []*sheet
	alone   []*store.FilledSMS // SMS of no ticket: nobody needs them
}

// sheet is a ticket.
type sheet struct {
	store.FilledTicket
	fields map[string]int // field → its place in Entries
}

func (p *paper) sheet(serial uint64) *sheet {
	for _, t := range p.tickets {
		if t.Serial == serial {
			return t
		}
	}
	return nil
}

// Assume gives the citizen.
func (p *paper) Assume(msisdn.MSISDN) (store.Citizen, error) { return p.c, nil }

// Load gives the citizen.
func (p *paper) Load(context.Context, store.CitizenID) (store.Citizen, error) { return p.c, nil }

// Commit takes a turn.
func (p *paper) Commit(_ context.Context, t *store.Turn) (store.Outcome, error) {
	p.c.Version++
	p.c.State, p.tick = t.State, t.TickAt
	for _, w := range t.Tickets {
		x := p.sheet(w.Serial)
		if x == nil {
			x = &sheet{FilledTicket: store.FilledTicket{Serial: w.Serial}, fields: map[string]int{}}
			p.tickets = append(p.tickets, x)
		}
		if w.Head != nil {
			x.Head = w.Head
		}
		for _, e := range w.Entries {
			if i, ok := x.fields[e.Field]; ok {
				x.Entries[i] = e
				continue
			}
			x.fields[e.Field] = len(x.Entries)
			x.Entries = append(x.Entries, e)
		}
	}
	for _, m := range t.SMS {
		f := fate(p.rng, m, p.now)
		if x := p.sheet(m.Ticket); x != nil {
			x.SMS = append(x.SMS, f)
		}
	}
	return store.Outcome{Kind: store.Kept, Version: p.c.Version}, nil
}

// fate is what becomes of an SMS: of a hundred, 94 are delivered within seconds.
func fate(rng *rand.Rand, m store.SMS, now time.Time) store.FilledSMS {
	if m.NotBefore.After(now) {
		now = m.NotBefore
	}
	f := store.FilledSMS{SMS: m, State: store.StateDelivered, Times: map[string]time.Time{store.StateQueued: now}}
	at := now.Add(time.Duration(20+rng.IntN(900)) * time.Millisecond)
	switch n := rng.IntN(100); {
	case n < 2:
		f.State, f.Error, f.Times[store.StateUndeliverable] = store.StateUndeliverable, "ESME_RINVDSTADR", at
		return f
	case n < 4:
		f.State = store.StateSent
	case n < 6:
		f.State, f.Error = store.StateExpired, "000"
	}
	f.Times[store.StateSent] = at
	f.Accepted = []string{fmt.Sprintf("%010d", rng.Uint32())}
	if f.State != store.StateSent {
		f.Times[f.State] = at.Add(time.Duration(1500+rng.IntN(30000)) * time.Millisecond)
	}
	return f
}

// Ticket gives a ticket's head and entries.
func (p *paper) Ticket(_ context.Context, shard int, serial uint64) (store.TicketRecord, error) {
	x := p.sheet(serial)
	if x == nil {
		return store.TicketRecord{}, store.ErrNotFound
	}
	r := store.TicketRecord{Shard: shard, Serial: serial, Owner: p.c.ID, Number: p.c.Number, Head: x.Head, Citizen: p.c, Entries: map[string][]byte{}}
	for _, e := range x.Entries {
		r.Entries[e.Field] = e.Data
	}
	return r, nil
}

// TakeSerial gives the next serial of a shard.
func (p *paper) TakeSerial(ctx context.Context, shard int) (uint64, error) {
	return p.serials.take(ctx, shard)
}

// ReturnSerial takes one back.
func (p *paper) ReturnSerial(shard int, serial uint64) { p.serials.give(shard, serial) }

// NewSMSID makes the id of an SMS of this moment.
func (p *paper) NewSMSID(shard int, serial uint64) string {
	return store.SMSIDAt(entropy{p.rng}, p.now, shard, serial)
}

// NewID makes an id of this moment.
func (p *paper) NewID(shard int) string { return p.NewSMSID(shard, 0) }

// BootID is none: nobody holds anything.
func (p *paper) BootID() string { return "" }

// Messages are none.
func (p *paper) Messages(context.Context, []string) ([]store.Message, error) { return nil, nil }

// FirstAnswer is none.
func (p *paper) FirstAnswer(context.Context, int, string) (store.Idempotency, bool, error) {
	return store.Idempotency{}, false, nil
}

// entropy reads a seeded source: the same seed makes the same ids.
type entropy struct{ rng *rand.Rand }

func (e entropy) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e.rng.Uint32())
	}
	return len(b), nil
}

var _ io.Reader = entropy{}

// nowhere is an outbox without room.
type nowhere struct{}

func (nowhere) Reserve(context.Context, string, store.Class) bool { return false }
func (nowhere) Unreserve(string)                                  {}
func (nowhere) Send([]store.Outgoing)                             {}
func (nowhere) Doubt(int, []string)                               {}

// TicketsOf gives the citizen's serials.
func (p *paper) TicketsOf(context.Context, store.CitizenID) ([]uint64, error) {
	serials := make([]uint64, len(p.tickets))
	for i, t := range p.tickets {
		serials[i] = t.Serial
	}
	return serials, nil
}
