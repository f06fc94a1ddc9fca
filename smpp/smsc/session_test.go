package smsc_test

import (
	"testing"
	"time"

	"aduan/smpp"
	"aduan/smpp/smsc"
)

func TestBind(t *testing.T) {
	for _, tt := range []struct {
		name               string
		o                  smsc.Options
		systemID, password string
		fault              func(*smsc.Server)
		want               smpp.Status
	}{
		{name: "anybody, where nobody is named", systemID: "x", password: "y"},
		{name: "the right one", o: smsc.Options{SystemID: "aduan", Password: "secret"}, systemID: "aduan", password: "secret"},
		{name: "a wrong system_id", o: smsc.Options{SystemID: "aduan", Password: "secret"}, systemID: "x", password: "secret", want: smpp.StatusRINVSYSID},
		{name: "a wrong password", o: smsc.Options{SystemID: "aduan", Password: "secret"}, systemID: "aduan", password: "x", want: smpp.StatusRINVPASWD},
		{name: "refused on demand", systemID: "x", fault: func(s *smsc.Server) { s.Refuse(smpp.StatusRBINDFAIL) }, want: smpp.StatusRBINDFAIL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, addr := serve(t, tt.o)
			if tt.fault != nil {
				tt.fault(s)
			}
			for i, id := range []smpp.CommandID{smpp.CmdBindTransceiver, smpp.CmdBindTransmitter, smpp.CmdBindReceiver} {
				if h := dial(t, addr).bind(id, tt.systemID, tt.password); h.Status != tt.want {
					t.Fatalf("%v: %v, want %v", id, h.Status, tt.want)
				}
				if want := i + 1; tt.want == smpp.StatusROK && s.Sessions() != want {
					t.Fatalf("%d sessions, want %d", s.Sessions(), want)
				}
			}
		})
	}
}

func TestBindLimit(t *testing.T) {
	_, addr := serve(t, smsc.Options{BindLimit: 1})
	first := bind(t, addr, smpp.CmdBindTransceiver)
	second := dial(t, addr)
	if h := second.bind(smpp.CmdBindTransceiver, "a", "b"); h.Status != smpp.StatusRALYBND {
		t.Fatalf("the second: %v", h.Status)
	}
	if h := first.bind(smpp.CmdBindTransceiver, "a", "b"); h.Status != smpp.StatusRALYBND {
		t.Fatalf("bound twice: %v", h.Status)
	}
	if h := first.request(smpp.CmdUnbind); h.ID != smpp.CmdUnbindResp || h.Status != smpp.StatusROK {
		t.Fatalf("unbind: %v %v", h.ID, h.Status)
	}
	first.gone()
	if h := second.bind(smpp.CmdBindTransceiver, "a", "b"); h.Status != smpp.StatusROK {
		t.Fatalf("after the first has gone: %v", h.Status)
	}
}

// What is wrong is answered as the specification says, and the link lives.
func TestWrongPDUs(t *testing.T) {
	_, addr := serve(t, smsc.Options{})
	e := dial(t, addr)
	if h := e.request(smpp.CmdSubmitSM); h.ID != smpp.CmdSubmitSMResp || h.Status != smpp.StatusRINVBNDSTS {
		t.Fatalf("submit_sm before bind: %v %v", h.ID, h.Status)
	}
	if h := e.request(smpp.CmdUnbind); h.ID != smpp.CmdUnbindResp || h.Status != smpp.StatusRINVBNDSTS {
		t.Fatalf("unbind before bind: %v %v", h.ID, h.Status)
	}
	if h := e.request(smpp.CmdEnquireLink); h.ID != smpp.CmdEnquireLinkResp {
		t.Fatalf("enquire_link before bind: %v", h.ID)
	}
	if h := e.bind(smpp.CmdBindReceiver, "a", "b"); h.Status != smpp.StatusROK {
		t.Fatal(h.Status)
	}
	if status, _ := e.submit(sms("628123456789", "x")); status != smpp.StatusRINVBNDSTS {
		t.Fatalf("submit_sm on a receiver: %v", status)
	}
	e.request(smpp.CmdUnbind)
	e = bind(t, addr, smpp.CmdBindTransceiver)
	for _, id := range []smpp.CommandID{0x99, smpp.CmdDeliverSM, smpp.CmdQuerySM} {
		if h := e.request(id); h.ID != smpp.CmdGenericNack || h.Status != smpp.StatusRINVCMDID {
			t.Fatalf("%v: %v %v", id, h.ID, h.Status)
		}
	}
	if h := e.request(smpp.CmdSubmitSM); h.ID != smpp.CmdSubmitSMResp || h.Status != smpp.StatusRINVCMDLEN {
		t.Fatalf("submit_sm without a body: %v %v", h.ID, h.Status)
	}
	for to, want := range map[string]smpp.Status{"": smpp.StatusRINVDSTADR, "KOMINFO": smpp.StatusRINVDSTADR, "+628123456789": 0, "08123456789": 0} {
		if status, _ := e.submit(sms(to, "x")); status != want {
			t.Fatalf("to %q: %v, want %v", to, status, want)
		}
		if want == 0 {
			seq, _ := e.delivery()
			e.respond(seq, 0)
		}
	}
	e.write(smpp.AppendHeader(nil, smpp.CmdSubmitMultiResp, 0, 77)) // nobody asked: never answered
	if h := e.request(smpp.CmdEnquireLink); h.ID != smpp.CmdEnquireLinkResp {
		t.Fatalf("enquire_link: %v", h.ID)
	}
}

func TestALengthThatCannotBeBelievedEndsTheLink(t *testing.T) {
	_, addr := serve(t, smsc.Options{})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	e.write([]byte{0, 0, 0, 15, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9})
	if h, _ := e.next(); h.ID != smpp.CmdGenericNack || h.Status != smpp.StatusRINVCMDLEN || h.Seq != 9 {
		t.Fatalf("%v %v %d", h.ID, h.Status, h.Seq)
	}
	e.gone()
}

func TestEnquireLinkIsAskedAndMissed(t *testing.T) {
	s, addr := serve(t, smsc.Options{EnquireLink: 30 * time.Millisecond, ResponseTimeout: 400 * time.Millisecond})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	for range 3 {
		h, _ := e.next()
		if h.ID != smpp.CmdEnquireLink {
			t.Fatalf("got %v", h.ID)
		}
		e.write(smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, 0, h.Seq))
	}
	if h, _ := e.next(); h.ID != smpp.CmdEnquireLink {
		t.Fatalf("got %v", h.ID)
	}
	e.gone()
	if s.Sessions() != 0 {
		t.Fatal("a silent session is bound still")
	}
}

func TestUnbindBySMSC(t *testing.T) {
	s, addr := serve(t, smsc.Options{})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	if n := s.UnbindLinks(); n != 1 {
		t.Fatal(n)
	}
	o := s.Phone("628111").Send("1708", "waits")
	h, _ := e.next()
	if h.ID != smpp.CmdUnbind {
		t.Fatalf("got %v", h.ID)
	}
	e.write(smpp.AppendHeader(nil, smpp.CmdUnbindResp, 0, h.Seq))
	e.gone()
	e = bind(t, addr, smpp.CmdBindTransceiver)
	e.take("waits")
	if err := o.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
}

func TestNoBindInTime(t *testing.T) {
	_, addr := serve(t, smsc.Options{ResponseTimeout: 50 * time.Millisecond})
	dial(t, addr).gone()
}

func TestFaultsOfTheLink(t *testing.T) {
	t.Run("enquire_link stays unanswered", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		s.StopEnquire(true)
		e.write(smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 50))
		e.silent(50 * time.Millisecond)
		s.StopEnquire(false)
		e.request(smpp.CmdEnquireLink)
	})
	t.Run("nothing is read until it is again", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		s.StopReading(true)
		e.write(smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 50))
		e.silent(50 * time.Millisecond)
		s.StopReading(false)
		if h, _ := e.next(); h.ID != smpp.CmdEnquireLinkResp || h.Seq != 50 {
			t.Fatalf("got %v", h)
		}
	})
	t.Run("a bind stays unanswered", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		s.IgnoreBinds(true)
		e := dial(t, addr)
		b, _ := smpp.AppendBind(nil, 1, &smpp.Bind{ID: smpp.CmdBindTransceiver})
		e.write(b)
		e.silent(50 * time.Millisecond)
	})
	t.Run("a bind is answered late", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		s.DelayBindResps(30 * time.Millisecond)
		before := time.Now()
		bind(t, addr, smpp.CmdBindTransceiver)
		if took := time.Since(before); took < 30*time.Millisecond {
			t.Fatalf("answered after %v", took)
		}
	})
	t.Run("cut inside a PDU, from us", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		s.CutAfterWriting(20)
		s.Phone("628111").Send("1708", "halves")
		b := make([]byte, 100)
		_ = e.conn.SetReadDeadline(time.Now().Add(patience))
		n := 0
		for {
			k, err := e.conn.Read(b[n:])
			if n += k; err != nil {
				break
			}
		}
		if n != 20 {
			t.Fatalf("%d octets arrived, want 20", n)
		}
		bind(t, addr, smpp.CmdBindTransceiver).take("halves")
	})
	t.Run("cut inside a PDU, from the ESME", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		s.CutAfterReading(20)
		e.send(sms("628111", "half"))
		e.gone()
		for _, line := range s.Journal() {
			if line.Kind == smsc.EntrySubmit {
				t.Fatal("half a submit_sm was taken")
			}
		}
	})
	t.Run("raw octets", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		if n := s.WriteRaw(smpp.AppendHeader(nil, 0x99, 0, 5)); n != 1 {
			t.Fatal(n)
		}
		if h, _ := e.next(); h.ID != 0x99 || h.Seq != 5 {
			t.Fatalf("got %v", h)
		}
	})
}
