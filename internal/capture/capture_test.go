package capture_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"aduan/internal/capture"
	"aduan/smpp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

const (
	shortCode = "1708"
	phone     = "628123456789"
)

func message(id smpp.CommandID, change func(*smpp.Message)) []byte {
	m := &smpp.Message{
		Source: smpp.Address{TON: 1, NPI: 1, Addr: phone}, Destination: smpp.Address{NPI: 1, Addr: shortCode},
	}
	change(m)
	return must(smpp.AppendMessage(nil, id, 7, m))
}

func TestBlanking(t *testing.T) {
	udh := []byte{5, 0, 3, 9, 2, 1}
	rows := []struct {
		name         string
		pdu          []byte
		gone, stands string // parts of the octets, split by |
	}{
		{
			name: "a text and its sender's number", gone: "jalan|rusak|6281|6789", stands: "1708",
			pdu: message(smpp.CmdDeliverSM, func(m *smpp.Message) { m.ShortMessage = []byte("LAPOR jalan rusak") }),
		}, {
			name: "a part of a long text keeps its header", gone: "jalan", stands: string(udh),
			pdu: message(smpp.CmdSubmitSM, func(m *smpp.Message) {
				m.ESMClass, m.ShortMessage = smpp.ESMUDHI, append(bytes.Clone(udh), "jalan rusak"...)
			}),
		}, {
			name: "a header's element with a number in it is blanked", gone: "\x21\x43\x65\x87", stands: "\x0a\x22\x08",
			pdu: message(smpp.CmdDeliverSM, func(m *smpp.Message) {
				m.ESMClass = smpp.ESMUDHI
				m.ShortMessage = []byte("\x0a\x22\x08\x0c\x91\x21\x43\x65\x87\x09\xf1text")
			}),
		}, {
			name: "UCS-2 stays UCS-2", gone: "\x00j\x00a", stands: "\x00x\x00x\x00x",
			pdu: message(smpp.CmdDeliverSM, func(m *smpp.Message) {
				m.DataCoding, m.ShortMessage = 8, []byte("\x00j\x00a\x00l\x00a\x00n")
			}),
		}, {
			name: "message_payload", gone: "jalan", stands: "xxxxx",
			pdu: message(smpp.CmdDataSM, func(m *smpp.Message) {
				m.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("jalan rusak")}}
			}),
		}, {
			name: "message_payload with a header", gone: "jalan", stands: string(udh),
			pdu: message(smpp.CmdDeliverSM, func(m *smpp.Message) {
				m.ESMClass, m.TLVs = smpp.ESMUDHI, smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: append(bytes.Clone(udh), "jalan"...)}}
			}),
		}, {
			name: "a receipt tells its story without the text", gone: "LAPOR|jalan", stands: "id:12aF sub:001 dlvrd:001 submit date:2611231900 done date:2611231901 stat:DELIVRD err:000 text:xxx",
			pdu: message(smpp.CmdDeliverSM, func(m *smpp.Message) {
				m.ESMClass = smpp.ESMReceipt
				m.ShortMessage = []byte("id:12aF sub:001 dlvrd:001 submit date:2611231900 done date:2611231901 stat:DELIVRD err:000 text:LAPOR jalan")
			}),
		}, {
			name: "a text that looks like a receipt is a text", gone: "id:|DELIVRD|6289", stands: "xxx",
			pdu: message(smpp.CmdDeliverSM, func(m *smpp.Message) { m.ShortMessage = []byte("id:62899 stat:DELIVRD text:a") }),
		}, {
			name: "a receipt's head ends where words begin", gone: "jalan|rusak", stands: "id:1 ",
			pdu: message(smpp.CmdDeliverSM, func(m *smpp.Message) {
				m.ESMClass, m.ShortMessage = smpp.ESMReceipt, []byte("id:1 jalan rusak stat:DELIVRD")
			}),
		}, {
			name: "other optional parameters: numbers and the operator's own", gone: "8123|IMSI", stands: "\x14\x01\x00\x04|4711\x00|\x02\x0c\x00\x02\x00\x09",
			pdu: message(smpp.CmdDeliverSM, func(m *smpp.Message) {
				m.TLVs = smpp.TLVs{
					{Tag: 0x0381, Value: []byte("\x01\x01\x0108123")},
					{Tag: 0x1401, Value: []byte("IMSI")},
					{Tag: smpp.TagReceiptedMessageID, Value: []byte("4711\x00")},
					{Tag: smpp.TagSARMsgRefNum, Value: []byte{0, 9}},
				}
			}),
		}, {
			name: "a text that a false sm_length leaves behind", gone: "rusak|berat", stands: "xxxxx",
			pdu: func() []byte {
				b := message(smpp.CmdDeliverSM, func(m *smpp.Message) { m.ShortMessage = []byte("jalan rusak berat sekali") })
				b[len(b)-len("jalan rusak berat sekali")-1] = 5
				return b
			}(),
		}, {
			name: "a command that nobody sends us", gone: "8123", stands: "",
			pdu: func() []byte {
				b := append(smpp.AppendHeader(nil, smpp.CmdAlertNotification, 0, 1), "\x01\x0108123\x00\x01\x011708\x00"...)
				binary.BigEndian.PutUint32(b, uint32(len(b)))
				return b
			}(),
		}, {
			name: "a bind keeps its login, not its password", gone: "s3kr1t", stands: "aduan|********\x00|VMA",
			pdu: must(smpp.AppendBind(nil, 1, &smpp.Bind{ID: smpp.CmdBindTransceiver, SystemID: "aduan", Password: "s3kr1t-w", SystemType: "VMA"})),
		}, {
			name: "a bind whose password never ends", gone: "s3kr1t", stands: "aduan",
			pdu: func() []byte {
				b := append(smpp.AppendHeader(nil, smpp.CmdBindTransceiver, 0, 1), "aduan\x00s3kr1t-w"...)
				binary.BigEndian.PutUint32(b, uint32(len(b)))
				return b
			}(),
		}, {
			name: "a message id stays: receipts are matched by it", gone: "", stands: "1a0f",
			pdu: must(smpp.AppendResp(nil, smpp.CmdSubmitSMResp, 0, 9, "1a0f")),
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := bytes.Clone(row.pdu)
			capture.Blank{Keep: []string{shortCode}}.PDU(got)
			if len(got) != len(row.pdu) || !bytes.Equal(got[:smpp.HeaderLen], row.pdu[:smpp.HeaderLen]) {
				t.Fatalf("length or header changed:\n%s", hex.Dump(got))
			}
			for part := range strings.SplitSeq(row.gone, "|") {
				if part != "" && bytes.Contains(got, []byte(part)) {
					t.Errorf("%q stands in it:\n%s", part, hex.Dump(got))
				}
			}
			for part := range strings.SplitSeq(row.stands, "|") {
				if !bytes.Contains(got, []byte(part)) {
					t.Errorf("%q stands not in it:\n%s", part, hex.Dump(got))
				}
			}
			whole := bytes.Clone(row.pdu)
			capture.Blank{Unredacted: true}.PDU(whole)
			if bytes.Contains(whole, []byte("s3kr1t")) {
				t.Error("a password passes an unredacted capture")
			}
			if id := smpp.ParseHeader(whole).ID; id != smpp.CmdBindTransceiver && !bytes.Equal(whole, row.pdu) {
				t.Error("an unredacted PDU was changed")
			}
		})
	}
}

// TestNoTextPasses: whatever a message looks like, its blanked form decodes to the same shape, and no five letters of
// its text or number stand in it.
func TestNoTextPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-W][a-w0-9 ]{5,60}`).Draw(t, "text")
		number := rapid.StringMatching(`[1-9][1-9]{7,14}`).Draw(t, "number")
		id := rapid.SampledFrom([]smpp.CommandID{smpp.CmdDeliverSM, smpp.CmdSubmitSM, smpp.CmdDataSM}).Draw(t, "command")
		m := &smpp.Message{
			Source:      smpp.Address{TON: 1, NPI: 1, Addr: number},
			Destination: smpp.Address{Addr: shortCode},
			ESMClass:    rapid.SampledFrom([]byte{0, smpp.ESMUDHI, smpp.ESMReceipt, smpp.ESMReceipt | smpp.ESMUDHI, smpp.ESMIntermediate}).Draw(t, "class"),
			DataCoding:  rapid.SampledFrom([]byte{0, 1, 3, 4, 8, 0x18, 0xF0}).Draw(t, "coding"),
		}
		if rapid.Bool().Draw(t, "payload") || id == smpp.CmdDataSM {
			m.TLVs = append(m.TLVs, smpp.TLV{Tag: smpp.TagMessagePayload, Value: []byte(text)})
		} else {
			m.ShortMessage = []byte(text)
		}
		if rapid.Bool().Draw(t, "vendor") {
			m.TLVs = append(m.TLVs, smpp.TLV{Tag: rapid.Uint16Range(0x1400, 0x3FFF).Draw(t, "tag"), Value: []byte(text)})
		}
		pdu := must(smpp.AppendMessage(nil, id, 1, m))
		capture.Blank{Keep: []string{shortCode}}.PDU(pdu)
		for _, word := range []string{text, number} {
			for i := 0; i+5 <= len(word); i++ {
				if bytes.Contains(pdu, []byte(word[i:i+5])) {
					t.Fatalf("%q of %q stands in\n%s", word[i:i+5], word, hex.Dump(pdu))
				}
			}
		}
		back, err := smpp.DecodeMessage(pdu)
		if err != nil {
			t.Fatalf("it can be read no more: %v", err)
		}
		if back.ESMClass != m.ESMClass || back.DataCoding != m.DataCoding || len(back.ShortMessage) != len(m.ShortMessage) || len(back.TLVs) != len(m.TLVs) ||
			back.Destination != m.Destination || len(back.Source.Addr) != len(m.Source.Addr) {
			t.Fatalf("%+v became %+v", m, back)
		}
	})
}

func FuzzBlank(f *testing.F) {
	f.Add(message(smpp.CmdDeliverSM, func(m *smpp.Message) { m.ShortMessage = []byte("LAPOR jalan rusak") }))
	f.Add(must(smpp.AppendBind(nil, 1, &smpp.Bind{ID: smpp.CmdBindTransceiver, SystemID: "aduan", Password: "s3kr1t-w"})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 4 {
			binary.BigEndian.PutUint32(b, uint32(len(b)))
		}
		before := bytes.Clone(b)
		capture.Blank{Keep: []string{shortCode}}.PDU(b)
		// What is not blanked lies where it lay: each octet is its own, or one of the blanks.
		for i := range b {
			if b[i] != before[i] && !strings.ContainsRune("\x00x0*", rune(b[i])) {
				t.Fatalf("octet %d became %#x", i, b[i])
			}
		}
	})
}

func TestAStalledWriterLosesPDUsAndHoldsNobodyUp(t *testing.T) {
	r := capture.NewRecorder()
	pdu := smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 1)
	both := append(bytes.Clone(pdu), pdu...)
	for range 10_000 { // nobody reads
		r.Tap(smpp.Tapped{At: time.Now(), Out: true, Octets: both})
	}
	kept := uint64(0)
	for len(r.Waiting()) > 0 {
		r.Took(<-r.Waiting())
		kept += 2
	}
	if kept == 0 || kept+r.Dropped() != 20_000 {
		t.Errorf("%d kept and %d dropped of 20000", kept, r.Dropped())
	}
	large := make([]byte, 60_000)
	binary.BigEndian.PutUint32(large, uint32(len(large)))
	for range 1000 {
		r.Tap(smpp.Tapped{Octets: large})
	}
	if n := len(r.Waiting()); n == 0 || n > 16<<20/60_000 {
		t.Errorf("%d PDUs of 60,000 octets wait", n)
	}
}

var (
	ourEnd  = &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 40123}
	smscEnd = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 5016}
)
