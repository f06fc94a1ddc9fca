package smsc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/smpp/smsc"
)

func TestATextIsDelivered(t *testing.T) {
	s, addr := serve(t, smsc.Options{})
	o := s.Phone("+628123456789").Send("1708", "LAPOR jalan [rusak]")
	e := bind(t, addr, smpp.CmdBindReceiver) // stored before anybody was there
	seq, m := e.delivery()
	if m.Source.Addr != "628123456789" || m.Source.TON != 1 || m.Destination.Addr != "1708" || m.ESMClass != 0 {
		t.Fatalf("%+v", m)
	}
	if text, _ := segment.DecodeText(m.DataCoding, "gsm7", m.ShortMessage); text != "LAPOR jalan [rusak]" {
		t.Fatalf("text %q", text)
	}
	if state, _ := o.State(); state != smsc.OutgoingSent {
		t.Fatalf("state %v", state)
	}
	e.respond(seq, smpp.StatusROK)
	if err := o.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
}

func TestALongTextComesInPartsInOrder(t *testing.T) {
	s, addr := serve(t, smsc.Options{})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	p := s.Phone("628111")
	for n := 1; n <= 2; n++ {
		text := strings.Repeat("jalan rusak 😡 ", 12)
		o := p.Send("1708", text)
		var got strings.Builder
		for part := 1; part <= o.Segments; part++ {
			seq, m := e.delivery()
			udh, octets := m.Content()
			c, ok := segment.ParseUDH(udh)
			if want := (segment.Concat{Ref: uint16(n), Total: o.Segments, Number: part}); !ok || c != want || m.DataCoding != 8 {
				t.Fatalf("%+v, want %+v", c, want)
			}
			words, _ := segment.DecodeText(8, "gsm7", octets)
			got.WriteString(words)
			e.respond(seq, 0)
		}
		if err := o.Wait(soon(t)); err != nil || got.String() != text {
			t.Fatalf("joined %q, %v", got.String(), err)
		}
	}
}

// Whatever keeps an ESME_ROK from the SMSC, the message comes again, and
// nothing of the same telephone overtakes it.
func TestDeliveredAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fail  func(s *smsc.Server, e *esme, seq uint32, addr string) *esme
		first smsc.Outcome
	}{
		{"after a reset", func(s *smsc.Server, _ *esme, _ uint32, addr string) *esme {
			s.CutLinks()
			return bind(t, addr, smpp.CmdBindTransceiver)
		}, smsc.Dropped},
		{"after the ESME closed", func(_ *smsc.Server, e *esme, _ uint32, addr string) *esme {
			_ = e.conn.Close()
			return bind(t, addr, smpp.CmdBindTransceiver)
		}, smsc.Dropped},
		{"after no answer", func(_ *smsc.Server, e *esme, _ uint32, _ string) *esme { return e }, smsc.TimedOut},
		{"after an answer that was not seen", func(s *smsc.Server, e *esme, seq uint32, _ string) *esme {
			s.SwallowDeliverResps(1)
			e.respond(seq, smpp.StatusROK)
			return e
		}, smsc.Swallowed},
		{"after an answer that was not seen, and a cut", func(s *smsc.Server, e *esme, seq uint32, addr string) *esme {
			s.SwallowDeliverResps(1)
			e.respond(seq, smpp.StatusROK)
			e.request(smpp.CmdEnquireLink) // the SMSC has read it
			s.CutLinks()
			return bind(t, addr, smpp.CmdBindTransceiver)
		}, smsc.Swallowed},
		{"after a temporary error", func(_ *smsc.Server, e *esme, seq uint32, _ string) *esme {
			e.respond(seq, smpp.StatusRXTAPPN)
			return e
		}, smsc.Answered},
		{"after a generic_nack of the throttled kind", func(_ *smsc.Server, e *esme, seq uint32, _ string) *esme {
			e.write(smpp.AppendHeader(nil, smpp.CmdGenericNack, smpp.StatusRTHROTTLED, seq))
			return e
		}, smsc.Answered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, addr := serve(t, smsc.Options{ResponseTimeout: 800 * time.Millisecond})
			e := bind(t, addr, smpp.CmdBindTransceiver)
			p := s.Phone("628111")
			first, second := p.Send("1708", "first"), p.Send("1708", "second")
			seq, m := e.delivery()
			if string(m.ShortMessage) != "first" {
				t.Fatalf("delivered %q", m.ShortMessage)
			}
			e = tt.fail(s, e, seq, addr)
			e.take("first")
			e.take("second")
			for _, o := range []*smsc.Outgoing{first, second} {
				if err := o.Wait(soon(t)); err != nil {
					t.Fatal(err)
				}
			}
			journal := s.Journal()
			if len(journal) != 3 || journal[0].Outcome != tt.first || journal[1].Attempt != 2 || !journal[1].Acknowledged() {
				t.Fatalf("journal %+v", journal)
			}
			for i, line := range journal {
				if i > 0 && line.N <= journal[i-1].N {
					t.Fatal("the journal is out of order")
				}
			}
			if want := tt.first == smsc.Swallowed; journal[0].Acknowledged() != want {
				t.Fatalf("the first attempt: %+v", journal[0])
			}
		})
	}
}

func TestPausesGrow(t *testing.T) {
	s, addr := serve(t, smsc.Options{RetryMin: 20 * time.Millisecond, RetryMax: 80 * time.Millisecond})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	o := s.Phone("628111").Send("1708", "x")
	for range 5 {
		seq, _ := e.delivery()
		e.respond(seq, smpp.StatusRMSGQFUL)
	}
	e.take("x")
	if err := o.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	journal := s.Journal()
	for i, atLeast := range []time.Duration{20, 40, 80, 80, 80} {
		if pause := journal[i+1].At.Sub(journal[i].Answered); pause < atLeast*time.Millisecond {
			t.Errorf("pause %d: %v, want at least %v ms", i+1, pause, int(atLeast))
		}
	}
}

// A telephone in trouble holds up nobody else.
func TestOthersAreNotHeldUp(t *testing.T) {
	s, addr := serve(t, smsc.Options{RetryMin: time.Hour})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	s.Phone("628111").Send("1708", "stuck")
	seq, _ := e.delivery()
	e.respond(seq, smpp.StatusRXTAPPN)
	s.Phone("628222").Send("1708", "free")
	e.take("free")
}

func TestRefusedForGood(t *testing.T) {
	for _, status := range []smpp.Status{smpp.StatusRXPAPPN, smpp.StatusRXRAPPN, smpp.StatusRINVDSTADR} {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		p := s.Phone("628111")
		o := p.Send("1708", strings.Repeat("a", 400))
		p.Send("1708", "next")
		seq, _ := e.delivery()
		e.respond(seq, status)
		refused := new(smsc.RefusedError)
		if err := o.Wait(soon(t)); !errors.As(err, &refused) || refused.Status != status {
			t.Fatalf("%v", err)
		}
		e.take("next") // and no further part of the refused
	}
}

func TestWindow(t *testing.T) {
	s, addr := serve(t, smsc.Options{Window: 3})
	a, b := bind(t, addr, smpp.CmdBindTransceiver), bind(t, addr, smpp.CmdBindReceiver)
	bind(t, addr, smpp.CmdBindTransmitter).silent(time.Millisecond)
	for i := range 10 {
		s.Phone(fmt.Sprint(62800+i)).Send("1708", "x")
	}
	var seqs []uint32
	for range 3 {
		seq, _ := a.delivery()
		seqs = append(seqs, seq)
		b.delivery()
	}
	a.silent(30 * time.Millisecond)
	b.silent(30 * time.Millisecond)
	a.respond(seqs[1], smpp.StatusROK) // in any order
	a.delivery()
	a.silent(30 * time.Millisecond)
}

func TestSeveralOfOneTelephoneOutstanding(t *testing.T) {
	s, addr := serve(t, smsc.Options{PerPhone: 2})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	p := s.Phone("628111")
	p.Send("1708", "x")
	p.Send("1708", "x")
	p.Send("1708", "y")
	e.delivery()
	e.delivery()
	s.CutLinks()
	e = bind(t, addr, smpp.CmdBindTransceiver)
	e.take("x")
	e.take("x")
	e.take("y")
}

func TestALateAnswerIsUnseenButNoted(t *testing.T) {
	s, addr := serve(t, smsc.Options{ResponseTimeout: 400 * time.Millisecond})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	o := s.Phone("628111").Send("1708", "x")
	first, _ := e.delivery()
	again, _ := e.delivery()
	e.respond(first, smpp.StatusROK)
	e.request(smpp.CmdEnquireLink)
	if state, _ := o.State(); state == smsc.OutgoingAccepted {
		t.Fatal("a late answer was believed")
	}
	e.respond(again, smpp.StatusROK)
	if err := o.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	if journal := s.Journal(); journal[0].Outcome != smsc.Late || !journal[0].Acknowledged() {
		t.Fatalf("journal %+v", journal[0])
	}
}

func TestSendPDU(t *testing.T) {
	s, addr := serve(t, smsc.Options{})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	s.Phone("628111").SendPDU(&smpp.Message{
		Destination: smpp.Address{Addr: "1708"}, DataCoding: 4, ESMClass: 0x40, ShortMessage: []byte{9, 1, 2},
		TLVs: smpp.TLVs{{Tag: 0x1400, Value: []byte{1}}},
	})
	_, m := e.delivery()
	if m.Source.Addr != "628111" || m.DataCoding != 4 || string(m.ShortMessage) != "\x09\x01\x02" || len(m.TLVs) != 1 {
		t.Fatalf("%+v", m)
	}
	if err := s.Phone("628111").SendPDU(&smpp.Message{ShortMessage: make([]byte, 255)}).Wait(soon(t)); err == nil {
		t.Fatal("255 octets were sent")
	}
	if err := s.Phone("628111").Send("1708", strings.Repeat("a", 40_000)).Wait(soon(t)); !errors.Is(err, segment.ErrTooLong) {
		t.Fatalf("%v", err)
	}
}

func TestJournalIsBounded(t *testing.T) {
	s, addr := serve(t, smsc.Options{JournalLimit: 5})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	for i := range 23 {
		text := fmt.Sprint(i)
		s.Phone("628111").Send("1708", text)
		e.take(text)
	}
	e.request(smpp.CmdEnquireLink)
	journal := s.Journal()
	if len(journal) != 5 || string(journal[4].Message.ShortMessage) != "22" || journal[4].Outcome != smsc.Answered {
		t.Fatalf("%d entries", len(journal))
	}
	s, addr = serve(t, smsc.Options{JournalLimit: -1})
	e = bind(t, addr, smpp.CmdBindTransceiver)
	s.Phone("628111").Send("1708", "x")
	e.take("x")
	if len(s.Journal()) != 0 {
		t.Fatal("a journal, although switched off")
	}
}
