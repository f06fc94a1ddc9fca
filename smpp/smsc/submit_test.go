package smsc_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/smpp"
	"aduan/smpp/receipt"
	"aduan/smpp/segment"
	"aduan/smpp/smsc"
)

func TestInbox(t *testing.T) {
	long := strings.Repeat("Laporan Anda diterima. ", 20)
	wide := strings.Repeat("ditérima 😡 ", 20)
	submits := func(text string) (ms []*smpp.Message) {
		e := segment.Split(text, 7)
		for _, p := range e.Parts {
			m := sms("628111", "")
			m.ShortMessage, m.DataCoding = p.Payload(), e.DataCoding
			if len(p.UDH) > 0 {
				m.ESMClass = smpp.ESMUDHI
			}
			ms = append(ms, m)
		}
		return ms
	}
	payload := sms("628111", "")
	payload.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(long)}}
	var sar []*smpp.Message
	for i, words := range []string{"satu ", "dua ", "tiga"} {
		m := sms("628111", words)
		m.TLVs = smpp.TLVs{
			{Tag: smpp.TagSARMsgRefNum, Value: []byte{1, 2}},
			{Tag: smpp.TagSARTotalSegments, Value: []byte{3}},
			{Tag: smpp.TagSARSegmentSeqnum, Value: []byte{byte(i + 1)}},
		}
		sar = append(sar, m)
	}
	label1 := sms("628111", "@ [x]")
	label1.DataCoding = 1
	latin := sms("628111", "caf\xE9")
	latin.DataCoding = 3
	binary := sms("628111", "\x01\x02")
	binary.DataCoding = 4
	reversed := submits(long)
	slices.Reverse(reversed)
	for _, tt := range []struct {
		name           string
		ms             []*smpp.Message
		text, alphabet string
		segments       int
	}{
		{"a short one", submits("nomor 4821-3769"), "nomor 4821-3769", "gsm7", 1},
		{"a long one", submits(long), long, "gsm7", 4},
		{"parts out of order", reversed, long, "gsm7", 4},
		{"a part twice", append(submits(long)[:1], submits(long)...), long, "gsm7", 4},
		{"a long one in UCS-2", submits(wide), wide, "ucs2", 4},
		{"message_payload is cut by the SMSC", []*smpp.Message{payload}, long, "gsm7", 4},
		{"SAR parameters", sar, "satu dua tiga", "gsm7", 3},
		{"ASCII", []*smpp.Message{label1}, "@ [x]", "gsm7", 1},
		{"Latin-1", []*smpp.Message{latin}, "café", "latin1", 1},
		{"binary", []*smpp.Message{binary}, "", "binary", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, addr := serve(t, smsc.Options{Receipts: smsc.ReceiptsNever})
			e := bind(t, addr, smpp.CmdBindTransmitter)
			var ids []string
			for _, m := range tt.ms {
				status, id := e.submit(m)
				if status != 0 {
					t.Fatal(status)
				}
				ids = append(ids, id)
			}
			inbox, err := s.Phone("628111").WaitSMS(soon(t), 1)
			if err != nil {
				t.Fatal(err)
			}
			got := inbox[0]
			if len(inbox) != 1 || got.Text != tt.text || got.Alphabet != tt.alphabet || got.Segments != tt.segments || got.From != "1708" {
				t.Fatalf("%d SMS: %+v", len(inbox), got)
			}
			if !slices.Equal(got.MessageIDs, ids) {
				t.Fatalf("ids %v, want %v", got.MessageIDs, ids)
			}
		})
	}
}

func TestAReferenceUsedAgainBeginsAnew(t *testing.T) {
	s, addr := serve(t, smsc.Options{Receipts: smsc.ReceiptsNever})
	e := bind(t, addr, smpp.CmdBindTransmitter)
	part := func(number byte, text string) {
		m := sms("628111", string([]byte{5, 0, 3, 1, 2, number})+text)
		m.ESMClass = smpp.ESMUDHI
		e.submit(m)
	}
	part(1, "old ")
	part(1, "new ")
	part(2, "text")
	if inbox, err := s.Phone("628111").WaitSMS(soon(t), 1); err != nil || inbox[0].Text != "new text" {
		t.Fatalf("%+v, %v", inbox, err)
	}
}

func TestSubmitStatus(t *testing.T) {
	s, addr := serve(t, smsc.Options{StrictLength: true})
	e := bind(t, addr, smpp.CmdBindTransmitter)
	s.SubmitStatus(func(m *smpp.Message) smpp.Status {
		if string(m.ShortMessage) == "no" {
			return smpp.StatusRTHROTTLED
		}
		return smpp.StatusROK
	})
	if status, _ := e.submit(sms("628111", "no")); status != smpp.StatusRTHROTTLED {
		t.Fatal(status)
	}
	if status, _ := e.submit(sms("628111", "yes")); status != smpp.StatusROK {
		t.Fatal(status)
	}
	if status, _ := e.submit(sms("628111", strings.Repeat("a", 161))); status != smpp.StatusRINVMSGLEN {
		t.Fatalf("161 septets in one: %v", status)
	}
	if inbox := s.Phone("628111").Inbox(); len(inbox) != 1 || inbox[0].Text != "yes" {
		t.Fatalf("%+v", inbox)
	}
	var kinds []smpp.Status
	for _, line := range s.Journal() {
		if line.Kind == smsc.EntrySubmit {
			kinds = append(kinds, line.Status)
		}
	}
	if !slices.Equal(kinds, []smpp.Status{smpp.StatusRTHROTTLED, 0, smpp.StatusRINVMSGLEN}) {
		t.Fatalf("journal %v", kinds)
	}
}

func TestReceipts(t *testing.T) {
	for _, tt := range []struct {
		name       string
		o          smsc.Options
		state      smsc.PhoneState
		registered byte
		want       []receipt.State
	}{
		{"delivered", smsc.Options{}, smsc.Reachable, 1, []receipt.State{receipt.StateDelivered}},
		{"undeliverable", smsc.Options{}, smsc.Unreachable, 1, []receipt.State{receipt.StateUndeliverable}},
		{"expired", smsc.Options{}, smsc.Expiring, 1, []receipt.State{receipt.StateExpired}},
		{"never", smsc.Options{}, smsc.Silent, 1, nil},
		{"not asked", smsc.Options{}, smsc.Reachable, 0, nil},
		{"failures only, delivered", smsc.Options{}, smsc.Reachable, 2, nil},
		{"failures only, failed", smsc.Options{}, smsc.Unreachable, 2, []receipt.State{receipt.StateUndeliverable}},
		{"with an intermediate one", smsc.Options{}, smsc.Reachable, 0x11, []receipt.State{receipt.StateEnroute, receipt.StateDelivered}},
		{"never, by the mode", smsc.Options{Receipts: smsc.ReceiptsNever}, smsc.Reachable, 1, nil},
		{"always, by the mode", smsc.Options{Receipts: smsc.ReceiptsAlways}, smsc.Reachable, 0, []receipt.State{receipt.StateDelivered}},
		{"text only", smsc.Options{ReceiptForm: smsc.FormText}, smsc.Reachable, 1, []receipt.State{receipt.StateDelivered}},
		{"TLVs only", smsc.Options{ReceiptForm: smsc.FormTLVs}, smsc.Reachable, 1, []receipt.State{receipt.StateDelivered}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, addr := serve(t, tt.o)
			e := bind(t, addr, smpp.CmdBindTransceiver)
			s.Phone("628111").SetState(tt.state)
			m := sms("628111", "nomor 4821-3769")
			m.RegisteredDelivery = tt.registered
			status, id := e.submit(m)
			if status != 0 {
				t.Fatal(status)
			}
			for _, want := range tt.want {
				seq, m := e.delivery()
				r, ok := receipt.Parse(m)
				if !ok || r.MessageID != id || r.State != want || r.Intermediate != (want == receipt.StateEnroute) {
					t.Fatalf("%+v, %v", r, ok)
				}
				if m.Source.Addr != "628111" || m.Destination.Addr != "1708" {
					t.Fatalf("from %q to %q", m.Source.Addr, m.Destination.Addr)
				}
				e.respond(seq, 0)
			}
			if h := e.request(smpp.CmdEnquireLink); h.ID != smpp.CmdEnquireLinkResp {
				t.Fatalf("one more: %v", h.ID)
			}
			if arrived := len(s.Phone("628111").Inbox()) == 1; arrived != (tt.state == smsc.Reachable) {
				t.Fatalf("arrived: %v", arrived)
			}
		})
	}
}

func TestASilentTelephoneIsSwitchedOn(t *testing.T) {
	s, addr := serve(t, smsc.Options{})
	e := bind(t, addr, smpp.CmdBindTransceiver)
	p := s.Phone("628111")
	p.SetState(smsc.Silent)
	e.submit(sms("628111", "a"))
	p.SetState(smsc.Reachable)
	e.delivery()
	if inbox := p.Inbox(); len(inbox) != 1 {
		t.Fatalf("%+v", inbox)
	}
}

func TestFaultsOfSubmits(t *testing.T) {
	t.Run("a response is swallowed, the message taken", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{Receipts: smsc.ReceiptsNever})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		s.SwallowSubmitResps(1)
		e.send(sms("628111", "a"))
		if _, err := s.Phone("628111").WaitSMS(soon(t), 1); err != nil {
			t.Fatal(err)
		}
		if h := e.request(smpp.CmdEnquireLink); h.ID != smpp.CmdEnquireLinkResp {
			t.Fatalf("got %v", h.ID)
		}
		if line := s.Journal()[0]; line.Outcome != smsc.Swallowed {
			t.Fatalf("%+v", line)
		}
	})
	t.Run("a response is late", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		s.DelaySubmitResps(40 * time.Millisecond)
		before := time.Now()
		if status, _ := e.submit(sms("628111", "a")); status != 0 || time.Since(before) < 40*time.Millisecond {
			t.Fatalf("%v after %v", status, time.Since(before))
		}
	})
	t.Run("the receipt comes first", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		s.ReceiptsFirst(20 * time.Millisecond)
		seq := e.send(sms("628111", "a"))
		_, m := e.delivery()
		r, _ := receipt.Parse(m)
		h, frame := e.next()
		id, _ := smpp.DecodeSubmitResp(frame)
		if h.ID != smpp.CmdSubmitSMResp || h.Seq != seq || id != r.MessageID {
			t.Fatalf("%v %q, the receipt is about %q", h, id, r.MessageID)
		}
	})
	t.Run("a receipt quotes only what every alphabet agrees on", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		m := sms("628111", "")
		m.ShortMessage = segment.Split("a@_[€]é, halo semua orang", 0).Parts[0].Text
		e.submit(m)
		_, r := e.delivery()
		if !strings.HasSuffix(string(r.ShortMessage), "text:a......, halo semua ") {
			t.Fatalf("%q", r.ShortMessage)
		}
		if n := len(s.Journal()); n != 2 {
			t.Fatal(n)
		}
	})
	t.Run("any receipt at any time", func(t *testing.T) {
		s, addr := serve(t, smsc.Options{ReceiptID: func(id string) string { return "000" + id }})
		e := bind(t, addr, smpp.CmdBindTransceiver)
		s.Phone("628111").SendReceipt("1708", "77", receipt.StateAccepted)
		_, m := e.delivery()
		if r, ok := receipt.Parse(m); !ok || r.MessageID != "00077" || r.State != receipt.StateAccepted {
			t.Fatalf("%+v, %v", r, ok)
		}
	})
}
