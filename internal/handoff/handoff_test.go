package handoff_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aduan/internal/handoff"
	"aduan/store"
)

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

// A webhook may be configured, and taken away, while the line runs.
func TestAnEndpointComesAndGoes(t *testing.T) {
	h, err := handoff.New(handoff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := handoff.Endpoint{URL: "https://case.example/hook", Secret: secretA, Source: "/aduan/1708"}
	for i, step := range []struct {
		of    handoff.Endpoint
		takes bool
	}{{handoff.Endpoint{}, false}, {e, true}, {handoff.Endpoint{}, false}} {
		if err := h.Configure(step.of, nil); err != nil {
			t.Fatal(err)
		}
		if got := h.Offer(ref(i)); got != step.takes || h.Endpoint().Source != step.of.Source {
			t.Errorf("step %d: an event is taken: %v, by %q", i, got, h.Endpoint().Source)
		}
	}
	if err := h.Configure(handoff.Endpoint{URL: "http://case.example/"}, nil); err == nil || h.Endpoint().URL != "" {
		t.Errorf("an invalid endpoint: %v, in use %q", err, h.Endpoint().URL)
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
	l := &line{t: t, now: time.Now(), events: map[store.HandoffRef][]store.Event{}, due: map[store.HandoffRef]time.Time{}, parked: map[store.HandoffRef]store.Parked{}}
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
	if err := l.h.Configure(handoff.Endpoint{URL: "ftp://x/", Secret: secretA}, nil); err == nil {
		t.Error("ftp is taken")
	}
	if err := l.h.Configure(handoff.Endpoint{URL: url, Secret: secretB}, nil); err != nil {
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
