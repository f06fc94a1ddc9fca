package handoff_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aduan/internal/handoff"
	"aduan/internal/testenv"
)

const examples = "../../docs/integrate/"

// example starts a receiver of the guide, and gives its port and the lines that it prints.
func example(t *testing.T, command ...string) (url string, lines <-chan string) {
	t.Helper()
	if command[0] == "node" {
		command[0] = testenv.Node(t)
	}
	bin, err := exec.LookPath(command[0])
	if err != nil {
		t.Skipf("%s is not installed: its example is left out", command[0])
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, bin, command[1:]...)
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secretB+" "+secretA)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for s := bufio.NewScanner(out); s.Scan(); {
			read <- s.Text()
		}
	}()
	t.Cleanup(func() { cancel(); <-ended; _ = cmd.Wait() })
	select {
	case first := <-read:
		port, ok := strings.CutPrefix(first, "listening on ")
		if !ok {
			t.Fatalf("it prints %q", first)
		}
		return "http://127.0.0.1:" + port + "/hook", read
	case <-time.After(time.Minute):
		t.Fatal("it does not listen")
		return "", nil
	}
}

// Each receiver of docs/integrate takes what the line signs, once, and refuses the rest.
func TestTheReceiversOfTheGuide(t *testing.T) {
	built := filepath.Join(t.TempDir(), "receiver")
	if out, err := exec.Command("go", "build", "-o", built, examples+"receiver.go").CombinedOutput(); err != nil {
		t.Fatalf("receiver.go: %v\n%s", err, out)
	}
	for name, command := range map[string][]string{
		"Go":         {built, "0"},
		"Python":     {"python3", examples + "receiver.py", "0"},
		"JavaScript": {"node", examples + "receiver.mjs", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			url, lines := example(t, command...)
			l := start(t, url, func(o *handoff.Options) { o.Timeout = 10 * time.Second })
			l.noted = 1 // the first is delivered twice
			l.commit(10001, "e1")
			eventually(t, "sent", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.noted == 0 })
			l.pass(30 * time.Second)
			l.commit(10001, "e2")
			eventually(t, "taken", func() bool { return l.left(10001) == 0 })
			for _, want := range []string{"e1 complaint.added", "e2 complaint.added"} {
				select {
				case got := <-lines:
					if !strings.HasPrefix(got, want+" 1000-10") {
						t.Errorf("it took %q, want %q", got, want)
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("%s was not taken", want)
				}
			}
			for what, r := range forged(t, time.Now()) {
				if got := post(t, url, r); got != http.StatusUnauthorized {
					t.Errorf("%s: %d", what, got)
				}
			}
			select {
			case got := <-lines:
				t.Errorf("it took %q besides", got)
			default:
			}
		})
	}
}

// request is a delivery: headers and body.
type request struct {
	head http.Header
	body string
}

// signed is a delivery as the line signs it.
func signed(t *testing.T, secret string, at time.Time, body string) request {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := wh.Sign("e9", at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return request{http.Header{"Webhook-Id": {"e9"}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature}}, body}
}

// forged are deliveries that no receiver may take.
func forged(t *testing.T, now time.Time) map[string]request {
	const body = `{"id":"e9","type":"complaint.filed"}`
	changed := signed(t, secretA, now, body)
	changed.body = strings.Replace(body, "filed", "rated", 1)
	renamed := signed(t, secretA, now, body)
	renamed.head.Set("Webhook-Id", "e8")
	bare := signed(t, secretA, now, body)
	bare.head.Del("Webhook-Signature")
	return map[string]request{
		"by somebody else":    signed(t, "whsec_"+strings.Repeat("c", 32), now, body),
		"ten minutes old":     signed(t, secretA, now.Add(-10*time.Minute), body),
		"of the future":       signed(t, secretA, now.Add(10*time.Minute), body),
		"with another body":   changed,
		"under another id":    renamed,
		"without a signature": bare,
		"without any header":  {http.Header{}, body},
		"with half of its MAC": func() request {
			r := signed(t, secretA, now, body)
			r.head.Set("Webhook-Signature", r.head.Get("Webhook-Signature")[:20])
			return r
		}(),
	}
}

func post(t *testing.T, url string, r request) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.head
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestTheShellVerifies(t *testing.T) {
	for _, tool := range []string{"sh", "openssl", "base64", "od"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: verify.sh is left out", tool)
		}
	}
	verify := func(r request) error {
		cmd := exec.Command("sh", examples+"verify.sh", r.head.Get("Webhook-Id"), r.head.Get("Webhook-Timestamp"), r.head.Get("Webhook-Signature"))
		cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secretB+" "+secretA)
		cmd.Stdin = strings.NewReader(r.body)
		return cmd.Run()
	}
	for _, body := range []string{`{"id":"e9"}`, "", "a\nb\n", strings.Repeat("panjang 👍 ", 5000)} {
		if err := verify(signed(t, secretA, time.Now(), body)); err != nil {
			t.Errorf("%.20q: %v", body, err)
		}
	}
	for what, r := range forged(t, time.Now()) {
		if err := verify(r); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
}

func TestTheShellPulls(t *testing.T) {
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: pull.sh is left out", tool)
		}
	}
	pages := map[string]string{
		"":   `{"items":[{"id":"e1"},{"id":"e2"}],"next":"c1"}`,
		"c1": `{"items":[{"id":"e3","data":{"text":"\"next\":\"evil\"}"}}],"next":"c2"}`,
		"c2": `{"items":[],"next":"c2"}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer k" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, pages[r.URL.Query().Get("after")])
	}))
	t.Cleanup(s.Close)
	folder := t.TempDir()
	for range 2 { // the second time it goes on where it was, and finds nothing
		cmd := exec.Command("sh", examples+"pull.sh", folder, "once")
		cmd.Env = append(os.Environ(), "LINE="+s.URL, "KEY=k")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for file, want := range map[string]string{"00000001.json": pages[""], "00000002.json": pages["c1"], "next": "c2"} {
		got, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil || string(bytes.TrimSpace(got)) != want {
			t.Errorf("%s: %s, %v", file, got, err)
		}
	}
	if files, _ := os.ReadDir(folder); len(files) != 3 {
		t.Errorf("%d files", len(files))
	}
}
