package smpp_test

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	"aduan/smpp"
	"github.com/fiorix/go-smpp/smpp/pdu/pdufield"
	"github.com/fiorix/go-smpp/smpp/pdu/pdutlv"
	"pgregory.net/rapid"
)

// body parts of a deliver_sm, so that each row shows only what is odd about it.
const (
	plainHead = `
		00                         ; service_type
		01 01 36323831313000     ; source "628110"
		03 00 3137303800           ; destination "1708"
		`
	plainTail = `
		00 00 00 00                ; protocol_id, priority_flag, times
		00 00 00 00                ; registered_delivery, replace, data_coding, default msg
		`
	noUDH   = plainHead + "00" + plainTail
	withUDH = plainHead + "40" + plainTail
)

func TestDecodeDeliver(t *testing.T) {
	rows := []struct {
		name   string
		body   string
		text   string
		udh    string
		status smpp.Status // 0: no error
		kept   bool        // the message is there in spite of the error
	}{
		{name: "a text", body: noUDH + "02 6869", text: "hi"},
		{name: "an empty text", body: noUDH + "00"},
		{name: "a text in message_payload", body: noUDH + "00 0424 0002 6869", text: "hi"},
		{name: "short_message goes before message_payload", body: noUDH + "01 61 0424 0001 62", text: "a"},
		{name: "a UDH", body: withUDH + "08 050003070201 6869", text: "hi", udh: "050003070201"},
		{name: "a UDH at the begin of message_payload", body: withUDH + "00 0424 0008 0500030702016869", text: "hi", udh: "050003070201"},
		{name: "UDHL 6 with an IE of 5 octets, as some phones send", body: withUDH + "09 06000307020100 6869", text: "hi", udh: "06000307020100"},
		{name: "UDHL 0", body: withUDH + "03 00 6869", text: "hi", udh: "00"},
		{name: "UDHL past the end: all is text", body: withUDH + "03 7f 6869", text: "\x7fhi"},
		{name: "UDHI and nothing", body: withUDH + "00"},
		{name: "an unknown TLV is kept", body: noUDH + "02 6869 1400 0001 ff", text: "hi"},
		{name: "no short_message field at all", body: plainHead + "00" + plainTail, status: smpp.StatusRINVCMDLEN},
		{name: "cut within a string", body: "00 01 01 3632", status: smpp.StatusRINVCMDLEN},
		{name: "no body", body: "", status: smpp.StatusRINVCMDLEN},
		{name: "sm_length past the end", body: noUDH + "05 6869", status: smpp.StatusRINVMSGLEN},
		{name: "sm_length 255", body: noUDH + "ff" + strings.Repeat("61", 255), status: smpp.StatusRINVMSGLEN},
		{name: "sm_length below the text: the rest reads as broken TLVs", body: noUDH + "02 6869 6869", text: "hi", status: smpp.StatusRINVOPTPARSTREAM, kept: true},
		{name: "a TLV past the end", body: noUDH + "02 6869 0424 0009 61", text: "hi", status: smpp.StatusRINVOPTPARSTREAM, kept: true},
		{name: "three stray octets", body: noUDH + "02 6869 000000", text: "hi", status: smpp.StatusRINVOPTPARSTREAM, kept: true},
		{name: "what stands before the broken TLV is kept", body: noUDH + "00 0424 0002 6869 0204 0009", text: "hi", status: smpp.StatusRINVOPTPARSTREAM, kept: true},
		{name: "a TLV of the wrong size", body: noUDH + "02 6869 020c 0001 07", text: "hi", status: smpp.StatusRINVPARLEN, kept: true},
		{name: "service_type too long, all else there", body: "414141414141" + noUDH + "00", status: smpp.StatusRINVSERTYP},
		{
			name:   "source_addr of 21 octets",
			body:   "00 0101" + strings.Repeat("31", 21) + "00 0300 3137303800 00" + plainTail + "00",
			status: smpp.StatusRINVSRCADR,
		},
		{
			name:   "destination_addr of 21 octets",
			body:   "00 0101 3100 0300" + strings.Repeat("31", 21) + "00 00" + plainTail + "00",
			status: smpp.StatusRINVDSTADR,
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			frame := pdu(smpp.CmdDeliverSM, 0, 7, annotated(t, row.body))
			whole := bytes.Clone(frame)
			m, err := smpp.DecodeMessage(frame)
			sameBytes(t, "the frame after decoding", frame, whole)
			var bad *smpp.PDUError
			if row.status != 0 && (!errors.As(err, &bad) || bad.Status != row.status) {
				t.Fatalf("error %v, want %v", err, row.status)
			}
			if row.status == 0 && err != nil {
				t.Fatal(err)
			}
			if (m != nil) != (row.status == 0 || row.kept) {
				t.Fatalf("message %v", m)
			}
			if m == nil {
				return
			}
			udh, text := m.Content()
			if string(text) != row.text {
				t.Errorf("text %q, want %q", text, row.text)
			}
			sameBytes(t, "udh", udh, annotated(t, row.udh))
			if m.Source != (smpp.Address{TON: 1, NPI: 1, Addr: "628110"}) || m.Destination.Addr != "1708" {
				t.Errorf("addresses %v %v", m.Source, m.Destination)
			}
			_ = append(text, "longer"...) // must not reach into the frame
			_ = append(udh, "longer"...)
			sameBytes(t, "the frame after appending to its parts", frame, whole)
		})
	}
}

// TestEncodesAsTheSpecificationSays has each PDU that we write, octet by octet.
func TestEncodesAsTheSpecificationSays(t *testing.T) {
	rows := []struct {
		name string
		got  func() ([]byte, error)
		want string
	}{
		{
			"bind_transceiver",
			func() ([]byte, error) {
				return smpp.AppendBind(nil, 1, &smpp.Bind{ID: smpp.CmdBindTransceiver, SystemID: "aduan", Password: "pw", SystemType: "X", AddressRange: "1708"})
			},
			`00000023 00000009 00000000 00000001
			 616475616e00 707700 5800  ; system_id, password, system_type
			 34 00 00 3137303800       ; version, ton, npi, address_range`,
		},
		{
			"bind_transceiver_resp tells the version",
			func() ([]byte, error) {
				return smpp.AppendBindResp(nil, smpp.CmdBindTransceiverResp, 0, 1, "S")
			},
			"00000017 80000009 00000000 00000001 5300 0210 0001 34",
		},
		{
			"a bind response that refuses has no body",
			func() ([]byte, error) {
				return smpp.AppendBindResp(nil, smpp.CmdBindTransceiverResp, smpp.StatusRINVPASWD, 1, "S")
			},
			"00000010 80000009 0000000e 00000001",
		},
		{
			"submit_sm with UDH and TLVs in their order",
			func() ([]byte, error) {
				return smpp.AppendMessage(nil, smpp.CmdSubmitSM, 2, &smpp.Message{
					ServiceType: "CMT", Source: smpp.Address{TON: 3, Addr: "1708"},
					Destination: smpp.Address{TON: 1, NPI: 1, Addr: "628110"},
					ESMClass:    0x40, ProtocolID: 1, PriorityFlag: 2, ValidityPeriod: "000001000000000R",
					RegisteredDelivery: 1, ReplaceIfPresent: 0, DataCoding: 8, SMDefaultMsgID: 0,
					ShortMessage: []byte{5, 0, 3, 7, 2, 1, 0, 'h'},
					TLVs:         smpp.TLVs{{Tag: 0x0204, Value: []byte{0, 7}}, {Tag: 0x0426, Value: []byte{1}}},
				})
			},
			`00000051 00000004 00000000 00000002
			 434d5400 0300 3137303800 0101 36323831313000
			 40 01 02 00 3030303030313030303030303030305200
			 01 00 08 00 08 0500030702010068
			 0204 0002 0007 0426 0001 01`,
		},
		{
			"data_sm",
			func() ([]byte, error) {
				return smpp.AppendMessage(nil, smpp.CmdDataSM, 3, &smpp.Message{
					Source: smpp.Address{TON: 1, NPI: 1, Addr: "1"}, Destination: smpp.Address{Addr: "2"},
					RegisteredDelivery: 1, DataCoding: 4, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("hi")}},
				})
			},
			"00000022 00000103 00000000 00000003 00 0101 3100 0000 3200 00 01 04 0424 0002 6869",
		},
		{
			"submit_sm_resp",
			func() ([]byte, error) { return smpp.AppendResp(nil, smpp.CmdSubmitSMResp, 0, 4, "id1") },
			"00000014 80000004 00000000 00000004 69643100",
		},
		{
			"submit_sm_resp that refuses has no body",
			func() ([]byte, error) {
				return smpp.AppendResp(nil, smpp.CmdSubmitSMResp, smpp.StatusRTHROTTLED, 4, "")
			},
			"00000010 80000004 00000058 00000004",
		},
		{
			"deliver_sm_resp",
			func() ([]byte, error) { return smpp.AppendResp(nil, smpp.CmdDeliverSMResp, 0, 5, "") },
			"00000011 80000005 00000000 00000005 00",
		},
		{
			"enquire_link",
			func() ([]byte, error) { return smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 6), nil },
			"00000010 00000015 00000000 00000006",
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := row.got()
			if err != nil {
				t.Fatal(err)
			}
			sameBytes(t, "encoded", got, annotated(t, row.want))
		})
	}
}

func TestNothingThatDoesNotFitIsWritten(t *testing.T) {
	long := func(n int) string { return strings.Repeat("1", n) }
	rows := []struct {
		name string
		id   smpp.CommandID
		m    smpp.Message
	}{
		{"an address of 21 octets", smpp.CmdSubmitSM, smpp.Message{Source: smpp.Address{Addr: long(21)}}},
		{"a NUL inside an address", smpp.CmdSubmitSM, smpp.Message{Destination: smpp.Address{Addr: "62\x008"}}},
		{"a service_type of 6", smpp.CmdSubmitSM, smpp.Message{ServiceType: long(6)}},
		{"a validity_period of 17", smpp.CmdSubmitSM, smpp.Message{ValidityPeriod: long(17)}},
		{"a schedule of 17", smpp.CmdSubmitSM, smpp.Message{ScheduleDeliveryTime: long(17)}},
		{"a text of 255", smpp.CmdSubmitSM, smpp.Message{ShortMessage: []byte(long(255))}},
		{"a short_message in data_sm", smpp.CmdDataSM, smpp.Message{ShortMessage: []byte("x")}},
		{"an address of 65 in data_sm", smpp.CmdDataSM, smpp.Message{Source: smpp.Address{Addr: long(65)}}},
		{"a TLV of 65,536", smpp.CmdDataSM, smpp.Message{TLVs: smpp.TLVs{{Tag: 0x0424, Value: make([]byte, 65536)}}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := smpp.AppendMessage([]byte("before"), row.id, 1, &row.m)
			var bad *smpp.PDUError
			if !errors.As(err, &bad) {
				t.Fatalf("error %v", err)
			}
			if strings.Contains(err.Error(), "1111") {
				t.Errorf("the error repeats the value: %v", err)
			}
			if string(got) != "before" {
				t.Errorf("left %q", got)
			}
		})
	}
	for _, b := range []smpp.Bind{
		{SystemID: long(16)},
		{Password: long(65)},
		{SystemType: long(13)},
		{AddressRange: long(41)},
		{Password: "a\x00b"},
	} {
		b.ID = smpp.CmdBindTransceiver
		if _, err := smpp.AppendBind(nil, 1, &b); err == nil {
			t.Errorf("%+v was written", b)
		}
	}
}

func TestResponsesWithoutBody(t *testing.T) {
	frame := annotated(t, "00000010 80000004 00000058 00000001")
	if id, err := smpp.DecodeSubmitResp(frame); id != "" || err == nil {
		t.Errorf("submit_sm_resp: %q, %v", id, err)
	}
	frame = annotated(t, "00000010 80000009 00000000 00000001")
	if resp, err := smpp.DecodeBindResp(frame); resp != nil || err == nil {
		t.Errorf("bind_transceiver_resp: %v, %v", resp, err)
	}
	for n := range smpp.HeaderLen {
		if _, err := smpp.DecodeMessage(frame[:n]); err == nil {
			t.Errorf("a frame of %d octets was decoded", n)
		}
	}
}

func TestLastTLVWins(t *testing.T) {
	ts := smpp.TLVs{{Tag: 1, Value: []byte{1}}, {Tag: 2, Value: []byte{9, 9}}, {Tag: 1, Value: []byte{2}}}
	if v, ok := ts.Uint8(1); !ok || v != 2 {
		t.Errorf("Uint8 %d %v", v, ok)
	}
	if v, ok := ts.Uint16(2); !ok || v != 0x0909 {
		t.Errorf("Uint16 %x %v", v, ok)
	}
	if _, ok := ts.Uint16(1); ok {
		t.Error("one octet read as two")
	}
	if _, ok := ts.Get(3); ok {
		t.Error("found what is not there")
	}
}

// TestRoundTrip: what is written reads back the same.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		str := func(limit int, name string) string {
			return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789+abcXYZ ")), 0, limit, limit).Draw(t, name)
		}
		octet := rapid.Byte()
		addr := func(name string) smpp.Address {
			return smpp.Address{TON: octet.Draw(t, name), NPI: octet.Draw(t, name), Addr: str(20, name)}
		}
		m := &smpp.Message{
			ServiceType: str(5, "service"), Source: addr("source"), Destination: addr("destination"),
			ESMClass: octet.Draw(t, "esm"), RegisteredDelivery: octet.Draw(t, "registered"), DataCoding: octet.Draw(t, "coding"),
		}
		id := rapid.SampledFrom([]smpp.CommandID{smpp.CmdSubmitSM, smpp.CmdDeliverSM, smpp.CmdDataSM}).Draw(t, "id")
		if id != smpp.CmdDataSM {
			m.ProtocolID, m.PriorityFlag = octet.Draw(t, "pid"), octet.Draw(t, "priority")
			m.ScheduleDeliveryTime, m.ValidityPeriod = str(16, "schedule"), str(16, "validity")
			m.ReplaceIfPresent, m.SMDefaultMsgID = octet.Draw(t, "replace"), octet.Draw(t, "default")
			if text := rapid.SliceOfN(octet, 0, 254).Draw(t, "text"); len(text) > 0 {
				m.ShortMessage = text
			}
		}
		for range rapid.IntRange(0, 4).Draw(t, "tlvs") {
			m.TLVs = append(m.TLVs, smpp.TLV{
				Tag:   rapid.Uint16Range(0x1400, 0x3FFF).Draw(t, "tag"),
				Value: rapid.SliceOfN(octet, 0, 300).Draw(t, "value"),
			})
		}
		frame, err := smpp.AppendMessage(nil, id, 9, m)
		if err != nil {
			t.Fatal(err)
		}
		if h := smpp.ParseHeader(frame); int(h.Length) != len(frame) || h.ID != id || h.Seq != 9 {
			t.Fatalf("header %+v", h)
		}
		back, err := smpp.DecodeMessage(frame)
		if err != nil {
			t.Fatal(err)
		}
		again, err := smpp.AppendMessage(nil, id, 9, back)
		if err != nil || !bytes.Equal(again, frame) {
			t.Fatalf("%v\n%x\n%x", err, frame, again)
		}
		if !bytes.Equal(back.ShortMessage, m.ShortMessage) || back.Source != m.Source || back.Destination != m.Destination ||
			back.ValidityPeriod != m.ValidityPeriod || back.DataCoding != m.DataCoding || len(back.TLVs) != len(m.TLVs) {
			t.Fatalf("%+v\n%+v", m, back)
		}
	})
}

// FuzzDecodeBodies: no body makes a panic, nothing is written into the frame, and
// the optional parameters are those that the codec sees.
func FuzzDecodeBodies(f *testing.F) {
	for _, body := range []string{
		noUDH + "02 6869", withUDH + "08 050003070201 6869", withUDH + "00 0424 0008 0500030702016869",
		noUDH + "02 6869 0424 0009 61", noUDH + "00 0204 0002 0007 0204 0002 0008", "", "00",
	} {
		f.Add(uint32(smpp.CmdDeliverSM), annotated(f, body))
	}
	f.Add(uint32(smpp.CmdDataSM), annotated(f, "00 0101 3100 0000 3200 00 01 04 0424 0002 6869"))
	f.Add(uint32(smpp.CmdBindTransceiver), annotated(f, "616475616e00 707700 5800 34 00 00 3137303800"))
	f.Add(uint32(smpp.CmdSubmitSMResp), annotated(f, "69643100"))
	f.Fuzz(func(t *testing.T, id uint32, body []byte) {
		if len(body) > 60000 {
			return
		}
		frame := pdu(smpp.CommandID(id), 0, 1, body)
		whole := bytes.Clone(frame)
		_, _ = smpp.DecodeBind(frame)
		_, _ = smpp.DecodeBindResp(frame)
		_, _ = smpp.DecodeSubmitResp(frame)
		m, err := smpp.DecodeMessage(frame)
		if m != nil {
			udh, text := m.Content()
			_, _ = append(udh, 1), append(text, 1)
			if err == nil {
				sameTLVs(t, m, body)
				sameFields(t, m, smpp.CommandID(id), body)
			}
		}
		if m == nil && err == nil {
			t.Fatal("neither message nor error")
		}
		sameBytes(t, "frame", frame, whole)
	})
}

// oneList is deliver_sm's and submit_sm's mandatory part as one list of the
// codec's; ours is cut into runs, which must not change a value.
var oneList = pdufield.List{
	pdufield.ServiceType, pdufield.SourceAddrTON, pdufield.SourceAddrNPI, pdufield.SourceAddr,
	pdufield.DestAddrTON, pdufield.DestAddrNPI, pdufield.DestinationAddr,
	pdufield.ESMClass, pdufield.ProtocolID, pdufield.PriorityFlag,
	pdufield.ScheduleDeliveryTime, pdufield.ValidityPeriod,
	pdufield.RegisteredDelivery, pdufield.ReplaceIfPresentFlag, pdufield.DataCoding, pdufield.SMDefaultMsgID,
	pdufield.SMLength, pdufield.ShortMessage,
}

// sameFields holds what we decoded against the codec's decoding of the whole list,
// and what we append against what the codec appends of it.
func sameFields(t *testing.T, m *smpp.Message, id smpp.CommandID, body []byte) {
	if id == smpp.CmdDataSM {
		return
	}
	buf := bytes.NewBuffer(bytes.Clone(body))
	want, err := oneList.Decode(buf)
	if err != nil || len(want) != len(oneList) {
		t.Fatalf("the codec refuses: %v, %d fields", err, len(want))
	}
	got := map[pdufield.Name]string{
		pdufield.ServiceType: m.ServiceType, pdufield.SourceAddr: m.Source.Addr, pdufield.DestinationAddr: m.Destination.Addr,
		pdufield.ScheduleDeliveryTime: m.ScheduleDeliveryTime, pdufield.ValidityPeriod: m.ValidityPeriod,
		pdufield.ShortMessage: string(m.ShortMessage), pdufield.SMLength: strconv.Itoa(len(m.ShortMessage)),
	}
	for name, v := range map[pdufield.Name]byte{
		pdufield.SourceAddrTON: m.Source.TON, pdufield.SourceAddrNPI: m.Source.NPI,
		pdufield.DestAddrTON: m.Destination.TON, pdufield.DestAddrNPI: m.Destination.NPI,
		pdufield.ESMClass: m.ESMClass, pdufield.ProtocolID: m.ProtocolID, pdufield.PriorityFlag: m.PriorityFlag,
		pdufield.RegisteredDelivery: m.RegisteredDelivery, pdufield.ReplaceIfPresentFlag: m.ReplaceIfPresent,
		pdufield.DataCoding: m.DataCoding, pdufield.SMDefaultMsgID: m.SMDefaultMsgID,
	} {
		got[name] = strconv.Itoa(int(v))
	}
	var again bytes.Buffer
	for _, name := range oneList {
		if got[name] != want[name].String() {
			t.Fatalf("%s is %q, the codec has %q", name, got[name], want[name].String())
		}
		if err := want[name].SerializeTo(&again); err != nil {
			t.Fatal(err)
		}
	}
	c := *m
	c.TLVs = nil
	frame, err := smpp.AppendMessage(nil, smpp.CmdSubmitSM, 1, &c)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(frame[smpp.HeaderLen:], again.Bytes()) {
		t.Fatalf("we append\n%x, the codec\n%x", frame[smpp.HeaderLen:], again.Bytes())
	}
}

func sameTLVs(t *testing.T, m *smpp.Message, body []byte) {
	n := 0
	for _, tlv := range m.TLVs {
		n += 4 + len(tlv.Value)
	}
	want, err := pdutlv.DecodeTLV(bytes.NewBuffer(body[len(body)-n:]))
	if err != nil {
		t.Fatalf("the codec refuses: %v", err)
	}
	for tag, v := range want {
		if got, ok := m.TLVs.Get(uint16(tag)); !ok || !bytes.Equal(got, v.Bytes()) {
			t.Fatalf("tag %v: %x, the codec has %x", tag, got, v.Bytes())
		}
	}
}

func BenchmarkDecodeDeliver(b *testing.B) {
	frame := deliverSM(1, strings.Repeat("a", 67))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := smpp.DecodeMessage(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSubmit(b *testing.B) {
	m := sms(strings.Repeat("a", 67))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = smpp.AppendMessage(buf[:0], smpp.CmdSubmitSM, 1, m); err != nil {
			b.Fatal(err)
		}
	}
}
