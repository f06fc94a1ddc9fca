package turn_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/internal/storemodel"
	"aduan/internal/turn"
	"aduan/internal/turn/turntest"
	"aduan/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var engine = sync.OnceValue(func() *conversation.Engine { return turntest.Engine(turntest.WIB) })

// outbox counts what it was asked to keep room for.
type outbox struct {
	mu       sync.Mutex
	full     bool
	reserved map[string]int
	sent     []store.Outgoing
	doubted  []string
}

func (o *outbox) Reserve(_ context.Context, link string, _ store.Class) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.full {
		return false
	}
	o.reserved[link]++
	return true
}

func (o *outbox) Unreserve(link string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reserved[link]--
}

func (o *outbox) Send(sms []store.Outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, sms...)
	for _, m := range sms {
		o.reserved[m.Link]--
	}
}

func (o *outbox) Doubt(_ int, ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.doubted = append(o.doubted, ids...)
}

type stage struct {
	t      *testing.T
	redis  *storemodel.Redis
	store  *storemodel.Store
	outbox *outbox
	turner *turn.Turner
	desk   *turn.Desk
	now    time.Time
	count  int

	agencies agencies // nil: tickets may be handed to anybody
	// templates are the texts of agencies.
	templates map[string]map[string]string
	superior  string // of every agency
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, redis: storemodel.New(), outbox: &outbox{reserved: map[string]int{}}, now: time.Now()}
	s.redis.Now(func() time.Time { return s.now })
	s.daemon("p")
	return s
}

// daemon makes turns as another daemon from now on: it knows nothing of what the last one had at hand.
func (s *stage) daemon(name string) {
	s.store = s.redis.Daemon(name)
	o := turn.Options{
		Store: s.store, Engine: engine(), Outbox: s.outbox, Now: func() time.Time { return s.now }, ShortCode: "1708", DefaultLink: "A",
		Quiet: turn.QuietHours(21*time.Hour, 6*time.Hour, time.FixedZone("WIB", 7*3600)), Region: "ID",
	}
	o.Superior = func(string) string { return s.superior }
	o.Templates = func(_ context.Context, agency string) (map[string]string, error) { return s.templates[agency], nil }
	if s.agencies != nil {
		o.Agencies = s.agencies
	}
	s.turner = turn.New(o)
	s.desk = turn.NewDesk(s.turner)
	s.t.Cleanup(func() {
		for link, n := range s.outbox.reserved {
			if n != 0 {
				s.t.Errorf("%d places of link %s are still reserved", n, link)
			}
		}
	})
}

func phone(n int) msisdn.MSISDN {
	m, err := msisdn.FromE164(fmt.Sprintf("+62812345671%02d", n))
	if err != nil {
		panic(err)
	}
	return m
}

func (s *stage) message(n int, text string) turn.Message {
	s.count++
	id := fmt.Sprintf("d%d", s.count)
	return turn.Message{
		Boot: s.store.BootID(), From: phone(n), To: "1708", Link: "A", Text: text, Raw: []byte(text),
		Mark: &store.MarkWrite{Mode: store.MarkFresh, Digest: id, ID: id, Session: "s"},
		Input: func(number conversation.Number, known []conversation.Ticket) conversation.Input {
			return conversation.SMS{Text: text, Link: "A", NewNumber: number, Known: known}
		},
	}
}

func (s *stage) sms(n int, text string) turn.Result {
	s.t.Helper()
	res, err := s.turner.SMS(s.t.Context(), s.message(n, text))
	if err != nil || res.Outcome.Kind != store.Kept {
		s.t.Fatalf("%v, %v", res.Outcome.Kind, err)
	}
	return res
}

const complaint = "LAPOR jalan rusak di depan pasar Minggu"

// filed is a ticket of a citizen.
func (s *stage) filed(n int) conversation.Number {
	s.t.Helper()
	res := s.sms(n, complaint)
	if len(res.Effects.Tickets) != 1 {
		s.t.Fatal("no ticket")
	}
	return res.Effects.Tickets[0].Number
}

func TestATurnIsMadeAgainFromWhatStands(t *testing.T) {
	s := newStage(t)
	s.sms(0, complaint)
	s.daemon("q") // knows nothing of the citizen: assumes a new one
	res := s.sms(0, "LAPOR lampu jalan mati di jalan Melati dekat sekolah")
	if res.Outcome.Version != 2 {
		t.Errorf("version %d", res.Outcome.Version)
	}
	if n := s.redis.Ran("commit"); n != 3 {
		t.Errorf("%d commits, want the first, the stale one and the one made again", n)
	}
	if len(s.outbox.sent) != 1 { // the second waits behind the first
		t.Errorf("%d SMS to send", len(s.outbox.sent))
	}
}

func TestANumberIsGivenBackWhereItSurelyStandsNowhere(t *testing.T) {
	shard := storemodel.Identify(phone(0)).Shard
	for name, c := range map[string]struct {
		before func(s *stage)
		text   string
		free   int
	}{
		"a ticket was filed":           {func(*stage) {}, complaint, 0},
		"no ticket came of it":         {func(*stage) {}, "BANTUAN", 1},
		"the store refused":            {func(s *stage) { s.redis.Gone(true) }, complaint, 1},
		"whether it stands is unknown": {func(s *stage) { s.redis.LoseUnrun("commit"); s.redis.LoseUnrun("commit") }, complaint, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			c.before(s)
			_, err := s.turner.SMS(t.Context(), s.message(0, c.text))
			if got := s.store.Free(shard); got != c.free {
				t.Errorf("%d given back, want %d (%v)", got, c.free, err)
			}
		})
	}
}

func TestTheSMSOfALostCommitAreDoubtful(t *testing.T) {
	s := newStage(t)
	s.redis.Lose("commit", 0)
	s.redis.Lose("commit", 0)
	if _, err := s.turner.SMS(t.Context(), s.message(0, complaint)); !errors.Is(err, store.ErrUnknown) {
		t.Fatal(err)
	}
	if len(s.outbox.doubted) != 1 || len(s.outbox.sent) != 0 {
		t.Errorf("doubted %v, sent %v", s.outbox.doubted, s.outbox.sent)
	}
}

func TestWithoutRoomTheSMSWaitsInTheStore(t *testing.T) {
	s := newStage(t)
	s.outbox.full = true
	s.sms(0, complaint)
	if len(s.outbox.sent) != 0 || len(s.redis.Due()) != 1 {
		t.Errorf("%d sent, %d due", len(s.outbox.sent), len(s.redis.Due()))
	}
}

func TestAPushAtNightWaitsForTheMorningAndAnAnswerPassesIt(t *testing.T) {
	s := newStage(t)
	number := s.filed(0)
	s.now = time.Date(2026, 3, 2, 16, 0, 0, 0, time.UTC) // 23:00 there
	a, _, err := s.desk.PushStatus(t.Context(), desk.StatusRequest{
		Viewer: desk.Viewer{Name: "kantor"}, Number: number, Status: conversation.InProgress, Note: "Sedang dikerjakan.", Notify: true,
	})
	if err != nil || len(a.Messages) != 1 {
		t.Fatal(a, err)
	}
	if at, want := s.redis.Due()[a.Messages[0]], time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC); !at.Equal(want) {
		t.Errorf("due at %v, want %v", at, want)
	}
}

func TestQuietHours(t *testing.T) {
	loc := time.FixedZone("WIB", 7*3600)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, loc) }
	for _, c := range []struct{ from, to, h, m, day, wantH, wantM int }{
		{21, 6, 20, 59, 2, 20, 59},
		{21, 6, 21, 0, 3, 6, 0},
		{21, 6, 23, 59, 3, 6, 0},
		{21, 6, 0, 0, 2, 6, 0},
		{21, 6, 5, 59, 2, 6, 0},
		{21, 6, 6, 0, 2, 6, 0},
		{12, 14, 13, 0, 2, 14, 0},
		{12, 14, 14, 0, 2, 14, 0},
		{12, 14, 11, 59, 2, 11, 59},
	} {
		quiet := turn.QuietHours(time.Duration(c.from)*time.Hour, time.Duration(c.to)*time.Hour, loc)
		if got, want := quiet(at(2, c.h, c.m)), at(c.day, c.wantH, c.wantM); !got.Equal(want) {
			t.Errorf("from %d to %d, at %d:%02d: %v, want %v", c.from, c.to, c.h, c.m, got, want)
		}
	}
}

// interrupted lets another turn be first, once, between the reading of a ticket and the commit.
type interrupted struct {
	*storemodel.Store
	do func()
}

func (i *interrupted) Commit(ctx context.Context, t *store.Turn) (store.Outcome, error) {
	if do := i.do; do != nil {
		i.do = nil
		do()
	}
	return i.Store.Commit(ctx, t)
}

func TestTwoPushesAtOnceLoseNothingOfEachOther(t *testing.T) {
	s := newStage(t)
	s.now = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	number := s.filed(0)
	// Many more, closed: the ticket is known only by its own record then.
	for i := range 25 {
		s.now = s.now.Add(25 * time.Hour)
		n := s.sms(0, fmt.Sprintf("LAPOR lampu jalan mati di jalan Melati nomor %d dekat sekolah", i)).Effects.Tickets
		if len(n) == 0 {
			continue
		}
		if _, _, err := s.push(n[0].Number, conversation.Closed, func(r *desk.StatusRequest) { r.Notify = false }); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.push(number, conversation.Closed, func(r *desk.StatusRequest) { r.Notify = false }); err != nil && !errors.Is(err, desk.ErrClosed) {
		t.Fatal(err)
	}
	before, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Number: number})
	if err != nil {
		t.Fatal(err)
	}
	between := &interrupted{Store: s.redis.Daemon("q"), do: func() {
		if _, _, err := s.push(number, conversation.Reopened, func(r *desk.StatusRequest) { r.Notify, r.Note = false, "satu" }); err != nil {
			t.Error(err)
		}
	}}
	other := turn.NewDesk(turn.New(turn.Options{Store: between, Engine: engine(), Outbox: s.outbox, Now: func() time.Time { return s.now }, DefaultLink: "A"}))
	if _, _, err := other.PushStatus(t.Context(), desk.StatusRequest{Viewer: desk.Viewer{Name: "kantor"}, Number: number, Status: conversation.Reopened, Note: "dua"}); err != nil {
		t.Fatal(err)
	}
	after, err := s.desk.Ticket(t.Context(), desk.TicketRequest{Number: number})
	if err != nil {
		t.Fatal(err)
	}
	var notes []string
	for _, h := range after.History[len(before.History):] {
		notes = append(notes, h.Note)
	}
	if !slices.Contains(notes, "satu") || !slices.Contains(notes, "dua") {
		t.Errorf("notes %q: one push has overwritten the other", notes)
	}
}

func TestALateCopyIsAnsweredWithTheSameSMSOnce(t *testing.T) {
	s := newStage(t)
	first := s.message(0, complaint)
	res, err := s.turner.SMS(t.Context(), first)
	if err != nil || len(res.Outcome.Send) != 1 {
		t.Fatal(err, res.Outcome)
	}
	ids := []string{res.Outcome.Send[0].ID}
	for i, want := range []store.OutcomeKind{store.Kept, store.Copy} {
		m := first
		m.Mark = &store.MarkWrite{Mode: store.MarkAgain, Digest: first.Mark.Digest, ID: fmt.Sprint("again", i), Session: "s", Replaces: first.Mark.ID}
		if i == 1 {
			m.Mark.Replaces = "again0"
		}
		out, err := s.turner.Again(t.Context(), m, ids)
		if err != nil || out.Outcome.Kind != want {
			t.Errorf("copy %d: %v, %v, want %v", i+1, out.Outcome.Kind, err, want)
		}
	}
	list := s.redis.SMS()
	if len(list) != 2 || list[0].Text != list[1].Text {
		t.Errorf("%d SMS", len(list))
	}
	if n := len(s.redis.Tickets()); n != 1 {
		t.Errorf("%d tickets", n)
	}
}

func TestTwoLatePartsAtOnceFillBothGaps(t *testing.T) {
	s := newStage(t)
	m := s.message(0, "LAPOR jalan rusak di depan pasar Minggu")
	m.Input = func(n conversation.Number, _ []conversation.Ticket) conversation.Input {
		return conversation.SMS{Parts: []string{"LAPOR jalan rusak di depan pasar Minggu ", "", ""}, Gaps: []int{2, 3}, Link: "A", NewNumber: n}
	}
	res, err := s.turner.SMS(t.Context(), m)
	if err != nil || len(res.Effects.Texts) != 1 {
		t.Fatal(err, res.Effects)
	}
	late := func(tr *turn.Turner, part int, text string) error {
		out, err := tr.Late(t.Context(), turn.LatePart{
			Boot: s.store.BootID(), From: phone(0), Serial: res.Effects.Texts[0].Ticket.Serial(), Field: "x1", Number: part, Text: text,
		})
		if err == nil && out.Kind != store.Kept {
			err = fmt.Errorf("late part %d: %v", part, out.Kind)
		}
		return err
	}
	between := &interrupted{Store: s.store, do: func() {
		if err := late(s.turner, 3, "tiga"); err != nil {
			t.Error(err)
		}
	}}
	other := turn.New(turn.Options{Store: between, Engine: engine(), Outbox: s.outbox, Now: func() time.Time { return s.now }, DefaultLink: "A"})
	if err := late(other, 2, "dua "); err != nil {
		t.Fatal(err)
	}
	if got, want := s.redis.Tickets()[0][0], "LAPOR jalan rusak di depan pasar Minggu dua tiga"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
