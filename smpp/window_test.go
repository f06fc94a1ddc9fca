package smpp_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
)

func TestResponsesAreMatchedInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		var slots []*smpp.Slot
		var results []<-chan result
		bySeq := map[uint32]string{}
		var seqs []uint32
		for i := range 10 {
			slot := r.slot()
			slots = append(slots, slot)
			results = append(results, r.submit(slot, fmt.Sprint(i)))
			h, frame := p.expect(smpp.CmdSubmitSM)
			m, err := smpp.DecodeMessage(frame)
			if err != nil {
				t.Fatal(err)
			}
			bySeq[h.Seq] = "id" + string(m.ShortMessage)
			seqs = append(seqs, h.Seq)
		}
		if _, ok := r.link.TryAcquire(); ok {
			t.Error("an eleventh place in a window of 10")
		}
		for i := len(seqs) - 1; i >= 0; i-- {
			status := smpp.StatusROK
			if i == 3 {
				status = smpp.StatusRTHROTTLED
			}
			p.submitResp(status, seqs[i], bySeq[seqs[i]])
		}
		for i, c := range results {
			res := <-c
			want := smpp.SubmitResult{MessageID: fmt.Sprintf("id%d", i)}
			if i == 3 {
				want = smpp.SubmitResult{Status: smpp.StatusRTHROTTLED}
			}
			if res.err != nil || res.SubmitResult != want {
				t.Errorf("%d: %+v", i, res)
			}
			slots[i].Release()
			slots[i].Release()
		}
		if used := r.link.Status().WindowUsed; used != 0 {
			t.Errorf("%d places still taken", used)
		}
		r.finish(p)
	})
}

// TestS14: sequence numbers reused, unknown, of the wrong type, late.
func TestS14StrayResponsesEndNoOtherSMS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.ResponseTimeout = 5 * time.Second })
		p := r.ex.accept().bound()
		slot, other := r.slot(), r.slot()
		first := r.submit(slot, "first")
		h1, _ := p.expect(smpp.CmdSubmitSM)
		p.header(smpp.CmdEnquireLinkResp, 0, h1.Seq) // the wrong type
		p.header(smpp.CmdDeliverSMResp, 0, h1.Seq)
		p.submitResp(0, h1.Seq+100, "unknown")
		p.submitResp(0, h1.Seq, "one")
		p.submitResp(0, h1.Seq, "twice")
		if res := <-first; res.MessageID != "one" {
			t.Errorf("first: %+v", res)
		}
		second := r.submit(slot, "second")
		h2, _ := p.expect(smpp.CmdSubmitSM)
		third := r.submit(other, "third")
		h3, _ := p.expect(smpp.CmdSubmitSM)
		time.Sleep(5 * time.Second) // both expire
		if res := <-second; !errors.Is(res.err, smpp.ErrNoResponse) || errors.Is(res.err, smpp.ErrNotWritten) {
			t.Errorf("second: %+v", res)
		}
		<-third
		fourth := r.submit(slot, "fourth")
		h4, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, h2.Seq, "late")
		p.submitResp(0, h3.Seq, "late too")
		p.header(smpp.CmdGenericNack, smpp.StatusRINVCMDID, h4.Seq) // ends the request whose number it bears
		if res := <-fourth; res.err != nil || res.Status != smpp.StatusRINVCMDID {
			t.Errorf("fourth: %+v", res)
		}
		slot.Release()
		other.Release()
		r.finish(p)
	})
}

func TestAcceptedWithoutAMessageID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		slot := r.slot()
		for _, body := range []string{"", "00", "6964"} { // none, empty, without its NUL
			done := r.submit(slot, "x")
			h, _ := p.expect(smpp.CmdSubmitSM)
			p.send(pdu(smpp.CmdSubmitSMResp, 0, h.Seq, annotated(t, body)))
			if res := <-done; res.err != nil || res.Status != smpp.StatusROK || res.MessageID != "" {
				t.Errorf("body %q: %+v", body, res)
			}
		}
		slot.Release()
		r.finish(p)
	})
}

func TestAPlaceIsTakenUntilReleasedEvenAcrossRebinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Window, o.EnquireLink = 2, time.Hour })
		p := r.ex.accept().bound()
		a, b := r.slot(), r.slot()
		done := r.submit(a, "answered, not stored")
		h, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, h.Seq, "1")
		<-done
		_ = p.conn.Close()
		p = r.ex.accept().bound()
		r.waitState(smpp.LinkBound)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.link.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third place in a window of 2: %v", err)
		}
		got := make(chan *smpp.Slot)
		go func() { got <- r.slot() }()
		synctest.Wait()
		a.Release()
		c := <-got
		if c.SessionID() != "B" {
			t.Errorf("on session %s", c.SessionID())
		}
		if _, err := a.Submit(t.Context(), sms("x")); !errors.Is(err, smpp.ErrNotWritten) {
			t.Errorf("on a released slot: %v", err)
		}
		if _, err := b.Submit(t.Context(), sms("x")); !errors.Is(err, smpp.ErrNotWritten) || !errors.Is(err, smpp.ErrSessionClosed) {
			t.Errorf("on the session that ended: %v", err)
		}
		b.Release()
		c.Release()
		r.finish(p)
	})
}

func TestWhoWaitsLongestIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Window = 1 })
		order := make(chan int, 3)
		gaveUp, cancel := context.WithCancel(t.Context())
		for i := range 3 {
			ctx := t.Context()
			if i == 1 {
				ctx = gaveUp
			}
			go func() {
				slot, err := r.link.Acquire(ctx)
				if err != nil {
					return
				}
				order <- i
				slot.Release()
			}()
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		p := r.ex.accept().bound()
		if a, b := <-order, <-order; a != 0 || b != 2 {
			t.Errorf("order %d, %d", a, b)
		}
		r.finish(p)
	})
}

type gate struct{ shut atomic.Bool }

func (g *gate) MaySend() bool { return !g.shut.Load() }

func TestAShutGateWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{}
		r := rigged(t, func(o *smpp.LinkOptions) { o.Gate = g })
		p := r.ex.accept().bound()
		slot := r.slot()
		g.shut.Store(true)
		if _, err := slot.Submit(t.Context(), sms("x")); !errors.Is(err, smpp.ErrNotWritten) {
			t.Errorf("%v", err)
		}
		p.stillServed() // nothing came before
		g.shut.Store(false)
		done := r.submit(slot, "x")
		h, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, h.Seq, "1")
		if res := <-done; res.err != nil {
			t.Error(res.err)
		}
		slot.Release()
		r.finish(p)
	})
}

type gateFunc func() bool

func (f gateFunc) MaySend() bool { return f() }

// A gate that shuts while the owner gathers takes back all that is not written,
// and lets the answers out.
func TestAGateThatShutsBeforeTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := rigged(t, func(o *smpp.LinkOptions) { o.Gate = gateFunc(func() bool { asked++; return asked == 1 }) })
		p := r.ex.accept().bound()
		slot := r.slot()
		if _, err := slot.Submit(t.Context(), sms("x")); !errors.Is(err, smpp.ErrNotWritten) {
			t.Errorf("%v", err)
		}
		p.stillServed()
		if n := r.link.Status().Sessions[0].Outstanding; n != 0 {
			t.Errorf("%d outstanding", n)
		}
		slot.Release()
		r.finish(p)
	})
}

func TestASubmitThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		slot := r.slot()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := slot.Submit(ctx, sms("written"))
		if !errors.Is(err, smpp.ErrNoResponse) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("written: %v", err)
		}
		if _, err := slot.Submit(ctx, sms("not written")); !errors.Is(err, smpp.ErrNotWritten) {
			t.Errorf("ctx over before: %v", err)
		}
		if _, err := slot.Submit(t.Context(), &smpp.Message{ShortMessage: make([]byte, 255)}); err == nil {
			t.Error("255 octets were taken")
		}
		h, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, h.Seq, "nobody waits")
		p.stillServed()
		slot.Release()
		r.finish(p)
	})
}

func TestTheLinksOwnAddressTypesFillEmptyOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) {
			o.ServiceType, o.Source, o.Destination = "CMT", smpp.Address{TON: 3}, smpp.Address{TON: 1, NPI: 1}
		})
		p := r.ex.accept().bound()
		slot := r.slot()
		m := &smpp.Message{Source: smpp.Address{Addr: "1708"}, Destination: smpp.Address{TON: 2, NPI: 8, Addr: "0811"}}
		go func() { _, _ = slot.Submit(context.Background(), m); slot.Release() }()
		h, frame := p.expect(smpp.CmdSubmitSM)
		got, err := smpp.DecodeMessage(frame)
		if err != nil || got.ServiceType != "CMT" || got.Source.TON != 3 || got.Destination != m.Destination {
			t.Errorf("%+v, %v", got, err)
		}
		if m.ServiceType != "" {
			t.Error("the caller's message was changed")
		}
		p.submitResp(0, h.Seq, "1")
		r.finish(p)
	})
}
