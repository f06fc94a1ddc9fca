package linkyear

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"aduan/smpp"
	simulator "aduan/smpp/smsc"
)

// listener takes connections in memory.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newListener() *listener {
	return &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := newConn()
	select {
	case l.conns <- ours:
		return theirs, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keepsAll acknowledges every message.
type keepsAll struct{}

func (keepsAll) Deliver(d *smpp.Delivery) { d.Respond(smpp.StatusROK) }
func (keepsAll) Proven([]*smpp.Delivery)  {}
func (keepsAll) SessionClosed(string)     {}

// Every script on the simulator's page is lived through by a real link, which serves the next message afterwards.
func TestTheSimulatorsStories(t *testing.T) {
	page, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 5 {
		t.Fatalf("%d scripts on the page", len(blocks))
	}
	for _, a := range simulator.Actions() {
		if !strings.Contains(string(page), a.Name) {
			t.Errorf("no script on the page does %s", a.Name)
		}
	}
	for i, b := range blocks {
		script, err := simulator.ReadScript(strings.NewReader(string(b[1])))
		if err != nil {
			t.Errorf("script %d: %v", i+1, err)
			continue
		}
		t.Run(fmt.Sprint(i+1, " ", script.Steps[0].Do), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { story(t, script, nil) })
		})
	}
}

// story lives through a script.
func story(t *testing.T, script *simulator.Script, reg prometheus.Registerer) {
	o, err := script.Profile.Options(1)
	if err != nil {
		t.Fatal(err)
	}
	server, ln := simulator.New(o), newListener()
	link, err := smpp.NewLink(smpp.LinkOptions{
		Name: "main", Address: "smsc:2775", SystemID: "aduan", Password: "secret", Window: 5, Handler: keepsAll{}, Dial: ln.dial, Metrics: smpp.NewMetrics(reg),
		Rand: func() float64 { return 0.5 },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return server.Run(ctx, ln) })
	g.Go(func() error { return link.Run(ctx) })
	traffic, enough := context.WithCancel(ctx)
	g.Go(func() error { return flow(traffic, server, link) })
	switch err := server.Play(ctx, script.Steps); {
	case err == nil:
		time.Sleep(20 * time.Second) // what counts messages has some to count
		enough()
		time.Sleep(30*time.Second + 2*10*time.Second + 60*time.Second)
		served(t, server, link)
	case !slices.ContainsFunc(script.Steps, func(s simulator.Step) bool { return s.Do == "end" }):
		t.Error(err)
	}
	enough()
	cancel()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

// flow writes and submits every second.
func flow(ctx context.Context, server *simulator.Server, link *smpp.Link) error {
	var g errgroup.Group
	for i := 0; ctx.Err() == nil; i++ {
		server.Phone("6281200000001").Send(shortCode, fmt.Sprintf("LAPOR nomor %d", i))
		if slot, ok := link.TryAcquire(); ok {
			g.Go(func() error {
				_, _ = slot.Submit(ctx, answer()) // as it may end here
				slot.Release()
				return nil
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return g.Wait()
}

func answer() *smpp.Message {
	return &smpp.Message{
		Source: smpp.Address{Addr: shortCode}, Destination: smpp.Address{TON: 1, NPI: 1, Addr: "6281200000001"},
		RegisteredDelivery: 1, ShortMessage: []byte("Laporan Anda diterima"),
	}
}

// served: a text is acknowledged and a submit accepted.
func served(t *testing.T, server *simulator.Server, link *smpp.Link) {
	t.Helper()
	if st := link.Status(); st.State != smpp.LinkBound {
		t.Errorf("the link is %s: %s", st.State, st.Reason)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.Phone("6281299999999").Send(shortCode, "LAPOR").Wait(ctx); err != nil {
		t.Error(err)
	}
	slot, err := link.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer slot.Release()
	if res, err := slot.Submit(ctx, answer()); err != nil || res.Status != smpp.StatusROK || res.MessageID == "" {
		t.Errorf("%+v, %v", res, err)
	}
}
