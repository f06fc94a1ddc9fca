package smpp_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
)

// prompt answers each delivery as it comes.
func prompt(r *rig) { r.onDeliver = func(d *smpp.Delivery) { d.Respond(smpp.StatusROK) } }

func TestAnEnquireLinkProvesAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		prompt(r)
		p := r.ex.accept().bound()
		p.deliver(1, "one")
		p.expect(smpp.CmdDeliverSMResp)
		began := time.Now()
		h, _ := p.expect(smpp.CmdEnquireLink)
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("enquire_link after %v", waited)
		}
		synctest.Wait()
		if got := r.provenTexts(); got != "" {
			t.Errorf("proven before the answer: %q", got)
		}
		p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
		synctest.Wait()
		if got := r.provenTexts(); got != "one" {
			t.Errorf("proven: %q", got)
		}
		time.Sleep(20 * time.Second)
		p.stillServed() // no second enquire_link came: nothing is left to prove
		r.finish(p)
	})
}

func TestASubmitWrittenAfterTheROKProvesItBeforeItsWaiterGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		prompt(r)
		r.onProven = func([]*smpp.Delivery) { time.Sleep(time.Millisecond) } // a waiter that could go on would be first
		p := r.ex.accept().bound()
		slot := r.slot()
		earlier := r.submit(slot, "before the ROK")
		e, _ := p.expect(smpp.CmdSubmitSM)
		p.deliver(1, "one")
		p.expect(smpp.CmdDeliverSMResp)
		second := r.slot()
		later := r.submit(second, "after the ROK")
		l, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, e.Seq, "1")
		<-earlier
		if got := r.provenTexts(); got != "" {
			t.Errorf("proven by what was written before it: %q", got)
		}
		p.submitResp(0, l.Seq, "2")
		<-later
		if got := r.provenTexts(); got != "one" { // no Wait: it must be so already
			t.Errorf("proven: %q", got)
		}
		slot.Release()
		second.Release()
		time.Sleep(20 * time.Second)
		p.stillServed() // without any enquire_link
		r.finish(p)
	})
}

func TestALateOrTemporaryAnswerIsNeverProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		for i, text := range []string{"late", "refused", "in time"} {
			p.deliver(uint32(i+1), text)
		}
		late, refused, inTime := <-r.deliveries, <-r.deliveries, <-r.deliveries
		refused.Respond(smpp.StatusRXTAPPN)
		p.expect(smpp.CmdDeliverSMResp)
		time.Sleep(5 * time.Second)
		inTime.Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		time.Sleep(time.Millisecond)
		late.Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		h, _ := p.expect(smpp.CmdEnquireLink)
		p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
		synctest.Wait()
		if got := r.provenTexts(); got != "in time" {
			t.Errorf("proven: %q", got)
		}
		r.finish(p)
	})
}

// The link stalls: the SMSC reads the ROK after its own timer, and has queued the
// message again by then.
func TestAProofThatComesTooLateIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.ResponseTimeout = 30 * time.Second })
		prompt(r)
		p := r.ex.accept().bound()
		p.deliver(1, "stalled")
		time.Sleep(12 * time.Second)
		p.expect(smpp.CmdDeliverSMResp)
		h, _ := p.expect(smpp.CmdEnquireLink)
		p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
		p.stillServed()
		if got := r.provenTexts(); got != "" {
			t.Errorf("proven: %q", got)
		}
		r.finish(p)
	})
}

func TestProofsComeInTheOrderOfTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		for i, text := range []string{"a", "b", "c"} {
			p.deliver(uint32(i+1), text)
		}
		a, b, c := <-r.deliveries, <-r.deliveries, <-r.deliveries
		c.Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		a.Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		h, _ := p.expect(smpp.CmdEnquireLink)
		b.Respond(smpp.StatusROK) // after the enquire_link: not proven by it
		p.expect(smpp.CmdDeliverSMResp)
		p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
		synctest.Wait()
		if got := r.provenTexts(); got != "c a" {
			t.Errorf("proven: %q", got)
		}
		h, _ = p.expect(smpp.CmdEnquireLink)
		p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
		synctest.Wait()
		if got := r.provenTexts(); got != "c a b" {
			t.Errorf("proven: %q", got)
		}
		r.finish(p)
	})
}

func TestWhatEndsWithoutAProofIsNeverProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		prompt(r)
		p := r.ex.accept().bound()
		p.deliver(1, "cut")
		p.expect(smpp.CmdDeliverSMResp)
		p.expect(smpp.CmdEnquireLink)
		_ = p.conn.Close()
		<-r.closed
		p = r.ex.accept().bound()
		p.stillServed()
		if got := r.provenTexts(); got != "" {
			t.Errorf("proven: %q", got)
		}
		r.finish(p)
	})
}

func TestResponsesThatProveNothing(t *testing.T) {
	rows := []struct {
		name string
		send func(p *peer, seq uint32)
	}{
		{"a response to nothing", func(p *peer, seq uint32) { p.header(smpp.CmdEnquireLinkResp, 0, seq+1) }},
		{"of another command", func(p *peer, seq uint32) { p.header(smpp.CmdUnbindResp, 0, seq) }},
		{"a request of theirs", func(p *peer, seq uint32) { p.stillServed() }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rigged(t, nil)
				prompt(r)
				p := r.ex.accept().bound()
				p.deliver(1, "one")
				p.expect(smpp.CmdDeliverSMResp)
				h, _ := p.expect(smpp.CmdEnquireLink)
				row.send(p, h.Seq)
				synctest.Wait()
				if got := r.provenTexts(); got != "" {
					t.Errorf("proven: %q", got)
				}
				p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
				r.finish(p)
			})
		})
	}
}

func TestProbe(t *testing.T) {
	probing := func(d *smpp.Delivery) <-chan error {
		done := make(chan error, 1)
		go func() { done <- d.Carrier.Probe(context.Background()) }()
		return done
	}
	start := func(t *testing.T) (*rig, *peer, *smpp.Delivery) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		p.deliver(1, "hi")
		return r, p, <-r.deliveries
	}
	t.Run("asks at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, p, d := start(t)
			began := time.Now()
			done := probing(d)
			h, _ := p.expect(smpp.CmdEnquireLink)
			p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
			if err := <-done; err != nil || time.Since(began) != 0 {
				t.Errorf("%v after %v", err, time.Since(began))
			}
			d.Respond(smpp.StatusROK)
			r.finish(p)
		})
	})
	t.Run("an enquire_link already under way does not answer it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, p, d := start(t)
			first := probing(d)
			h1, _ := p.expect(smpp.CmdEnquireLink)
			second := probing(d)
			h2, _ := p.expect(smpp.CmdEnquireLink)
			p.header(smpp.CmdEnquireLinkResp, 0, h1.Seq)
			<-first
			synctest.Wait()
			select {
			case err := <-second:
				t.Errorf("answered by what was written before it: %v", err)
			default:
			}
			p.header(smpp.CmdEnquireLinkResp, 0, h2.Seq)
			if err := <-second; err != nil {
				t.Error(err)
			}
			d.Respond(smpp.StatusROK)
			r.finish(p)
		})
	})
	t.Run("the session ends first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, p, d := start(t)
			done := probing(d)
			p.expect(smpp.CmdEnquireLink)
			_ = p.conn.Close()
			if err := <-done; !errors.Is(err, smpp.ErrSessionClosed) {
				t.Errorf("%v", err)
			}
			r.finish(r.ex.accept().bound())
		})
	})
	t.Run("the caller gives up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, p, d := start(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := d.Carrier.Probe(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			h, _ := p.expect(smpp.CmdEnquireLink)
			p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
			p.stillServed()
			d.Respond(smpp.StatusROK)
			r.finish(p)
		})
	})
}

// While the consumer stands still, TCP holds back what came: its age is not hidden.
func TestWhatLayUnreadIsAsOldAsItCanBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		first := true
		r.onDeliver = func(*smpp.Delivery) {
			if first {
				time.Sleep(6 * time.Second)
			}
			first = false
		}
		p := r.ex.accept().bound()
		came := time.Now()
		for seq := range uint32(60) {
			p.send(must(smpp.AppendMessage(nil, smpp.CmdDataSM, seq+1, &smpp.Message{
				TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, 60000)}},
			})))
		}
		for i := range 60 {
			d := <-r.deliveries
			if d.Received.After(came) {
				t.Errorf("%d is dated %v late", i, d.Received.Sub(came))
			}
			d.Respond(smpp.StatusROK)
			p.expect(smpp.CmdDataSMResp)
		}
		time.Sleep(3 * time.Second)
		p.deliver(99, "fresh")
		if d := <-r.deliveries; time.Since(d.Received) != 0 {
			t.Errorf("a fresh one is dated %v ago", time.Since(d.Received))
		}
		p.stillServed()
		if got := r.provenTexts(); got != "" {
			t.Errorf("proven: %q", got)
		}
		r.stop()
		r.finish(p)
	})
}
