package doctor_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aduan/internal/certs/certstest"
	"aduan/internal/doctor"
	"aduan/internal/msisdn"
	"aduan/smpp"
	"aduan/smpp/smsc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// simulator runs an SMSC until the test ends; secure is its TLS, nil: plain.
func simulator(t *testing.T, o smsc.Options, secure *tls.Config) (*smsc.Server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if secure != nil {
		ln = tls.NewListener(ln, secure)
	}
	s := smsc.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.Run(ctx, ln) }()
	t.Cleanup(func() { cancel(); <-ended })
	return s, addr
}

// raw serves each connection by hand until the test ends.
func raw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(2 * time.Second))
			serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-ended })
	return ln.Addr().String()
}

func link(addr string) doctor.Link {
	return doctor.Link{
		Name: "main", Address: addr, SystemID: "aduan", Password: "s3cret", Timeout: 2 * time.Second,
		Source: smpp.Address{TON: 3, Addr: "1708"}, Destination: smpp.Address{TON: 1, NPI: 1},
	}
}

func step(t *testing.T, p doctor.Part, name string) doctor.Step {
	t.Helper()
	for _, s := range p.Steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no step %s in %+v", name, p.Steps)
	return doctor.Step{}
}

func fact(p doctor.Part, what string) string {
	for _, f := range p.Learnt {
		if f.What == what {
			return f.Value
		}
	}
	return ""
}

// Each refusal of a bind is named, explained, and comes with a question for the operator.
func TestEachRefusalOfABindIsExplained(t *testing.T) {
	s, addr := simulator(t, smsc.Options{}, nil)
	for _, row := range []struct {
		status  smpp.Status
		do, ask string
	}{
		{smpp.StatusRINVPASWD, "compare the password octet by octet", "is the account locked"},
		{smpp.StatusRINVSYSID, "compare system_id", "which system_id is ours"},
		{smpp.StatusRALYBND, "wait until the operator has noticed", "how many binds may we hold at once"},
		{smpp.StatusRBINDFAIL, "compare bind (transceiver or pair)", "which of our addresses may bind"},
		{smpp.StatusRINVSYSTYP, "set system_type", "which system_type"},
		{smpp.StatusRINVCMDID, "set bind: pair", "do you take bind_transceiver"},
		{smpp.StatusRSYSERR, "try again in some minutes", "out of order"},
		{smpp.StatusRTHROTTLED, "raise reconnect.min", "how many binds a minute"},
		{smpp.Status(0x412), "compare system_id, password, system_type", "what does 0x00000412 (0x00000412) mean"},
	} {
		s.Refuse(row.status)
		p := doctor.CheckLink(t.Context(), link(addr), doctor.Tell{})
		got := step(t, p, "bind_transceiver")
		if p.Kind != doctor.Unreachable || got.Result != doctor.Failed || !strings.HasPrefix(got.Detail, "refused: "+row.status.String()+": "+row.status.Advice()) {
			t.Errorf("%v: %+v", row.status, got)
		}
		if !strings.Contains(got.Do, row.do) || !strings.Contains(got.Ask, row.ask) {
			t.Errorf("%v: do %q, ask %q", row.status, got.Do, got.Ask)
		}
		if strings.Contains(fmt.Sprint(p), "s3cret") {
			t.Errorf("%v: the password is told", row.status)
		}
	}
}

func TestABindWithoutAnAnswerIsExplained(t *testing.T) {
	for _, row := range []struct {
		name  string
		serve func(net.Conn)
		want  string
	}{
		{"silence", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "did not answer the bind within 200ms"},
		{"closed", func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 16)) }, "closed the connection instead of answering the bind"},
	} {
		l := link(raw(t, row.serve))
		l.Timeout = 200 * time.Millisecond
		p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
		if got := step(t, p, "bind_transceiver"); p.Kind != doctor.Unreachable || !strings.Contains(got.Detail, row.want) || got.Ask == "" || got.Do == "" {
			t.Errorf("%s: %+v", row.name, got)
		}
	}
}

func TestWhatCannotBeReachedIsExplained(t *testing.T) {
	gone := raw(t, func(net.Conn) {})
	for _, row := range []struct {
		name, step, want string
		change           func(*doctor.Link)
	}{
		{"no such name", "name", "there is no address for the name smsc.invalid", func(l *doctor.Link) {
			l.Address = "smsc.invalid:2775"
			l.Resolve = func(_ context.Context, host string) ([]string, error) {
				return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
			}
		}},
		{"DNS is away", "name", "is this machine's DNS reachable?", func(l *doctor.Link) {
			l.Address = "smsc.example:2775"
			l.Resolve = func(_ context.Context, host string) ([]string, error) {
				return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true}
			}
		}},
		{"a firewall that swallows", "tcp", "does not answer: a firewall in between", func(l *doctor.Link) {
			l.Timeout = 50 * time.Millisecond
			l.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		}},
	} {
		l := link(gone)
		row.change(&l)
		p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
		if got := step(t, p, row.step); p.Kind != doctor.Unreachable || got.Result != doctor.Failed || !strings.Contains(got.Detail, row.want) || got.Ask == "" {
			t.Errorf("%s: %+v", row.name, got)
		}
	}
}

func TestANameWithADeadAddressStillLeadsThere(t *testing.T) {
	_, addr := simulator(t, smsc.Options{}, nil)
	_, port, _ := net.SplitHostPort(addr)
	l := link("smsc.example:" + port)
	l.Resolve = func(context.Context, string) ([]string, error) { return []string{"127.0.0.2", "127.0.0.1"}, nil }
	p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
	if got := step(t, p, "tcp"); p.Kind != doctor.Sound || got.Result != doctor.Warning || !strings.Contains(got.Detail, "127.0.0.2:"+port+" refuses") {
		t.Errorf("%+v", got)
	}
}

// The operator allows one bind, and the daemon has it: that says nothing against the link.
func TestADaemonsBindIsNoFault(t *testing.T) {
	s, addr := simulator(t, smsc.Options{}, nil)
	s.Refuse(smpp.StatusRALYBND)
	l := link(addr)
	l.Holders = []string{"the daemon with pid 7 on here is bound since today"}
	p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
	got := step(t, p, "bind_transceiver")
	if p.Kind != doctor.Sound || got.Result != doctor.Warning || !strings.Contains(got.Detail, "pid 7 on here") || !strings.Contains(got.Detail, "nothing against the link") {
		t.Errorf("%+v", got)
	}
	l.Exclusive = true
	p = doctor.CheckLink(t.Context(), l, doctor.Tell{})
	if got := step(t, p, "bind"); p.Kind != doctor.Sound || got.Result != doctor.Skipped || len(p.Steps) != 1 {
		t.Errorf("an exclusive link: %+v", p.Steps)
	}
}

func TestAPairBindsBothWays(t *testing.T) {
	_, addr := simulator(t, smsc.Options{}, nil)
	l := link(addr)
	l.Pair = true
	l.Send = &doctor.Send{To: number(t), Text: "test", Wait: 5 * time.Second}
	p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
	for _, name := range []string{"bind_transmitter", "bind_receiver", "enquire_link", "submit_sm", "receipt", "unbind"} {
		if got := step(t, p, name); got.Result != doctor.OK {
			t.Errorf("%+v", got)
		}
	}
}

// What an operator does with ids and receipts is learnt from one SMS.
func TestOneSMSTeachesHowReceiptsAre(t *testing.T) {
	for _, row := range []struct {
		name     string
		o        smsc.Options
		id, form string
	}{
		{"as by the book", smsc.Options{}, "the same in answer and receipt", "text and TLVs"},
		{"text only, decimal", smsc.Options{
			ReceiptForm: smsc.FormText, MessageID: func() string { return "1f03a7" }, ReceiptID: func(string) string { return "2032551" },
		}, "hexadecimal in the answer, decimal in the receipt", "text"},
		{"TLVs only, hexadecimal", smsc.Options{
			ReceiptForm: smsc.FormTLVs, MessageID: func() string { return "2032551" }, ReceiptID: func(string) string { return "1F03A7" },
		}, "decimal in the answer, hexadecimal in the receipt", "TLVs"},
		{"zeros", smsc.Options{MessageID: func() string { return "77" }, ReceiptID: func(string) string { return "0000000077" }}, "the same in answer and receipt, but for leading zeros", "text and TLVs"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, addr := simulator(t, row.o, nil)
			l := link(addr)
			l.Send = &doctor.Send{To: number(t), Text: "test", Wait: 5 * time.Second}
			p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
			if got := step(t, p, "receipt"); got.Result != doctor.OK {
				t.Fatalf("%+v", got)
			}
			if got := fact(p, "message id"); got != row.id {
				t.Errorf("message id: %q, want %q", got, row.id)
			}
			if got := fact(p, "receipts"); got != row.form {
				t.Errorf("receipts: %q, want %q", got, row.form)
			}
		})
	}
}

func TestTheOperatorsClockIsCompared(t *testing.T) {
	for _, row := range []struct {
		ahead time.Duration
		want  string
	}{
		{0, "receipts are dated in UTC"},
		{7 * time.Hour, "receipts are dated in UTC+07:00"},
		{-3*time.Hour - 30*time.Minute, "receipts are dated in UTC-03:30"},
		{7*time.Hour + 5*time.Minute, "ahead of ours"},
		{-4 * time.Minute, "behind ours"},
	} {
		_, addr := simulator(t, smsc.Options{Now: func() time.Time { return time.Now().UTC().Add(row.ahead) }}, nil)
		l := link(addr)
		l.Send = &doctor.Send{To: number(t), Text: "test", Wait: 5 * time.Second}
		p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
		if got := fact(p, "clock"); !strings.Contains(got, row.want) {
			t.Errorf("%v: %q, want %q", row.ahead, got, row.want)
		}
	}
}

func TestARefusedOrLostSMSIsExplained(t *testing.T) {
	for _, row := range []struct {
		name, step, want string
		kind             doctor.Kind
		o                smsc.Options
		fault            func(*smsc.Server)
	}{
		{name: "the sender is refused", step: "submit_sm", want: "refused: ESME_RINVSRCADR", kind: doctor.Unreachable, fault: func(s *smsc.Server) {
			s.SubmitStatus(func(*smpp.Message) smpp.Status { return smpp.StatusRINVSRCADR })
		}},
		{name: "no answer", step: "submit_sm", want: "no answer within 300ms", kind: doctor.Unreachable, fault: func(s *smsc.Server) { s.SwallowSubmitResps(1) }},
		{name: "no receipt", step: "receipt", want: "none came within 300ms", kind: doctor.Sound, o: smsc.Options{Receipts: smsc.ReceiptsNever}},
		{name: "another id", step: "receipt", want: "1 with other ids came, the first with other", kind: doctor.Sound, o: smsc.Options{ReceiptID: func(string) string { return "other" }}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, addr := simulator(t, row.o, nil)
			if row.fault != nil {
				row.fault(s)
			}
			l := link(addr)
			l.Timeout = 300 * time.Millisecond
			l.Send = &doctor.Send{To: number(t), Text: "test", Wait: 300 * time.Millisecond}
			p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
			if got := step(t, p, row.step); p.Kind != row.kind || !strings.Contains(got.Detail, row.want) {
				t.Errorf("kind %v, %+v", p.Kind, got)
			}
		})
	}
}

// A receipt that is faster than the answer to its submit_sm is ours all the same.
func TestAnEarlyReceiptIsOurs(t *testing.T) {
	s, addr := simulator(t, smsc.Options{}, nil)
	s.ReceiptsFirst(50 * time.Millisecond)
	l := link(addr)
	l.Send = &doctor.Send{To: number(t), Text: "test", Wait: 5 * time.Second}
	if got := step(t, doctor.CheckLink(t.Context(), l, doctor.Tell{}), "receipt"); got.Result != doctor.OK {
		t.Errorf("%+v", got)
	}
}

// A citizen's message that comes meanwhile is not ours to take: it is put off, and comes to the daemon.
func TestACitizensMessageIsNotLost(t *testing.T) {
	s, addr := simulator(t, smsc.Options{RetryMin: 50 * time.Millisecond}, nil)
	sent := s.Phone("6281234567123").Send("1708", "LAPOR jalan rusak")
	l := link(addr)
	l.Send = &doctor.Send{To: number(t), Text: "test", Wait: 5 * time.Second}
	p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
	if got := fact(p, "messages of others"); !strings.Contains(got, "were put off (ESME_RX_T_APPN)") {
		t.Errorf("%q", got)
	}
	if got, _ := sent.State(); got == smsc.OutgoingAccepted || got == smsc.OutgoingRefused {
		t.Errorf("it is %v: lost", got)
	}
}

func TestTLSIsAStepOfItsOwn(t *testing.T) {
	ca, other := certstest.New(t), certstest.New(t)
	server := &tls.Config{Certificates: []tls.Certificate{ca.Issue(certstest.Options{})}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}
	_, addr := simulator(t, smsc.Options{}, server)
	ours := ca.Issue(certstest.Options{To: time.Now().Add(5*24*time.Hour + time.Hour)})
	l := link(addr)
	l.TLS = func() (*tls.Config, error) {
		return &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ours}}, nil
	}
	p := doctor.CheckLink(t.Context(), l, doctor.Tell{})
	if got := step(t, p, "tls"); p.Kind != doctor.Sound || got.Result != doctor.Warning || !strings.Contains(got.Do, "our client certificate expires on") {
		t.Errorf("%+v", p.Steps)
	}
	if got := step(t, p, "enquire_link"); got.Result != doctor.OK {
		t.Errorf("%+v", got)
	}
	l.TLS = func() (*tls.Config, error) { return &tls.Config{RootCAs: other.Pool()}, nil }
	p = doctor.CheckLink(t.Context(), l, doctor.Tell{})
	if got := step(t, p, "tls"); p.Kind != doctor.Unreachable || !strings.Contains(got.Detail, "no authority of tls.ca_file") || !strings.Contains(got.Do, "which authority signs it") {
		t.Errorf("%+v", got)
	}
	l.TLS = func() (*tls.Config, error) { return &tls.Config{RootCAs: ca.Pool()}, nil }
	p = doctor.CheckLink(t.Context(), l, doctor.Tell{})
	if last := p.Steps[len(p.Steps)-1]; p.Kind != doctor.Unreachable || !strings.Contains(last.Detail+last.Do, "certificate") || !strings.Contains(last.Ask, "which client certificate") {
		t.Errorf("no client certificate: %+v", last)
	}
	l.TLS = func() (*tls.Config, error) { return nil, errors.New("ca_file: gone") }
	if p = doctor.CheckLink(t.Context(), l, doctor.Tell{}); p.Kind != doctor.Invalid {
		t.Errorf("%+v", p)
	}
}

func TestStepsAreToldAsTheyEnd(t *testing.T) {
	_, addr := simulator(t, smsc.Options{}, nil)
	var told []string
	doctor.CheckLink(t.Context(), link(addr), doctor.Tell{Step: func(s doctor.Step) { told = append(told, s.Name) }})
	if want := []string{"name", "tcp", "tls", "bind_transceiver", "enquire_link", "unbind"}; !slices.Equal(told, want) {
		t.Errorf("%v, want %v", told, want)
	}
}

func number(t *testing.T) msisdn.MSISDN {
	t.Helper()
	m, err := msisdn.FromE164("+6281234567001")
	if err != nil {
		t.Fatal(err)
	}
	return m
}
