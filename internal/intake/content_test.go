package intake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aduan/internal/msisdn"
	"aduan/smpp"
)

// wire is a message as it comes out of its PDU.
func wire(t *testing.T, id smpp.CommandID, change func(m *smpp.Message)) *smpp.Message {
	t.Helper()
	m := message(0, complaint)
	change(m)
	pdu, err := smpp.AppendMessage(nil, id, 1, m)
	if err != nil {
		t.Fatal(err)
	}
	m, err = smpp.DecodeMessage(pdu)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// of is a text by class, coding and octets.
func of(class, coding byte, octets string) func(m *smpp.Message) {
	return func(m *smpp.Message) { m.ESMClass, m.DataCoding, m.ShortMessage = class, coding, []byte(octets) }
}

// Whatever its coding, a text becomes a ticket; what of its octets the text does not show is kept beside it.
func TestATextInEveryCoding(t *testing.T) {
	engine()
	for _, c := range []struct {
		name   string
		coding byte
		octets string
		want   string
		beside bool
	}{
		{"1, IA5", 1, "LAPOR jalan rusak di pasar", "jalan rusak di pasar", false},
		{"3, Latin-1", 3, "LAPOR jalan caf\xe9 rusak", "jalan café rusak", false},
		{"5, JIS with its escapes", 5, "LAPOR jalan rusak \x1b$B$3$s\x1b(B di pasar", "jalan rusak こん di pasar", false},
		{"5, JIS of a form that is guessed", 5, "LAPOR jalan rusak \x82\xb1\x82\xf1 di pasar", "jalan rusak こん di pasar", true},
		{"6, ISO-8859-5", 6, "LAPOR jalan rusak \xb0\xd0", "jalan rusak Аа", false},
		{"7, ISO-8859-8", 7, "LAPOR jalan rusak \xe0", "jalan rusak א", false},
		{"7, with an octet that it leaves open", 7, "LAPOR jalan rusak \xa1 di pasar", "jalan rusak \uFFFD di pasar", true},
		{"8, with half a surrogate pair", 8, "\x00L\x00A\x00P\x00O\x00R\x00 \x00j\x00a\x00l\x00a\x00n\x00 \x00r\x00u\x00s\x00a\x00k\x00 \xd8\x3d\x00 \x00x", "jalan rusak \uFFFD x", true},
		{"0xF0, class 0", 0xF0, "LAPOR jalan rusak di pasar", "jalan rusak di pasar", false},
		{"0xF1, class 1", 0xF1, "LAPOR jalan rusak di pasar", "jalan rusak di pasar", false},
		{"0x10, class 0", 0x10, "LAPOR jalan rusak di pasar", "jalan rusak di pasar", false},
		{"0x18, class 0 in UCS-2", 0x18, "\x00L\x00A\x00P\x00O\x00R\x00 \x00j\x00a\x00l\x00a\x00n\x00 \x00r\x00u\x00s\x00a\x00k", "jalan rusak", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInbound("gsm7")
				defer in.stop()
				if got := <-in.take(1, wire(t, smpp.CmdDeliverSM, of(0, c.coding, c.octets))); got != smpp.StatusROK {
					t.Fatal(got)
				}
				if list := fmt.Sprint(in.redis.Tickets()); !strings.Contains(list, c.want) {
					t.Errorf("%q", list)
				}
				in.keptAre(t, c.beside, c.octets)
			})
		})
	}
}

// keptAre compares what is kept for staff with the octets that came, where any should be.
func (in *inbound) keptAre(t *testing.T, want bool, octets string) {
	t.Helper()
	list := in.redis.Kept(phone(0))
	if !want {
		if len(list) != 0 {
			t.Errorf("kept %s", list)
		}
		return
	}
	if len(list) != 1 {
		t.Errorf("%d are kept", len(list))
		return
	}
	var raw struct{ UDH, Data []byte }
	if err := json.Unmarshal(list[0], &raw); err != nil || !bytes.Equal(append(raw.UDH, raw.Data...), []byte(octets)) {
		t.Errorf("kept %s, %v", list[0], err)
	}
}

// Elements of a header that we do not read are skipped, and kept beside the text: of a message, of parts, of a late one.
func TestUnknownElementsAreKeptBesideTheText(t *testing.T) {
	engine()
	const port = "\x05\x04\x0b\x84\x00\x00"
	t.Run("a message", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			in := newInbound("gsm7")
			defer in.stop()
			octets := "\x06" + port + "LAPOR jalan rusak di pasar"
			for i := range 2 {
				if got := <-in.take(1, wire(t, smpp.CmdDeliverSM, of(0x40, 0, octets))); got != smpp.StatusROK {
					t.Fatalf("%d: %s", i, got)
				}
			}
			if list := fmt.Sprint(in.redis.Tickets()); !strings.Contains(list, "jalan rusak di pasar") {
				t.Errorf("%q", list)
			}
			in.keptAre(t, true, octets) // once, also where it comes again
		})
	})
	t.Run("parts, and a late one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			in := newInbound("gsm7")
			defer in.stop()
			first, second := "\x0b"+port+"\x00\x03\x07\x02\x01LAPOR jalan rusak ", "\x0b"+port+"\x00\x03\x07\x02\x02di pasar"
			if got := <-in.take(1, wire(t, smpp.CmdDeliverSM, of(0x40, 0, first))); got != smpp.StatusROK {
				t.Fatal(got)
			}
			in.joinAll(t)
			if n := len(in.redis.Kept(phone(0))); n != 1 {
				t.Fatalf("%d are kept with the first part", n)
			}
			if got := <-in.take(2, wire(t, smpp.CmdDeliverSM, of(0x40, 0, second))); got != smpp.StatusROK {
				t.Fatal(got)
			}
			if n := len(in.redis.Kept(phone(0))); n != 2 {
				t.Errorf("%d are kept with the late part", n)
			}
			if list := fmt.Sprint(in.redis.Tickets()); !strings.Contains(list, "jalan rusak di pasar") {
				t.Errorf("%q", list)
			}
		})
	})
}

// What cannot be read is kept as it came, each time, and answered once a day.
func TestWhatCannotBeReadIsKeptAndAnsweredOnceADay(t *testing.T) {
	engine()
	for _, c := range []struct {
		name   string
		class  byte
		coding byte
		octets string
	}{
		{"2, octets", 0, 2, "\x01\x02"},
		{"4, octets", 0, 4, "\x01\x02\xff"},
		{"5, in no form of JIS", 0, 5, "\xff\x80\xff"},
		{"9, pictograms", 0, 9, "\x01\x02"},
		{"0xF4, octets with a class", 0, 0xF4, "\x01\x02"},
		{"0x20, compressed", 0, 0x20, "\x01\x02"},
		{"GSM 7-bit above 0x7F", 0, 0, "LAPOR \xff"},
		{"nothing", 0, 0, ""},
		{"nothing in UCS-2", 0, 8, ""},
		{"a header and nothing else", 0x40, 0, "\x06\x05\x04\x0b\x84\x00\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInbound("gsm7")
				defer in.stop()
				take := func(n, sms int) {
					t.Helper()
					m := wire(t, smpp.CmdDeliverSM, of(c.class, c.coding, c.octets))
					m.Destination.Addr = fmt.Sprint(1700 + n) // no copy of the one before
					if got := <-in.take(n, m); got != smpp.StatusROK {
						t.Fatal(got)
					}
					if kept := len(in.redis.Kept(phone(0))); kept != n {
						t.Errorf("%d are kept of %d", kept, n)
					}
					if got := len(in.redis.SMS()); got != sms {
						t.Errorf("%d answers to %d messages, want %d", got, n, sms)
					}
				}
				take(1, 1)
				in.keptAre(t, true, c.octets)
				time.Sleep(time.Minute)
				take(2, 1)
				time.Sleep(23 * time.Hour)
				take(3, 1)
				time.Sleep(2 * time.Hour)
				take(4, 2)
				if list := in.redis.Tickets(); len(list) != 0 {
					t.Errorf("tickets %q", list)
				}
			})
		})
	}
}

// A message that would replace an earlier one on a telephone (3GPP TS 23.040 §9.2.3.9) is a message like any other.
func TestAReplaceMessageIsAMessage(t *testing.T) {
	engine()
	for pid := byte(0x41); pid <= 0x47; pid++ {
		synctest.Test(t, func(t *testing.T) {
			in := newInbound("gsm7")
			defer in.stop()
			for i, text := range []string{"LAPOR jalan rusak di pasar", "LAPOR lampu mati di taman"} {
				m := wire(t, smpp.CmdDeliverSM, func(m *smpp.Message) { m.ProtocolID, m.ReplaceIfPresent, m.ShortMessage = pid, 1, []byte(text) })
				if m.ProtocolID != pid {
					t.Fatalf("protocol_id %#x", m.ProtocolID)
				}
				if got := <-in.take(i, m); got != smpp.StatusROK {
					t.Fatal(got)
				}
			}
			all := fmt.Sprint(in.redis.Tickets())
			if !strings.Contains(all, "jalan rusak di pasar") || !strings.Contains(all, "lampu mati di taman") || in.redis.Turns(phone(0)) != 2 {
				t.Errorf("protocol_id %#x: %q", pid, all)
			}
		})
	}
}

// A citizen is the same one however the SMSC labels the number.
func TestOneCitizenUnderEveryLabel(t *testing.T) {
	engine()
	for ton := range byte(8) {
		for npi := range byte(19) {
			forms := []string{"628123456710", "+628123456710", "08123456710", "00628123456710"}
			if ton == 2 {
				forms = append(forms, "8123456710")
			}
			synctest.Test(t, func(t *testing.T) {
				in := newInbound("gsm7")
				defer in.stop()
				who, err := msisdn.FromE164("+628123456710")
				if err != nil {
					t.Fatal(err)
				}
				for i, addr := range forms {
					m := wire(t, smpp.CmdDeliverSM, func(m *smpp.Message) {
						m.Source = smpp.Address{TON: ton, NPI: npi, Addr: addr}
						m.ShortMessage = fmt.Appendf(nil, "LAPOR jalan rusak di pasar %d", i)
					})
					if got := <-in.take(i, m); got != smpp.StatusROK {
						t.Fatal(got)
					}
					if got := in.redis.Turns(who); got != uint64(i+1) {
						t.Fatalf("TON %d, NPI %d, %s: %d turns of the citizen, want %d", ton, npi, addr, got, i+1)
					}
				}
			})
		}
	}
}

// A short code or a name is kept and never answered, under every label.
func TestWhatIsNoTelephoneIsKeptAndNeverAnswered(t *testing.T) {
	engine()
	for ton := range byte(8) {
		for _, addr := range []string{"2000", "99999", shortCode, "KOMINFO", "LAPOR1708", "BANK BRI"} {
			t.Run(fmt.Sprintf("TON %d, %s", ton, addr), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					in := newInbound("gsm7")
					defer in.stop()
					for i, coding := range []byte{0, 4} {
						m := wire(t, smpp.CmdDeliverSM, func(m *smpp.Message) {
							m.Source, m.DataCoding = smpp.Address{TON: ton, Addr: addr}, coding
						})
						if got := <-in.take(i, m); got != smpp.StatusROK {
							t.Fatal(got)
						}
					}
					if n := len(in.redis.Kept(msisdn.FromAddress(addr))); n != 2 {
						t.Errorf("%d of 2 are kept", n)
					}
					if sms, list := in.redis.SMS(), in.redis.Tickets(); len(sms)+len(list) != 0 {
						t.Errorf("%d answers, %d tickets", len(sms), len(list))
					}
				})
			})
		}
	}
}

// data_sm carries messages, long ones and receipts as deliver_sm does; its text stands in message_payload.
func TestDataSMIsTakenLikeDeliverSM(t *testing.T) {
	engine()
	payload := func(class byte, text string) func(m *smpp.Message) {
		return func(m *smpp.Message) {
			m.ESMClass, m.ShortMessage = class, nil
			m.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(text)}}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		in := newInbound("gsm7")
		defer in.stop()
		for i, change := range []func(m *smpp.Message){
			payload(0, "LAPOR jalan rusak di pasar"),
			payload(0x40, "\x05\x00\x03\x07\x02\x01LAPOR lampu mati "),
			payload(0x40, "\x05\x00\x03\x07\x02\x02di taman"),
			payload(0x04, "id:17 stat:DELIVRD"),
			func(m *smpp.Message) {
				m.ShortMessage = nil
				m.TLVs = smpp.TLVs{{Tag: smpp.TagReceiptedMessageID, Value: []byte("17\x00")}, {Tag: smpp.TagMessageState, Value: []byte{2}}}
			},
		} {
			if got := <-in.take(i, wire(t, smpp.CmdDataSM, change)); got != smpp.StatusROK {
				t.Fatalf("%d: %s", i, got)
			}
		}
		all := fmt.Sprint(in.redis.Tickets())
		if !strings.Contains(all, "jalan rusak di pasar") || !strings.Contains(all, "lampu mati di taman") {
			t.Errorf("%q", all)
		}
		if in.taken.Load() != 2 {
			t.Errorf("%d receipts", in.taken.Load())
		}
	})
}
