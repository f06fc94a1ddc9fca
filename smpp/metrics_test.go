package smpp_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"aduan/smpp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestMetricsAndLogsTellMuchAndNothingPersonal(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	core, logs := observer.New(zap.DebugLevel)
	metrics := smpp.NewMetrics(reg)
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Metrics, o.Log, o.Window = metrics, zap.New(core), 1 })
		p := r.ex.accept().bound()
		p.deliver(1, "jalan rusak")
		d := <-r.deliveries
		d.Respond(smpp.StatusROK)
		d.Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		slot := r.slot()
		done := r.submit(slot, "nomor tiket")
		h, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, h.Seq, "1")
		<-done
		for _, fault := range []string{
			"00000010 00000999 00000000 00000007",
			"00000010 00000888 00000412 00000007",
			"00000014 00000005 00000000 00000007 00010136",
			"00000027 00000005 00000000 00000007 00 000000 000000 00 0000 0000 00000000 02 6869 02040009",
			"00000010 80000004 00000000 00000707",
		} {
			p.send(annotated(t, fault))
		}
		p.expect(smpp.CmdGenericNack)
		p.expect(smpp.CmdGenericNack)
		p.expect(smpp.CmdDeliverSMResp)
		p.stillServed()
		want := `
			# HELP aduan_smpp_errors_total Faults of the link by reason; each was survived.
			# TYPE aduan_smpp_errors_total counter
			aduan_smpp_errors_total{link="main",reason="malformed"} 1
			aduan_smpp_errors_total{link="main",reason="optional_parameters"} 1
			aduan_smpp_errors_total{link="main",reason="second_answer"} 1
			aduan_smpp_errors_total{link="main",reason="unexpected_response"} 1
			aduan_smpp_errors_total{link="main",reason="unknown_command"} 2
			# HELP aduan_smpp_link_state 1 for the state in which the link is, 0 for the others.
			# TYPE aduan_smpp_link_state gauge
			aduan_smpp_link_state{link="main",state="bound"} 1
			aduan_smpp_link_state{link="main",state="closed"} 0
			aduan_smpp_link_state{link="main",state="connecting"} 0
			aduan_smpp_link_state{link="main",state="refused"} 0
aduan_smpp_link_state{link="main",state="standby"} 0
			aduan_smpp_link_state{link="main",state="waiting"} 0
			# HELP aduan_smpp_window_used Places of the submit_sm window that are taken: sent, or their outcome not stored yet.
			# TYPE aduan_smpp_window_used gauge
			aduan_smpp_window_used{link="main"} 1
			# HELP aduan_smpp_sessions_bound Sessions that are bound.
			# TYPE aduan_smpp_sessions_bound gauge
			aduan_smpp_sessions_bound{link="main"} 1
			`
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want),
			"aduan_smpp_errors_total", "aduan_smpp_link_state", "aduan_smpp_window_used", "aduan_smpp_sessions_bound"); err != nil {
			t.Error(err)
		}
		slot.Release()
		(<-r.deliveries).Respond(smpp.StatusROK)
		r.finish(p)
	})
	if n, err := testutil.GatherAndCount(reg, "aduan_smpp_pdus_total"); err != nil || n < 8 || n > 15 {
		t.Errorf("%d series of PDUs, %v", n, err)
	}
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range families {
		all.WriteString(f.String())
	}
	for _, entry := range logs.All() {
		all.WriteString(entry.Message)
		for _, f := range entry.Context {
			all.WriteString(f.String)
			if err, ok := f.Interface.(error); ok {
				all.WriteString(err.Error())
			}
		}
	}
	for _, secret := range []string{"628111000111", "jalan", "nomor", "secret"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}

func TestEachSubmitThatWasWrittenIsCounted(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	metrics := smpp.NewMetrics(reg)
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Metrics, o.Window = metrics, 2 })
		p := r.ex.accept().bound()
		for range 2 {
			slot := r.slot()
			done := r.submit(slot, "nomor tiket")
			h, _ := p.expect(smpp.CmdSubmitSM)
			p.submitResp(0, h.Seq, "1")
			<-done
			slot.Release()
		}
		r.finish(p)
	})
	want := `
		# HELP aduan_smpp_pdus_total PDUs by direction (in, out), command and command_status.
		# TYPE aduan_smpp_pdus_total counter
		aduan_smpp_pdus_total{command="bind_transceiver",direction="out",link="main",status="ESME_ROK"} 1
		aduan_smpp_pdus_total{command="bind_transceiver_resp",direction="in",link="main",status="ESME_ROK"} 1
		aduan_smpp_pdus_total{command="submit_sm",direction="out",link="main",status="ESME_ROK"} 2
		aduan_smpp_pdus_total{command="submit_sm_resp",direction="in",link="main",status="ESME_ROK"} 2
		aduan_smpp_pdus_total{command="unbind",direction="out",link="main",status="ESME_ROK"} 1
		aduan_smpp_pdus_total{command="unbind_resp",direction="in",link="main",status="ESME_ROK"} 1
		`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "aduan_smpp_pdus_total"); err != nil {
		t.Error(err)
	}
}

// A link that was removed leaves no gauge that would tell for ever how it was at its end; what was counted stays.
func TestTheGaugesOfARemovedLinkGo(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	metrics := smpp.NewMetrics(reg)
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Metrics = metrics })
		p := r.ex.accept().bound()
		slot := r.slot()
		r.finish(p)
		metrics.Forget("main")
		slot.Release() // the outcome was stored late
	})
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := false
	for _, family := range all {
		switch family.GetName() {
		case "aduan_smpp_link_state", "aduan_smpp_sessions_bound", "aduan_smpp_window_used", "aduan_smpp_window_size", "aduan_smpp_bound_since_timestamp_seconds":
			t.Errorf("%s still stands", family.GetName())
		case "aduan_smpp_binds_total":
			counted = true
		}
	}
	if !counted {
		t.Error("what was counted is gone too")
	}
}
