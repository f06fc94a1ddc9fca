package tally_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/internal/tally"
	"aduan/smpp/gsm7"
	"aduan/store"
	"aduan/store/storetest"
)

var monday = time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)

// bench is a Tally on a real redis-server, with a clock set by hand.
type bench struct {
	*tally.Tally
	t     *testing.T
	store *store.Store
	reg   *prometheus.Registry
	at    atomic.Int64 // Unix seconds
}

func (b *bench) now() time.Time { return time.Unix(b.at.Load(), 0).UTC() }

func (b *bench) pass(d time.Duration) { b.at.Add(int64(d / time.Second)) }

func newBench(t *testing.T, l tally.Limits) *bench {
	b := &bench{t: t, reg: prometheus.NewRegistry()}
	b.at.Store(monday.Unix())
	b.store, _ = storetest.Open(t, func(o *store.Options) { o.Now = b.now })
	b.Tally = b.tally(l)
	return b
}

func (b *bench) tally(l tally.Limits) *tally.Tally {
	return tally.New(tally.Options{Store: b.store, Limits: l, Now: b.now, Metrics: b.reg})
}

func complaints(category string, n int, places ...string) conversation.Effects {
	var fx conversation.Effects
	for range n {
		fx.Sighted = append(fx.Sighted, conversation.Sighting{Category: category, Places: places, New: true})
	}
	return fx
}

func (b *bench) once() {
	b.t.Helper()
	if err := b.Once(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// told are the surges in the line's events.
func (b *bench) told() []tally.Told {
	b.t.Helper()
	evs, _, err := b.store.Events(b.t.Context(), "", 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	var all []tally.Told
	for _, e := range evs {
		if e.Type != tally.EventSurge {
			continue
		}
		var one tally.Told
		if err := json.Unmarshal(e.Data, &one); err != nil {
			b.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

var usual = tally.Limits{SurgeCount: 20, SurgeTimes: 5}

func TestManyComplaintsOfOneCategoryAndPlaceAreASurge(t *testing.T) {
	b := newBench(t, usual)
	b.Observe(complaints("food_drug", 19, "kec beji"))
	b.once()
	if got := b.told(); len(got) != 0 {
		t.Fatalf("nineteen are a surge: %v", got)
	}
	b.pass(30 * time.Minute)
	b.Observe(complaints("food_drug", 1, "kec beji"))
	b.once()
	got := b.told()
	want := map[tally.Told]bool{
		{Category: "food_drug", Place: "", Count: 20}:         true,
		{Category: "food_drug", Place: "kec beji", Count: 20}: true,
	}
	if len(got) != 2 || !want[got[0]] || !want[got[1]] || got[0] == got[1] {
		t.Fatalf("told %v", got)
	}
	b.Observe(complaints("food_drug", 50, "kec beji"))
	b.once()
	if got := b.told(); len(got) != 2 {
		t.Errorf("a surge that lasts is told again: %v", got)
	}
	b.pass(7 * time.Hour)
	b.Observe(complaints("food_drug", 100, "kec beji"))
	b.once()
	if got := b.told(); len(got) != 4 {
		t.Errorf("seven hours later it is not told: %v", got)
	}
	if err := testutil.GatherAndCompare(b.reg, strings.NewReader(`# HELP aduan_surges_total Surges of complaints that were told, by category; none: no category was guessed.
# TYPE aduan_surges_total counter
aduan_surges_total{category="food_drug"} 4
`), "aduan_surges_total"); err != nil {
		t.Error(err)
	}
}

func TestComplaintsSpreadOverHoursOrKindsAreNoSurge(t *testing.T) {
	b := newBench(t, usual)
	for range 12 {
		b.Observe(complaints("road", 10, "kec beji"))
		b.Observe(complaints("waste", 10, "kec beji"))
		b.once()
		b.pass(time.Hour)
	}
	if got := b.told(); len(got) != 0 {
		t.Errorf("told %v", got)
	}
}

// What is much for one kind is an ordinary hour of another.
func TestASurgeIsMeasuredAgainstTheKindsOwnWeek(t *testing.T) {
	b := newBench(t, usual)
	busy := b.tallyOfItsOwn(tally.Limits{SurgeCount: 1_000_000, SurgeTimes: 1}) // writes a week in which nothing is told
	for range 7 * 24 {
		busy.Observe(complaints("road", 10))
		if err := busy.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.pass(time.Hour)
	}
	b.Observe(complaints("road", 39))
	b.once()
	if got := b.told(); len(got) != 0 {
		t.Fatalf("four times the usual hour: %v", got)
	}
	b.Observe(complaints("road", 15))
	b.once()
	got := b.told()
	if len(got) != 1 || got[0].Count != 54 || got[0].Usual < 9.5 || got[0].Usual > 10.1 {
		t.Errorf("told %+v", got)
	}
}

func (b *bench) tallyOfItsOwn(l tally.Limits) *tally.Tally {
	return tally.New(tally.Options{Store: b.store, Limits: l, Now: b.now})
}

// Two daemons count together, and one of them tells.
func TestTwoDaemonsTellASurgeOnce(t *testing.T) {
	b := newBench(t, usual)
	other := b.tallyOfItsOwn(usual)
	for range 10 {
		b.Observe(complaints("power", 1))
		other.Observe(complaints("power", 2))
		b.once()
		if err := other.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.told(); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}

func TestTheLinesCapOnlyAlarms(t *testing.T) {
	b := newBench(t, tally.Limits{AnswersByHour: 3})
	answers := func(n int) (fx conversation.Effects) {
		for range n {
			fx.Replies = append(fx.Replies, conversation.Reply{Text: "x"})
		}
		fx.Replies = append(fx.Replies, conversation.Reply{Text: "x", Push: true})
		return fx
	}
	reached := func() float64 {
		t.Helper()
		b.once()
		return metric(t, b.reg, "aduan_answers_cap_reached")
	}
	b.Observe(answers(2))
	if reached() != 0 {
		t.Error("two answers reach a cap of three")
	}
	b.Observe(answers(1))
	if reached() != 1 {
		t.Error("three answers do not reach a cap of three")
	}
	if got := metric(t, b.reg, "aduan_answers_this_hour"); got != 3 {
		t.Errorf("%v answers in this hour", got)
	}
	b.pass(time.Hour)
	if reached() != 0 {
		t.Error("the next hour begins with the last one's answers")
	}
}

// A store that is away loses no count.
func TestWhatCannotBeStoredIsStoredLater(t *testing.T) {
	b := newBench(t, usual)
	b.Observe(complaints("road", 20))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Once(ctx); err == nil {
		t.Fatal("stored without a context")
	}
	b.once()
	if got := b.told(); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}

// What citizens write, to what is counted.
func TestThePlacesThatATextNames(t *testing.T) {
	w, err := conversation.LoadWords(gsm7.Len, words.FS, fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := conversation.New(conversation.Options{ShortCode: "1708", Words: w})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		"LAPOR susu basi di SD kec Beji":                            {"kec beji"},
		"LAPOR susu basi di Kecamatan Beji Kota Depok":              {"kec beji", "kota depok"},
		"LAPOR susu basi di KEL PASIR PUTIH":                        {"kel pasir"},
		"LAPOR susu basi di Kelurahan Pasir Putih":                  {"kel pasir putih"},
		"LAPOR susu basi di desa kami":                              nil,
		"LAPOR susu basi RT 3 RW 2":                                 nil,
		"LAPOR susu basi, kec. cilodong kab. bogor desa sukamakmur": {"kec cilodong", "kab bogor", "desa sukamakmur"},
	} {
		_, fx := e.Step(conversation.State{}, conversation.SMS{Text: text, NewNumber: conversation.NewNumber(42, 10001)}, monday)
		if len(fx.Sighted) != 1 || !fx.Sighted[0].New || !slices.Equal(fx.Sighted[0].Places, want) {
			t.Errorf("%s: %+v, want %q", text, fx.Sighted, want)
		}
	}
}

func metric(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
