package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"aduan/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// line is a whole line's answers, good unless a test spoils one.
func line(spoil func(*telemetry.HealthOptions)) *telemetry.Health {
	o := telemetry.HealthOptions{
		Store: func() telemetry.StoreReport {
			return telemetry.StoreReport{OK: true, Promise: "nothing acknowledged is lost"}
		},
		Links: func() map[string]telemetry.LinkReport {
			return map[string]telemetry.LinkReport{"main": {State: "bound", Bound: true}}
		},
		Behind: func() telemetry.Behind { return telemetry.Behind{Messages: 3, Oldest: 1500 * time.Millisecond} },
	}
	if spoil != nil {
		spoil(&o)
	}
	return telemetry.NewHealth(o)
}

func TestReadyzTellsWhyTheLineIsNotReady(t *testing.T) {
	two := func(second telemetry.LinkReport, first bool) func() map[string]telemetry.LinkReport {
		return func() map[string]telemetry.LinkReport {
			return map[string]telemetry.LinkReport{"a": {State: "bound", Bound: first}, "b": second}
		}
	}
	refused := telemetry.LinkReport{State: "refused", Reason: "ESME_RINVPASWD: the operator refuses the password"}
	for _, row := range []struct {
		name    string
		spoil   func(*telemetry.HealthOptions)
		code    int
		reasons []string
	}{
		{name: "all is well", code: 200, reasons: []string{}},
		{
			name: "a store that cannot keep", code: 503,
			spoil: func(o *telemetry.HealthOptions) {
				o.Store = func() telemetry.StoreReport { return telemetry.StoreReport{Reason: "connection refused"} }
			},
			reasons: []string{"the store cannot keep messages: connection refused"},
		},
		{
			name: "one link down of two is ready, with its reason", code: 200,
			spoil:   func(o *telemetry.HealthOptions) { o.Links = two(refused, true) },
			reasons: []string{"link b is not bound: ESME_RINVPASWD: the operator refuses the password"},
		},
		{
			name: "no link bound", code: 503,
			spoil: func(o *telemetry.HealthOptions) { o.Links = two(refused, false) },
			reasons: []string{
				"link a is not bound", "link b is not bound: ESME_RINVPASWD: the operator refuses the password", "no link is bound",
			},
		},
		{
			name: "no link at all", code: 503,
			spoil:   func(o *telemetry.HealthOptions) { o.Links = func() map[string]telemetry.LinkReport { return nil } },
			reasons: []string{"no link is bound"},
		},
		{
			name: "a further check", code: 503,
			spoil: func(o *telemetry.HealthOptions) {
				o.Checks = map[string]func() string{"numbers": func() string { return "line.json is older than the store" }}
			},
			reasons: []string{"numbers: line.json is older than the store"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			line(row.spoil).Readyz().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			var r telemetry.Readiness
			if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			if w.Code != row.code || r.Ready != (row.code == 200) {
				t.Errorf("%d, ready %v; want %d", w.Code, r.Ready, row.code)
			}
			if !reflect.DeepEqual(r.Reasons, row.reasons) {
				t.Errorf("reasons %q, want %q", r.Reasons, row.reasons)
			}
		})
	}
}

func TestReadyzIsTheContractsDocument(t *testing.T) {
	w := httptest.NewRecorder()
	line(nil).Readyz().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	want := `{"ready":true,"promise":"nothing acknowledged is lost","store":{"ok":true,"reason":""},` +
		`"links":{"main":{"state":"bound","reason":""}},"behind":{"messages":3,"seconds":1.5},"reasons":[]}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("Content-Type %s", ct)
	}
}

func TestALineThatCannotKeepIsAliveAllTheSame(t *testing.T) {
	h := line(func(o *telemetry.HealthOptions) {
		o.Store = func() telemetry.StoreReport { return telemetry.StoreReport{Reason: "gone"} }
	})
	w := httptest.NewRecorder()
	h.Livez().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/livez", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("/livez answers %d", w.Code)
	}
}

func TestAStoppingLineIsNotReady(t *testing.T) {
	h := line(nil)
	h.Stopping()
	if r := h.Look(); r.Ready || r.Reasons[0] != "the daemon is stopping" {
		t.Fatalf("%+v", r)
	}
}

func TestTheSupervisorIsToldOfEachChangeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var ok bool
		var told []string
		h := line(func(o *telemetry.HealthOptions) {
			o.Store = func() telemetry.StoreReport {
				mu.Lock()
				defer mu.Unlock()
				reason := "gone"
				if ok {
					reason = ""
				}
				return telemetry.StoreReport{OK: ok, Reason: reason, Promise: "all is kept"}
			}
		})
		s := &telemetry.Supervisor{Interval: 10 * time.Second, Notify: func(state string) { told = append(told, state) }}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx, s) }()
		time.Sleep(2500 * time.Millisecond)
		mu.Lock()
		ok = true
		mu.Unlock()
		time.Sleep(2 * time.Second)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		bad := "not ready: the store cannot keep messages: gone"
		want := []string{
			"READY=1\nSTATUS=" + bad, "STATUS=" + bad, "WATCHDOG=1", "WATCHDOG=1",
			"STATUS=ready. all is kept", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1",
		}
		if !reflect.DeepEqual(told, want) {
			t.Errorf("told %q\nwant %q", told, want)
		}
	})
}

func TestLogLinesAreJSONFromTheirLevelOn(t *testing.T) {
	var out bytes.Buffer
	log, level, err := telemetry.NewLog(telemetry.LogOptions{Level: "warn", Output: &out})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("unheard")
	log.Named("smpp").Warn("bind refused", zap.String(telemetry.KeyLink, "main"), zap.Duration(telemetry.KeyAfter, time.Second))
	if err := level.Set("debug", "json"); err != nil {
		t.Fatal(err)
	}
	log.Debug("heard now")
	if err := level.Set("error", "xml"); err == nil || level.Level() != "debug" {
		t.Errorf("an unknown format is taken, or the level with it: %s", level.Level())
	}
	if err := level.Set("info", "console"); err != nil {
		t.Fatal(err)
	}
	log.With(zap.String(telemetry.KeyLink, "main")).Info("in words")
	log.Debug("unheard")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), out.String())
	}
	if words := lines[2]; json.Valid([]byte(words)) || !strings.Contains(words, "in words") || !strings.Contains(words, `"main"`) {
		t.Errorf("not for a person: %s", words)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	want := map[string]any{"level": "warn", "room": "smpp", "msg": "bind refused", "link": "main", "after": "1s"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUnknownLevelsAndFormatsAreRefused(t *testing.T) {
	for _, o := range []telemetry.LogOptions{{Level: "loud"}, {Format: "xml"}} {
		if _, _, err := telemetry.NewLog(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestNoLogKeyIsMadeForTexts(t *testing.T) {
	source, err := os.ReadFile("keys.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\tKey\w+\s*= "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		if seen[m[1]] {
			t.Errorf("%q means two things", m[1])
		}
		seen[m[1]] = true
		if m[1] == "text" || m[1] == "password" || m[1] == "secret" {
			t.Errorf("%q is never logged", m[1])
		}
	}
	if len(seen) < 10 {
		t.Fatalf("only %d keys were found", len(seen))
	}
}

func TestMetricsAreWellNamedAndServed(t *testing.T) {
	r := telemetry.NewRegistry("1.2.3")
	if problems, err := testutil.GatherAndLint(r, "aduan_build_info"); err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", problems, err)
	}
	w := httptest.NewRecorder()
	telemetry.MetricsHandler(r).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`aduan_build_info{version="1.2.3"} 1`, "go_goroutines", "process_open_fds"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
}
