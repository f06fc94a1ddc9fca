package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/configs"
	"aduan/conversation"
	"aduan/internal/talk"
	"aduan/internal/testenv"
	"aduan/smpp"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// air is what lies between the telephones and a daemon: an SMSC behind a TCP
// connection.
type air struct {
	sim    *smsc.Server
	phones *talk.Telephones
	read   uint64 // the last entry of the journal that was looked at
	again  *atomic.Int64
}

// Deliver lets a telephone send, and waits until the daemon has acknowledged.
// A lost acknowledgement is one whose connection is cut while the SMSC reads it:
// the SMSC delivers again once the link is back.
func (a *air) Deliver(ctx context.Context, m *smpp.Message, lost bool) error {
	if lost {
		a.sim.CutAfterReading(1)
	}
	return a.sim.Phone(m.Source.Addr).SendPDU(m).Wait(ctx)
}

// Redeliver has nothing left to do: the SMSC has delivered again by itself.
func (a *air) Redeliver(context.Context, []*smpp.Message, bool) error {
	for _, e := range a.sim.Journal() {
		if e.Kind == smsc.EntryDeliver && e.Attempt > 1 {
			a.again.Add(1)
			return nil
		}
	}
	return errors.New("the SMSC has delivered nothing again")
}

// Take reads in the SMSC's journal what was submitted.
func (a *air) Take() []talk.Received {
	for _, e := range a.sim.Journal() {
		if e.N > a.read && e.Kind == smsc.EntrySubmit {
			a.read = e.N
			_, _ = a.phones.Submit(context.Background(), e.Message) // they accept all
		}
	}
	return a.phones.Take()
}

// daemonLine is the daemon with all its parts, its link bound to an SMSC over
// TCP, its store a redis-server; only its clock is the dialogue's.
func daemonLine(ctx context.Context, redisAddr, dir string, engine *conversation.Engine, now func() time.Time,
	observe func(conversation.Effects), again *atomic.Int64,
) (talk.Line, error) {
	operator, err := net.Listen("tcp", "127.0.0.1:0")
	page, err2 := net.Listen("tcp", "127.0.0.1:0")
	if err := errors.Join(err, err2); err != nil {
		return talk.Line{}, err
	}
	cfg := configs.Defaults()
	cfg.Line.QuietHours = configs.QuietHours{}
	cfg.HTTP.Listen = page.Addr().String()
	cfg.Store.Mode, cfg.Store.Addresses = configs.ModeExternal, []string{redisAddr}
	cfg.Store.KeyFile, cfg.Store.DataDir = filepath.Join(dir, "key"), filepath.Join(dir, "data")
	cfg.Store.Kept.Fsync = "none"
	cfg.Retention.Events = 10 * 365 * 24 * time.Hour // compared at the end of a dialogue
	link := configs.DefaultLink()
	link.Address, link.SystemID, link.Password = operator.Addr().String(), "aduan", configs.NewSecret("secret")
	link.Reconnect = configs.Reconnect{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	cfg.SMPP.Links = map[string]configs.Link{"main": link}
	cfg.ShutdownTimeout = 2 * time.Second
	l, err := buildLineIn(ctx, cfg, engine, zap.NewNop(), openStrict, timing{
		now: now, observe: observe,
		age: func(d *smpp.Delivery) time.Duration { return time.Since(d.Received) },
	})
	if err != nil {
		return talk.Line{}, err
	}
	sim := smsc.New(smsc.Options{SystemID: "aduan", Password: "secret", RetryMin: 5 * time.Millisecond, ShutdownTimeout: 100 * time.Millisecond})
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	simRun, stopSim := context.WithCancel(context.WithoutCancel(ctx))
	var line, network errgroup.Group
	network.Go(func() error { return sim.Run(simRun, operator) })
	line.Go(func() error { return l.run(run, page, nil) })
	end := func() error {
		stop()
		err := line.Wait()
		stopSim()
		return errors.Join(err, network.Wait())
	}
	err = sim.WaitBound(ctx, 1)
	for err == nil && !l.store.MaySend() { // its first heartbeat is not answered yet
		time.Sleep(time.Millisecond)
		err = ctx.Err()
	}
	if err != nil {
		return talk.Line{}, errors.Join(err, end())
	}
	return talk.Line{
		Store: l.store, Desk: l.desk, Timers: l.timers, Air: &air{sim: sim, phones: talk.NewTelephones(), again: again},
		Waiting: l.underway, Close: end,
	}, nil
}

// underway is how many SMS are in memory or due in the store.
func (l *line) underway(ctx context.Context) (int, error) {
	n, err := l.sender.Depth("main")
	if err != nil || n > 0 {
		return n, err
	}
	st, err := l.store.Stats(ctx)
	return st.Queued - st.Later, err
}

// The dialogues, the shared ones and our own, pass through the daemon over SMPP
// with a real Redis as they do in memory: one harness, two engines under it.
func TestTheDialoguesHoldThroughTheDaemon(t *testing.T) {
	const side = 4
	free := make(chan string, side)
	for range side {
		free <- storetest.Start(t, storetest.Options{Fsync: "none"}).Addr()
	}
	key := storetest.KeyFile(t)
	engine, err := newEngine(configs.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	var again atomic.Int64
	loc := configs.Defaults().Line.Location()
	t.Run("dialogue", func(t *testing.T) {
		for _, d := range allDialogues(t) {
			t.Run(d.Name, func(t *testing.T) {
				t.Parallel()
				addr := <-free
				defer func() { free <- addr }()
				rdb := redis.NewClient(&redis.Options{Addr: addr})
				if err := errors.Join(rdb.FlushAll(t.Context()).Err(), rdb.Close()); err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				if err := os.Link(key, filepath.Join(dir, "key")); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				problems, err := talk.Play(ctx, talk.Options{
					Location: loc, ShortCode: "1708", Region: "ID", SegmentsTimeout: 10 * time.Minute,
					Build: func(ctx context.Context, now func() time.Time, observe func(conversation.Effects)) (talk.Line, error) {
						return daemonLine(ctx, addr, dir, engine, now, observe, &again)
					},
				}, d)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range problems {
					t.Error(p)
				}
			})
		}
	})
	if again.Load() == 0 {
		t.Error("nothing was delivered again")
	}
}

// allDialogues are those of the repository.
func allDialogues(t *testing.T) []talk.Dialogue {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testenv.Root(t), "conversation", "testdata", "dialogues*", "*.yaml"))
	more, err2 := filepath.Glob(filepath.Join(testenv.Root(t), "conversation", "testdata", "*.yaml"))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	var all []talk.Dialogue
	for _, file := range append(files, more...) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		ds, err := talk.ReadScript(f)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, ds...)
	}
	return all
}

// The office's clock stands in the store: a daemon that comes back after the
// limits tells what it missed, each once, and nothing by SMS.
func TestTheOfficesClocksSurviveARestart(t *testing.T) {
	addr := storetest.Start(t, storetest.Options{Fsync: "none"}).Addr()
	dir := t.TempDir()
	if err := os.Link(storetest.KeyFile(t), filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	engine, err := newEngine(configs.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var clock atomic.Int64 // Unix seconds
	clock.Store(time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC).Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0) }
	start := func() talk.Line {
		t.Helper()
		l, err := daemonLine(ctx, addr, dir, engine, now, func(conversation.Effects) {}, new(atomic.Int64))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	first := start()
	err = first.Air.Deliver(ctx, &smpp.Message{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: "6281234567123"}, Destination: smpp.Address{TON: 3, Addr: "1708"},
		ShortMessage: []byte("LAPOR jalan rusak di RT 3 RW 2"),
	}, false)
	if err := errors.Join(err, first.Close()); err != nil {
		t.Fatal(err)
	}
	clock.Add(int64(4 * 24 * time.Hour / time.Second)) // Monday to Friday: one working day too late
	second := start()
	defer second.Close()
	for range 2 { // a second look finds nothing more
		if _, err := second.Timers.Once(ctx); err != nil {
			t.Fatal(err)
		}
	}
	evs, _, err := second.Store.Events(ctx, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, e := range evs {
		if strings.HasPrefix(e.Type, "complaint.") || strings.HasPrefix(e.Type, "ticket.") {
			types = append(types, e.Type)
		}
	}
	if want := []string{conversation.EventFiled, conversation.EventOverdue}; !slices.Equal(types, want) {
		t.Errorf("events %v, want %v", types, want)
	}
	if got := second.Air.Take(); len(got) != 0 {
		t.Errorf("an SMS came of it: %v", got)
	}
}
