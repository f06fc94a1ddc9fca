package smpp_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"aduan/smpp"
)

// TestWhatBadPDUsAreAnswered has what comes in, once bound, and what must be written.
func TestWhatBadPDUsAreAnswered(t *testing.T) {
	rows := []struct {
		name    string
		in      string
		want    string // all that is answered; a deliver_sm that is handed on is answered ESME_ROK
		closes  bool   // else the session goes on
		arrives string // the text handed on
	}{
		{
			name: "length 0", in: "00000000 00000005 00000000 00000007",
			want: "00000010 80000000 00000002 00000007", closes: true,
		},
		{
			name: "length 15", in: "0000000f 00000015 00000000 00000007",
			want: "00000010 80000000 00000002 00000007", closes: true,
		},
		{
			name: "length 2^31, nothing behind it", in: "80000000",
			want: "00000010 80000000 00000002 00000000", closes: true,
		},
		{
			name: "length 70,001", in: "00011171 00000005 00000000 00000007",
			want: "00000010 80000000 00000002 00000007", closes: true,
		},
		{
			name: "unknown command", in: "00000010 00000999 00000000 00000007",
			want: "00000010 80000000 00000003 00000007",
		},
		{
			name: "unknown command with a body", in: "00000014 00000999 00000000 00000007 01020304",
			want: "00000010 80000000 00000003 00000007",
		},
		{
			name: "a request that no SMSC sends: submit_sm", in: "00000010 00000004 00000000 00000007",
			want: "00000010 80000000 00000003 00000007",
		},
		{
			name: "a request that no SMSC sends: bind_transceiver", in: "00000010 00000009 00000000 00000007",
			want: "00000010 80000000 00000003 00000007",
		},
		{
			name: "deliver_sm, no body", in: "00000010 00000005 00000000 00000007",
			want: "00000011 80000005 00000002 00000007 00",
		},
		{
			name: "data_sm, cut", in: "00000013 00000103 00000000 00000007 000101",
			want: "00000011 80000103 00000002 00000007 00",
		},
		{
			name: "deliver_sm, no NUL", in: "00000014 00000005 00000000 00000007 00010136",
			want: "00000011 80000005 00000002 00000007 00",
		},
		{
			name: "deliver_sm, false sm_length", in: "00000023 00000005 00000000 00000007 00 000000 000000 00 0000 0000 00000000 05 6869",
			want: "00000011 80000005 00000001 00000007 00",
		},
		{
			name: "deliver_sm, TLV past the end, text readable", in: "00000027 00000005 00000000 00000007 00 000000 000000 00 0000 0000 00000000 02 6869 02040009",
			want: "00000011 80000005 00000000 00000007 00", arrives: "hi",
		},
		{
			name: "deliver_sm, a TLV of a wrong size, text readable", in: "00000028 00000005 00000000 00000007 00 000000 000000 00 0000 0000 00000000 02 6869 0204 0001 01",
			want: "00000011 80000005 00000000 00000007 00", arrives: "hi",
		},
		{
			name: "deliver_sm, TLV past the end, payload before it", in: "0000002b 00000005 00000000 00000007 00 000000 000000 00 0000 0000 00000000 00 0424 0002 6869 02040009",
			want: "00000011 80000005 00000000 00000007 00", arrives: "hi",
		},
		{
			name: "deliver_sm, TLV past the end, no text", in: "00000025 00000005 00000000 00000007 00 000000 000000 00 0000 0000 00000000 00 02040009",
			want: "00000011 80000005 000000c0 00000007 00",
		},
		{
			name: "deliver_sm, a TLV of a wrong size, no text", in: "00000026 00000005 00000000 00000007 00 000000 000000 00 0000 0000 00000000 00 0204 0001 01",
			want: "00000011 80000005 000000c2 00000007 00",
		},
		{
			name: "sequence number 0 is answered with 0", in: "00000010 00000015 00000000 00000000",
			want: "00000010 80000015 00000000 00000000",
		},
		{
			name: "enquire_link with a body", in: "00000012 00000015 00000000 00000007 0102",
			want: "00000010 80000015 00000000 00000007",
		},
		{name: "alert_notification has no response", in: "00000010 00000102 00000000 00000007"},
		{name: "outbind has no response", in: "00000010 0000000b 00000000 00000007"},
		{name: "an unknown response", in: "00000010 80000999 00000000 00000007"},
		{name: "a response to nothing", in: "00000010 80000004 00000000 00000007"},
		{name: "enquire_link_resp to nothing", in: "00000010 80000015 00000000 7fffffff"},
		{name: "generic_nack of nothing", in: "00000010 80000000 00000003 00000000"},
		{name: "bind_transceiver_resp once more", in: "00000010 80000009 00000000 00000001"},
		{
			name: "unbind", in: "00000010 00000006 00000000 00000007",
			want: "00000010 80000006 00000000 00000007", closes: true,
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rigged(t, nil)
				r.onDeliver = func(d *smpp.Delivery) { d.Respond(smpp.StatusROK) }
				p := r.ex.accept().bound()
				p.send(annotated(t, row.in))
				var got []byte
				if want := annotated(t, row.want); len(want) > 0 {
					_, frame, err := p.next()
					if err != nil {
						t.Fatal(err)
					}
					got = frame
				}
				sameBytes(t, "answer", got, annotated(t, row.want))
				if row.arrives != "" {
					if _, text := (<-r.deliveries).Message.Content(); string(text) != row.arrives {
						t.Errorf("handed on %q, want %q", text, row.arrives)
					}
				}
				if row.closes {
					p.expectEnd()
					p = r.ex.accept().bound() // and binds anew
				}
				p.stillServed()
				if n := len(r.deliveries); n > 0 {
					t.Errorf("%d deliveries handed on", n)
				}
				r.finish(p)
			})
		})
	}
}

func TestBeforeBound(t *testing.T) {
	rows := []struct{ name, in, want string }{
		{"deliver_sm", "00000010 00000005 00000000 00000007", "00000011 80000005 00000004 00000007 00"},
		{"data_sm", "00000010 00000103 00000000 00000007", "00000011 80000103 00000004 00000007 00"},
		{"enquire_link", "00000010 00000015 00000000 00000007", "00000010 80000015 00000000 00000007"},
		{"unknown", "00000010 00000999 00000000 00000007", "00000010 80000000 00000003 00000007"},
		{"unbind", "00000010 00000006 00000000 00000007", "00000010 80000006 00000000 00000007"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rigged(t, nil)
				p := r.ex.accept()
				bind, _ := p.expect(smpp.CmdBindTransceiver)
				p.send(annotated(t, row.in))
				_, frame, err := p.next()
				if err != nil {
					t.Fatal(err)
				}
				sameBytes(t, "answer", frame, annotated(t, row.want))
				if row.name == "unbind" {
					p.expectEnd()
					p = r.ex.accept().bound()
				} else {
					p.header(smpp.CmdBindTransceiverResp, 0, bind.Seq) // without a body, as some do
				}
				p.stillServed()
				r.finish(p)
			})
		})
	}
}

func TestAReceiverOnlyRefusesWhatATransmitterMust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.Bind = smpp.BindPair })
		a, b := r.ex.accept(), r.ex.accept()
		var tx *peer
		for _, p := range []*peer{a, b} {
			h, _, err := p.next()
			if err != nil {
				t.Fatal(err)
			}
			if h.ID == smpp.CmdBindTransmitter {
				tx = p
			}
			p.send(must(smpp.AppendBindResp(nil, h.ID.Response(), 0, h.Seq, "S")))
		}
		r.waitState(smpp.LinkBound)
		tx.deliver(1, "to the wrong side")
		if h, _ := tx.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusRINVBNDSTS {
			t.Errorf("answered %v", h.Status)
		}
		if len(r.deliveries) != 0 {
			t.Error("handed on")
		}
		tx.stillServed()
		r.finish(a, b)
	})
}

func TestAConsumerThatPanicsCostsOnlyThatPDU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		r.onDeliver = func(d *smpp.Delivery) {
			if string(d.Message.ShortMessage) == "poison" {
				panic("a fault in the consumer")
			}
			d.Respond(smpp.StatusROK)
		}
		r.onProven = func([]*smpp.Delivery) { panic("and here") }
		p := r.ex.accept().bound()
		p.deliver(1, "poison")
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusRXTAPPN || h.Seq != 1 {
			t.Errorf("answered %v", h.Status)
		}
		p.deliver(2, "fine")
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusROK {
			t.Errorf("answered %v", h.Status)
		}
		done := r.submit(r.slot(), "out")
		h, _ := p.expect(smpp.CmdSubmitSM)
		p.submitResp(0, h.Seq, "id")
		if res := <-done; res.err != nil || res.MessageID != "id" {
			t.Errorf("the waiter got %+v", res)
		}
		r.finish(p) // the place of the window is still held: it drains to its time's end
	})
}

func TestADeliveryIsAnsweredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		p.deliver(9, "hi")
		d := <-r.deliveries
		if d.Link != "main" || d.ID != "A-1" || d.Session.ID() != "A" || d.CommandID != smpp.CmdDeliverSM || d.Received.IsZero() {
			t.Errorf("%+v", d)
		}
		d.Respond(smpp.StatusRXTAPPN)
		d.Respond(smpp.StatusROK)
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusRXTAPPN || h.Seq != 9 {
			t.Errorf("%+v", h)
		}
		p.stillServed()
		r.finish(p)
	})
}

func TestTheSessionNeverAcknowledgesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.EnquireLink = time.Hour })
		p := r.ex.accept().bound()
		p.deliver(1, "hi")
		d := <-r.deliveries
		time.Sleep(10 * time.Minute)
		p.stillServed() // and nothing before it
		d.Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		r.finish(p)
	})
}

func TestTooManyInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.MaxInHand = 2 })
		p := r.ex.accept().bound()
		for seq := range uint32(3) {
			p.deliver(seq+1, "hi")
		}
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusRXTAPPN || h.Seq != 3 {
			t.Errorf("%+v", h)
		}
		(<-r.deliveries).Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		p.deliver(4, "again")
		(<-r.deliveries).Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		(<-r.deliveries).Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		r.finish(p)
	})
}

// A flood of receipts that nobody answers has no citizen's message refused, and the other way round.
func TestReceiptsInHandLeaveCitizensMessagesTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, func(o *smpp.LinkOptions) { o.MaxInHand = 2 })
		p := r.ex.accept().bound()
		var all []*smpp.Delivery
		for seq := range uint32(3) {
			p.send(must(smpp.AppendMessage(nil, smpp.CmdDeliverSM, 10+seq, &smpp.Message{
				Source: smpp.Address{Addr: "628110"}, Destination: smpp.Address{Addr: "1708"}, ESMClass: smpp.ESMReceipt, ShortMessage: []byte("id:1 stat:DELIVRD"),
			})))
		}
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusRXTAPPN || h.Seq != 12 {
			t.Errorf("a third receipt: %+v", h)
		}
		for seq := range uint32(3) {
			p.deliver(20+seq, "hi")
		}
		if h, _ := p.expect(smpp.CmdDeliverSMResp); h.Status != smpp.StatusRXTAPPN || h.Seq != 22 {
			t.Errorf("a third message beside two receipts: %+v", h)
		}
		for range 4 {
			all = append(all, <-r.deliveries)
		}
		for _, d := range all {
			d.Respond(smpp.StatusROK)
			p.expect(smpp.CmdDeliverSMResp)
		}
		p.deliver(30, "and so on")
		(<-r.deliveries).Respond(smpp.StatusROK)
		p.expect(smpp.CmdDeliverSMResp)
		r.finish(p)
	})
}

func TestDataSMIsHandedOnAndAnsweredAsSuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		p.send(must(smpp.AppendMessage(nil, smpp.CmdDataSM, 5, &smpp.Message{
			Source: smpp.Address{Addr: "628110"}, Destination: smpp.Address{Addr: "1708"},
			TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("by data_sm")}},
		})))
		d := <-r.deliveries
		if _, text := d.Message.Content(); string(text) != "by data_sm" || d.CommandID != smpp.CmdDataSM {
			t.Errorf("%q by %v", text, d.CommandID)
		}
		d.Respond(smpp.StatusROK)
		if h, frame := p.expect(smpp.CmdDataSMResp); h.Seq != 5 || len(frame) != 17 {
			t.Errorf("%+v, %d octets", h, len(frame))
		}
		r.finish(p)
	})
}

func TestAnAnswerAfterTheEndGoesNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, nil)
		p := r.ex.accept().bound()
		p.deliver(1, "hi")
		d := <-r.deliveries
		if !d.Carrier.Alive() {
			t.Error("dead before the end")
		}
		_ = p.conn.Close()
		if id := <-r.closed; id != d.Carrier.ID() {
			t.Errorf("closed %q", id)
		}
		if d.Carrier.Alive() {
			t.Error("alive after the end")
		}
		d.Respond(smpp.StatusROK)
		if err := d.Carrier.Probe(t.Context()); !errors.Is(err, smpp.ErrSessionClosed) {
			t.Errorf("Probe: %v", err)
		}
		p = r.ex.accept().bound()
		p.stillServed()
		r.finish(p)
	})
}
