package handoff_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"aduan/internal/handoff"
	"aduan/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secretA = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 24)))
	secretB = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("b", 24)))
)

// line is a store with events, the timers and the bodies of a daemon whose clock the test moves.
type line struct {
	t *testing.T
	h *handoff.Handoff

	mu      sync.Mutex
	now     time.Time
	events  map[store.HandoffRef][]store.Event
	due     map[store.HandoffRef]time.Time
	parked  map[store.HandoffRef]store.Parked
	agency  map[uint64]string // of tickets
	beside  map[string]string // of events
	noted   int               // times that Handed may still fail
	bodyErr error
	reg     *prometheus.Registry
}

func ref(ticket int) store.HandoffRef {
	return store.HandoffRef{Shard: 7, Subject: fmt.Sprint(ticket)}
}

// start runs a Handoff towards url; change may adapt its options.
func start(t *testing.T, url string, change func(*handoff.Options)) *line {
	t.Helper()
	l := &line{
		t: t, now: time.Now(), events: map[store.HandoffRef][]store.Event{}, due: map[store.HandoffRef]time.Time{},
		parked: map[store.HandoffRef]store.Parked{}, agency: map[uint64]string{}, beside: map[string]string{}, reg: prometheus.NewRegistry(),
	}
	o := handoff.Options{
		Store: l, Bodies: l, Endpoint: handoff.Endpoint{URL: url, Secret: secretA}, Now: l.clock,
		Rand: func() float64 { return 1 }, Metrics: l.reg, Timeout: 2 * time.Second, BreakerAfter: 1000, Source: "/lines/1708",
	}
	if change != nil {
		change(&o)
	}
	h, err := handoff.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l.h = h
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return l
}

func (l *line) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// commit keeps an event of a ticket and offers it, as a turn does.
func (l *line) commit(ticket int, id string) {
	l.mu.Lock()
	r := ref(ticket)
	l.events[r] = append(l.events[r], store.Event{ID: id, Type: "complaint.added", Ticket: uint64(ticket), At: l.now, Data: []byte(`{"text":1}`)})
	if _, ok := l.due[r]; !ok {
		l.due[r] = l.now.Add(30 * time.Second)
	}
	l.mu.Unlock()
	l.h.Offer(r)
}

// pass moves the clock and offers what is due, as the timers do.
func (l *line) pass(d time.Duration) {
	l.mu.Lock()
	l.now = l.now.Add(d)
	var refs []store.HandoffRef
	for r, at := range l.due {
		if !at.After(l.now) {
			l.due[r] = l.now.Add(30 * time.Second)
			refs = append(refs, r)
		}
	}
	l.mu.Unlock()
	for _, r := range refs {
		l.h.Offer(r)
	}
}

func (l *line) dueIn(ticket int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.due[ref(ticket)].Sub(l.now)
}

func (l *line) left(ticket int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.events[ref(ticket)])
}

func (l *line) Waiting(_ context.Context, r store.HandoffRef, n int) ([]store.Event, time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events[r][:min(n, len(l.events[r]))]), l.parked[r].Until, nil
}

func (l *line) Park(_ context.Context, r store.HandoffRef, p store.Parked) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parked[r], l.due[r] = p, p.Until
	return nil
}

// retry is what a person does with a parked event.
func (l *line) retry(ticket int) {
	l.mu.Lock()
	delete(l.parked, ref(ticket))
	l.due[ref(ticket)] = l.now
	l.mu.Unlock()
	l.pass(0)
}

func (l *line) waitsForAPerson(ticket int) (store.Parked, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.parked[ref(ticket)]
	return p, ok
}

func (l *line) Handed(_ context.Context, r store.HandoffRef, id string, lease time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noted > 0 {
		l.noted--
		return false, store.ErrNotKept
	}
	delete(l.parked, r)
	l.events[r] = slices.DeleteFunc(l.events[r], func(e store.Event) bool { return e.ID == id })
	if len(l.events[r]) == 0 {
		delete(l.due, r)
		return false, nil
	}
	l.due[r] = lease
	return true, nil
}

func (l *line) Postpone(_ context.Context, r store.HandoffRef, at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due[r] = at
	return nil
}

func (l *line) Told(_ context.Context, ev store.Event) (handoff.Told, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bodyErr != nil {
		return handoff.Told{}, l.bodyErr
	}
	data := json.RawMessage(`{"text":1,"of":"` + ev.ID + `","said":"<jalan> & rusak"}`)
	return handoff.Told{Data: data, Agency: l.agency[ev.Ticket], Beside: l.beside[ev.ID]}, nil
}

// inbox is a case system that answers as it is told and remembers what it took.
type inbox struct {
	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request, id string)
	ids    []string
	bodies map[string][]byte
	heads  []http.Header
}

func newInbox(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, id string)) (*inbox, string) {
	b := &inbox{answer: answer, bodies: map[string][]byte{}}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	return b, s.URL + "/hook?token=never-logged"
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	id := r.Header.Get("webhook-id")
	b.mu.Lock()
	b.ids, b.bodies[id], b.heads = append(b.ids, id), body, append(b.heads, r.Header.Clone())
	answer := b.answer
	b.mu.Unlock()
	if answer != nil {
		answer(w, r, id)
	}
}

func (b *inbox) got() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.ids)
}

func (b *inbox) set(answer func(w http.ResponseWriter, r *http.Request, id string)) {
	b.mu.Lock()
	b.answer = answer
	b.mu.Unlock()
}

func status(code int) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(code) }
}

// eventually waits until ok, at most 5 s.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(5 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// count reads aduan_webhook_attempts_total for an outcome.
func (l *line) count(outcome string) int {
	families, err := l.reg.Gather()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, p := range m.GetLabel() {
				if f.GetName() == "aduan_webhook_attempts_total" && p.GetValue() == outcome {
					return int(m.GetCounter().GetValue())
				}
			}
		}
	}
	return 0
}
