package handoff_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	"github.com/prometheus/client_golang/prometheus/testutil"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
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
	noted   int // times that Handed may still fail
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
		reg: prometheus.NewRegistry(),
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

func (l *line) Handoff(_ context.Context, r store.HandoffRef, n int) ([]store.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events[r][:min(n, len(l.events[r]))]), nil
}

func (l *line) Handed(_ context.Context, r store.HandoffRef, id string, lease time.Time) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noted > 0 {
		l.noted--
		return false, store.ErrNotKept
	}
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

func (l *line) Body(_ context.Context, ev store.Event) (json.RawMessage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bodyErr != nil {
		return nil, l.bodyErr
	}
	return json.RawMessage(`{"text":1,"of":"` + ev.ID + `","said":"<jalan> & rusak"}`), nil
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

func TestAnEventIsASignedCloudEvent(t *testing.T) {
	box, url := newInbox(t, nil)
	l := start(t, url, func(o *handoff.Options) { o.Endpoint.Secret = secretA + " " + secretB })
	l.commit(10001, "01E07")
	eventually(t, "taken", func() bool { return l.left(10001) == 0 })

	head, body := box.heads[0], box.bodies["01E07"]
	for name, secret := range map[string]string{"old": secretA, "new": secretB} {
		wh, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := wh.Verify(body, head); err != nil {
			t.Errorf("the %s secret does not verify: %v", name, err)
		}
		if err := wh.Verify(append([]byte(" "), body...), head); err == nil {
			t.Errorf("the %s secret verifies a changed body", name)
		}
	}
	if got := head.Get("Content-Type"); got != "application/cloudevents+json" {
		t.Errorf("Content-Type %q", got)
	}
	var ev struct {
		SpecVersion, ID, Source, Type, Subject, DataContentType string
		Time                                                    time.Time
		Data                                                    map[string]any
	}
	if err := json.Unmarshal(body, &ev); err != nil {
		t.Fatal(err)
	}
	if ev.SpecVersion != "1.0" || ev.ID != "01E07" || ev.Type != "complaint.added" || ev.Source != "/lines/1708" ||
		!strings.HasPrefix(ev.Subject, "1000-10") || ev.DataContentType != "application/json" || ev.Time.Location() != time.UTC {
		t.Errorf("not the event that was committed: %s", body)
	}
	if !strings.Contains(string(body), "<jalan> & rusak") {
		t.Errorf("the text is not as it was written: %s", body)
	}
}

func TestAnswersThatDoNotTakeAnEvent(t *testing.T) { // FAULTS C2
	start0 := time.Now()
	for _, row := range []struct {
		name    string
		code    int
		head    string // Retry-After
		outcome string
		min     time.Duration
		max     time.Duration
	}{
		{"400 is tried again", 400, "", "refused", 5 * time.Second, 5 * time.Second},
		{"404 is tried again", 404, "", "refused", 5 * time.Second, 5 * time.Second},
		{"500 is tried again", 500, "", "server_error", 5 * time.Second, 5 * time.Second},
		{"a redirect is not followed", 301, "", "redirect", 5 * time.Second, 5 * time.Second},
		{"410 parks at once", 410, "", "gone", 24 * time.Hour, 24 * time.Hour},
		{"429 without a time", 429, "", "throttled", 5 * time.Second, 5 * time.Second},
		{"429 with seconds", 429, "120", "throttled", 120 * time.Second, 120 * time.Second},
		{"429 with a date", 429, start0.Add(10 * time.Minute).UTC().Format(http.TimeFormat), "throttled", 9 * time.Minute, 10 * time.Minute},
		{"429 with a date ten years ahead is capped", 429, start0.AddDate(10, 0, 0).UTC().Format(http.TimeFormat), "throttled", time.Hour, time.Hour},
		{"429 with ten years of seconds is capped", 429, "315360000", "throttled", time.Hour, time.Hour},
		{"429 with more seconds than fit is capped", 429, "99999999999999999999", "throttled", time.Hour, time.Hour},
		{"429 with a date gone by", 429, start0.Add(-time.Hour).UTC().Format(http.TimeFormat), "throttled", 5 * time.Second, 5 * time.Second},
		{"429 with nonsense", 429, "soon", "throttled", 5 * time.Second, 5 * time.Second},
		{"503 with seconds", 503, "60", "throttled", 60 * time.Second, 60 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			elsewhere, target := newInbox(t, nil)
			box, url := newInbox(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.Header().Set("Location", target)
				if row.head != "" {
					w.Header().Set("Retry-After", row.head)
				}
				w.WriteHeader(row.code)
			})
			l := start(t, url, nil)
			l.commit(1, "e1")
			eventually(t, "counted", func() bool { return l.count(row.outcome) == 1 })
			eventually(t, "postponed", func() bool { d := l.dueIn(1); return d >= row.min && d <= row.max })
			if len(elsewhere.got()) != 0 {
				t.Error("a redirect was followed")
			}
			box.set(nil)
			l.pass(row.max)
			eventually(t, "taken in the end", func() bool { return l.left(1) == 0 })
			if got := box.got(); !slices.Equal(got, []string{"e1", "e1"}) {
				t.Errorf("webhook-ids %v", got)
			}
		})
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

func TestALostAnswerIsDeliveredAgainUnderTheSameID(t *testing.T) { // FAULTS C3
	box, url := newInbox(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close() // it was taken, the answer never arrives
		}
	})
	l := start(t, url, nil)
	l.commit(1, "e1")
	eventually(t, "tried", func() bool { return l.count("network") == 1 && l.dueIn(1) == 5*time.Second })
	box.set(nil)
	l.pass(5 * time.Second)
	eventually(t, "taken", func() bool { return l.left(1) == 0 })
	if got := box.got(); !slices.Equal(got, []string{"e1", "e1"}) {
		t.Errorf("webhook-ids %v", got)
	}
}

func TestADeliveryThatTheStoreCouldNotNoteIsRepeated(t *testing.T) {
	box, url := newInbox(t, nil)
	l := start(t, url, nil)
	l.noted = 1
	l.commit(1, "e1")
	eventually(t, "sent", func() bool { return len(box.got()) == 1 })
	l.pass(30 * time.Second)
	eventually(t, "noted", func() bool { return l.left(1) == 0 })
	if got := box.got(); !slices.Equal(got, []string{"e1", "e1"}) {
		t.Errorf("webhook-ids %v", got)
	}
}

func TestOnlyThePoisonTicketWaits(t *testing.T) { // FAULTS C4
	box, url := newInbox(t, func(w http.ResponseWriter, _ *http.Request, id string) {
		if strings.HasPrefix(id, "p") {
			w.WriteHeader(500)
		}
	})
	l := start(t, url, func(o *handoff.Options) { o.BreakerAfter = 5 })
	l.commit(666, "p1")
	l.commit(666, "p2")
	for i := range 20 {
		l.pass(15 * time.Minute) // the poison event is tried more often than the breaker would bear
		l.commit(i, fmt.Sprint("e", i))
		eventually(t, "another ticket's event is taken", func() bool { return l.left(i) == 0 })
		eventually(t, "the poison ticket waits", func() bool { return l.count("server_error") >= i+1 && l.dueIn(666) > 0 })
	}
	if slices.Contains(box.got(), "p2") {
		t.Error("an event was sent before the one before it was taken")
	}
	if l.left(666) != 2 {
		t.Errorf("%d events of the poison ticket are left, not 2", l.left(666))
	}
	box.set(nil)
	l.pass(15 * time.Minute)
	eventually(t, "healed", func() bool { return l.left(666) == 0 })
	got := slices.DeleteFunc(box.got(), func(id string) bool { return !strings.HasPrefix(id, "p") })
	if tail := got[len(got)-2:]; !slices.Equal(tail, []string{"p1", "p2"}) {
		t.Errorf("last deliveries of the ticket: %v", tail)
	}
}

func TestANewEventDoesNotShortenThePauseOfTheOneBefore(t *testing.T) {
	box, url := newInbox(t, status(500))
	l := start(t, url, nil)
	l.commit(1, "e1")
	eventually(t, "postponed", func() bool { return l.count("server_error") == 1 && l.dueIn(1) == 5*time.Second })
	l.commit(1, "e2")
	l.commit(2, "f1")
	eventually(t, "the other ticket was tried", func() bool { return slices.Contains(box.got(), "f1") })
	if got := box.got(); slices.Contains(got, "e2") || len(got) != 2 {
		t.Errorf("sent %v", got)
	}
}

func TestPausesGrowAndThreeDaysPark(t *testing.T) {
	_, url := newInbox(t, status(500))
	l := start(t, url, nil)
	l.commit(1, "e1")
	var total time.Duration
	for n := 1; ; n++ {
		eventually(t, fmt.Sprint("try ", n), func() bool { return l.count("server_error") == n })
		want := min(5*time.Second<<min(n-1, 20), 15*time.Minute)
		if total > 72*time.Hour {
			want = 24 * time.Hour
		}
		eventually(t, fmt.Sprintf("pause %d of %v, is %v", n, want, l.dueIn(1)), func() bool { return l.dueIn(1) == want })
		if want == 24*time.Hour {
			break
		}
		l.pass(want)
		total += want
	}
	if n := testutil.CollectAndCount(l.reg, "aduan_webhook_parked_total"); n != 1 {
		t.Errorf("%d parked metrics", n)
	}
	if l.left(1) != 1 {
		t.Error("a parked event is gone")
	}
}

func TestADeadEndpointOpensTheBreaker(t *testing.T) { // FAULTS C1
	box, url := newInbox(t, status(502))
	l := start(t, url, func(o *handoff.Options) { o.BreakerAfter, o.BreakerOpen, o.Workers = 3, 50*time.Millisecond, 1 })
	for i := range 10 {
		l.commit(i, fmt.Sprint("e", i))
	}
	eventually(t, "the rest was not even sent", func() bool { return l.count("breaker") >= 7 })
	if n := len(box.got()); n != 3 {
		t.Errorf("%d requests reached the dead endpoint, not 3", n)
	}
	box.set(nil)
	eventually(t, "all are taken once it is back", func() bool {
		l.pass(15 * time.Minute)
		left := 0
		for i := range 10 {
			left += l.left(i)
		}
		return left == 0
	})
}

func TestASlowAndADrippingEndpointTimeOut(t *testing.T) { // FAULTS C1
	release := make(chan struct{})
	_, url := newInbox(t, func(w http.ResponseWriter, r *http.Request, id string) {
		if id == "drip" { // a status, then one byte now and then, for ever
			for {
				if _, err := w.Write([]byte(".")); err != nil || r.Context().Err() != nil {
					return
				}
				w.(http.Flusher).Flush()
				select {
				case <-release:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}
		<-release
	})
	t.Cleanup(func() { close(release) })
	l := start(t, url, func(o *handoff.Options) { o.Timeout = 200 * time.Millisecond })
	l.commit(1, "slow")
	l.commit(2, "drip")
	eventually(t, "the slow one timed out", func() bool { return l.count("timeout") == 1 })
	eventually(t, "the dripping one was taken by its status", func() bool { return l.left(2) == 0 })
}

func TestBodies(t *testing.T) {
	box, url := newInbox(t, nil)
	l := start(t, url, nil)
	l.mu.Lock()
	l.bodyErr = errors.New("damaged")
	l.mu.Unlock()
	l.commit(1, "e1")
	eventually(t, "a body that cannot be made now is tried later", func() bool { return l.count("body") == 1 && l.dueIn(1) == 5*time.Second })
	l.mu.Lock()
	l.bodyErr = handoff.ErrNothing
	l.mu.Unlock()
	l.pass(5 * time.Second)
	eventually(t, "an event that tells nothing is handed on unsent", func() bool { return l.left(1) == 0 })
	if len(box.got()) != 0 {
		t.Error("something was sent")
	}
}

func TestOfferNeverBlocks(t *testing.T) {
	h, err := handoff.New(handoff.Options{Endpoint: handoff.Endpoint{URL: "https://case.example/hook", Secret: secretA}, Queue: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, false} {
		if got := h.Offer(ref(i)); got != want {
			t.Errorf("offer %d: %v", i, got)
		}
	}
	if !h.Offer(ref(0)) {
		t.Error("a ticket that waits already needs no second place")
	}
}

func TestAShutdownFinishesTheDeliveryUnderWay(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	box, url := newInbox(t, func(http.ResponseWriter, *http.Request, string) { close(arrived); <-release })
	l := &line{t: t, now: time.Now(), events: map[store.HandoffRef][]store.Event{}, due: map[store.HandoffRef]time.Time{}}
	h, err := handoff.New(handoff.Options{Store: l, Bodies: l, Endpoint: handoff.Endpoint{URL: url, Secret: secretA}, Now: l.clock})
	if err != nil {
		t.Fatal(err)
	}
	l.h = h
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	l.commit(1, "e1")
	l.commit(1, "e2")
	<-arrived
	cancel()
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if l.left(1) != 1 || len(box.got()) != 1 {
		t.Errorf("%d left after sending %v", l.left(1), box.got())
	}
}

func TestTheEndpointMayChangeWhileRunning(t *testing.T) {
	old, oldURL := newInbox(t, nil)
	box, url := newInbox(t, nil)
	l := start(t, oldURL, nil)
	if err := l.h.Configure(handoff.Endpoint{URL: "ftp://x/", Secret: secretA}); err == nil {
		t.Error("ftp is taken")
	}
	if err := l.h.Configure(handoff.Endpoint{URL: url, Secret: secretB}); err != nil {
		t.Fatal(err)
	}
	l.commit(1, "e1")
	eventually(t, "taken", func() bool { return l.left(1) == 0 })
	if len(old.got()) != 0 || len(box.got()) != 1 {
		t.Errorf("old %v, new %v", old.got(), box.got())
	}
}

func TestMetricsAreWellNamed(t *testing.T) {
	_, url := newInbox(t, nil)
	l := start(t, url, nil)
	l.commit(1, "e1")
	eventually(t, "taken", func() bool { return l.left(1) == 0 })
	problems, err := testutil.GatherAndLint(l.reg)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}
