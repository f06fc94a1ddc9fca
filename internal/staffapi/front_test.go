package staffapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"aduan/internal/staffapi"
)

func page(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
}

func TestOnlyListedHostsAreAnswered(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) {
		o.Extra = map[string]http.Handler{"/": page("home"), "/livez": page("{}"), "/readyz": page("{}")}
	})
	local := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 8080}
	for _, row := range []struct {
		host, path string
		want       int
	}{
		{"localhost", "/", 200},
		{"LOCALHOST.:99", "/", 200},
		{"aduan.example", "/", 200},
		{"aduan.example:1", "/", 200},
		{"192.0.2.7:8080", "/", 200},
		{"192.0.2.8:8080", "/", 421},
		{"evil.example", "/", 421},
		{"localhost.evil.example", "/openapi.json", 421},
		{"127.0.0.1.nip.io", "/v1/tickets/1", 421},
		{"", "/", 421},
		{"evil.example", "/livez", 200},
		{"", "/readyz", 200},
	} {
		r := ask("GET", row.path, "", "")
		r.Host = row.host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		if w := a.do(r); w.Code != row.want {
			t.Errorf("%q%s: %d", row.host, row.path, w.Code)
		}
	}
}

func TestAPageOfAnotherSiteDoesNothing(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) { o.Extra = map[string]http.Handler{"/": page("home")} })
	for name, head := range map[string][2]string{"by Sec-Fetch-Site": {"Sec-Fetch-Site", "cross-site"}, "by Origin": {"Origin", "https://evil.example"}} {
		for _, path := range []string{ticketPath("/status"), "/phone/send"} {
			r := ask("POST", path, "all", `{"status":"closed"}`)
			r.Header.Set(head[0], head[1])
			if w := a.do(r); w.Code != 403 || problem(t, w).Code != "cross_origin" {
				t.Errorf("%s to %s: %d %s", name, path, w.Code, w.Body)
			}
		}
	}
	if len(a.desk.statuses) != 0 {
		t.Error("a status was pushed")
	}
	r := ask("POST", ticketPath("/status"), "all", `{"status":"closed"}`)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if w := a.do(r); w.Code != 202 {
		t.Errorf("our own page: %d", w.Code)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) {
		o.Extra = map[string]http.Handler{"/phone/": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", "its own")
		})}
	})
	for path, csp := range map[string]string{
		"/openapi.json": "default-src 'none'; frame-ancestors 'none'", ticketPath(""): "default-src 'none'; frame-ancestors 'none'",
		"/phone/": "its own", "/nowhere": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	} {
		h := a.do(ask("GET", path, "all", "")).Header()
		if h.Get("Content-Security-Policy") != csp || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" ||
			h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	if got := a.do(ask("GET", ticketPath(""), "all", "")).Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
}

func TestOtherPagesKeepTheirRoutes(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) {
		o.Extra = map[string]http.Handler{"/phone/": page("phone"), "GET /livez": page("alive"), "/{$}": http.RedirectHandler("/phone/", http.StatusFound)}
	})
	for _, row := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/phone/", 200},
		{"POST", "/phone/send", 200},
		{"GET", "/livez", 200},
		{"HEAD", "/livez", 200},
		{"POST", "/livez", 405},
		{"GET", "/", 302},
		{"GET", "/nothing", 404},
		{"GET", "/v1", 404},
	} {
		if w := a.do(ask(row.method, row.path, "", "")); w.Code != row.want {
			t.Errorf("%s %s: %d", row.method, row.path, w.Code)
		}
	}
}

func TestMetricsNeedAKeyOffLoopback(t *testing.T) {
	metrics := func(o *staffapi.Options) { o.Extra = map[string]http.Handler{"/metrics": page("aduan_up 1")} }
	a := newAPI(t, metrics)
	for key, want := range map[string]int{"": 401, "all": 403, "ops": 200} {
		if w := a.do(ask("GET", "/metrics", key, "")); w.Code != want {
			t.Errorf("key %q: %d", key, w.Code)
		}
	}
	url := run(t, a, nil)
	if code, body, err := fetch(url + "/metrics"); code != 200 || body != "aduan_up 1" {
		t.Errorf("on loopback: %d %q %v", code, body, err)
	}
}

func TestTheCallerBehindAProxy(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) {
		o.FailedLimit, o.FailedBurst = 0.001, 1
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // httptest's own address lies in it
	})
	guess := func(forwarded string) int {
		r := ask("GET", ticketPath(""), "guess", "")
		r.Header.Set("X-Forwarded-For", forwarded)
		return a.do(r).Code
	}
	for _, row := range []struct {
		forwarded string
		want      int
	}{
		{"203.0.113.1", 401},
		{"203.0.113.1", 429},
		{"203.0.113.2", 401},
		{"10.9.9.9, 203.0.113.2", 429}, // what the caller wrote itself does not count
		{"203.0.113.1, 192.0.2.99", 429},
		{"2001:db8::1", 401},
		{"2001:db8::2", 429},
		{"2001:db8:0:1::1", 401},
	} {
		if got := guess(row.forwarded); got != row.want {
			t.Errorf("%s: %d", row.forwarded, got)
		}
	}
}

// run serves a on a port of its own until the test ends, or stop is called.
func run(t *testing.T, a *api, stop chan struct{}) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.s.Run(ctx, ln) }()
	end := func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		done <- nil
	}
	if stop != nil {
		ended := make(chan struct{})
		go func() { <-stop; end(); close(ended) }()
		t.Cleanup(func() { <-ended })
	} else {
		t.Cleanup(end)
	}
	return "http://" + ln.Addr().String()
}

func fetch(url string) (int, string, error) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestAShutdownFinishesWhatIsUnderWayAndEndsStreams(t *testing.T) {
	arrived, streaming := make(chan struct{}), make(chan struct{})
	a := newAPI(t, func(o *staffapi.Options) {
		o.Extra = map[string]http.Handler{"/stream": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			close(streaming)
			<-r.Context().Done()
		}), "/slow": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(arrived)
			time.Sleep(100 * time.Millisecond) // still busy when the server is told to stop
			_, _ = io.WriteString(w, "finished")
		})}
	})
	stop := make(chan struct{})
	url := run(t, a, stop)
	slow, stream := make(chan string, 1), make(chan error, 1)
	go func() { _, body, err := fetch(url + "/slow"); slow <- fmt.Sprint(body, err) }()
	go func() {
		r, _ := http.NewRequest("GET", url+"/stream", nil)
		r.Header.Set("Accept", "text/event-stream")
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := c.Do(r)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			err = errors.Join(err, resp.Body.Close())
		}
		stream <- err
	}()
	<-arrived
	<-streaming
	close(stop)
	if got := <-slow; got != "finished<nil>" {
		t.Errorf("the request under way: %s", got)
	}
	if err := <-stream; err != nil {
		t.Errorf("the stream: %v", err)
	}
}

func TestAHugeBodyIsRefusedUnread(t *testing.T) { // FAULTS A1
	a := newAPI(t, nil)
	url := run(t, a, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprintf(conn, "POST /v1/preview HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
	go func() { // the server answers and hangs up before this ends
		chunk := make([]byte, 32<<10)
		for range 1000 {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 413 || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

func TestSlowCallersAreNotWaitedFor(t *testing.T) { // FAULTS A1
	a := newAPI(t, func(o *staffapi.Options) { o.ReadWithin = 50 * time.Millisecond })
	url := run(t, a, nil)
	for _, row := range []struct{ name, sent, want string }{
		{"half a body", "POST /v1/preview HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer all\r\nContent-Length: 20\r\n\r\n{", "HTTP/1.1 408 "},
		{"half a head", "GET /v1/preview HTTP/1.1\r\nHost: loc", ""},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, row.sent)
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		got, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(got), row.want) || (row.want == "") != (len(got) == 0) {
			t.Errorf("%s: %q, %v", row.name, got, err)
		}
		_ = conn.Close()
	}
}

func TestARequestMayTakeLongerThanItsBody(t *testing.T) {
	a := newAPI(t, func(o *staffapi.Options) { o.ReadWithin = 50 * time.Millisecond })
	a.desk.block = make(chan struct{})
	url := run(t, a, nil)
	timer := time.AfterFunc(200*time.Millisecond, func() { close(a.desk.block) })
	defer timer.Stop()
	r, err := http.NewRequest("POST", url+ticketPath("/status"), strings.NewReader(`{"status":"verified"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer all")
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 202 || a.desk.interrupted {
		t.Errorf("%d, interrupted %v", resp.StatusCode, a.desk.interrupted)
	}
}

func TestIdleConnectionsDoNotExceedTheirNumber(t *testing.T) { // FAULTS A1
	a := newAPI(t, func(o *staffapi.Options) { o.MaxConns = 2 })
	url := run(t, a, nil)
	var idle []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	got := make(chan int, 1)
	go func() { code, _, _ := fetch(url + "/openapi.json"); got <- code }()
	select {
	case code := <-got:
		t.Errorf("a third connection was served: %d", code)
	case <-time.After(50 * time.Millisecond):
	}
	for _, c := range idle {
		_ = c.Close()
	}
	if code := <-got; code != 200 {
		t.Errorf("once there is room: %d", code)
	}
}

func TestNewSaysWhatItNeeds(t *testing.T) {
	if _, err := staffapi.New(staffapi.Options{}); err == nil {
		t.Error("no desk, no error")
	}
}
