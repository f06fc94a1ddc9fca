package talk

import (
	"context"
	"fmt"
	"sync"
	"time"

	"aduan/conversation"
	"aduan/internal/intake"
	"aduan/internal/sender"
	"aduan/internal/timers"
	"aduan/internal/turn"
	"aduan/smpp"
	"aduan/store"
)

// linkName is the link that a played conversation comes by.
const linkName = "main"

const eventsFor = 10 * 365 * 24 * time.Hour

// memory is the air of a line in memory: telephones that accept all, and a
// session without a wire.
type memory struct {
	now    func() time.Time
	store  *store.Store
	intake *intake.Intake
	phones *Telephones

	session  *session
	sessions int
	sms      int
}

// inMemory is the daemon's own intake, turn, sender and timers on the embedded
// store, with a link that accepts all.
func inMemory(ctx context.Context, o Options, now func() time.Time, observe func(conversation.Effects)) (Line, error) {
	st, err := store.Open(ctx, store.Options{
		Mode: store.ModeEmbedded, AllowTrial: true, Fsync: store.FsyncNone, Now: now, Log: o.Log,
		// A dialogue's events are compared at its end, however long that takes on its clock.
		Retention: store.Retention{Events: eventsFor},
	})
	if err != nil {
		return Line{}, err
	}
	m := &memory{now: now, store: st, phones: NewTelephones()}
	out := sender.New(sender.Options{
		Store: st, Region: o.Region, Now: now, Log: o.Log,
		Links: []sender.Link{{
			Name: linkName, Window: 1, Source: smpp.Address{TON: 3}, Destination: smpp.Address{TON: 1, NPI: 1},
			Acquire: func(context.Context) (sender.Slot, error) { return m.phones, nil },
			Bound:   func() bool { return true },
		}},
	})
	turner := turn.New(turn.Options{
		Store: st, Engine: o.Engine, Outbox: out, Now: now, ShortCode: o.ShortCode, DefaultLink: linkName, Observe: observe,
	})
	m.intake = intake.New(intake.Options{
		Store: st, Turner: turner, Receipts: out, Region: o.Region, ShortCode: o.ShortCode,
		SegmentsTimeout: o.SegmentsTimeout, Now: now, Log: o.Log,
	})
	due := timers.New(timers.Options{
		Store: st, Room: out.Room, Adopt: out.Adopt, Tick: turner.Tick, Join: m.intake.JoinDue, Now: now, Log: o.Log,
	})
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	var ended sync.WaitGroup
	for _, part := range []func(context.Context) error{st.Run, out.Run, m.intake.Run} {
		ended.Go(func() { _ = part(run) }) // each returns nil when run ends
	}
	m.connect()
	return Line{
		Store: st, Desk: turn.NewDesk(turner), Timers: due, Air: m,
		Waiting: func(context.Context) (int, error) { return out.Depth(linkName) },
		Close: func() error {
			stop()
			ended.Wait()
			return st.Close()
		},
	}, nil
}

// connect begins a new session with the line; the one before is gone.
func (m *memory) connect() {
	if m.session != nil {
		m.session.close()
		m.intake.SessionClosed(m.session.id)
	}
	m.sessions++
	m.session = &session{id: fmt.Sprintf("%s.%s.%d", m.store.BootID(), linkName, m.sessions), alive: true, intake: m.intake}
}

// Deliver brings one deliver_sm and waits until it is answered.
func (m *memory) Deliver(ctx context.Context, sms *smpp.Message, lost bool) error {
	m.sms++
	d := &smpp.Delivery{
		ID: fmt.Sprintf("%s-%d", m.session.id, m.sms), Link: linkName, Carrier: m.session,
		CommandID: smpp.CmdDeliverSM, Message: sms, Received: m.now(),
	}
	answer := m.session.expect(d.ID)
	m.intake.Deliver(d)
	select {
	case status := <-answer:
		if status != smpp.StatusROK {
			return fmt.Errorf("deliver_sm was answered %v", status)
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	if !lost {
		m.session.prove()
	}
	return nil
}

// Redeliver brings messages again on a new session.
func (m *memory) Redeliver(ctx context.Context, ms []*smpp.Message, lost bool) error {
	m.connect()
	for _, sms := range ms {
		if err := m.Deliver(ctx, sms, lost); err != nil {
			return err
		}
	}
	return nil
}

// Take returns what reached the telephones.
func (m *memory) Take() []Received { return m.phones.Take() }
