package smsc_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"aduan/smpp"
	"aduan/smpp/smsc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// serve runs a simulator on a port of its own until the test ends.
func serve(t testing.TB, o smsc.Options) (*smsc.Server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	set := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.RetryMin, 20*time.Millisecond)
	set(&o.RetryMax, 80*time.Millisecond)
	set(&o.ShutdownTimeout, 200*time.Millisecond)
	s := smsc.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error { return s.Run(ctx, ln) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s, ln.Addr().String()
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// esme is a scripted ESME: it does nothing that the test does not say.
type esme struct {
	t      testing.TB
	conn   net.Conn
	frames *smpp.FrameReader
	seq    uint32
}

func dial(t testing.TB, addr string) *esme {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &esme{t: t, conn: conn, frames: smpp.NewFrameReader(conn, 0)}
}

// bind binds and wants ESME_ROK.
func bind(t testing.TB, addr string, id smpp.CommandID) *esme {
	t.Helper()
	e := dial(t, addr)
	if h := e.bind(id, "aduan", "secret"); h.Status != smpp.StatusROK {
		t.Fatalf("bind: %v", h.Status)
	}
	return e
}

func (e *esme) bind(id smpp.CommandID, systemID, password string) smpp.Header {
	e.t.Helper()
	e.seq++
	pdu, err := smpp.AppendBind(nil, e.seq, &smpp.Bind{ID: id, SystemID: systemID, Password: password})
	if err != nil {
		e.t.Fatal(err)
	}
	e.write(pdu)
	h, _ := e.next()
	if h.ID != id.Response() || h.Seq != e.seq {
		e.t.Fatalf("answered by %v %d, want %v %d", h.ID, h.Seq, id.Response(), e.seq)
	}
	return h
}

func (e *esme) write(b []byte) {
	e.t.Helper()
	if _, err := e.conn.Write(b); err != nil {
		e.t.Fatal(err)
	}
}

// next reads one PDU.
func (e *esme) next() (smpp.Header, []byte) {
	e.t.Helper()
	_ = e.conn.SetReadDeadline(time.Now().Add(patience))
	frame, err := e.frames.Next()
	if err != nil {
		e.t.Fatalf("no PDU: %v", err)
	}
	return smpp.ParseHeader(frame), frame
}

// silent wants no PDU for a moment.
func (e *esme) silent(d time.Duration) {
	e.t.Helper()
	_ = e.conn.SetReadDeadline(time.Now().Add(d))
	frame, err := e.frames.Next()
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		e.t.Fatalf("got %v, %v; want silence", smpp.ParseHeader(frame), err)
	}
}

// gone wants the connection closed.
func (e *esme) gone() {
	e.t.Helper()
	_ = e.conn.SetReadDeadline(time.Now().Add(patience))
	if frame, err := e.frames.Next(); err == nil {
		e.t.Fatalf("got %v, want the end", smpp.ParseHeader(frame).ID)
	}
}

// delivery wants a deliver_sm.
func (e *esme) delivery() (uint32, *smpp.Message) {
	e.t.Helper()
	h, frame := e.next()
	if h.ID != smpp.CmdDeliverSM {
		e.t.Fatalf("got %v, want deliver_sm", h.ID)
	}
	m, err := smpp.DecodeMessage(frame)
	if err != nil {
		e.t.Fatal(err)
	}
	return h.Seq, m
}

func (e *esme) respond(seq uint32, status smpp.Status) {
	e.t.Helper()
	b, err := smpp.AppendResp(nil, smpp.CmdDeliverSMResp, status, seq, "")
	if err != nil {
		e.t.Fatal(err)
	}
	e.write(b)
}

// take wants a deliver_sm with a text and answers ESME_ROK.
func (e *esme) take(text string) {
	e.t.Helper()
	seq, m := e.delivery()
	if string(m.ShortMessage) != text {
		e.t.Fatalf("delivered %q, want %q", m.ShortMessage, text)
	}
	e.respond(seq, smpp.StatusROK)
}

func (e *esme) send(m *smpp.Message) uint32 {
	e.t.Helper()
	e.seq++
	b, err := smpp.AppendMessage(nil, smpp.CmdSubmitSM, e.seq, m)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write(b)
	return e.seq
}

// submit wants an answer as the next PDU.
func (e *esme) submit(m *smpp.Message) (smpp.Status, string) {
	e.t.Helper()
	seq := e.send(m)
	h, frame := e.next()
	if h.ID != smpp.CmdSubmitSMResp || h.Seq != seq {
		e.t.Fatalf("got %v %d, want submit_sm_resp %d", h.ID, h.Seq, seq)
	}
	if h.Status != smpp.StatusROK {
		return h.Status, ""
	}
	id, err := smpp.DecodeSubmitResp(frame)
	if err != nil {
		e.t.Fatal(err)
	}
	return h.Status, id
}

// request sends a PDU without a body and reads the answer.
func (e *esme) request(id smpp.CommandID) smpp.Header {
	e.t.Helper()
	e.seq++
	e.write(smpp.AppendHeader(nil, id, 0, e.seq))
	h, _ := e.next()
	if h.Seq != e.seq {
		e.t.Fatalf("answered with sequence number %d, want %d", h.Seq, e.seq)
	}
	return h
}

func sms(to, text string) *smpp.Message {
	return &smpp.Message{
		Source:       smpp.Address{NPI: 1, Addr: "1708"},
		Destination:  smpp.Address{TON: 1, NPI: 1, Addr: to},
		ShortMessage: []byte(text), RegisteredDelivery: 1,
	}
}

// eventually polls until something holds.
func eventually(t testing.TB, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came to be")
		}
	}
}
