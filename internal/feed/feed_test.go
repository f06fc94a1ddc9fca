package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/feed"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/internal/turn/turntest"
	"aduan/store"
	"aduan/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var engine = sync.OnceValue(func() *conversation.Engine { return turntest.Engine(time.UTC) })

// counted counts how often the store is asked.
type counted struct {
	*store.Store
	asked, bodies atomic.Int64
}

func (c *counted) EventsAfter(ctx context.Context, at store.Cursor, limit int) ([]store.Event, store.Cursor, error) {
	c.asked.Add(1)
	return c.Store.EventsAfter(ctx, at, limit)
}

func (c *counted) Ticket(ctx context.Context, shard int, serial uint64) (store.TicketRecord, error) {
	c.bodies.Add(1)
	return c.Store.Ticket(ctx, shard, serial)
}

// line is a line of which events are pulled.
type line struct {
	t      *testing.T
	store  *counted
	redis  *storetest.Redis
	turner *turn.Turner
	desk   *turn.Desk
	count  int

	looking *feed.Feed            // what is looked at after each step; nil: nothing
	after   string                // up to here
	first   map[string]desk.Event // the first of each type

	clock atomic.Int64 // added to the time, ns
}

func newLine(t *testing.T) *line { return newLineWith(t, turntest.NoOutbox{}) }

func newLineWith(t *testing.T, out turn.Outbox) *line {
	l := &line{t: t, store: &counted{}}
	now := l.now
	l.store.Store, l.redis = storetest.Open(t, func(o *store.Options) { o.Now = now })
	l.turner = turn.New(turn.Options{Store: l.store, Engine: engine(), Outbox: out, Now: now, ShortCode: "1708", Region: "ID"})
	l.desk = turn.NewDesk(l.turner)
	return l
}

func (l *line) now() time.Time { return time.Now().Add(time.Duration(l.clock.Load())) }

// daemon is a feed of one daemon, whose Run ends with the test.
func (l *line) daemon(keep int) *feed.Feed {
	f := feed.New(feed.Options{
		Store: l.store, Bodies: l.desk, Source: func() string { return "/aduan/1708" }, Every: 5 * time.Millisecond, Keep: keep, Now: time.Now,
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }() // waited for below
	l.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
	})
	return f
}

// file makes a ticket of a citizen for an agency ("": the triage desk).
func (l *line) file(agency string, citizen int) conversation.Number {
	l.t.Helper()
	view, _, err := l.desk.File(l.t.Context(), desk.FileRequest{
		Viewer: desk.Viewer{Name: "k", Agency: agency}, Text: fmt.Sprintf("jalan rusak %d", citizen), Number: fmt.Sprintf("+62812345671%02d", citizen),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	n, err := conversation.ParseNumber(view.Number)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

func (l *line) read(f *feed.Feed, r desk.EventsRequest) desk.EventsPage {
	l.t.Helper()
	page, err := f.Read(l.t.Context(), r)
	if err != nil {
		l.t.Fatal(err)
	}
	return page
}

// erase lets a citizen ask for it, and the 24 hours pass.
func (l *line) erase(number string) {
	l.t.Helper()
	m, err := msisdn.FromE164(number)
	if err != nil {
		l.t.Fatal(err)
	}
	for i, text := range []string{"HAPUS", "YA"} {
		id := fmt.Sprint("erase", i)
		_, err := l.turner.SMS(l.t.Context(), turn.Message{
			Boot: l.store.BootID(), From: m, To: "1708", Link: "A", Text: text, Raw: []byte(text),
			Mark: &store.MarkWrite{Mode: store.MarkFresh, Digest: id, ID: id, Session: "s"},
			Input: func(n conversation.Number, known []conversation.Ticket) conversation.Input {
				return conversation.SMS{Text: text, Link: "A", NewNumber: n, Known: known}
			},
		})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	l.clock.Store(int64(25 * time.Hour))
	if err := l.turner.Tick(l.t.Context(), l.store.Identify(m)); err != nil {
		l.t.Fatal(err)
	}
}

// revealed counts the whole numbers that the audit trail has been told of.
func (l *line) revealed() int {
	l.t.Helper()
	n := 0
	for shard := range store.Shards {
		entries, err := l.redis.Client().XRange(l.t.Context(), fmt.Sprintf("{%02d}:audit", shard), "-", "+").Result()
		if err != nil {
			l.t.Fatal(err)
		}
		for _, e := range entries {
			if strings.Contains(fmt.Sprint(e.Values), store.AuditReveal) {
				n++
			}
		}
	}
	return n
}

func subjects(page desk.EventsPage) string {
	var all []string
	for _, e := range page.Items {
		all = append(all, e.Subject)
	}
	return sorted(all...) // of several tickets order is not promised
}

func sorted(numbers ...string) string {
	slices.Sort(numbers)
	return strings.Join(numbers, " ")
}

func TestEachAgencyPullsItsOwn(t *testing.T) {
	l := newLine(t)
	f := l.daemon(0)
	pu, triage := l.file("pu", 1), l.file("", 2)
	for agency, want := range map[string]string{"pu": pu.String(), "dinkes": "", "": sorted(pu.String(), triage.String())} {
		if got := subjects(l.read(f, desk.EventsRequest{Viewer: desk.Viewer{Agency: agency}})); got != want {
			t.Errorf("%q pulls %q, want %q", agency, got, want)
		}
	}
	page := l.read(f, desk.EventsRequest{Viewer: desk.Viewer{Agency: "pu"}})
	var data desk.EventContent
	if err := json.Unmarshal(page.Items[0].Data, &data); err != nil || data.Ticket.Citizen.Number != "+62•••••••101" || data.Text != 1 || data.Ticket.Texts[0].Text != "jalan rusak 1" {
		t.Errorf("%s, %v", page.Items[0].Data, err)
	}
	whole := l.read(f, desk.EventsRequest{Viewer: desk.Viewer{Reveal: true}})
	if e := whole.Items[0]; !strings.Contains(string(e.Data), "+62812345671") || e.Type != conversation.EventFiled || e.Source != "/aduan/1708" || e.SpecVersion != "1.0" {
		t.Errorf("%+v %s", e, e.Data)
	}
	if n := l.revealed(); n != 0 {
		t.Errorf("%d reveals in the audit trail, and nobody with a key has seen a number", n)
	}
	l.read(f, desk.EventsRequest{Viewer: desk.Viewer{Reveal: true, KeyID: "K2", Name: "chief"}})
	if n := l.revealed(); n != 2 {
		t.Errorf("two numbers were shown, the audit trail has %d", n)
	}
	if _, _, err := l.desk.Assign(t.Context(), desk.AssignRequest{Viewer: desk.Viewer{Name: "k"}, Number: triage, Agency: "pu"}); err != nil {
		t.Fatal(err)
	}
	if got := subjects(l.read(f, desk.EventsRequest{Viewer: desk.Viewer{Agency: "pu"}})); got != sorted(pu.String(), triage.String(), triage.String()) {
		t.Errorf("whose ticket it became pulls %q", got)
	}
}

func TestACursorIsGoodForWhoGotIt(t *testing.T) {
	l := newLine(t)
	f := l.daemon(0)
	l.file("pu", 1)
	next := l.read(f, desk.EventsRequest{Viewer: desk.Viewer{Agency: "pu"}}).Next
	for name, r := range map[string]desk.EventsRequest{
		"the line's key":    {After: next},
		"another agency":    {After: next, Viewer: desk.Viewer{Agency: "dinkes"}},
		"one that was made": {After: "AAAA", Viewer: desk.Viewer{Agency: "pu"}},
		"one that was bent": {After: "A" + next, Viewer: desk.Viewer{Agency: "pu"}},
	} {
		if _, err := f.Read(t.Context(), r); !errors.Is(err, desk.ErrCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if page := l.read(l.daemon(0), desk.EventsRequest{After: next, Viewer: desk.Viewer{Agency: "pu"}}); len(page.Items) != 0 || page.Next != next {
		t.Errorf("on another daemon: %+v", page)
	}
}

func TestEventsOlderThanKeptAreGone(t *testing.T) {
	l := newLine(t)
	f := l.daemon(0)
	n := l.file("", 1)
	first := l.read(f, desk.EventsRequest{}).Next
	if _, _, err := l.desk.PushStatus(t.Context(), desk.StatusRequest{Viewer: desk.Viewer{Name: "k"}, Number: n, Status: conversation.Verified}); err != nil {
		t.Fatal(err)
	}
	l.clock.Store(int64(31 * 24 * time.Hour))
	if err := l.store.TrimEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(t.Context(), desk.EventsRequest{After: first}); !errors.Is(err, desk.ErrGone) {
		t.Errorf("%v", err)
	}
	if page := l.read(f, desk.EventsRequest{}); len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
}

// Many wait, on two daemons: each gets each event once and in order, however small the memory, and the store is asked by one
// reader of each daemon.
func TestManyWaitAndOneReads(t *testing.T) {
	for _, row := range []struct {
		name string
		keep int
	}{{"all in memory", 1000}, {"memory for two", 2}} {
		t.Run(row.name, func(t *testing.T) {
			l := newLine(t)
			daemons := []*feed.Feed{l.daemon(row.keep), l.daemon(row.keep)}
			l.file("", 0) // before anybody waits
			const waiters, events = 20, 30
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var all sync.WaitGroup
			var ready sync.WaitGroup
			got := make([][]string, waiters)
			for i := range waiters {
				ready.Add(1)
				all.Go(func() {
					f, after, waits := daemons[i%2], "", false
					for len(got[i]) < events+1 && ctx.Err() == nil {
						page, err := f.Read(ctx, desk.EventsRequest{After: after, Limit: 7, Wait: time.Second})
						if err != nil {
							t.Error(err)
							return
						}
						for _, e := range page.Items {
							got[i] = append(got[i], e.ID)
						}
						after = page.Next
						if !waits && len(got[i]) > 0 {
							waits = true
							ready.Done()
						}
					}
				})
			}
			ready.Wait()
			n := l.file("", 1)
			for i := range events - 1 {
				status := []conversation.Status{conversation.Verified, conversation.InProgress}[i%2]
				if _, _, err := l.desk.PushStatus(ctx, desk.StatusRequest{Viewer: desk.Viewer{Name: "k"}, Number: n, Status: status}); err != nil {
					t.Fatal(err)
				}
			}
			all.Wait()
			for i := range got {
				if len(got[i]) != events+1 || strings.Join(got[i][1:], " ") != strings.Join(got[0][1:], " ") {
					t.Errorf("%d of %d read %d events: %v", i, waiters, len(got[i]), got[i])
				}
			}
		})
	}
}

func TestWhoeverWaitsAsksNothingOfTheStore(t *testing.T) {
	l := newLine(t)
	f := l.daemon(100)
	l.file("", 1)
	at := l.read(f, desk.EventsRequest{}).Next
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if page, err := f.Read(ctx, desk.EventsRequest{After: at, Wait: time.Minute}); err != nil || len(page.Items) != 0 || page.Next != at {
				t.Errorf("%+v, %v", page, err)
			}
		})
	}
	time.Sleep(100 * time.Millisecond) // while they wait
	before := l.store.asked.Load()
	begun := time.Now()
	time.Sleep(200 * time.Millisecond)
	asked := l.store.asked.Load() - before
	if most := int64(time.Since(begun)/(5*time.Millisecond)) + 2; asked > most || asked == 0 {
		t.Errorf("the store was asked %d times, by one reader it is at most %d", asked, most)
	}
	cancel()
	all.Wait()
	idle := func() bool {
		before := l.store.asked.Load()
		time.Sleep(30 * time.Millisecond)
		return l.store.asked.Load() == before
	}
	for deadline := time.Now().Add(5 * time.Second); !idle(); {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits, and the store is asked all the same")
		}
	}
}

func TestABodyIsMadeOnceForAllWhoRead(t *testing.T) {
	l := newLine(t)
	f := l.daemon(100)
	l.file("", 0)
	at := l.read(f, desk.EventsRequest{}).Next
	var all sync.WaitGroup
	const waiters = 20
	for range waiters {
		all.Go(func() { l.read(f, desk.EventsRequest{After: at, Wait: 10 * time.Second}) })
	}
	time.Sleep(50 * time.Millisecond) // until they wait; who does not yet is told all the same
	before := l.store.bodies.Load()
	l.file("", 1)
	all.Wait()
	if made := l.store.bodies.Load() - before; made > 4 {
		t.Errorf("the ticket was read %d times for %d readers", made, waiters)
	}
}

func TestAnErasureIsToldToWhoseTicketsItTouches(t *testing.T) {
	l := newLine(t)
	f := l.daemon(0)
	pu := l.file("pu", 1)
	other := l.file("dinkes", 1) // of the same citizen
	ctx := t.Context()
	m := fmt.Sprintf("+62812345671%02d", 1)
	l.erase(m)
	for agency, want := range map[string]string{"pu": pu.String(), "dinkes": other.String(), "air": ""} {
		page, err := f.Read(ctx, desk.EventsRequest{Viewer: desk.Viewer{Agency: agency}})
		if err != nil {
			t.Fatal(err)
		}
		var last desk.EventContent
		for _, e := range page.Items {
			if e.Type == conversation.EventErased {
				if err := json.Unmarshal(e.Data, &last); err != nil {
					t.Fatal(err)
				}
			}
		}
		if strings.Join(last.Tickets, " ") != want {
			t.Errorf("%s is told of %v, want %q", agency, last.Tickets, want)
		}
	}
}
