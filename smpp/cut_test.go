package smpp_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
)

// TestS1 cuts the stream from the SMSC after each octet: half a PDU is nothing.
func TestS1CutAtEveryOctetInwards(t *testing.T) {
	stream := append(deliverSM(1, "one"), deliverSM(2, "two")...)
	first := len(deliverSM(1, "one"))
	for n := range len(stream) + 1 {
		synctest.Test(t, func(t *testing.T) {
			r := rigged(t, nil)
			p := r.ex.accept().bound()
			out := p.conn.(*memConn).out
			out.mu.Lock()
			out.buf = append(out.buf, stream[:n]...)
			out.cut = errors.New("connection reset by peer")
			out.mu.Unlock()
			poke(out.readable)
			<-r.closed
			if want := n / first; len(r.deliveries) != want && n < len(stream) || n == len(stream) && len(r.deliveries) != 2 {
				t.Errorf("cut after %d: %d handed on", n, len(r.deliveries))
			}
			_ = p.conn.Close()
			p = r.ex.accept().bound()
			p.stillServed()
			r.finish(p)
		})
	}
}

// Outwards: the connection ends after each octet of our submit_sm. Its outcome is
// unknown, and the next session carries on.
func TestS1CutAtEveryOctetOutwards(t *testing.T) {
	whole := len(must(smpp.AppendMessage(nil, smpp.CmdSubmitSM, 1, sms("x"))))
	for n := range whole {
		synctest.Test(t, func(t *testing.T) {
			r := rigged(t, func(o *smpp.LinkOptions) { o.EnquireLink = time.Hour })
			p := r.ex.accept().bound()
			r.waitState(smpp.LinkBound)
			in := p.conn.(*memConn).in
			in.mu.Lock()
			in.limit = max(n, 1)
			in.mu.Unlock()
			slot := r.slot()
			done := r.submit(slot, "x")
			synctest.Wait()
			_ = p.conn.Close()
			if res := <-done; !errors.Is(res.err, smpp.ErrNoResponse) {
				t.Errorf("cut after %d: %+v", n, res)
			}
			slot.Release()
			r.finish(r.ex.accept().bound())
		})
	}
}
