package intake_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"aduan/internal/intake"
	"aduan/smpp"
	"aduan/smpp/gsm7"
)

// FuzzAssemble keeps any octets as parts of a long SMS and joins them: nothing
// panics, gaps are the parts that stayed away, and each octet that came stands
// in the text, or the text is said to be unreadable (then the octets are kept).
func FuzzAssemble(f *testing.F) {
	const esc = 0x40 // UDHI
	f.Add(byte(esc), byte(0), "gsm7", []byte("\x05\x00\x03\x07\x02\x01LAPOR jalan rusak "), []byte("\x05\x00\x03\x07\x02\x02di pasar"), []byte(nil))
	f.Add(byte(esc), byte(8), "gsm7", []byte("\x05\x00\x03\x07\x02\x01\xd8\x3c"), []byte("\x05\x00\x03\x07\x02\x02\xdf\x0a"), []byte(nil))
	f.Add(byte(esc), byte(3), "latin1", []byte("\x06\x08\x04\x01\x02\x03\x01a\xe9\x81"), []byte("\x06\x08\x04\x01\x02\x03\x03c"), []byte("\x00\x00"))
	f.Add(byte(esc), byte(0), "gsm7-packed", []byte("\x05\x00\x03\x07\x03\x03\x90\xe9"), []byte("\x05\x00\x03\x07\x03\x01\x1b"), []byte("\x05\x00\x03\x07\x03\x02\x1b\x1b"))
	f.Add(byte(0), byte(4), "utf8", []byte("\xff"), []byte(""), []byte("\x05\x00\x03\x07\xff\xfe"))
	f.Fuzz(func(t *testing.T, class, coding byte, alphabet string, a, b, c []byte) {
		kept, total := map[int]intake.Piece{}, 0
		for _, octets := range [][]byte{a, b, c} {
			m := &smpp.Message{ESMClass: class, DataCoding: coding, ShortMessage: octets}
			part, ok := intake.Concat(m)
			if !ok {
				continue
			}
			if part.Total < 2 || part.Number < 1 || part.Number > part.Total {
				t.Fatalf("part %d of %d", part.Number, part.Total)
			}
			if total == 0 {
				total = part.Total
			}
			if part.Total != total {
				continue // of another group
			}
			udh, text := m.Content()
			if len(udh)+len(text) != len(octets) {
				t.Fatalf("%d octets of a part of %d", len(udh)+len(text), len(octets))
			}
			kept[part.Number] = intake.Piece{Coding: coding, UDH: udh, Data: text, Link: "main"}
		}
		if total == 0 {
			return
		}
		texts, gaps, readable, err := intake.Assemble(total, kept, func(string) string { return alphabet })
		if err != nil {
			t.Fatal(err)
		}
		if len(texts) != total {
			t.Fatalf("%d texts for %d parts", len(texts), total)
		}
		for n := 1; n <= total; n++ {
			_, came := kept[n]
			if slices.Contains(gaps, n) == came {
				t.Fatalf("part %d came: %v; gaps %v", n, came, gaps)
			}
			if !came && texts[n-1] != "" {
				t.Fatalf("part %d stayed away and reads %q", n, texts[n-1])
			}
		}
		if !readable {
			return
		}
		for n := 1; n <= total; n++ { // a run of parts stands under its first
			var run []byte
			first := n
			for ; n <= total && !slices.Contains(gaps, n); n++ {
				run = append(run, kept[n].Data...)
			}
			if first < n {
				nothingLost(t, coding, alphabet, run, texts[first-1])
			}
		}
	})
}

// nothingLost compares a text with its octets, where the coding tells them one by one.
func nothingLost(t *testing.T, coding byte, alphabet string, octets []byte, text string) {
	t.Helper()
	switch {
	case coding == 3:
		var want strings.Builder
		for _, o := range octets {
			want.WriteRune(charmap.Windows1252.DecodeByte(o))
		}
		if text != want.String() {
			t.Fatalf("% x reads %q", octets, text)
		}
	case coding == 8:
		units := (len(octets) + 1) / 2
		if len(octets) >= 2 && (string(octets[:2]) == "\xfe\xff" || string(octets[:2]) == "\xff\xfe") {
			units-- // a byte order mark is no letter
		}
		if got := len(utf16.Encode([]rune(text))); got != units {
			t.Fatalf("% x: %d code units read as %d", octets, units, got)
		}
	case coding == 0 && alphabet == "gsm7":
		if septets, ok := gsm7.Encode(text); !ok || len(septets) > len(octets) {
			t.Fatalf("% x reads %q", octets, text)
		}
	case coding == 0 && alphabet == "utf8":
		if text != string(octets) {
			t.Fatalf("% x reads %q", octets, text)
		}
	}
}
