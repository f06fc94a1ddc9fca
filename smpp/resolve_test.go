package smpp_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
)

// The name is handed to the dialer at each attempt: whoever resolves it sees its new address, and a name server that is
// away is waited for as a peer that is away.
func TestS19TheNameIsResolvedAtEachConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []string{"192.0.2.1", "", "192.0.2.2"} // "": no DNS
		var mu sync.Mutex                                 // guards dialled
		var dialled []string
		dials := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(dialled)
		}
		var r *rig
		made := make(chan struct{}) // r stands
		r = rigged(t, func(o *smpp.LinkOptions) {
			o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(address)
				mu.Lock()
				answer := answers[min(len(dialled), len(answers)-1)]
				dialled = append(dialled, host+" is "+answer)
				mu.Unlock()
				if answer == "" {
					return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
				}
				<-made
				return r.ex.dial(ctx, network, address)
			}
		})
		close(made)
		_ = r.ex.accept().bound().conn.Close() // the SMSC moves
		time.Sleep(time.Millisecond)
		for r.link.Status().State != smpp.LinkConnecting && len(dials()) < 2 {
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if st := r.link.Status(); !strings.Contains(st.Reason, "connect") {
			t.Errorf("without DNS the link is %s: %q", st.State, st.Reason)
		}
		p := r.ex.accept().bound()
		p.stillServed()
		if want := []string{"smsc.test is 192.0.2.1", "smsc.test is ", "smsc.test is 192.0.2.2"}; !slices.Equal(dials(), want) {
			t.Errorf("%q", dials())
		}
		r.finish(p)
	})
}

// S14: what an SMSC numbers anew while we still have its earlier requests in hand is answered for each of them.
func TestS14TheSMSCsNumbersMayRestartAndWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		for _, seq := range []uint32{1, 0x7FFFFFFF, 1, 0, 0x80000001} {
			p.deliver(seq, "text")
			(<-r.deliveries).Respond(smpp.StatusROK)
			if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Seq != seq || h.Status != smpp.StatusROK {
				t.Errorf("number %#x: %#x %v", seq, h.Seq, h.Status)
			}
		}
		p.deliver(7, "one")
		one := <-r.deliveries
		p.deliver(7, "restarted")
		two := <-r.deliveries
		two.Respond(smpp.StatusRXTAPPN)
		one.Respond(smpp.StatusROK)
		for _, want := range []smpp.Status{smpp.StatusRXTAPPN, smpp.StatusROK} {
			if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Seq != 7 || h.Status != want {
				t.Errorf("number 7: %d %v, want %v", h.Seq, h.Status, want)
			}
		}
		p.stillServed()
		r.finish(p)
	})
}
