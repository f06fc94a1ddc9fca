package smpp_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"aduan/smpp"
)

// Each way in which a session ends, or never comes to be, is counted under a reason of its own.
func TestReconnectsAreCountedByReason(t *testing.T) {
	bound := func(r *rig) *peer {
		p := r.ex.accept().bound()
		r.waitState(smpp.LinkBound)
		return p
	}
	for _, row := range []struct {
		reason string
		change func(*smpp.LinkOptions)
		play   func(r *rig)
	}{
		{reason: "closed_by_smsc", play: func(r *rig) { _ = bound(r).conn.Close() }},
		{reason: "unbound_by_smsc", play: func(r *rig) {
			p := bound(r)
			p.header(smpp.CmdUnbind, 0, 9)
			p.expect(smpp.CmdUnbindResp)
			_ = p.conn.Close()
		}},
		{reason: "enquire_link_unanswered", play: func(r *rig) { bound(r).expect(smpp.CmdEnquireLink) }},
		{reason: "dropped", play: func(r *rig) { bound(r); r.link.Drop("for the test") }},
		{reason: "command_length", play: func(r *rig) { bound(r).send(annotated(r.t, "00000000 00000005 00000000 00000001")) }},
		{reason: "cannot_write", play: func(r *rig) {
			conn := <-r.ex.conns
			p := newPeer(r.t, conn).bound()
			r.waitState(smpp.LinkBound)
			in := conn.(*memConn).in
			in.mu.Lock()
			in.limit = 20 // from now on, and nobody reads
			in.mu.Unlock()
			slot := r.slot()
			<-r.submit(slot, "does not fit")
			slot.Release()
			_ = p.conn.Close()
		}},
		{reason: "bind_unanswered", play: func(r *rig) { r.ex.accept() }},
		{reason: "bind_refused", play: func(r *rig) {
			p := r.ex.accept()
			h, _ := p.expect(smpp.CmdBindTransceiver)
			p.header(smpp.CmdBindTransceiverResp, smpp.StatusRBINDFAIL, h.Seq)
		}},
		{reason: "cannot_connect", change: func(o *smpp.LinkOptions) {
			dial, first := o.Dial, true
			o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if first {
					first = false
					return nil, errors.New("connection refused")
				}
				return dial(ctx, network, address)
			}
		}, play: func(*rig) {}},
	} {
		t.Run(row.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := prometheus.NewPedanticRegistry()
				metrics := smpp.NewMetrics(reg)
				r := rigged(t, func(o *smpp.LinkOptions) {
					o.Metrics = metrics
					if row.change != nil {
						row.change(o)
					}
				})
				synctest.Wait() // until Run has shown the series
				if _, shown := samples(t, reg, "aduan_smpp_reconnects_total")[row.reason]; !shown {
					t.Error("it is not shown before it happens: its first step would be unseen")
				}
				row.play(r)
				p := bound(r)
				for reason, n := range samples(t, reg, "aduan_smpp_reconnects_total") {
					if want := map[bool]float64{true: 1}[reason == row.reason]; n != want {
						t.Errorf("%s: %v, want %v", reason, n, want)
					}
				}
				unanswered := map[bool]float64{true: 1}[row.reason == "enquire_link_unanswered"]
				if got := samples(t, reg, "aduan_smpp_enquire_links_unanswered_total")[""]; got != unanswered {
					t.Errorf("%v enquire_link unanswered, want %v", got, unanswered)
				}
				if got := samples(t, reg, "aduan_smpp_bound_since_timestamp_seconds")[""]; got != float64(time.Now().Unix()) {
					t.Errorf("bound since %v, want now, %v", got, time.Now().Unix())
				}
				r.finish(p)
				if got := samples(t, reg, "aduan_smpp_bound_since_timestamp_seconds")[""]; got != 0 {
					t.Errorf("bound since %v at the end", got)
				}
				if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
					t.Errorf("%v %v", problems, err)
				}
			})
		})
	}
}

// samples are a metric's values by their reason.
func samples(t *testing.T, reg prometheus.Gatherer, name string) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name {
				continue
			}
			reason := ""
			for _, l := range m.GetLabel() {
				if l.GetName() == "reason" {
					reason = l.GetValue()
				}
			}
			values[reason] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	if len(values) == 0 {
		t.Fatalf("there is no %s", name)
	}
	return values
}
