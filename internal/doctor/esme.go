package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"aduan/smpp"
	"aduan/smpp/receipt"
)

// esme is a client of one or two connections that does one thing after another. One goroutine a connection reads;
// whoever waits for something handles what else comes.
type esme struct {
	timeout time.Duration
	now     func() time.Time
	in      chan inbound
	done    chan struct{} // closed: nobody takes what was read any more
	conns   []*conn
	reading sync.WaitGroup

	receipts []arrived // of whom is not known yet: not answered
	put      int       // messages of others, answered ESME_RX_T_APPN
}

// conn is one connection of it.
type conn struct {
	net.Conn
	seq uint32
}

// inbound is a PDU, or the end of a connection.
type inbound struct {
	c     *conn
	frame []byte
	at    time.Time
	err   error
}

// arrived is a receipt that may be of our SMS.
type arrived struct {
	c       *conn
	h       smpp.Header
	m       *smpp.Message
	receipt receipt.Receipt
	at      time.Time
}

var (
	errSilent  = errors.New("no answer")
	errLeft    = errors.New("the SMSC closed the connection")
	errUnbound = errors.New("the SMSC unbound us")
)

func newESME(timeout time.Duration, now func() time.Time) *esme {
	return &esme{timeout: timeout, now: now, in: make(chan inbound, 64), done: make(chan struct{})}
}

// add takes a connection over.
func (e *esme) add(raw net.Conn) *conn {
	c := &conn{Conn: raw}
	e.conns = append(e.conns, c)
	e.reading.Go(func() { // ends with the connection, which close closes
		frames := smpp.NewFrameReader(raw, 0)
		for {
			frame, err := frames.Next()
			select {
			case e.in <- inbound{c: c, frame: frame, at: e.now(), err: err}:
			case <-e.done:
				return
			}
			if err != nil {
				return
			}
		}
	})
	return c
}

func (e *esme) close() {
	close(e.done)
	for _, c := range e.conns {
		_ = c.Close()
	}
	e.reading.Wait()
}

func (e *esme) write(c *conn, frame []byte) error {
	_ = c.SetWriteDeadline(time.Now().Add(e.timeout))
	_, err := c.Write(frame)
	return err
}

// request writes what build makes and waits for its response.
func (e *esme) request(ctx context.Context, c *conn, build func(seq uint32) ([]byte, error)) (smpp.Header, []byte, error) {
	c.seq++
	seq := c.seq
	frame, err := build(seq)
	if err != nil {
		return smpp.Header{}, nil, err
	}
	if err := e.write(c, frame); err != nil {
		return smpp.Header{}, nil, err
	}
	var h smpp.Header
	var resp []byte
	err = e.await(ctx, e.timeout, func(in inbound) bool {
		h = smpp.ParseHeader(in.frame)
		if in.c != c || h.ID < 0x80000000 || h.Seq != seq {
			return false
		}
		resp = in.frame
		return true
	}, func() bool { return false })
	return h, resp, err
}

// await hands on what comes until take takes it; the rest is handled, until enough says so. errSilent after the timeout.
func (e *esme) await(ctx context.Context, timeout time.Duration, take func(inbound) bool, enough func() bool) error {
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	for {
		select {
		case in := <-e.in:
			if in.err != nil {
				return leftBy(in.err)
			}
			if take(in) {
				return nil
			}
			if err := e.handle(in); err != nil {
				return err
			}
			if enough() {
				return nil
			}
		case <-limit.C:
			return errSilent
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func leftBy(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrClosed) {
		return errLeft
	}
	return errors.Join(errLeft, err)
}

// handle answers what the SMSC asks. Messages are not ours to take: the SMSC keeps them for the daemon.
func (e *esme) handle(in inbound) error {
	h := smpp.ParseHeader(in.frame)
	switch h.ID {
	case smpp.CmdEnquireLink:
		return e.write(in.c, smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, smpp.StatusROK, h.Seq))
	case smpp.CmdUnbind:
		_ = e.write(in.c, smpp.AppendHeader(nil, smpp.CmdUnbindResp, smpp.StatusROK, h.Seq))
		return errUnbound
	case smpp.CmdDeliverSM, smpp.CmdDataSM:
		m, err := smpp.DecodeMessage(in.frame)
		if err == nil {
			if r, ok := receipt.Parse(m); ok {
				e.receipts = append(e.receipts, arrived{c: in.c, h: h, m: m, receipt: r, at: in.at})
				return nil // answered when it is known whose it is
			}
		}
		e.put++
		return e.answer(in.c, h, smpp.StatusRXTAPPN)
	}
	return nil // late responses, alert_notification, outbind: nothing to answer
}

// answer writes the response of a deliver_sm or data_sm.
func (e *esme) answer(c *conn, h smpp.Header, status smpp.Status) error {
	frame, err := smpp.AppendResp(nil, h.ID|0x80000000, status, h.Seq, "")
	if err != nil {
		return err
	}
	return e.write(c, frame)
}

// leave gives back what is not ours, and unbinds.
func (e *esme) leave(ctx context.Context) {
	for _, r := range e.receipts {
		e.put++
		_ = e.answer(r.c, r.h, smpp.StatusRXTAPPN)
	}
	e.receipts = nil
	for _, c := range e.conns {
		_, _, _ = e.request(ctx, c, func(seq uint32) ([]byte, error) {
			return smpp.AppendHeader(nil, smpp.CmdUnbind, smpp.StatusROK, seq), nil
		})
	}
}
