package smpp_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"aduan/smpp"
)

// half is one direction of an in-memory connection. Nothing is held while
// waiting, so that virtual time goes on.
type half struct {
	readable, writable chan struct{}

	mu    sync.Mutex
	buf   []byte
	limit int // octets that fit; 0: any
	eof   bool
	cut   error // what the reader gets once buf is empty, instead of EOF
}

func newHalf() *half {
	return &half{readable: make(chan struct{}, 1), writable: make(chan struct{}, 1)}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// memConn is one end; both ends may write at once without blocking each other.
type memConn struct {
	in, out *half
	once    sync.Once
	closed  chan struct{}

	mu     sync.Mutex
	rd, wd time.Time
}

func memPipe() (a, b *memConn) {
	x, y := newHalf(), newHalf()
	return &memConn{in: x, out: y, closed: make(chan struct{})}, &memConn{in: y, out: x, closed: make(chan struct{})}
}

func (c *memConn) wait(wake chan struct{}, deadline *time.Time) error {
	c.mu.Lock()
	at := *deadline
	c.mu.Unlock()
	var timeout <-chan time.Time
	if !at.IsZero() {
		t := time.NewTimer(time.Until(at))
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-wake:
		return nil
	case <-c.closed:
		return net.ErrClosed
	case <-timeout:
		return os.ErrDeadlineExceeded
	}
}

func (c *memConn) Read(p []byte) (int, error) {
	for {
		select {
		case <-c.closed:
			return 0, net.ErrClosed
		default:
		}
		h := c.in
		h.mu.Lock()
		n := copy(p, h.buf)
		h.buf = h.buf[n:]
		eof, cut := h.eof, h.cut
		h.mu.Unlock()
		if n > 0 {
			poke(h.writable)
			return n, nil
		}
		if cut != nil {
			return 0, cut
		}
		if eof {
			return 0, io.EOF
		}
		if err := c.wait(h.readable, &c.rd); err != nil {
			return 0, err
		}
	}
}

func (c *memConn) Write(p []byte) (n int, err error) {
	for {
		select {
		case <-c.closed:
			return n, net.ErrClosed
		default:
		}
		h := c.out
		h.mu.Lock()
		if h.eof {
			h.mu.Unlock()
			return n, io.ErrClosedPipe
		}
		room := len(p)
		if h.limit > 0 {
			room = max(min(room, h.limit-len(h.buf)), 0)
		}
		h.buf = append(h.buf, p[:room]...)
		h.mu.Unlock()
		poke(h.readable)
		n, p = n+room, p[room:]
		if len(p) == 0 {
			return n, nil
		}
		if err := c.wait(h.writable, &c.wd); err != nil {
			return n, err
		}
	}
}

func (h *half) end() {
	h.mu.Lock()
	h.eof = true
	h.mu.Unlock()
	poke(h.readable)
	poke(h.writable)
}

func (c *memConn) CloseWrite() error { c.out.end(); return nil }

func (c *memConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.out.end()
		c.in.end()
	})
	return nil
}

func (c *memConn) set(d *time.Time, t time.Time, wake chan struct{}) error {
	c.mu.Lock()
	*d = t
	c.mu.Unlock()
	poke(wake)
	return nil
}
func (c *memConn) SetReadDeadline(t time.Time) error  { return c.set(&c.rd, t, c.in.readable) }
func (c *memConn) SetWriteDeadline(t time.Time) error { return c.set(&c.wd, t, c.out.writable) }
func (c *memConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
func (c *memConn) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (c *memConn) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// peer is a scripted SMSC on one connection: it does what the test says, no more.
type peer struct {
	t    testing.TB
	conn net.Conn
	fr   *smpp.FrameReader
}

func newPeer(t testing.TB, conn net.Conn) *peer {
	return &peer{t: t, conn: conn, fr: smpp.NewFrameReader(conn, 0)}
}

// next is the next PDU from the link, or the end.
func (p *peer) next() (smpp.Header, []byte, error) {
	frame, err := p.fr.Next()
	return smpp.ParseHeader(frame), frame, err
}

// expect fails unless the next PDU is of this command.
func (p *peer) expect(id smpp.CommandID) (smpp.Header, []byte) {
	p.t.Helper()
	h, frame, err := p.next()
	if err != nil {
		p.t.Fatalf("want %v, got %v", id, err)
	}
	if h.ID != id {
		p.t.Fatalf("want %v, got %v seq %d %v", id, h.ID, h.Seq, h.Status)
	}
	return h, frame
}

// expectEnd fails unless the link closes the connection now.
func (p *peer) expectEnd() {
	p.t.Helper()
	if h, _, err := p.next(); err == nil {
		p.t.Fatalf("want the end, got %v %v", h.ID, h.Status)
	}
	_ = p.conn.Close()
}

func (p *peer) send(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

func (p *peer) header(id smpp.CommandID, status smpp.Status, seq uint32) {
	p.t.Helper()
	p.send(smpp.AppendHeader(nil, id, status, seq))
}

// bound answers the bind, whatever its kind.
func (p *peer) bound() *peer {
	p.t.Helper()
	h, frame, err := p.next()
	if err != nil {
		p.t.Fatalf("want a bind, got %v", err)
	}
	if _, err := smpp.DecodeBind(frame); err != nil {
		p.t.Fatalf("%v: %v", h.ID, err)
	}
	p.send(must(smpp.AppendBindResp(nil, h.ID.Response(), smpp.StatusROK, h.Seq, "SMSC")))
	return p
}

func (p *peer) deliver(seq uint32, text string) {
	p.t.Helper()
	p.send(deliverSM(seq, text))
}

func (p *peer) submitResp(status smpp.Status, seq uint32, id string) {
	p.t.Helper()
	p.send(must(smpp.AppendResp(nil, smpp.CmdSubmitSMResp, status, seq, id)))
}

// enquire is served by whoever lives.
func (p *peer) stillServed() {
	p.t.Helper()
	p.header(smpp.CmdEnquireLink, 0, 4711)
	if h, _ := p.expect(smpp.CmdEnquireLinkResp); h.Seq != 4711 || h.Status != 0 {
		p.t.Fatalf("enquire_link_resp seq %d %v", h.Seq, h.Status)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func deliverSM(seq uint32, text string) []byte {
	return must(smpp.AppendMessage(nil, smpp.CmdDeliverSM, seq, &smpp.Message{
		Source:       smpp.Address{TON: 1, NPI: 1, Addr: "628111000111"},
		Destination:  smpp.Address{TON: 3, Addr: "1708"},
		ShortMessage: []byte(text),
	}))
}

// exchange hands the link's connections to the test, one by one.
type exchange struct {
	t     testing.TB
	conns chan net.Conn
	dials chan time.Time
}

func newExchange(t testing.TB) *exchange {
	return &exchange{t: t, conns: make(chan net.Conn), dials: make(chan time.Time, 1000)}
}

func (e *exchange) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	e.dials <- time.Now()
	ours, theirs := memPipe()
	select {
	case e.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (e *exchange) accept() *peer {
	e.t.Helper()
	return newPeer(e.t, <-e.conns)
}

// recorder is a Handler that remembers, and answers only if told to.
type recorder struct {
	deliveries chan *smpp.Delivery
	closed     chan string
	onDeliver  func(*smpp.Delivery)
	onProven   func([]*smpp.Delivery)

	mu     sync.Mutex
	proven []string
}

func newRecorder() *recorder {
	return &recorder{deliveries: make(chan *smpp.Delivery, 10000), closed: make(chan string, 100)}
}

func (r *recorder) Deliver(d *smpp.Delivery) {
	if r.onDeliver != nil {
		r.onDeliver(d)
	}
	r.deliveries <- d
}

func (r *recorder) Proven(ds []*smpp.Delivery) {
	if r.onProven != nil {
		r.onProven(ds)
	}
	r.mu.Lock()
	for _, d := range ds {
		r.proven = append(r.proven, string(d.Message.ShortMessage))
	}
	r.mu.Unlock()
}

func (r *recorder) SessionClosed(id string) { r.closed <- id }

func (r *recorder) provenTexts() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.proven, " ")
}

// rig is a running link with its scripted peer and its consumer.
type rig struct {
	*recorder
	t    testing.TB
	ex   *exchange
	link *smpp.Link
	stop context.CancelFunc
	done chan error
}

// rigged runs a link over memory; the caller ends with finish.
func rigged(t testing.TB, change func(*smpp.LinkOptions)) *rig {
	t.Helper()
	ex, rec := newExchange(t), newRecorder()
	n := 0
	var mu sync.Mutex
	o := smpp.LinkOptions{
		Name: "main", Address: "smsc.test:2775", SystemID: "aduan", Password: "secret",
		Window: 10, Dial: ex.dial, Handler: rec, Rand: func() float64 { return 0.5 },
		SessionID: func() string {
			mu.Lock()
			defer mu.Unlock()
			n++
			return string(rune('A' + n - 1))
		},
	}
	if change != nil {
		change(&o)
	}
	link, err := smpp.NewLink(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{recorder: rec, t: t, ex: ex, link: link, stop: cancel, done: make(chan error, 1)}
	go func() { r.done <- link.Run(ctx) }()
	return r
}

// finish ends the link over peers that answer the unbind.
func (r *rig) finish(peers ...*peer) {
	r.t.Helper()
	r.stop()
	var all sync.WaitGroup
	for _, p := range peers {
		all.Go(p.takeLeave)
	}
	all.Wait()
	if err := <-r.done; err != nil {
		r.t.Errorf("Run: %v", err)
	}
}

func (p *peer) takeLeave() {
	for {
		h, _, err := p.next()
		if err != nil {
			break
		}
		if h.ID == smpp.CmdUnbind {
			p.header(smpp.CmdUnbindResp, 0, h.Seq)
		}
	}
	_ = p.conn.Close()
}

func (r *rig) waitState(want string) {
	r.t.Helper()
	for {
		changed := r.link.Changes()
		if r.link.Status().State == want {
			return
		}
		<-changed
	}
}

func (r *rig) slot() *smpp.Slot {
	r.t.Helper()
	slot, err := r.link.Acquire(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return slot
}

type result struct {
	smpp.SubmitResult
	err error
}

// submit sends in the background; the answer comes by the channel.
func (r *rig) submit(slot *smpp.Slot, text string) <-chan result {
	out := make(chan result, 1)
	go func() {
		res, err := slot.Submit(context.Background(), sms(text))
		out <- result{res, err}
	}()
	return out
}

func sms(text string) *smpp.Message {
	return &smpp.Message{
		Source:       smpp.Address{TON: 3, Addr: "1708"},
		Destination:  smpp.Address{TON: 1, NPI: 1, Addr: "628111000111"},
		ShortMessage: []byte(text),
	}
}

// annotated reads hexadecimal with comments behind ';'.
func annotated(t testing.TB, s string) []byte {
	t.Helper()
	var digits strings.Builder
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(line, ";")
		for _, f := range strings.Fields(line) {
			digits.WriteString(f)
		}
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("annotated hex: %v", err)
	}
	return b
}

// pdu prepends the header to a body.
func pdu(id smpp.CommandID, status smpp.Status, seq uint32, body []byte) []byte {
	b := append(smpp.AppendHeader(nil, id, status, seq), body...)
	b[2], b[3] = byte(len(b)>>8), byte(len(b))
	return b
}

func sameBytes(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}
