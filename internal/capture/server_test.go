package capture_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aduan/internal/capture"
	"aduan/smpp"
)

// tapped is a link that the test speaks for.
type tapped struct{ taps chan smpp.Tap }

func (l tapped) Tap(see smpp.Tap) (stop func()) {
	l.taps <- see
	return func() {}
}

func (l tapped) listener(t *testing.T) smpp.Tap {
	t.Helper()
	select {
	case see := <-l.taps:
		return see
	case <-time.After(10 * time.Second):
		t.Fatal("nobody listens")
		return nil
	}
}

// serveCaptures runs a server until the test, or stop, ends it.
func serveCaptures(t *testing.T, change func(*capture.Options)) (dir string, link tapped, stop func()) {
	t.Helper()
	link = tapped{make(chan smpp.Tap, 16)}
	o := capture.Options{
		Dir: t.TempDir(), Keep: func() []string { return []string{shortCode} },
		Link:  func(name string) (capture.Link, bool) { return link, name == "main" },
		Names: func() []string { return []string{"main"} },
		Permit: func(_ context.Context, key string) (string, error) {
			if key != "pii" {
				return "", errors.New("no scope")
			}
			return "k1", nil
		},
	}
	if change != nil {
		change(&o)
	}
	dir = o.Dir
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- capture.NewServer(o).Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		done <- nil
	}
	t.Cleanup(stop)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if pids, err := capture.Daemons(ctx, dir); err != nil || len(pids) == 1 {
			if err != nil || pids[0] != os.Getpid() {
				t.Fatalf("daemons %v, %v", pids, err)
			}
			return dir, link, stop
		}
		if time.Now().After(end) {
			t.Fatal("it does not listen")
		}
	}
}

type fetched struct {
	capture.Summary
	err  error
	file bytes.Buffer
}

func fetch(ctx context.Context, dir string, req capture.Request) <-chan *fetched {
	out := make(chan *fetched, 1)
	go func() {
		f := new(fetched)
		f.Summary, f.err = capture.Fetch(ctx, dir, os.Getpid(), req, &f.file)
		out <- f
	}()
	return out
}

func deliver(see smpp.Tap) {
	see(smpp.Tapped{
		At: time.Now(), Session: "s", Local: ourEnd, Remote: smscEnd,
		Octets: message(smpp.CmdDeliverSM, func(m *smpp.Message) { m.ShortMessage = []byte("LAPOR jalan rusak") }),
	})
}

func TestACaptureEndsInOrder(t *testing.T) {
	for _, row := range []struct {
		name string
		req  capture.Request
		end  func(cancel, stop func())
		why  string
	}{
		{name: "when its time is over", req: capture.Request{For: 500 * time.Millisecond}, why: "its time is over"},
		{name: "when it is asked to", end: func(cancel, _ func()) { cancel() }, why: "asked to end"},
		{name: "when the daemon stops", end: func(_, stop func()) { stop() }, why: "the daemon stops"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir, link, stop := serveCaptures(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			row.req.Link = "main"
			done := fetch(ctx, dir, row.req)
			see := link.listener(t)
			deliver(see)
			deliver(see)
			if row.end != nil {
				row.end(cancel, stop)
			}
			f := <-done
			if f.err != nil || f.Why != row.why || f.PDUs != 2 || f.Dropped != 0 {
				t.Errorf("%+v %v, want 2 PDUs, %q", f.Summary, f.err, row.why)
			}
			if bytes.Contains(f.file.Bytes(), []byte("jalan")) || bytes.Contains(f.file.Bytes(), []byte("6281")) {
				t.Error("a text or a number leaves the daemon")
			}
		})
	}
}

func TestWhoMayCapture(t *testing.T) {
	dir, link, _ := serveCaptures(t, nil)
	info, err := os.Stat(filepath.Join(dir, capture.SocketName(os.Getpid())))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket: %v %v, want mode 0600", info, err)
	}
	for _, row := range []struct {
		name string
		req  capture.Request
		want error
	}{
		{name: "another link", req: capture.Request{Link: "other"}, want: capture.ErrNoLink},
		{name: "unredacted without a key", req: capture.Request{Link: "main", Unredacted: true}, want: capture.ErrNotPermitted},
		{name: "unredacted with another key", req: capture.Request{Link: "main", Unredacted: true, Key: "k"}, want: capture.ErrNotPermitted},
	} {
		t.Run(row.name, func(t *testing.T) {
			if f := <-fetch(t.Context(), dir, row.req); !errors.Is(f.err, row.want) || f.file.Len() > 0 {
				t.Errorf("%v and %d octets, want %v and none", f.err, f.file.Len(), row.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := fetch(ctx, dir, capture.Request{Link: "main", Unredacted: true, Key: "pii"})
	deliver(link.listener(t))
	cancel()
	if f := <-done; f.err != nil || !bytes.Contains(f.file.Bytes(), []byte("jalan rusak")) {
		t.Errorf("with the scope: %v", f.err)
	}
}

func TestALinkThatIsMadeAnewIsFollowed(t *testing.T) {
	links := make(chan capture.Link, 1)
	now := capture.Link(tapped{make(chan smpp.Tap, 1)})
	links <- now
	dir, _, _ := serveCaptures(t, func(o *capture.Options) {
		o.Link = func(string) (capture.Link, bool) {
			l := <-links
			links <- l
			return l, l != nil
		}
	})
	done := fetch(t.Context(), dir, capture.Request{Link: "main"})
	deliver(now.(tapped).listener(t))
	next := tapped{make(chan smpp.Tap, 1)}
	<-links
	links <- next
	deliver(next.listener(t))
	<-links
	links <- nil
	if f := <-done; f.err != nil || f.PDUs != 2 || f.Why != "the link was taken out of the configuration" {
		t.Errorf("%+v %v", f.Summary, f.err)
	}
}

func TestADeadDaemonsSocketIsTakenAway(t *testing.T) {
	dir := t.TempDir()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, capture.SocketName(1)), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	_ = ln.Close()
	if pids, err := capture.Daemons(t.Context(), dir); len(pids) > 0 || err != nil {
		t.Fatalf("the dead one is taken for alive: %v %v", pids, err)
	}
	serveCaptures(t, func(o *capture.Options) { o.Dir = dir })
	if _, err := os.Lstat(filepath.Join(dir, capture.SocketName(1))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it still stands there: %v", err)
	}
}
