package staffapi_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"aduan/internal/staffapi"
	"aduan/store"
)

func TestEventsArePulled(t *testing.T) {
	a := newAPI(t, nil)
	for _, row := range []struct {
		name, query, key string
		code             int
		want             string
	}{
		{"nothing was ever told", "", "all", 200, `{"items":[],"next":null}`},
		{"three", "", "all", 200, `"next":"3"`},
		{"two of them", "?limit=2", "all", 200, `"next":"2"`},
		{"behind the second", "?after=2", "all", 200, `"id":"E3"`},
		{"behind the last", "?after=3", "all", 200, `{"items":[],"next":"3"}`},
		{"an agency's", "?limit=2", "pu", 200, `"next":"3"`},
		{"another agency's", "", "dinkes", 200, `{"items":[],"next":"3"}`},
		{"no longer kept", "?after=old", "all", 410, `"code":"gone"`},
		{"no cursor of ours", "?after=x", "all", 422, `"query.after"`},
		{"too long a wait", "?wait=61s", "all", 422, `"query.wait"`},
		{"a wait that is none", "?wait=soon", "all", 422, `"query.wait"`},
		{"too many", "?limit=1001", "all", 422, `"query.limit"`},
	} {
		w := a.do(ask("GET", "/v1/events"+row.query, row.key, ""))
		if w.Code != row.code || !strings.Contains(w.Body.String(), row.want) {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
		if row.name == "nothing was ever told" {
			a.feed.tell(3)
		}
	}
}

func TestWhoWaitsGetsTheNextEvent(t *testing.T) {
	a := newAPI(t, nil)
	url := run(t, a, nil)
	got := make(chan string, 1)
	go func() { _, body, _ := get(t.Context(), url+"/v1/events?wait=30s", "all"); got <- body }()
	a.waits(1)
	a.feed.tell(1)
	if body := <-got; !strings.Contains(body, `"E1"`) {
		t.Errorf("%s", body)
	}
	code, body, _ := get(t.Context(), url+"/v1/events?after=1&wait=0s", "all")
	if code != 200 || body != `{"items":[],"next":"1"}`+"\n" {
		t.Errorf("%d %s", code, body)
	}
}

func TestAtADrainWhoWaitsIsAnsweredAndStreamsEnd(t *testing.T) {
	a := newAPI(t, nil)
	stop := make(chan struct{})
	url := run(t, a, stop)
	got, ended := make(chan string, 1), make(chan error, 1)
	go func() { _, body, _ := get(t.Context(), url+"/v1/events?after=0&wait=60s", "all"); got <- body }()
	go func() { _, _, err := get(t.Context(), url+"/v1/events/stream?after=0", "pii"); ended <- err }()
	a.waits(2)
	begun := time.Now()
	close(stop)
	if body := <-got; body != `{"items":[],"next":"0"}`+"\n" {
		t.Errorf("who waits: %q", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("the stream: %v", err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// waits waits until so many reads wait for an event.
func (a *api) waits(n int) {
	a.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		waiting := 0
		a.feed.mu.Lock()
		for _, r := range a.feed.asked {
			if r.Wait > 0 {
				waiting++
			}
		}
		a.feed.mu.Unlock()
		if waiting >= n {
			return
		}
	}
	a.t.Fatal("nobody waits")
}

func get(ctx context.Context, url, key string) (int, string, error) {
	resp, err := open(ctx, url, key, "")
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var all strings.Builder
	_, err = bufio.NewReader(resp.Body).WriteTo(&all)
	return resp.StatusCode, all.String(), err
}

func open(ctx context.Context, url, key, last string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
		r.Header.Set("Accept", "text/event-stream")
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return c.Do(r)
}

func TestAStreamGoesOnWhereItWas(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) { o.Beat = 20 * time.Millisecond })
	url := run(t, a, nil)
	a.feed.tell(2)
	resp, err := open(t.Context(), url+"/v1/events?after=0", "all", "1") // as a browser does: the address of before, and where it was
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || ct != "text/event-stream" {
		t.Fatalf("%d %s", resp.StatusCode, ct)
	}
	sc := bufio.NewScanner(resp.Body)
	var seen []string
	beat := false
	for sc.Scan() {
		line := sc.Text()
		if beat = beat || strings.HasPrefix(line, ":"); beat && len(seen) == 1 {
			a.feed.tell(1)
			beat = false
		}
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			seen = append(seen, id)
		}
		if strings.HasPrefix(line, "data: ") && !strings.Contains(line, `"specversion":"1.0","id":"E`+seen[len(seen)-1]+`"`) {
			t.Errorf("%s", line)
		}
		if strings.HasPrefix(line, "event: ") && line != "event: complaint.filed" {
			t.Errorf("%s", line)
		}
		if len(seen) == 2 && line == "" {
			break
		}
	}
	if strings.Join(seen, " ") != "2 3" {
		t.Errorf("read %v", seen)
	}
}

func TestAStreamEndsWithItsKey(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) { o.Beat = 10 * time.Millisecond })
	url := run(t, a, nil)
	secret := keyWith("", "tickets:read")
	ended := make(chan error, 1)
	go func() { _, _, err := get(t.Context(), url+"/v1/events/stream", secret); ended <- err }()
	a.waits(2)
	madeKeys.Store(secret, store.APIKey{ID: "M-" + secret, Revoked: true, Scopes: []string{"tickets:read"}})
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("a revoked key goes on reading")
	}
}

func TestAKeyHasOnlySoManyStreams(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) { o.KeyStreams, o.Streams = 2, 3 })
	url := run(t, a, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, row := range []struct {
		key, path string
		code      int
	}{
		{"all", "/v1/events/stream", 200},
		{"all", "/v1/events/stream", 200},
		{"all", "/v1/events/stream", 429},
		{"all", "/v1/events?wait=10s", 429},
		{"all", "/v1/events", 200},
		{"pii", "/v1/events/stream", 200},
		{"readers", "/v1/events/stream", 429},
	} {
		resp, err := open(ctx, url+row.path, row.key, "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != row.code || (row.code == 429) != (resp.Header.Get("Retry-After") != "") {
			t.Errorf("%s %s: %d, want %d", row.key, row.path, resp.StatusCode, row.code)
		}
	}
	cancel()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) { // their places are free again
		short, done := context.WithTimeout(t.Context(), time.Second)
		resp, err := open(short, url+"/v1/events/stream", "all", "")
		if err == nil {
			_ = resp.Body.Close()
		}
		done()
		if err == nil && resp.StatusCode == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("places are not given back")
		}
	}
}
