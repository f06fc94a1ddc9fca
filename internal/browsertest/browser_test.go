//go:build browser

package browsertest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"aduan/internal/phone"
	"aduan/internal/phone/phonetest"
	"aduan/internal/testenv"
)

// patience for anything that a page should show.
const patience = 15 * time.Second

// tab is one page in chromium that remembers what its console said.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	console  []string
	forgiven []string // what a test provokes on purpose
}

// open starts a browser of its own; it ends with the test, and a word in its console fails the test.
func open(t *testing.T) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testenv.Chromium(t)), chromedp.Flag("lang", "id"))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *cdplog.EventEntryAdded:
			if ev.Entry.Level == "error" || ev.Entry.Level == "warning" {
				b.heard(ev.Entry.Text + " " + ev.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			b.heard(ev.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			b.heard("console." + string(ev.Type))
		}
	})
	if err != nil {
		t.Fatalf("chromium did not start: %v", err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, line := range b.console {
			t.Errorf("the console said: %s", line)
		}
	})
	return b
}

func (b *tab) heard(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.forgiven {
		if strings.Contains(line, f) {
			return
		}
	}
	b.console = append(b.console, line)
}

// forgive lets the console say what a test provokes.
func (b *tab) forgive(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgiven = append(b.forgiven, part)
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// wait polls a JavaScript expression until it is true.
func (b *tab) wait(what, expression string) {
	b.t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		// Each look has a time of its own: one that another page comes into may get no answer.
		ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
		var yes bool
		yes, err = chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		cancel()
		if err == nil && yes {
			return
		}
	}
	page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	b.t.Fatalf("%s: never true: %s: %v\n%s", what, expression, err, page)
}

func eval[T any](b *tab, expression string, o ...chromedp.EvaluateOption) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, o...))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// look sets width, height and colour scheme.
func (b *tab) look(width, height int64, scheme string) {
	b.t.Helper()
	b.do("size", chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		b.t.Fatalf("colour scheme: %v", err)
	}
}

// fakeLine serves the page over a fake line and gives its address.
func fakeLine(t *testing.T) (*phonetest.Line, string) {
	t.Helper()
	line := phonetest.New()
	done := make(chan struct{})
	h := phone.New(phone.Options{SMSC: line, ShortCode: "1708", APIKey: phonetest.Key, LinkState: line.LinkState, Done: done})
	mux := http.NewServeMux()
	mux.Handle("/phone/", h)
	mux.Handle("/v1/", line.StaffAPI())
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		close(done)
		srv.Close()
	})
	return line, srv.URL + "/phone/"
}
