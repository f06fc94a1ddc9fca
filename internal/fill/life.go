package fill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/store"
)

// life plays one citizen's years.
type life struct {
	*paper
	speech *speech
	turner *turn.Turner
	desk   *turn.Desk
	end    time.Time // the present
	count  int
}

func newLife(o *Options, sp *speech, serials *serials, rng *rand.Rand) *life {
	l := &life{paper: &paper{Store: o.Store, rng: rng, serials: serials}, speech: sp, end: o.Now}
	l.turner = turn.New(turn.Options{
		Store: l.paper, Outbox: nowhere{}, Engine: o.Engine, ShortCode: o.ShortCode, Now: func() time.Time { return l.now }, DefaultLink: o.Link,
	})
	l.desk = turn.NewDesk(l.turner)
	return l
}

// begin begins another citizen's life: a number of Indonesia's mobile ranges.
func (l *life) begin() error {
	m, err := msisdn.FromE164(fmt.Sprintf("+628%02d%08d", 11+l.rng.IntN(88), l.rng.IntN(100_000_000)))
	if err != nil {
		return err
	}
	if l.c, err = l.Store.Assume(m); err != nil {
		return err
	}
	if l.c.Version != 0 {
		return l.begin() // known: another one
	}
	l.tickets, l.alone, l.tick = nil, nil, time.Time{}
	return nil
}

// pass lets time pass until t, and what falls due happen.
func (l *life) pass(ctx context.Context, t time.Time) error {
	for range 40 {
		if l.tick.IsZero() || l.tick.After(t) || l.tick.After(l.end) {
			break
		}
		l.now = later(l.now, l.tick)
		if err := l.turner.Tick(ctx, l.c.ID); err != nil {
			return err
		}
	}
	l.now = later(l.now, t)
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// after is a time between so many minutes from now.
func (l *life) after(from, to int) time.Time {
	return l.now.Add(time.Duration(from)*time.Minute + time.Duration(l.rng.Int64N(int64(to-from)*int64(time.Minute))))
}

// past tells whether a time is not over yet, as seen from the present.
func (l *life) past(t time.Time) bool { return !t.After(l.end) }

// says sends an SMS of the citizen.
func (l *life) says(ctx context.Context, text string) error {
	l.count++
	// As intake names a delivery: its session, which begins with the boot, and its number there.
	delivery := fmt.Sprintf("%s-main-%d-%d", store.SMSIDAt(entropy{l.rng}, l.now.Add(-30*time.Hour), 0, 0)[:26], 1+l.rng.IntN(4), l.count)
	_, err := l.turner.SMS(ctx, turn.Message{
		From: l.c.Number, To: "1708", Link: "main", Text: text, Raw: []byte(text), Origin: store.Origin{Delivery: delivery, Received: l.now},
		Input: func(number conversation.Number, known []conversation.Ticket) conversation.Input {
			return conversation.SMS{Text: text, Link: "main", NewNumber: number, Known: known}
		},
	})
	return err
}

// officer sets a status.
func (l *life) officer(ctx context.Context, n conversation.Number, status conversation.Status, note string, notify bool, change func(*desk.StatusRequest)) error {
	r := desk.StatusRequest{Viewer: desk.Viewer{Name: "sp4n"}, Number: n, Status: status, Note: note, Notify: notify}
	if change != nil {
		change(&r)
	}
	_, _, err := l.desk.PushStatus(ctx, r)
	return err
}

// ticket plays one complaint; stop: it stays open at one of its stages.
func (l *life) ticket(ctx context.Context, at time.Time, stop int) error {
	if err := l.pass(ctx, at); err != nil {
		return err
	}
	before := len(l.tickets)
	length := 120 + int(45*l.rng.NormFloat64())
	if err := l.says(ctx, "LAPOR "+l.speech.complaint(l.rng, min(max(length, 30), 155))); err != nil {
		return err
	}
	if len(l.tickets) == before {
		return nil // taken for something else
	}
	n := conversation.NewNumber(l.c.ID.Shard, l.tickets[before].Serial)
	if err := l.answers(ctx); err != nil {
		return err
	}
	return l.handle(ctx, n, stop)
}

// answers answers what is asked, mostly.
func (l *life) answers(ctx context.Context) error {
	for range 3 {
		state, err := conversation.DecodeState(l.c.State)
		if err != nil {
			return err
		}
		asks, _ := state.Asks()
		at := l.after(1, 15)
		if l.rng.IntN(10) < 3 || !l.past(at) {
			return nil
		}
		if err := l.pass(ctx, at); err != nil {
			return err
		}
		switch asks {
		case "location":
			err = l.says(ctx, "di "+l.speech.place(l.rng)+" "+pick(l.rng, cities))
		case "institution":
			err = l.says(ctx, pick(l.rng, []string{"TIDAK TAHU", "dinas pu", "kelurahan", "pln", "kantor camat"}))
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step is what the office does with a ticket at one time.
type step struct {
	from, to int // minutes after the one before
	status   conversation.Status
	note     bool
	notify   int // of ten
}

const day = 24 * 60

var usual = []step{
	{10, 2 * day, conversation.Verified, false, 3},
	{30, day, conversation.Forwarded, false, 1},
	{day, 6 * day, conversation.InProgress, true, 6},
	{2 * day, 12 * day, conversation.Resolved, true, 10},
}

// handle plays the office's part: usually to the end.
func (l *life) handle(ctx context.Context, n conversation.Number, stop int) error {
	rejected := stop < 0 && l.rng.IntN(12) == 0
	for i, s := range usual {
		if i == stop {
			return nil
		}
		if i == 2 && l.rng.IntN(2) == 0 {
			continue
		}
		at := l.after(s.from, s.to)
		if !l.past(at) {
			return nil
		}
		if err := l.pass(ctx, at); err != nil {
			return err
		}
		if rejected && i == 2 {
			return l.officer(ctx, n, conversation.Rejected, pick(l.rng, notes), true, nil)
		}
		note := ""
		if s.note {
			note = pick(l.rng, notes)
		}
		err := l.officer(ctx, n, s.status, note, l.rng.IntN(10) < s.notify, func(r *desk.StatusRequest) {
			if i == 0 {
				name, id := agency(l.rng), fmt.Sprintf("SP4N-%d", n)
				r.Agency, r.ExternalID = &name, &id
			}
		})
		if err != nil {
			return err
		}
	}
	if at := l.after(5, 3*day); l.rng.IntN(10) < 4 && l.past(at) {
		if err := l.pass(ctx, at); err != nil {
			return err
		}
		if err := l.says(ctx, pick(l.rng, []string{"5", "4", "5", "3", "2"})); err != nil {
			return err
		}
	}
	return l.pass(ctx, l.now.Add(12*24*time.Hour)) // ten days without a mark close it
}
