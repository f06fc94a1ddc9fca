package receipt_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"aduan/smpp"
	"aduan/smpp/receipt"
)

const usual = "id:0123456789 sub:001 dlvrd:001 submit date:2611231530 done date:2611231531 stat:DELIVRD err:000 text:Laporan Anda"

func at(layout string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", layout)
	if err != nil {
		panic(err)
	}
	return t
}

var minute = at("2026-11-23 15:31:00")

// The variants of text that gateways write.
func TestText(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       receipt.Receipt
	}{
		{"the usual form", usual, receipt.Receipt{MessageID: "0123456789", State: receipt.StateDelivered, Err: "000", Done: minute}},
		{"dates with seconds", "id:1 submit date:261123153000 done date:261123153142 stat:EXPIRED err:1", receipt.Receipt{MessageID: "1", State: receipt.StateExpired, Err: "1", Done: at("2026-11-23 15:31:42")}},
		{"years of four digits", "id:1 done date:202611231531 stat:UNDELIV err:011", receipt.Receipt{MessageID: "1", State: receipt.StateUndeliverable, Err: "011", Done: minute}},
		{"years of four digits and seconds", "id:1 done date:20261123153142 stat:DELETED", receipt.Receipt{MessageID: "1", State: receipt.StateDeleted, Done: at("2026-11-23 15:31:42")}},
		{"a fraction", "id:1 done date:20261123153142.125 stat:REJECTD", receipt.Receipt{MessageID: "1", State: receipt.StateRejected, Done: at("2026-11-23 15:31:42")}},
		{"a plus sign", "id:1 done date:2611231531+ stat:ACCEPTD", receipt.Receipt{MessageID: "1", State: receipt.StateAccepted, Done: minute}},
		{"a zone", "id:1 done date:261123223100+0700 stat:ENROUTE", receipt.Receipt{MessageID: "1", State: receipt.StateEnroute, Done: minute}},
		{"SMPP's absolute time", "id:1 done date:261123223100028+ stat:DELIVRD", receipt.Receipt{MessageID: "1", State: receipt.StateDelivered, Done: minute}},
		{"a date that is none", "id:1 done date:never stat:DELIVRD", receipt.Receipt{MessageID: "1", State: receipt.StateDelivered}},
		{"a month that is none", "id:1 done date:2613231531 stat:DELIVRD", receipt.Receipt{MessageID: "1", State: receipt.StateDelivered}},
		{"Text: and Stat: in other case", "ID:A1b Stat:delivrd Err:0 Text:x", receipt.Receipt{MessageID: "A1b", State: receipt.StateDelivered, Err: "0"}},
		{"fields missing", "id:77 stat:UNDELIV", receipt.Receipt{MessageID: "77", State: receipt.StateUndeliverable}},
		{"fields reordered", "stat:DELIVRD err:000 done date:2611231531 id:77", receipt.Receipt{MessageID: "77", State: receipt.StateDelivered, Err: "000", Done: minute}},
		{"text before the others", "text:Halo id:77 stat:DELIVRD", receipt.Receipt{MessageID: "77", State: receipt.StateDelivered}},
		{"fields inside the text do not count", "id:77 stat:DELIVRD err:000 text:id:88 stat:UNDELIV", receipt.Receipt{MessageID: "77", State: receipt.StateDelivered, Err: "000"}},
		{"err is a word", "id:1 stat:UNDELIV err:ABSENT text:", receipt.Receipt{MessageID: "1", State: receipt.StateUndeliverable, Err: "ABSENT"}},
		{"err is empty", "id:1 stat:UNDELIV err: text:x", receipt.Receipt{MessageID: "1", State: receipt.StateUndeliverable}},
		{"spaces behind the colons", "id: 1 stat: UNDELIV err: 5", receipt.Receipt{MessageID: "1", State: receipt.StateUndeliverable, Err: "5"}},
		{"commas", "id:1,stat:DELIVRD,err:000", receipt.Receipt{MessageID: "1", State: receipt.StateDelivered, Err: "000"}},
		{"commas and spaces", "id:1, stat:DELIVRD, err:000", receipt.Receipt{MessageID: "1", State: receipt.StateDelivered, Err: "000"}},
		{"a hexadecimal id", "id:1F4A stat:DELIVRD", receipt.Receipt{MessageID: "1F4A", State: receipt.StateDelivered}},
		{"a padded id", "id:0000000077 stat:DELIVRD", receipt.Receipt{MessageID: "0000000077", State: receipt.StateDelivered}},
		{"an id that is a UUID", "id:6f1d6a1e-0000-4000-8000-000000000001 stat:DELIVRD", receipt.Receipt{MessageID: "6f1d6a1e-0000-4000-8000-000000000001", State: receipt.StateDelivered}},
		{"a state in full", "id:1 stat:DELIVERED", receipt.Receipt{MessageID: "1", State: receipt.StateDelivered}},
		{"a state as a number", "id:1 stat:5", receipt.Receipt{MessageID: "1", State: receipt.StateUndeliverable}},
		{"UNKNOWN", "id:1 stat:UNKNOWN", receipt.Receipt{MessageID: "1"}},
		{"a state nobody knows", "id:1 stat:LOSTIT", receipt.Receipt{MessageID: "1"}},
		{"underscores in the dates", "id:1 submit_date:2611231530 done_date:2611231531 stat:DELIVRD", receipt.Receipt{MessageID: "1", State: receipt.StateDelivered, Done: minute}},
		{"NULs around", "\x00id:1 stat:DELIVRD\x00", receipt.Receipt{MessageID: "1", State: receipt.StateDelivered}},
		{"no words at all", "", receipt.Receipt{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, m := range dresses(tt.text) {
				got, ok := receipt.Parse(m)
				if !ok || got != tt.want {
					t.Fatalf("Parse = %+v, %v\nwant    %+v", got, ok, tt.want)
				}
			}
		})
	}
}

// dresses are the places and alphabets in which the same words may come.
func dresses(text string) []*smpp.Message {
	var wide []byte
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u>>8), byte(u))
	}
	ms := []*smpp.Message{
		{ESMClass: 0x04, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte(text)}}},
		{ESMClass: 0x84, ShortMessage: []byte(text)},
	}
	if !strings.Contains(text, "\x00") {
		ms = append(ms, &smpp.Message{ESMClass: 0x04, DataCoding: 8, ShortMessage: wide})
	}
	return ms
}

func TestTLVs(t *testing.T) {
	tlv := func(tag uint16, v ...byte) smpp.TLV { return smpp.TLV{Tag: tag, Value: v} }
	id := func(s string) smpp.TLV { return smpp.TLV{Tag: smpp.TagReceiptedMessageID, Value: []byte(s)} }
	for _, tt := range []struct {
		name string
		m    smpp.Message
		want receipt.Receipt
		ok   bool
	}{
		{"TLVs only", smpp.Message{ESMClass: 4, TLVs: smpp.TLVs{id("77\x00"), tlv(smpp.TagMessageState, 2)}}, receipt.Receipt{MessageID: "77", State: receipt.StateDelivered}, true},
		{"an id without NUL", smpp.Message{ESMClass: 4, TLVs: smpp.TLVs{id("77"), tlv(smpp.TagMessageState, 5)}}, receipt.Receipt{MessageID: "77", State: receipt.StateUndeliverable}, true},
		{"esm_class 0 with both TLVs", smpp.Message{TLVs: smpp.TLVs{id("77"), tlv(smpp.TagMessageState, 3)}}, receipt.Receipt{MessageID: "77", State: receipt.StateExpired}, true},
		{"esm_class 0 with one TLV is a message", smpp.Message{TLVs: smpp.TLVs{id("77")}, ShortMessage: []byte(usual)}, receipt.Receipt{}, false},
		{"a citizen who writes a receipt is not believed", smpp.Message{ShortMessage: []byte(usual)}, receipt.Receipt{}, false},
		{"nor one with a UDH", smpp.Message{ESMClass: 0x40, ShortMessage: append([]byte{5, 0, 3, 1, 2, 1}, usual...)}, receipt.Receipt{}, false},
		{"an SME's delivery acknowledgement is none", smpp.Message{ESMClass: 0x08, ShortMessage: []byte(usual)}, receipt.Receipt{}, false},
		{"an SME's user acknowledgement is none", smpp.Message{ESMClass: 0x10, ShortMessage: []byte(usual)}, receipt.Receipt{}, false},
		{"a conversation abort is none", smpp.Message{ESMClass: 0x18, ShortMessage: []byte(usual)}, receipt.Receipt{}, false},
		{"intermediate", smpp.Message{ESMClass: 0x20, ShortMessage: []byte("id:1 stat:ENROUTE")}, receipt.Receipt{MessageID: "1", State: receipt.StateEnroute, Intermediate: true}, true},
		{"the TLV's id goes before the text's", smpp.Message{ESMClass: 4, ShortMessage: []byte("id:119 stat:DELIVRD"), TLVs: smpp.TLVs{id("77")}}, receipt.Receipt{MessageID: "77", TextID: "119", State: receipt.StateDelivered}, true},
		{"the TLV's state goes before the text's", smpp.Message{ESMClass: 4, ShortMessage: []byte("id:1 stat:ACCEPTD"), TLVs: smpp.TLVs{tlv(smpp.TagMessageState, 2)}}, receipt.Receipt{MessageID: "1", State: receipt.StateDelivered}, true},
		{"a TLV's state that means nothing leaves the text's", smpp.Message{ESMClass: 4, ShortMessage: []byte("id:1 stat:DELIVRD"), TLVs: smpp.TLVs{tlv(smpp.TagMessageState, 99)}}, receipt.Receipt{MessageID: "1", State: receipt.StateDelivered}, true},
		{"UNKNOWN by TLV", smpp.Message{ESMClass: 4, TLVs: smpp.TLVs{id("1"), tlv(smpp.TagMessageState, 7)}}, receipt.Receipt{MessageID: "1"}, true},
		{"the network's error", smpp.Message{ESMClass: 4, ShortMessage: []byte("id:1 stat:UNDELIV err:000"), TLVs: smpp.TLVs{tlv(smpp.TagNetworkErrorCode, 3, 1, 2)}}, receipt.Receipt{MessageID: "1", State: receipt.StateUndeliverable, Err: "258"}, true},
		{"a UDH before the words", smpp.Message{ESMClass: 0x44, ShortMessage: append([]byte{5, 0, 3, 1, 2, 1}, "id:1 stat:DELIVRD"...)}, receipt.Receipt{MessageID: "1", State: receipt.StateDelivered}, true},
		{"nothing at all is a receipt still", smpp.Message{ESMClass: 4}, receipt.Receipt{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := receipt.Parse(&tt.m)
			if got != tt.want || ok != tt.ok {
				t.Fatalf("Parse = %+v, %v\nwant    %+v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestStates(t *testing.T) {
	final := map[receipt.State]bool{
		receipt.StateDelivered: true, receipt.StateExpired: true, receipt.StateDeleted: true,
		receipt.StateUndeliverable: true, receipt.StateRejected: true,
		receipt.StateUnknown: false, receipt.StateEnroute: false, receipt.StateAccepted: false,
	}
	for s, want := range final {
		if s.Final() != want {
			t.Errorf("%v: Final = %v", s, s.Final())
		}
		for _, text := range []string{s.Short(), strings.ToUpper(s.String()), fmt.Sprint(s.MessageState())} {
			got, _ := receipt.Parse(&smpp.Message{ESMClass: 4, ShortMessage: []byte("id:1 stat:" + text)})
			if got.State != s {
				t.Errorf("stat:%s reads as %v, want %v", text, got.State, s)
			}
		}
	}
}

// Whatever the order of the fields, the same is read.
func TestOrderDoesNotMatter(t *testing.T) {
	fields := []string{"id:77", "sub:001", "dlvrd:000", "submit date:2611231530", "done date:2611231531", "stat:UNDELIV", "err:011"}
	want := receipt.Receipt{MessageID: "77", State: receipt.StateUndeliverable, Err: "011", Done: minute}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.Permutation(fields).Draw(t, "fields"), " ")
		if got, ok := receipt.Parse(&smpp.Message{ESMClass: 4, ShortMessage: []byte(text)}); !ok || got != want {
			t.Fatalf("Parse = %+v", got)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	f.Add(byte(4), byte(0), []byte(usual), []byte("77\x00"), []byte{2})
	f.Add(byte(0x44), byte(8), []byte{5, 0, 3, 1, 2, 1, 0, 'i'}, []byte{}, []byte{})
	f.Add(byte(0), byte(0), []byte("id: stat:  done date:999999999999999+ err:"), []byte{0}, []byte{9})
	f.Fuzz(func(t *testing.T, esm, dc byte, text, id, state []byte) {
		m := &smpp.Message{ESMClass: esm, DataCoding: dc, ShortMessage: text}
		if len(id) > 0 {
			m.TLVs = append(m.TLVs, smpp.TLV{Tag: smpp.TagReceiptedMessageID, Value: id})
		}
		if len(state) > 0 {
			m.TLVs = append(m.TLVs, smpp.TLV{Tag: smpp.TagMessageState, Value: state})
		}
		r, ok := receipt.Parse(m)
		class := esm & 0x3C
		if want := class == 4 || class == 0x20 || class == 0 && len(id) > 0 && len(state) > 0; ok != want {
			t.Fatalf("class %02X: ok = %v", class, ok)
		}
		for _, s := range []string{r.MessageID, r.TextID, r.Err} {
			if len(s) > 64 || !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n\x1b") {
				t.Fatalf("%q", s)
			}
		}
		if r.State.String() == "" {
			t.Fatal("a state without a name")
		}
	})
}

func ExampleParse() {
	r, ok := receipt.Parse(&smpp.Message{ESMClass: 0x04, ShortMessage: []byte("id:4711 stat:UNDELIV err:011 text:Laporan")})
	fmt.Println(ok, r.MessageID, r.State, r.Err, r.State.Final())
	// Output: true 4711 undeliverable 011 true
}
