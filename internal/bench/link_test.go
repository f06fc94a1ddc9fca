package bench_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"aduan/smpp"
)

const (
	linkWarm = 200 * time.Millisecond
	linkTime = 800 * time.Millisecond // of each way, window and round
)

// linkWays are measured one after another in each round: the link, and two bare loops that answer with prepared bytes.
var linkWays = []struct {
	name string
	run  func(b *testing.B, p *peer, window int) *linkMeasure
}{
	{"link", benchLink},
	{"floor: a write for each PDU", func(b *testing.B, p *peer, window int) *linkMeasure { return benchBare(b, p, window, false) }},
	{"floor: a write for each read", func(b *testing.B, p *peer, window int) *linkMeasure { return benchBare(b, p, window, true) }},
}

// linkMeasure is one way at one window in one round.
type linkMeasure struct {
	perSecond    float64 // turns
	cpu, peerCPU float64 // µs a turn
	allocs       float64 // a turn
	bytes        float64 // a turn
}

// BenchmarkLink is the link alone, no store: turns a second (a turn is deliver_sm, its response, a submit_sm, its
// response: four PDUs) at windows of 1, 10 and 100, beside its floors in the same run, with the same peer.
func BenchmarkLink(b *testing.B) {
	p := startPeer(b)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nway\twindow\tturns/s\tbest\tPDU/s\tCPU a turn\tof its peer\tallocations\tbytes\tlink / way\t")
	for _, window := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) { benchWindow(b, p, window, w) })
	}
	_ = w.Flush()
	fmt.Println()
}

func benchWindow(b *testing.B, p *peer, window int, w io.Writer) {
	got := make([][]*linkMeasure, len(linkWays))
	for range rounds() {
		for i, way := range linkWays {
			got[i] = append(got[i], way.run(b, p, window))
		}
	}
	for i, way := range linkWays {
		m, best := middleLink(got[i]), 0.0
		var ratios []float64
		for k, r := range got[i] {
			best = max(best, r.perSecond)
			ratios = append(ratios, 100*got[0][k].perSecond/r.perSecond)
		}
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\t%.0f\t%.1f µs\t%.1f µs\t%.1f\t%.0f\t%.0f %%\t\n", way.name, window,
			m.perSecond, best, 4*m.perSecond, m.cpu, m.peerCPU, m.allocs, m.bytes, median(ratios))
		if i > 0 {
			b.ReportMetric(median(ratios), fmt.Sprintf("%%floor%d", i))
		}
	}
	link := middleLink(got[0])
	b.ReportMetric(link.perSecond, "turns/s")
	b.ReportMetric(link.allocs, "allocs/turn")
	b.ReportMetric(link.cpu, "µs/turn")
}

func middleLink(rounds []*linkMeasure) *linkMeasure {
	rounds = slices.Clone(rounds)
	slices.SortFunc(rounds, func(x, y *linkMeasure) int { return int(x.perSecond - y.perSecond) })
	return rounds[(len(rounds)-1)/2]
}

// measureTurns lets it run warm, measures, and ends the turns.
func measureTurns(b *testing.B, p *peer, done *atomic.Int64) *linkMeasure {
	time.Sleep(linkWarm)
	cpu := &meter{pids: [2]int{os.Getpid(), p.pid}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	from, used, begin := done.Load(), cpu.read(b), time.Now()
	time.Sleep(linkTime)
	to, use, took := done.Load(), cpu.read(b), time.Since(begin)
	runtime.ReadMemStats(&after)
	if told := p.finish(b); told < int(to) || to == from {
		b.Fatalf("%d turns at the peer, of %d to %d", told, from, to)
	}
	n := float64(to - from)
	return &linkMeasure{
		perSecond: n / took.Seconds(), cpu: micros(use[0]-used[0]) / n, peerCPU: micros(use[1]-used[1]) / n,
		allocs: float64(after.Mallocs-before.Mallocs) / n, bytes: float64(after.TotalAlloc-before.TotalAlloc) / n,
	}
}

// turner answers each delivery and sends an SMS for it, as the daemon does, but that it stores nothing.
type turner struct {
	link  *smpp.Link
	turns chan *smpp.Delivery
	done  atomic.Int64
}

func (h *turner) Deliver(d *smpp.Delivery) { h.turns <- d }
func (h *turner) Proven([]*smpp.Delivery)  {}
func (h *turner) SessionClosed(string)     {}

// work is one worker, of as many as the window has places: the daemon's sender has as many.
func (h *turner) work(b *testing.B) {
	for d := range h.turns {
		d.Respond(smpp.StatusROK)
		slot, err := h.link.Acquire(context.Background())
		if err != nil {
			b.Error(err)
			return
		}
		if res, err := slot.Submit(context.Background(), answerTo(d.Message.Source.Addr)); err != nil || res.MessageID == "" {
			b.Errorf("%v %v", res, err)
		}
		slot.Release()
		h.done.Add(1)
	}
}

func answerTo(number string) *smpp.Message {
	return &smpp.Message{
		Source: smpp.Address{TON: 3, Addr: "1708"}, Destination: smpp.Address{TON: 1, NPI: 1, Addr: number},
		RegisteredDelivery: 1,
		ShortMessage:       []byte("Laporan Anda kami terima dengan nomor 1000-1234. Di mana tepatnya kejadiannya?"),
	}
}

func benchLink(b *testing.B, p *peer, window int) *linkMeasure { return benchTapped(b, p, window, nil) }

// benchTapped is a link on which tap is called, before its first turn; nil: not at all.
func benchTapped(b *testing.B, p *peer, window int, tap func(*smpp.Link)) *linkMeasure {
	h := &turner{turns: make(chan *smpp.Delivery, window)}
	var err error
	h.link, err = smpp.NewLink(smpp.LinkOptions{
		Name: "bench", Address: p.addr, SystemID: fmt.Sprintf("w%d", window), Window: window,
		Handler: h, Metrics: smpp.NewMetrics(nil), Gate: open{}, ShutdownTimeout: time.Second,
	})
	if err != nil {
		b.Fatal(err)
	}
	if tap != nil {
		tap(h.link)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.link.Run(ctx) }() // waited for below
	var workers sync.WaitGroup
	for range window {
		workers.Go(func() { h.work(b) })
	}
	m := measureTurns(b, p, &h.done)
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	close(h.turns)
	workers.Wait()
	return m
}

// open is the daemon's fence where nothing is wrong.
type open struct{}

func (open) MaySend() bool { return true }

// benchBare answers with prepared bytes: nothing is decoded, nobody is asked, one goroutine.
func benchBare(b *testing.B, p *peer, window int, batched bool) *linkMeasure {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		b.Fatal(err)
	}
	bind, err := smpp.AppendBind(nil, 1, &smpp.Bind{ID: smpp.CmdBindTransceiver, SystemID: fmt.Sprintf("w%d", window)})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := conn.Write(bind); err != nil {
		b.Fatal(err)
	}
	l := &bareLoop{conn: conn, batched: batched}
	if l.submit, err = smpp.AppendMessage(nil, smpp.CmdSubmitSM, 1, answerTo(numberPrefix+"00000000")); err != nil {
		b.Fatal(err)
	}
	var loop sync.WaitGroup
	loop.Go(l.run)
	m := measureTurns(b, p, &l.done)
	_ = conn.Close()
	loop.Wait()
	return m
}

// bareLoop is the least that an ESME can do.
type bareLoop struct {
	conn    net.Conn
	batched bool
	submit  []byte
	seq     uint32
	done    atomic.Int64
	out     []byte
}

// run ends with the connection.
func (l *bareLoop) run() {
	buf, n := make([]byte, 256<<10), 0
	for {
		got, err := l.conn.Read(buf[n:])
		if err != nil {
			return
		}
		n += got
		at := 0
		for n-at >= headerLen {
			size := int(binary.BigEndian.Uint32(buf[at:]))
			if size < headerLen || size > n-at {
				break
			}
			if !l.take(buf[at : at+size]) {
				return
			}
			at += size
		}
		n = copy(buf, buf[at:n])
		if !l.flush() {
			return
		}
	}
}

func (l *bareLoop) take(f []byte) bool {
	switch binary.BigEndian.Uint32(f[4:]) {
	case submitSM | response:
		l.done.Add(1)
	case deliverSM:
		l.out = append(smpp.AppendHeader(l.out, smpp.CmdDeliverSMResp, 0, binary.BigEndian.Uint32(f[12:])), 0)
		binary.BigEndian.PutUint32(l.out[len(l.out)-headerLen-1:], headerLen+1)
		if !l.batched && !l.flush() {
			return false
		}
		l.seq++
		l.out = append(l.out, l.submit...)
		binary.BigEndian.PutUint32(l.out[len(l.out)-len(l.submit)+12:], l.seq)
		return l.batched || l.flush()
	}
	return true
}

func (l *bareLoop) flush() bool {
	if len(l.out) == 0 {
		return true
	}
	_, err := l.conn.Write(l.out)
	l.out = l.out[:0]
	return err == nil
}
