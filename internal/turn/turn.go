package turn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/internal/failpoint"
	"aduan/internal/msisdn"
	"aduan/internal/report"
	"aduan/smpp/segment"
	"aduan/store"
)

// maxAttempts bounds how often one turn is made again because another was
// first. Each attempt starts from what stands, so that the second loses only
// to a third party that is faster still.
const maxAttempts = 8

// ErrBusy means that others changed the same citizen so often that this turn
// was given up; nothing of it is kept.
var ErrBusy = errors.New("turn: the citizen's state kept changing; nothing kept, try again")

// keeper is what a turn needs of the store; *store.Store is one.
type keeper interface {
	Assume(m msisdn.MSISDN) (store.Citizen, error)
	Load(ctx context.Context, id store.CitizenID) (store.Citizen, error)
	Commit(ctx context.Context, t *store.Turn) (store.Outcome, error)
	Ticket(ctx context.Context, shard int, serial uint64) (store.TicketRecord, error)
	Messages(ctx context.Context, ids []string) ([]store.Message, error)
	ListTickets(ctx context.Context, q store.TicketQuery, cursor string, limit int) ([]store.TicketRecord, string, error)
	TakeSerial(ctx context.Context, shard int) (uint64, error)
	ReturnSerial(shard int, serial uint64)
	NewID(shard int) string
	NewSMSID(shard int, serial uint64) string
	BootID() string
	TicketsOf(ctx context.Context, id store.CitizenID) ([]uint64, error)
	FirstAnswer(ctx context.Context, shard int, key string) (store.Idempotency, bool, error)
	Nameless(shard int) (store.Citizen, error)
	NoteRequest(ctx context.Context, shard int, key, fingerprint string) (first string, err error)
	Audit(ctx context.Context, chain int, records ...store.Audit) error
	AuditTrail(ctx context.Context, q store.AuditQuery) ([]store.AuditRecord, string, error)
	ListKeys(ctx context.Context) ([]store.APIKey, error)
}

// Outbox takes what a commit has produced; *sender.Sender is one.
type Outbox interface {
	// Reserve asks for room in memory for one SMS of this link; it may wait a moment for it.
	Reserve(ctx context.Context, link string, class store.Class) bool
	// Unreserve gives the room back.
	Unreserve(link string)
	// Send takes SMS that this daemon holds; each uses one reservation.
	Send(sms []store.Outgoing)
	// Doubt notes SMS of a commit whose outcome is unknown: they are looked
	// for in the store, and sent if they stand there.
	Doubt(shard int, ids []string)
}

// registry knows the agencies; *agency.Book is one.
type registry interface {
	Knows(ctx context.Context, name string) (bool, error)
}

// Courier is told of events that wait for the case system; *handoff.Handoff is one.
type Courier interface {
	// Offer reports whether it takes the events of ref at once; else they
	// wait in the store until they are due.
	Offer(ref store.HandoffRef) bool
}

// Settings are what may change while turns are made; each turn is made with one of them as a whole.
type Settings struct {
	Engine *conversation.Engine
	// ShortCode is the sender of pushes, and of answers where the citizen's
	// message named no destination.
	ShortCode string
	// Region is the ISO 3166 region in which a telephone number that staff write is read.
	Region string
	// Quiet tells when a push may be sent that comes up at the given time: the
	// same time, or the end of the night. Nil: always at once.
	Quiet func(time.Time) time.Time
	// Location is the line's zone, in which a report's days begin; nil: UTC.
	Location *time.Location
}

// Options are the parts of a Turner. Store, Engine, Outbox and Now are required.
type Options struct {
	Store  keeper
	Outbox Outbox
	// Letters are what waits for a person; nil: nothing does.
	Letters letterKeeper
	// Figures are what a report counts; nil: there is none.
	Figures report.Source
	// Location is that of the start; see [Settings].
	Location *time.Location
	// Engine, ShortCode, Region and Quiet are those of the start; see [Settings].
	Engine    *conversation.Engine
	ShortCode string
	Region    string
	Quiet     func(time.Time) time.Time
	// Agencies knows to whom a ticket may be handed; nil: to anybody.
	Agencies registry
	// Courier is nil where no webhook is configured: events then wait to be pulled.
	Courier Courier
	Now     func() time.Time
	// DefaultLink carries what answers nobody, where Route does not say another link.
	DefaultLink string
	// Route is the link for an SMS that answers nobody: last is the one by which the citizen's last message came, "" where
	// there was none. Nil: last, else DefaultLink.
	Route func(last string, to msisdn.MSISDN) string
	// Observe is shown the effects of each turn that was kept; nil: nobody looks.
	Observe func(conversation.Effects)
	Metrics *Metrics
	// Brief tells whether the line is so far behind that it answers briefly; nil: never.
	Brief func() bool
	Log   *zap.Logger // default: none
	// Templates are an agency's own texts, by name; nil: there are none.
	Templates func(ctx context.Context, agency string) (map[string]string, error)
	// Superior is the agency above another; "": none. Nil: there are none.
	Superior func(agency string) string
	// Count says what an SMS costs on a link: alphabet, segments, what is left in the last; default segment.Count.
	Count func(link, text string) (alphabet string, segments, left int)
	// Patience bounds a turn that is not an answer to the SMSC; default 5 s.
	Patience time.Duration
}

// Turner makes turns. It has no goroutine of its own and may be used by many.
type Turner struct {
	o        Options
	settings atomic.Pointer[Settings]
}

// New returns a Turner.
func New(o Options) *Turner {
	if o.Patience <= 0 {
		o.Patience = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Count == nil {
		o.Count = func(_, text string) (string, int, int) { return segment.Count(text) }
	}
	if o.Route == nil {
		o.Route = func(last string, _ msisdn.MSISDN) string { return cmp.Or(last, o.DefaultLink) }
	}
	t := &Turner{o: o}
	t.Use(Settings{Engine: o.Engine, ShortCode: o.ShortCode, Region: o.Region, Quiet: o.Quiet, Location: o.Location})
	return t
}

// Use makes the turns that begin from now on with other settings.
func (t *Turner) Use(s Settings) {
	if s.Location == nil {
		s.Location = time.UTC
	}
	if s.Quiet == nil {
		s.Quiet = func(t time.Time) time.Time { return t }
	}
	t.settings.Store(&s)
}

// Settings are those in use.
func (t *Turner) Settings() Settings { return *t.settings.Load() }

// Message is one citizen's message on its way into a turn.
type Message struct {
	// Boot is the boot that took the message: a turn of a boot that was
	// declared dead meanwhile keeps nothing.
	Boot string
	// Deadline is when the caller stops waiting: nothing is written after it.
	Deadline time.Time
	From     msisdn.MSISDN
	// To is the address that the citizen wrote to: the answer's sender.
	To   string
	Link string
	// Input makes the engine's input; newNumber is the number that a new
	// ticket would get, known are the citizen's own tickets that the text
	// names and the state does not hold.
	Input func(newNumber conversation.Number, known []conversation.Ticket) conversation.Input
	// Text is searched for ticket numbers.
	Text string
	// Raw is kept for staff where no ticket takes the message.
	Raw []byte
	// Beside: Raw is kept also where a ticket takes the text, since it says more
	// than the text does.
	Beside bool
	Mark   *store.MarkWrite
	Join   *store.GroupJoin
	Origin store.Origin
}

// Result is a turn that was made.
type Result struct {
	Outcome store.Outcome
	Effects conversation.Effects
}

// SMS makes the turn of one message of a citizen. Outcome.Kind says whether it
// was kept, or is a copy of an earlier message that promise 3 must decide on.
func (t *Turner) SMS(ctx context.Context, m Message) (Result, error) {
	c, err := t.o.Store.Assume(m.From)
	if err != nil {
		return Result{}, err
	}
	return t.run(ctx, c, spec{
		boot: m.Boot, deadline: m.Deadline, text: m.Text, link: m.Link, from: m.To,
		raw: m.Raw, beside: m.Beside, mark: m.Mark, join: m.Join, origin: m.Origin, numbered: true,
		input: m.Input,
	})
}

// Tick lets happen what has fallen due for a citizen.
func (t *Turner) Tick(ctx context.Context, id store.CitizenID) error {
	c, err := t.o.Store.Load(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	tick := t.ours(func(_ conversation.Number, known []conversation.Ticket) conversation.Input {
		return conversation.Tick{Known: known}
	})
	tick.due = true
	res, err := t.run(ctx, c, tick)
	if err != nil {
		return err
	}
	return kept(res.Outcome)
}

// ours is the frame of a turn that no SMSC waits for.
func (t *Turner) ours(input func(conversation.Number, []conversation.Ticket) conversation.Input) spec {
	return spec{
		boot: t.o.Store.BootID(), deadline: t.o.Now().Add(t.o.Patience),
		from: t.settings.Load().ShortCode, input: input,
	}
}

// kept turns an outcome that a caller without marks cannot use into an error.
func kept(o store.Outcome) error {
	switch o.Kind {
	case store.Kept, store.Replayed, store.KeyMisused:
		return nil
	default:
		return fmt.Errorf("turn: nothing kept: %v", o.Kind)
	}
}

// spec is everything about one turn but the citizen's state.
type spec struct {
	boot     string
	deadline time.Time
	text     string
	link     string // by which the message came; "": no message caused it
	from     string
	raw      []byte
	beside   bool // raw is kept whatever takes the text
	numbered bool // a new ticket may come of it
	erase    bool // the citizen goes, with all tickets that the state does not hold
	due      bool // tickets that the state does not hold may be due
	known    []conversation.Ticket
	mark     *store.MarkWrite
	join     *store.GroupJoin
	fill     *store.GroupFill
	origin   store.Origin
	// audit is who of staff does it, and what; nil: nobody of them.
	audit func(conversation.Effects) []store.Audit
	idem  func(conversation.Effects, []store.SMS) (*store.Idempotency, error)
	input func(conversation.Number, []conversation.Ticket) conversation.Input
	// reread brings known and the citizen up to date when another turn was
	// first: a head of before would overwrite what that one appended.
	reread func(ctx context.Context, s *spec) (store.Citizen, error)
	// refused looks at the effects before anything is kept; an error ends the turn.
	refused func(conversation.Effects) error
}

// run makes the turn, again from what stands as long as another was first.
func (t *Turner) run(ctx context.Context, c store.Citizen, s spec) (Result, error) {
	for range maxAttempts {
		res, err := t.attempt(ctx, c, s)
		if err != nil || res.Outcome.Kind != store.Stale {
			return res, err
		}
		c = res.Outcome.Citizen
		if s.reread != nil {
			if c, err = s.reread(ctx, &s); err != nil {
				return Result{}, err
			}
		}
	}
	return Result{}, ErrBusy
}

func (t *Turner) attempt(ctx context.Context, c store.Citizen, s spec) (Result, error) {
	state, err := t.state(ctx, c)
	if err != nil {
		return Result{}, err
	}
	if s.erasesFirst(state, t.o.Now()) {
		return t.eraseFirst(ctx, c, s)
	}
	known, unreadable, err := t.known(ctx, c, state, s)
	if err != nil {
		return Result{}, err
	}
	number, giveBack, err := t.number(ctx, c, s)
	if err != nil {
		return Result{}, err
	}
	now := t.o.Now()
	failpoint.Poison(s.text)
	set := t.settings.Load()
	next, eff := set.Engine.Step(state, t.input(s, number, known, unreadable), now)
	if s.refused != nil {
		if err := s.refused(eff); err != nil {
			giveBack()
			return Result{Effects: eff}, err
		}
	}
	turn, reserved, err := t.build(ctx, c, s, set, next, eff, now)
	if err != nil {
		giveBack()
		return Result{}, err
	}
	failpoint.Hit(failpoint.BeforeCommit)
	out, err := t.o.Store.Commit(ctx, turn)
	failpoint.Hit(failpoint.AfterCommit)
	t.after(turn, reserved, out, err)
	// A number is given back only where it surely stands nowhere.
	if used := files(eff, number); !used || (err == nil && out.Kind != store.Kept) || (errors.Is(err, store.ErrNotKept) && !errors.Is(err, store.ErrTaken)) {
		giveBack()
	}
	if err == nil && out.Kind == store.Kept {
		t.o.Metrics.kept(eff)
		if t.o.Observe != nil {
			t.o.Observe(eff)
		}
	}
	return Result{Outcome: out, Effects: eff}, err
}

// erasesFirst tells that the citizen's erasure has fallen due, and a message
// comes before the timer: the erasure must not take the new text with it.
func (s *spec) erasesFirst(state conversation.State, now time.Time) bool {
	return (s.numbered || s.fill != nil) && erasureDue(state, now)
}

func erasureDue(state conversation.State, now time.Time) bool {
	return !state.EraseAt.IsZero() && !now.Before(state.EraseAt)
}

// eraseFirst makes the erasure a turn of its own, and gives the citizen that
// stands then: one never seen.
func (t *Turner) eraseFirst(ctx context.Context, c store.Citizen, s spec) (Result, error) {
	tick := t.ours(func(_ conversation.Number, known []conversation.Ticket) conversation.Input {
		return conversation.Tick{Known: known}
	})
	tick.boot, tick.deadline, tick.due = s.boot, s.deadline, true
	res, err := t.attempt(ctx, c, tick)
	if err != nil || res.Outcome.Kind == store.Stale {
		return res, err
	}
	if err := kept(res.Outcome); err != nil {
		return Result{}, err
	}
	fresh, err := t.o.Store.Assume(c.Number)
	return Result{Outcome: store.Outcome{Kind: store.Stale, Citizen: fresh}}, err
}

// number takes the number that a new ticket would get.
func (t *Turner) number(ctx context.Context, c store.Citizen, s spec) (conversation.Number, func(), error) {
	if !s.numbered {
		return 0, func() {}, nil
	}
	serial, err := t.o.Store.TakeSerial(ctx, c.ID.Shard)
	if err != nil {
		return 0, nil, err
	}
	return conversation.NewNumber(c.ID.Shard, serial), func() { t.o.Store.ReturnSerial(c.ID.Shard, serial) }, nil
}

func files(eff conversation.Effects, n conversation.Number) bool {
	return n != 0 && holds(eff.Tickets, n)
}

// after hands on what the commit has made ready, and gives back what it has not.
func (t *Turner) after(turn *store.Turn, reserved []string, out store.Outcome, err error) {
	if errors.Is(err, store.ErrUnknown) && len(turn.SMS) > 0 {
		ids := make([]string, len(turn.SMS))
		for i := range turn.SMS {
			ids[i] = turn.SMS[i].ID
		}
		t.o.Outbox.Doubt(turn.Citizen.ID.Shard, ids)
	}
	if err != nil || out.Kind != store.Kept || turn.Boot != t.o.Store.BootID() {
		out.Send = nil // of a boot that has ended, another takes them over
	}
	unused := make(map[string]int, len(reserved))
	for _, link := range reserved {
		unused[link]++
	}
	for i := range out.Send {
		unused[out.Send[i].Link]--
	}
	for link, n := range unused {
		for range n {
			t.o.Outbox.Unreserve(link)
		}
	}
	if len(out.Send) > 0 {
		t.o.Outbox.Send(out.Send)
	}
	if err == nil && out.Kind == store.Kept && t.o.Courier != nil {
		for i := range turn.Events {
			t.o.Courier.Offer(store.HandoffOf(turn.Citizen.ID, turn.Events[i]))
		}
	}
}
