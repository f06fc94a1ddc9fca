package linkyear

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	simulator "aduan/smpp/smsc"
)

// Each misbehaviour of the SMSC leaves its reason in a counter, and the link serves what comes next.
func TestEveryMisbehaviourIsCountedByItsReason(t *testing.T) {
	const faults, reconnects = "aduan_smpp_errors_total", "aduan_smpp_reconnects_total"
	at := func(do string) simulator.Step { return simulator.Step{At: simulator.Duration(5 * time.Second), Do: do} }
	with := func(s simulator.Step, change func(*simulator.Step)) simulator.Step { change(&s); return s }
	some := func(s *simulator.Step) { s.Count = 3 }
	lasting := func(s *simulator.Step) { s.For = simulator.Duration(40 * time.Second) }
	for _, tc := range []struct {
		name           string
		steps          []simulator.Step
		metric, reason string
	}{
		{"S1: cut inside a PDU", []simulator.Step{with(at("cut"), func(s *simulator.Step) { s.Count = 25 })}, reconnects, "connection_broken|cannot_write"},
		{"S2: half-open", []simulator.Step{at("half_open")}, reconnects, "enquire_link_unanswered"},
		{"S2: no answer to enquire_link", []simulator.Step{with(at("stop_enquire"), lasting)}, reconnects, "enquire_link_unanswered"},
		{"S5: no answer to a submit", []simulator.Step{with(at("swallow_submit_resps"), some)}, faults, "response_timeout"},
		{"S5: the answer comes late", []simulator.Step{with(at("delay_submit_resps"), func(s *simulator.Step) { s.By = simulator.Duration(12 * time.Second); lasting(s) })}, faults, "unexpected_response"},
		{"S6: command_length", []simulator.Step{at("bad_length")}, reconnects, "command_length"},
		{"S6: bodies", []simulator.Step{at("bad_pdus")}, faults, "malformed"},
		{"S6: unknown commands", []simulator.Step{at("bad_pdus")}, faults, "unknown_command"},
		{"S6: optional parameters", []simulator.Step{with(at("bad_tlvs"), func(s *simulator.Step) { s.From, s.Text = "628123", "text" })}, faults, "optional_parameters"},
		{"S14: an answer twice", []simulator.Step{with(at("double_submit_resps"), some)}, faults, "unexpected_response"},
		{"S14: an answer of an unknown number", []simulator.Step{with(at("unknown_submit_resps"), some)}, faults, "unexpected_response"},
		{"S14: an answer of the wrong type", []simulator.Step{with(at("wrong_submit_resps"), some)}, faults, "wrong_response_type"},
		{"S14: a generic_nack of nothing", []simulator.Step{at("bad_pdus")}, faults, "generic_nack"},
		{"no message id", []simulator.Step{with(at("no_message_id"), some)}, faults, "no_message_id"},
		{"S15: unbind", []simulator.Step{at("unbind")}, reconnects, "unbound_by_smsc"},
		{"S15: FIN", []simulator.Step{at("close")}, reconnects, "closed_by_smsc|cannot_write"},
		{"S16: refused", []simulator.Step{with(at("refuse_binds"), lasting), at("close")}, reconnects, "bind_refused"},
		{"S16: silence", []simulator.Step{with(at("ignore_binds"), lasting), at("close")}, reconnects, "bind_unanswered"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := prometheus.NewRegistry()
				story(t, &simulator.Script{Steps: tc.steps}, reg)
				if counted(t, reg, tc.metric, tc.reason) == 0 {
					t.Errorf("%s{reason=%q} is 0", tc.metric, tc.reason)
				}
			})
		})
	}
}

// S7: a peer that reads nothing is left; another link does not notice.
func TestS7ASlowReaderCostsItsOwnLinkOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, other := prometheus.NewRegistry(), prometheus.NewRegistry()
		done := make(chan struct{})
		go func() {
			defer close(done)
			story(t, &simulator.Script{Steps: []simulator.Step{
				{At: simulator.Duration(5 * time.Second), Do: "stop_reading", For: simulator.Duration(time.Minute)},
			}}, reg)
		}()
		story(t, &simulator.Script{Steps: []simulator.Step{{At: simulator.Duration(2 * time.Minute), Do: "number", Number: 1}}}, other)
		<-done
		if n := counted(t, reg, "aduan_smpp_reconnects_total", "enquire_link_unanswered") + counted(t, reg, "aduan_smpp_reconnects_total", "cannot_write"); n == 0 {
			t.Error("the slow reader was not left")
		}
		for _, reason := range []string{"enquire_link_unanswered", "cannot_write", "connection_broken", "closed_by_smsc"} {
			if n := counted(t, other, "aduan_smpp_reconnects_total", reason); n > 0 {
				t.Errorf("the other link had %v reconnects: %s", n, reason)
			}
		}
	})
}

// counted is a counter's value, summed over all labels but reason.
func counted(t *testing.T, reg *prometheus.Registry, name, reason string) (sum float64) {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "reason" && slices.Contains(strings.Split(reason, "|"), l.GetValue()) {
					sum += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}
