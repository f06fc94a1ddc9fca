//go:build browser

package browsertest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"aduan/internal/testenv"
)

// pageURL is what `aduan try` prints for the telephones.
var pageURL = regexp.MustCompile(`http://[0-9a-z.:\[\]]+/phone/`)

// printed collects what a process writes, and tells the page as soon as it stands there.
type printed struct {
	mu   sync.Mutex
	text strings.Builder
	page chan string
}

func (p *printed) read(r io.Reader) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		p.mu.Lock()
		p.text.WriteString(in.Text() + "\n")
		p.mu.Unlock()
		if url := pageURL.FindString(in.Text()); url != "" {
			select {
			case p.page <- url:
			default:
			}
		}
	}
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// loginURL is the console's one-time link, which stands beside it.
var loginURL = regexp.MustCompile(`http://[0-9a-z.:\[\]]+/login/[A-Za-z0-9_-]+`)

// startTry builds the binary and runs `aduan try` on free ports. stop ends it by SIGTERM, which must give exit 0.
func startTry(t *testing.T) (url, login string, stop func()) {
	t.Helper()
	root := testenv.Root(t)
	if _, err := os.Stat(filepath.Join(root, "cmd/aduan/main.go")); err != nil {
		t.Fatalf("there is no command to try: %v", err)
	}
	bin := filepath.Join(t.TempDir(), "aduan")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/aduan")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/aduan: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "try", "--listen", testenv.FreeAddr(t), "--smsc", testenv.FreeAddr(t), "--data", t.TempDir())
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	p := &printed{page: make(chan string, 1)}
	var reading sync.WaitGroup
	reading.Go(func() { p.read(out) })
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	var waiting sync.WaitGroup
	waiting.Go(func() { ended <- cmd.Wait(); _ = in.Close() })
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("aduan try ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			t.Errorf("aduan try did not end within 10 s of SIGTERM")
		}
		waiting.Wait()
		reading.Wait()
		if t.Failed() {
			t.Logf("aduan try printed:\n%s", p)
		}
	})
	t.Cleanup(stop)
	select {
	case url = <-p.page:
		for deadline := time.Now().Add(patience); login == "" && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			login = loginURL.FindString(p.String())
		}
		return url, login, stop
	case err := <-ended:
		ended <- err
		t.Fatalf("aduan try ended at once: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("aduan try printed no page within 30 s")
	}
	return "", "", stop
}

// The first minute of a newcomer, with nothing faked: page, simulator, TCP, daemon, store, staff API.
func TestBrowserTryFromTheFirstSMSToAHealedLink(t *testing.T) {
	url, _, stop := startTry(t)
	b := open(t)
	b.do("open", chromedp.Navigate(url), chromedp.WaitVisible(".phone textarea"))
	b.wait("the link is bound", `document.getElementById('link').dataset.state === 'bound'`)

	b.do("type", chromedp.SendKeys(".phone textarea", "LAPOR jalan rusak di depan pasar Minggu"), chromedp.SendKeys(".phone textarea", "\r"))
	b.wait("a ticket number is read", `/\d{4}-\d{4}/.test(`+lastIn+`)`)
	b.wait("the daemon acknowledged", `document.querySelector('.bubble.out .tick').dataset.progress === 'acknowledged'`)

	b.do("push a status", chromedp.SendKeys("#note", "Tim menuju lokasi."), chromedp.Click("#staff button"))
	b.wait("the API accepts", `document.querySelector('#result:not(.failed)')?.textContent.includes('202')`)
	b.wait("the citizen reads it", `document.querySelectorAll('.bubble.in').length === 2 && /\d{4}-\d{4}/.test(`+lastIn+`)`)

	b.do("cut", chromedp.Click("#cut"))
	b.wait("it shows", `document.querySelectorAll('#news li').length > 1`)
	b.do("write meanwhile", chromedp.SendKeys(".phone textarea", "CEK"), chromedp.SendKeys(".phone textarea", "\r"))
	b.wait("it heals", `document.querySelector('#news .heal')`)
	b.wait("what waited is answered", `document.querySelectorAll('.bubble.in').length === 3`)
	b.wait("and acknowledged", `[...document.querySelectorAll('.bubble.out .tick')].every((t) => t.dataset.progress === 'acknowledged')`)
	if n := eval[int](b, `document.querySelectorAll('.bubble.in').length`); n != 3 {
		t.Errorf("%d SMS came, not 3", n)
	}

	b.forgive("status of 4")
	b.do("a ticket of nobody", chromedp.SetValue("#ticket", "99999994"), chromedp.Click("#staff button"))
	b.wait("is refused in words", `document.querySelector('.result.failed')?.textContent.includes('40')`)

	shot(t, b, "try")
	b.forgive("ERR_")
	began := time.Now()
	stop() // with a page open, whose stream must not hold it up
	t.Logf("ended after %v", time.Since(began))
	b.wait("the page says that the daemon is gone", `!document.getElementById('offline').hidden`)
}

// A small office's first hour: a citizen texts, the desk sees it, hands it on, pushes a status, and sees the SMS arrive.
func TestBrowserTryTheConsole(t *testing.T) {
	url, login, _ := startTry(t)
	b := open(t)
	b.visit(url)
	b.wait("the link is bound", `document.getElementById('link').dataset.state === 'bound'`)
	b.fill(".phone textarea", "LAPOR jalan rusak di depan pasar Minggu\r")
	b.wait("a ticket number is read", `/\d{4}-\d{4}/.test(`+lastIn+`)`)

	b.visit(login)
	b.leave("sign in", func() { b.press("main button.main") })
	b.choose("lang", "en")
	b.wait("the complaint is on the desk", `document.querySelectorAll('[data-row]').length === 1 && document.querySelector('.excerpt').textContent.includes('pasar Minggu')`)
	b.fill(".give input:not([type=hidden])", "Dinas PUPR")
	b.leave("hand on", func() { b.press(".give button") })
	b.says("handed on")
	b.visit(strings.Replace(url, "/phone/", "/tickets", 1))
	b.leave("open it", func() { b.press("[data-row]") })
	b.says("Dinas PUPR")
	b.fill("#note", "Tim menuju lokasi.")
	b.wait("the very SMS", `document.querySelector('[data-draft] .bubble')?.textContent.includes('Tim menuju lokasi.')`)
	shown := eval[string](b, `document.querySelector('[data-draft] .bubble').textContent`)
	b.leave("push", func() { b.press(`form[action$="/status"] button.main`) })
	b.wait("it goes out and arrives", `(() => { if (document.querySelectorAll('.m-delivered').length === 2) return true; if (!window.again) window.again = setTimeout(() => location.reload(), 1000); return false })()`)
	shot(t, b, "try-console-ticket")
	b.visit(strings.Replace(url, "/phone/", "/links", 1))
	b.wait("the link page lives", `document.querySelector('.link .l-bound') && document.querySelector('polyline').points.length > 3`)
	b.wait("what was sent is counted", `document.querySelector('.link').textContent.includes('p50')`)
	shot(t, b, "try-console-links")
	b.visit(url)
	b.wait("the citizen reads what was shown", `document.querySelectorAll('.bubble.in').length === 2`)
	if got := eval[string](b, lastIn); got != shown {
		t.Errorf("shown %q, read %q", shown, got)
	}
	b.do("cut", chromedp.Click("#cut"))
	b.visit(strings.Replace(url, "/phone/", "/links", 1))
	b.wait("the cut stands in its history", `document.querySelectorAll('.history li').length > 3`)
	b.visit(login)
	b.forgive("401")
	b.leave("the link again", func() { b.press("main button.main") })
	b.wait("is used up", `document.querySelector('.problem')`)
}
