package smpp_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
)

func TestSilenceIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		began := time.Now()
		for range 3 {
			h, _ := p.expect(smpp.CmdEnquireLink)
			p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
		}
		if d := time.Since(began); d != 90*time.Second {
			t.Errorf("three times in %v", d)
		}
		time.Sleep(20 * time.Second)
		p.stillServed() // what they say counts as a sign of life
		began = time.Now()
		h, _ := p.expect(smpp.CmdEnquireLink)
		if d := time.Since(began); d != 30*time.Second {
			t.Errorf("after %v", d)
		}
		p.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
		r.finish(p)
	})
}

func TestS2HalfOpenIsClosedAndItsSubmitsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.EnquireLink = 5 * time.Second })
		p := r.ex.accept().bound()
		began := time.Now()
		slot := r.slot()
		time.Sleep(4 * time.Second)
		done := r.submit(slot, "swallowed")
		p.expect(smpp.CmdSubmitSM)
		p.expect(smpp.CmdEnquireLink)
		id := <-r.closed
		if d := time.Since(began); d > 15*time.Second || id != "A" {
			t.Errorf("%s closed after %v", id, d)
		}
		if res := <-done; !errors.Is(res.err, smpp.ErrNoResponse) {
			t.Errorf("%+v", res)
		}
		slot.Release()
		p.expectEnd()
		if s := r.link.Status(); !strings.Contains(s.Reason, "enquire_link") {
			t.Errorf("reason %q", s.Reason)
		}
		r.finish(r.ex.accept().bound())
	})
}

func TestS7ASlowReaderIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.EnquireLink = time.Hour })
		conn := <-r.ex.conns
		p := newPeer(t, conn).bound()
		r.waitState(smpp.LinkBound)
		in := conn.(*memConn).in
		in.mu.Lock()
		in.limit = 20 // from now on, and nobody reads
		in.mu.Unlock()
		began := time.Now()
		slot := r.slot()
		res := <-r.submit(slot, "does not fit")
		if d := time.Since(began); !errors.Is(res.err, smpp.ErrNoResponse) || d != 10*time.Second {
			t.Errorf("%+v after %v", res, d)
		}
		slot.Release()
		_ = p.conn.Close()
		r.finish(r.ex.accept().bound())
	})
}

func TestS15TheSMSCUnbindsWhileTheWindowIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Window = 2 })
		p := r.ex.accept().bound()
		p.deliver(1, "in hand")
		d := <-r.deliveries
		a, b := r.slot(), r.slot()
		first, second := r.submit(a, "answered"), r.submit(b, "not answered")
		h, _ := p.expect(smpp.CmdSubmitSM)
		p.expect(smpp.CmdSubmitSM)
		p.header(smpp.CmdUnbind, 0, 77)
		p.deliver(2, "too late")
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusRXTAPPN {
			t.Errorf("a delivery after their unbind: %v", h.Status)
		}
		d.Respond(smpp.StatusROK)
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusROK {
			t.Errorf("%v", h.Status)
		}
		p.submitResp(0, h.Seq, "1")
		if h, _ := p.expect(smpp.CmdUnbindResp); h.Seq != 77 { // after the grace
			t.Errorf("unbind_resp %d", h.Seq)
		}
		p.expectEnd()
		answered, lost := <-first, <-second
		if answered.err != nil {
			answered, lost = lost, answered
		}
		if answered.err != nil || !errors.Is(lost.err, smpp.ErrNoResponse) {
			t.Errorf("%+v %+v", answered, lost)
		}
		a.Release()
		b.Release()
		r.finish(r.ex.accept().bound())
	})
}

func TestS15FINWhileTheWindowIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Window = 1 })
		p := r.ex.accept().bound()
		slot := r.slot()
		done := r.submit(slot, "x")
		p.expect(smpp.CmdSubmitSM)
		_ = p.conn.Close()
		if res := <-done; !errors.Is(res.err, smpp.ErrNoResponse) || !errors.Is(res.err, smpp.ErrSessionClosed) {
			t.Errorf("%+v", res)
		}
		slot.Release()
		p = r.ex.accept().bound()
		again := r.submit(r.slot(), "x") // the place is free on the next session
		h, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, h.Seq, "1")
		if res := <-again; res.err != nil {
			t.Error(res.err)
		}
		r.finish(p)
	})
}

func TestS16RefusedBindsAreToldByNameAndTriedSlower(t *testing.T) {
	rows := []struct {
		status smpp.Status
		reason string
		pauses []time.Duration // with a chance of 0.5
	}{
		{smpp.StatusRINVPASWD, "ESME_RINVPASWD: the operator refuses the password", seconds(45, 45, 45)},
		{smpp.StatusRINVSYSID, "ESME_RINVSYSID: the operator does not know the system_id", seconds(45, 45, 45)},
		{smpp.StatusRALYBND, "ESME_RALYBND: the operator still holds", seconds(1.5, 2.5, 4.5, 8.5, 16.5, 30.5, 30.5)},
		{smpp.StatusRSYSERR, "ESME_RSYSERR: ", seconds(1.5, 2.5, 4.5)},
		{smpp.StatusRBINDFAIL, "ESME_RBINDFAIL: ", seconds(1.5, 2.5, 4.5)},
		{smpp.StatusRTHROTTLED, "ESME_RTHROTTLED: ", seconds(1.5, 2.5, 4.5)},
		{0x412, "0x00000412: an error of the operator's own", seconds(1.5, 2.5)},
	}
	for _, row := range rows {
		t.Run(row.status.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rigged(t, nil)
				last := time.Time{}
				for i := 0; i <= len(row.pauses); i++ {
					p := r.ex.accept()
					dialled := <-r.ex.dials
					if i > 0 && dialled.Sub(last) != row.pauses[i-1] {
						t.Errorf("pause %d: %v, want %v", i, dialled.Sub(last), row.pauses[i-1])
					}
					h, _ := p.expect(smpp.CmdBindTransceiver)
					p.header(smpp.CmdBindTransceiverResp, row.status, h.Seq)
					p.expectEnd()
					r.waitState(smpp.LinkRefused)
					if got := r.link.Status().Reason; !strings.HasPrefix(got, row.reason) {
						t.Errorf("reason %q", got)
					}
					last = time.Now()
				}
				if r.link.Bound() {
					t.Error("bound")
				}
				p := r.ex.accept().bound()
				r.waitState(smpp.LinkBound)
				if got := r.link.Status().Reason; got != "" {
					t.Errorf("bound, and still %q", got)
				}
				r.finish(p)
			})
		})
	}
}

func seconds(ss ...float64) []time.Duration {
	ds := make([]time.Duration, len(ss))
	for i, s := range ss {
		ds[i] = time.Duration(s * float64(time.Second))
	}
	return ds
}

func TestABindWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept()
		p.expect(smpp.CmdBindTransceiver)
		began := time.Now()
		p.expectEnd()
		if d := time.Since(began); d != 10*time.Second {
			t.Errorf("left after %v", d)
		}
		r.waitState(smpp.LinkWaiting)
		if got := r.link.Status().Reason; !strings.Contains(got, "no answer to our bind within 10s") {
			t.Errorf("reason %q", got)
		}
		r.finish(r.ex.accept().bound())
	})
}

func TestABindThatLastedBeginsThePausesAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.EnquireLink = time.Hour })
		pause := func(lasts time.Duration) time.Duration {
			p := r.ex.accept().bound()
			time.Sleep(lasts)
			for len(r.ex.dials) > 0 {
				<-r.ex.dials
			}
			_ = p.conn.Close()
			began := time.Now()
			return (<-r.ex.dials).Sub(began)
		}
		want := seconds(1.5, 2.5, 4.5, 1.5, 2.5)
		for i, lasts := range seconds(1, 1, 9.9, 10, 1) {
			if got := pause(lasts); got != want[i] {
				t.Errorf("bind %d lasted %v, pause %v, want %v", i, lasts, got, want[i])
			}
		}
		r.finish(r.ex.accept().bound())
	})
}

func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		link, err := smpp.NewLink(smpp.LinkOptions{
			Name: "main", Address: "a:1", Handler: newRecorder(),
			Dial: func(context.Context, string, string) (net.Conn, error) {
				dials++
				return nil, errors.New("connection refused")
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		waiting := make(chan error, 1)
		go func() {
			_, err := link.Acquire(context.Background())
			waiting <- err
		}()
		if err := link.Run(ctx); err != nil {
			t.Error(err)
		}
		if dials < 60 || dials > 3600 {
			t.Errorf("%d attempts in an hour", dials)
		}
		if err := <-waiting; !errors.Is(err, smpp.ErrNotBound) {
			t.Errorf("who waited got %v", err)
		}
		if _, err := link.Acquire(t.Context()); !errors.Is(err, smpp.ErrNotBound) {
			t.Errorf("who came later got %v", err)
		}
		if _, ok := link.TryAcquire(); ok {
			t.Error("a place on a closed link")
		}
		if s := link.Status(); s.State != smpp.LinkClosed {
			t.Errorf("state %v", s.State)
		}
		h := link.History()
		if len(h) != 20 || h[19].State != smpp.LinkClosed || !slices.ContainsFunc(h, func(c smpp.LinkChange) bool {
			return c.State == smpp.LinkWaiting && strings.Contains(c.Reason, "cannot connect") && !c.At.IsZero()
		}) {
			t.Errorf("its history is %+v", h)
		}
	})
}

func TestDrainFinishesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		p.deliver(1, "in hand")
		d := <-r.deliveries
		slot := r.slot()
		done := r.submit(slot, "segment 1")
		h, _ := p.expect(smpp.CmdSubmitSM)
		r.stop()
		synctest.Wait()
		p.deliver(2, "new")
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusRXTAPPN || h.Seq != 2 {
			t.Errorf("new: %+v", h)
		}
		p.submitResp(0, h.Seq, "1")
		<-done
		done = r.submit(slot, "segment 2") // whoever holds a place may go on
		h, _ = p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, h.Seq, "2")
		if res := <-done; res.err != nil {
			t.Error(res.err)
		}
		time.Sleep(time.Second)
		d.Respond(smpp.StatusROK)
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusROK {
			t.Errorf("in hand: %v", h.Status)
		}
		p.stillServed()
		slot.Release() // the last of it
		h, _ = p.expect(smpp.CmdUnbind)
		p.header(smpp.CmdUnbindResp, 0, h.Seq)
		p.expectEnd()
		if err := <-r.done; err != nil {
			t.Error(err)
		}
	})
}

func TestDrainEndsInTimeWhateverThePeerDoes(t *testing.T) {
	rows := []struct {
		name string
		do   func(r *rig, p *peer)
	}{
		{"answers nothing", func(*rig, *peer) {}},
		{"a delivery is never answered", func(r *rig, p *peer) { p.deliver(1, "x"); <-r.deliveries }},
		{"a place is never released", func(r *rig, _ *peer) { r.slot() }},
		{"reads nothing any more", func(r *rig, p *peer) {
			r.waitState(smpp.LinkBound)
			in := p.conn.(*memConn).in
			in.mu.Lock()
			in.limit = 1
			in.mu.Unlock()
			r.submit(r.slot(), "hangs in the write")
			synctest.Wait()
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rigged(t, func(o *smpp.LinkOptions) { o.ShutdownTimeout = 4 * time.Second; o.EnquireLink = time.Hour })
				p := r.ex.accept().bound()
				row.do(r, p)
				r.stop()
				began := time.Now()
				if err := <-r.done; err != nil {
					t.Error(err)
				}
				if d := time.Since(began); d > 4*time.Second {
					t.Errorf("took %v", d)
				}
				_ = p.conn.Close()
			})
		})
	}
}

func TestDropHandsNothingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		r.onDeliver = func(d *smpp.Delivery) {
			if string(d.Message.ShortMessage) == "first" {
				r.link.Drop("this process stood still")
				d.Respond(smpp.StatusROK)
			}
		}
		p.send(append(deliverSM(1, "first"), deliverSM(2, "second")...)) // come in one read
		<-r.closed
		if d := <-r.deliveries; string(d.Message.ShortMessage) != "first" || d.Carrier.Alive() {
			t.Error("not the first, or still alive")
		}
		if h, _, err := p.next(); err == nil {
			t.Errorf("%v was written after the drop", h.ID)
		}
		if len(r.deliveries) != 0 {
			t.Error("the second was handed on")
		}
		p = r.ex.accept().bound()
		p.stillServed()
		r.finish(p)
	})
}

func TestPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Bind = smpp.BindPair })
		prompt(r)
		peers := map[smpp.CommandID]*peer{}
		accept := func() {
			p := r.ex.accept()
			h, _, err := p.next()
			if err != nil {
				t.Fatal(err)
			}
			p.send(must(smpp.AppendBindResp(nil, h.ID.Response(), 0, h.Seq, "S")))
			peers[h.ID] = p
		}
		accept()
		synctest.Wait()
		if r.link.Bound() {
			t.Error("bound with one of two")
		}
		accept()
		r.waitState(smpp.LinkBound)
		tx, rx := peers[smpp.CmdBindTransmitter], peers[smpp.CmdBindReceiver]
		rx.deliver(1, "in")
		rx.expect(smpp.CmdDeliverSMResp)
		h, _ := rx.expect(smpp.CmdEnquireLink) // no submit_sm goes this way: it must prove by itself
		rx.header(smpp.CmdEnquireLinkResp, 0, h.Seq)
		slot := r.slot()
		done := r.submit(slot, "out")
		h, _ = tx.expect(smpp.CmdSubmitSM)
		tx.submitResp(0, h.Seq, "1")
		if res := <-done; res.err != nil {
			t.Error(res.err)
		}
		slot.Release()
		_ = rx.conn.Close() // the transmitter lives on meanwhile
		<-r.closed
		tx.stillServed()
		accept()
		r.waitState(smpp.LinkBound)
		r.finish(tx, peers[smpp.CmdBindReceiver])
	})
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	ok := smpp.LinkOptions{Name: "main", Address: "h:1", Handler: newRecorder()}
	rows := []struct {
		name   string
		change func(*smpp.LinkOptions)
		want   string
	}{
		{"no handler", func(o *smpp.LinkOptions) { o.Handler = nil }, "Handler"},
		{"no port", func(o *smpp.LinkOptions) { o.Address = "smsc" }, "host:port"},
		{"a password of 65 octets", func(o *smpp.LinkOptions) { o.Password = strings.Repeat("1", 65) }, "password: 65 octets; at most 64 fit"},
		{"a system_id of 16 octets", func(o *smpp.LinkOptions) { o.SystemID = "1234567890123456" }, "system_id: 16 octets; at most 15 fit"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o := ok
			row.change(&o)
			_, err := smpp.NewLink(o)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v", err)
			}
			if err != nil && o.Password != "" && strings.Contains(err.Error(), o.Password) {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}
