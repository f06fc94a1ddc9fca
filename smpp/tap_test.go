package smpp_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"aduan/smpp"
)

// overheard is what a tap saw, one PDU an entry: "> submit_sm" was written by us.
type overheard struct {
	mu   sync.Mutex
	seen []string
}

func (o *overheard) see(p smpp.Tapped) {
	o.mu.Lock()
	defer o.mu.Unlock()
	way := "< "
	if p.Out {
		way = "> "
	}
	frames := smpp.NewFrameReader(bytes.NewReader(p.Octets), 0)
	for {
		frame, err := frames.Next()
		if err != nil {
			return
		}
		o.seen = append(o.seen, way+smpp.ParseHeader(frame).ID.String())
	}
}

func (o *overheard) all() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.seen, " ")
}

func TestATapSeesWhatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		r.waitState(smpp.LinkBound)
		r.onDeliver = func(d *smpp.Delivery) { d.Respond(smpp.StatusROK) }

		p.send(deliverSM(1, "before")) // nobody listens
		p.expect(smpp.CmdDeliverSMResp)

		var first, second overheard
		stopFirst := r.link.Tap(first.see)
		stopSecond := r.link.Tap(second.see)
		p.send(append(deliverSM(2, "a"), deliverSM(3, "b")...))
		p.expect(smpp.CmdDeliverSMResp)
		p.expect(smpp.CmdDeliverSMResp)
		stopSecond()
		done := r.submit(r.slot(), "c")
		h, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(smpp.StatusROK, h.Seq, "1")
		<-done
		stopFirst()
		p.send(deliverSM(4, "after"))
		p.expect(smpp.CmdDeliverSMResp)

		const messages = "< deliver_sm < deliver_sm > deliver_sm_resp > deliver_sm_resp"
		if got := second.all(); got != messages {
			t.Errorf("the second saw %q, want %q", got, messages)
		}
		if got, want := first.all(), messages+" > submit_sm < submit_sm_resp"; got != want {
			t.Errorf("the first saw %q, want %q", got, want)
		}
		r.finish(p)
	})
}

func TestATapSeesANewSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		r.ex.accept().bound()
		r.waitState(smpp.LinkBound)
		var o overheard
		defer r.link.Tap(o.see)()
		r.link.Drop("for the test")
		p := r.ex.accept().bound()
		r.waitState(smpp.LinkBound)
		if got, want := o.all(), "> bind_transceiver < bind_transceiver_resp"; got != want {
			t.Errorf("seen %q, want %q", got, want)
		}
		r.finish(p)
	})
}
