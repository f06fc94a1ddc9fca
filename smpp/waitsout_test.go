package smpp_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
)

// ours is a lease that this daemon has and nobody takes.
type ours struct{}

func (ours) Hold(ctx context.Context, run func(context.Context)) error { run(ctx); return nil }
func (ours) Until() time.Time                                          { return time.Now().Add(time.Hour) }
func (ours) Holder() string                                            { return "" }

// S16: the bind of a daemon that died is waited out at a try a second, but an SMSC that keeps it for long is not hammered.
func TestS16ABindThatTheSMSCKeepsIsWaitedOutEverSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Lease = ours{} })
		var pauses []time.Duration
		last := time.Now()
		for range 40 {
			p := r.ex.accept()
			dialled := <-r.ex.dials
			pauses, last = append(pauses, dialled.Sub(last)), dialled
			h, _ := p.expect(smpp.CmdBindTransceiver)
			p.header(smpp.CmdBindTransceiverResp, smpp.StatusRALYBND, h.Seq)
			p.expectEnd()
			r.waitState(smpp.LinkWaiting)
		}
		pauses = pauses[1:]
		for i, want := range seconds(1, 1.5, 2.5, 4.5, 8.5, 16.5, 30.5, 30.5) {
			if got := pauses[30+i]; got != want {
				t.Errorf("pause %d: %v, want %v", 30+i, got, want)
			}
		}
		for i, got := range pauses[:30] {
			if got != time.Second {
				t.Errorf("pause %d: %v, want 1s", i, got)
			}
		}
		r.finish(r.ex.accept().bound())
	})
}
