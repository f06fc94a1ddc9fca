package segment_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/warthog618/sms"
	"pgregory.net/rapid"

	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
)

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		name, text     string
		alphabet       string
		segments, left int
	}{
		{"nothing is one empty segment", "", "gsm7", 1, 160},
		{"160 GSM characters take one segment", strings.Repeat("a", 160), "gsm7", 1, 0},
		{"161 GSM characters take two segments", strings.Repeat("a", 161), "gsm7", 2, 145},
		{"306 take two, full", strings.Repeat("a", 306), "gsm7", 2, 0},
		{"307 take three", strings.Repeat("a", 307), "gsm7", 3, 152},
		{"a bracket counts twice", strings.Repeat("[", 80), "gsm7", 1, 0},
		{"81 brackets take two, 76 in the first", strings.Repeat("[", 81), "gsm7", 2, 143},
		{"one emoji makes all UCS-2", strings.Repeat("a", 68) + "😡", "ucs2", 1, 0},
		{"71 units take two segments", strings.Repeat("ł", 71), "ucs2", 2, 63},
		{"typographic quotes cost nothing", "“" + strings.Repeat("a", 158) + "”", "gsm7", 1, 0},
		{"an ellipsis becomes three dots", "…", "gsm7", 1, 157},
	} {
		t.Run(tt.name, func(t *testing.T) {
			alphabet, segments, left := segment.Count(tt.text)
			if alphabet != tt.alphabet || segments != tt.segments || left != tt.left {
				t.Fatalf("Count = %s, %d, %d; want %s, %d, %d", alphabet, segments, left, tt.alphabet, tt.segments, tt.left)
			}
			e := segment.Split(tt.text, 1)
			if e.Alphabet != alphabet || len(e.Parts) != segments {
				t.Fatalf("Split differs: %s, %d", e.Alphabet, len(e.Parts))
			}
		})
	}
}

func TestSplitKeepsUCS2Typography(t *testing.T) {
	e := segment.Split("“ł”…", 0)
	if got, _ := segment.DecodeText(e.DataCoding, "gsm7", e.Parts[0].Text); got != "“ł”…" {
		t.Fatalf("came back as %q", got)
	}
}

func TestTooLong(t *testing.T) {
	if _, err := segment.SplitE(strings.Repeat("a", 255*153), 1); err != nil {
		t.Fatalf("255 parts: %v", err)
	}
	e, err := segment.SplitE(strings.Repeat("a", 255*153+1), 1)
	if !errors.Is(err, segment.ErrTooLong) || len(e.Parts) != 255 {
		t.Fatalf("256 parts: %d, %v", len(e.Parts), err)
	}
}

// generated texts: GSM, escapes, astral planes, graphemes of several runes.
func texts() *rapid.Generator[string] {
	gsm := []string{"a", "B", "1", " ", "@", "é", "[", "€", "|", "\n", "Ω", "“", "…"}
	wide := append([]string{"ł", "漢", "😡", "👍🏽", "👨‍👩‍👧", "e\u0301", "🇮🇩", "कि"}, gsm...)
	return rapid.Custom(func(t *rapid.T) string {
		pool := gsm
		if rapid.Bool().Draw(t, "wide") {
			pool = wide
		}
		n := rapid.IntRange(0, 700).Draw(t, "n")
		var s strings.Builder
		for range n {
			s.WriteString(rapid.SampledFrom(pool).Draw(t, "c"))
		}
		return s.String()
	})
}

func TestSplitAndJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := texts().Draw(t, "text")
		ref := byte(rapid.IntRange(0, 255).Draw(t, "ref"))
		e, err := segment.SplitE(text, ref)
		if err != nil {
			t.Fatal(err)
		}
		want := text
		if e.Alphabet == segment.GSM7 {
			want = gsm7.Rewrite(text)
		}
		var parts []segment.Segment
		var side strings.Builder
		for i, p := range e.Parts {
			if len(p.Payload()) > 160 {
				t.Fatalf("part %d has %d octets", i, len(p.Payload()))
			}
			checkHeader(t, p, ref, i+1, len(e.Parts))
			checkCut(t, e.Alphabet, p.Text)
			got, ok := segment.DecodeText(e.DataCoding, "gsm7", p.Text)
			if !ok {
				t.Fatalf("part %d cannot be read", i)
			}
			side.WriteString(got)
			parts = append(parts, segment.Segment(p))
		}
		if side.String() != want {
			t.Fatalf("side by side the parts read %q, want %q", side.String(), want)
		}
		if got, ok := segment.Join(e.DataCoding, "gsm7", parts); !ok || got != want {
			t.Fatalf("joined %q, want %q", got, want)
		}
		alphabet, segments, left := segment.Count(text)
		if alphabet != e.Alphabet || segments != len(e.Parts) || left < 0 {
			t.Fatalf("Count = %s, %d, %d", alphabet, segments, left)
		}
	})
}

func checkHeader(t *rapid.T, p segment.Part, ref byte, number, total int) {
	t.Helper()
	if total == 1 {
		if p.UDH != nil {
			t.Fatal("a single part has a header")
		}
		return
	}
	c, ok := segment.ParseUDH(p.UDH)
	if want := (segment.Concat{Ref: uint16(ref), Total: total, Number: number}); !ok || c != want {
		t.Fatalf("ParseUDH = %+v, %v; want %+v", c, ok, want)
	}
}

func checkCut(t *rapid.T, alphabet string, text []byte) {
	t.Helper()
	if len(text) == 0 {
		return
	}
	if alphabet == segment.GSM7 {
		if text[len(text)-1] == gsm7.Escape {
			t.Fatal("cut through an escape pair")
		}
		return
	}
	first, last := binary.BigEndian.Uint16(text), binary.BigEndian.Uint16(text[len(text)-2:])
	if utf16.IsSurrogate(rune(first)) && first >= 0xDC00 || last >= 0xD800 && last < 0xDC00 {
		t.Fatal("cut through a surrogate pair")
	}
}

// A grapheme stays whole wherever a part can hold it.
func TestGraphemesStayWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "ł" + texts().Draw(t, "text") // ł: UCS-2, so nothing is rewritten
		bounds := map[int]bool{}
		at := 0
		for g := uniseg.NewGraphemes(text); g.Next(); {
			bounds[at] = true
			at += len(utf16.Encode([]rune(g.Str())))
		}
		at = 0
		for i, p := range segment.Split(text, 0).Parts {
			if !bounds[at] && at != 0 {
				t.Fatalf("part %d begins inside a grapheme", i)
			}
			at += len(p.Text) / 2
		}
	})
}

func TestAGraphemeLongerThanAPart(t *testing.T) {
	text := "x" + strings.Repeat("\u0301", 200) + "y😡"
	e := segment.Split(text, 9)
	var got strings.Builder
	for _, p := range e.Parts {
		if len(p.Text) == 0 || len(p.Text) > 134 {
			t.Fatalf("a part of %d octets", len(p.Text))
		}
		s, _ := segment.DecodeText(e.DataCoding, "gsm7", p.Text)
		got.WriteString(s)
	}
	if got.String() != text {
		t.Fatal("came back otherwise")
	}
}

// Another implementation cuts a GSM text at the same places, and packs it alike.
func TestGSMPartsAgreeWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("abc @é[€|\nΩ")), 1, 800, -1).Draw(t, "text")
		want, err := sms.Encode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		e := segment.Split(text, 0)
		packed, err := segment.SplitFor(text, 0, segment.AlphabetGSM7Packed)
		if err != nil || len(e.Parts) != len(want) || len(packed.Parts) != len(want) {
			t.Fatalf("%d and %d parts, the oracle makes %d (%v)", len(e.Parts), len(packed.Parts), len(want), err)
		}
		for i, p := range e.Parts {
			if !bytes.Equal(p.Text, want[i].UD) {
				t.Fatalf("part %d: % X, the oracle says % X", i, p.Text, want[i].UD)
			}
			ud, err := want[i].MarshalBinary()
			if err != nil || !bytes.HasSuffix(ud, packed.Parts[i].Payload()) {
				t.Fatalf("part %d packed: % X is not the end of % X (%v)", i, packed.Parts[i].Payload(), ud, err)
			}
		}
	})
}

func TestSplitForALinksAlphabet(t *testing.T) {
	long := strings.Repeat("jalan@rusak é ", 30)
	for _, tt := range []struct {
		name, text, alphabet string
		dc                   byte
	}{
		{"packed", long, segment.AlphabetGSM7Packed, 0},
		{"latin-1", long, segment.AlphabetLatin1, 0},
		{"utf-8", long, segment.AlphabetUTF8, 0},
		{"ASCII cannot say é: UCS-2", long, segment.AlphabetASCII, 8},
		{"ASCII", "plain", segment.AlphabetASCII, 0},
		{"latin-1 cannot say €: UCS-2", "10 €", segment.AlphabetLatin1, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := segment.SplitFor(tt.text, 7, tt.alphabet)
			if err != nil || e.DataCoding != tt.dc {
				t.Fatalf("data_coding %d, %v", e.DataCoding, err)
			}
			var parts []segment.Segment
			for _, p := range e.Parts {
				parts = append(parts, segment.Segment(p))
			}
			if got, ok := segment.Join(e.DataCoding, tt.alphabet, parts); !ok || got != tt.text {
				t.Fatalf("joined %q, %v", got, ok)
			}
		})
	}
}

func TestParseUDH(t *testing.T) {
	for _, tt := range []struct {
		name string
		udh  []byte
		want segment.Concat // zero: none
	}{
		{"8-bit reference", []byte{5, 0, 3, 7, 2, 1}, segment.Concat{Ref: 7, Total: 2, Number: 1}},
		{"16-bit reference", []byte{6, 8, 4, 1, 2, 3, 3}, segment.Concat{Ref: 258, Wide: true, Total: 3, Number: 3}},
		{"behind another element", []byte{11, 5, 4, 0, 80, 0, 0, 0, 3, 9, 4, 2}, segment.Concat{Ref: 9, Total: 4, Number: 2}},
		{"a length octet above its element, as real phones send", []byte{6, 0, 3, 7, 2, 1}, segment.Concat{Ref: 7, Total: 2, Number: 1}},
		{"a padded header", []byte{6, 0, 3, 7, 2, 1, 0}, segment.Concat{Ref: 7, Total: 2, Number: 1}},
		{"number 0", []byte{5, 0, 3, 7, 2, 0}, segment.Concat{}},
		{"number above total", []byte{5, 0, 3, 7, 2, 3}, segment.Concat{}},
		{"total 0", []byte{5, 0, 3, 7, 0, 0}, segment.Concat{}},
		{"total 1", []byte{5, 0, 3, 7, 1, 1}, segment.Concat{}},
		{"an element of a wrong size", []byte{4, 0, 2, 7, 2}, segment.Concat{}},
		{"an element past the end", []byte{5, 0, 9, 7, 2, 1}, segment.Concat{}},
		{"the last of two counts", []byte{10, 0, 3, 7, 2, 1, 0, 3, 8, 2, 2}, segment.Concat{Ref: 8, Total: 2, Number: 2}},
		{"a senseless one after a good one is ignored", []byte{10, 0, 3, 7, 2, 1, 0, 3, 8, 2, 9}, segment.Concat{Ref: 7, Total: 2, Number: 1}},
		{"nothing", nil, segment.Concat{}},
		{"a length octet alone", []byte{0}, segment.Concat{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, ok := segment.ParseUDH(tt.udh)
			if c != tt.want && ok || ok != (tt.want != segment.Concat{}) {
				t.Fatalf("ParseUDH = %+v, %v; want %+v", c, ok, tt.want)
			}
		})
	}
}

func TestDecodeText(t *testing.T) {
	for _, tt := range []struct {
		name     string
		dc       byte
		alphabet string
		in       []byte
		want     string
		ok       bool
	}{
		{"default is GSM", 0, "gsm7", []byte{0x00, 0x61, 0x1B, 0x65}, "@a€", true},
		{"default may be packed", 0, "gsm7-packed", []byte{0xE8, 0x32, 0x9B, 0xFD, 0x06}, "hello", true},
		{"default may be Latin-1", 0, "latin1", []byte{'a', '@', 0xE9}, "a@é", true},
		{"default may be ASCII", 0, "ascii", []byte("a@_"), "a@_", true},
		{"ASCII above 0x7F cannot be read", 0, "ascii", []byte{'a', 0xE9}, "a\uFFFD", false},
		{"default may be UTF-8", 0, "utf8", []byte("é漢"), "é漢", true},
		{"broken UTF-8", 0, "utf8", []byte{'a', 0xFF}, "a\uFFFD", false},
		{"GSM above 0x7F cannot be read", 0, "gsm7", []byte{'a', 0xE9}, "a\uFFFD", false},
		{"1 is ASCII", 1, "gsm7", []byte("a@_$"), "a@_$", true},
		{"1 with controls is GSM, as common libraries label it", 1, "gsm7", []byte{0x00, 'a', 0x02}, "@a$", true},
		{"3 is Latin-1", 3, "gsm7", []byte{0xE9, '@'}, "é@", true},
		{"3 is really Windows-1252", 3, "gsm7", []byte{0x93, 'a', 0x94, 0x80}, "“a”€", true},
		{"5 is ISO-2022-JP where it shifts", 5, "gsm7", []byte("LAPOR \x1b$B$3$s\x1b(B!"), "LAPOR こん!", true},
		{"5 is EUC-JP where that makes sense of it", 5, "gsm7", []byte{0xA4, 0xB3, 0xA4, 0xF3}, "こん", true},
		{"5 is Shift JIS where only that does", 5, "gsm7", []byte{0x82, 0xB1, 0x82, 0xF1}, "こん", true},
		{"5 of 7 bits without a shift is ASCII", 5, "gsm7", []byte("LAPOR"), "LAPOR", true},
		{"5 in nothing that is known", 5, "gsm7", []byte{0xFF, 0x80, 0xFF}, "\uFFFD\u0080\uFFFD", false},
		{"6 is Cyrillic", 6, "gsm7", []byte{0xB0, 0xD0}, "Аа", true},
		{"7 is Hebrew", 7, "gsm7", []byte{0xE0}, "א", true},
		{"7 with an octet that ISO-8859-8 leaves open", 7, "gsm7", []byte{0xE0, 0xA1}, "א\uFFFD", true},
		{"8 is UCS-2", 8, "gsm7", []byte{0x6F, 0x22, 0xD8, 0x3D, 0xDE, 0x21}, "漢😡", true},
		{"8 with a byte order mark", 8, "gsm7", []byte{0xFF, 0xFE, 'a', 0}, "a", true},
		{"8 with an odd octet", 8, "gsm7", []byte{0, 'a', 0}, "a\uFFFD", true},
		{"8 with half a pair", 8, "gsm7", []byte{0xD8, 0x3D}, "\uFFFD", true},
		{"4 is binary", 4, "gsm7", []byte{1, 2}, "", false},
		{"2 is binary", 2, "gsm7", []byte{1, 2}, "", false},
		{"0x10 is flash in the default alphabet", 0x10, "gsm7", []byte("a"), "a", true},
		{"0x18 is flash in UCS-2", 0x18, "gsm7", []byte{0, 'a'}, "a", true},
		{"0x15 is binary with a class", 0x15, "gsm7", []byte("a"), "", false},
		{"0x20 is compressed", 0x20, "gsm7", []byte("a"), "", false},
		{"0xF0 is class 0", 0xF0, "gsm7", []byte{0x00}, "@", true},
		{"0xF5 is binary with a class", 0xF5, "gsm7", []byte{0x00}, "", false},
		{"0xC8 is message waiting", 0xC8, "gsm7", []byte("a"), "a", true},
		{"0xE0 is message waiting in UCS-2", 0xE0, "gsm7", []byte{0, 'a'}, "a", true},
		{"0x80 is reserved: the default alphabet", 0x80, "gsm7", []byte("a"), "a", true},
		{"no alphabet named is GSM", 0, "", []byte{0x00}, "@", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := segment.DecodeText(tt.dc, tt.alphabet, tt.in); got != tt.want || ok != tt.ok {
				t.Fatalf("DecodeText = %q, %v; want %q, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// A telephone that cuts through a surrogate pair or an escape is still read.
func TestWhatSaysMoreThanItsTextIsSeen(t *testing.T) {
	for _, tt := range []struct {
		name string
		dc   byte
		in   segment.Segment
		want bool
	}{
		{"a plain text", 0, segment.Segment{Text: []byte("LAPOR")}, false},
		{"a concatenation and a national table", 0, segment.Segment{UDH: []byte{8, 0, 3, 7, 2, 1, 0x25, 1, 1}, Text: []byte("LAPOR")}, false},
		{"a port", 0, segment.Segment{UDH: []byte{6, 5, 4, 0x0B, 0x84, 0, 0}, Text: []byte("LAPOR")}, true},
		{"half a surrogate pair", 8, segment.Segment{Text: []byte{0, 'a', 0xD8, 0x3D}}, true},
		{"a whole one", 8, segment.Segment{Text: []byte{0xD8, 0x3D, 0xDE, 0x21}}, false},
		{"an odd octet", 8, segment.Segment{Text: []byte{0, 'a', 0}}, true},
		{"an octet that the alphabet leaves open", 7, segment.Segment{Text: []byte{0xA1}}, true},
		{"Japanese that says its form", 5, segment.Segment{Text: []byte("\x1b$B$3\x1b(B")}, false},
		{"Japanese whose form is guessed", 5, segment.Segment{Text: []byte{0x82, 0xB1}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parts := []segment.Segment{tt.in}
			text, _ := segment.Join(tt.dc, "gsm7", parts)
			if got := segment.More(tt.dc, parts, text); got != tt.want {
				t.Fatalf("More = %v of %q", got, text)
			}
		})
	}
}

func TestJoinMendsCuts(t *testing.T) {
	e := segment.Split("ab😡cd", 0)
	text := e.Parts[0].Text
	parts := []segment.Segment{{Text: text[:6]}, {Text: text[6:]}}
	if got, ok := segment.Join(8, "gsm7", parts); !ok || got != "ab😡cd" {
		t.Fatalf("joined %q", got)
	}
	parts = []segment.Segment{{Text: []byte{'a', 0x1B}}, {Text: []byte{0x65}}}
	if got, ok := segment.Join(0, "gsm7", parts); !ok || got != "a€" {
		t.Fatalf("joined %q", got)
	}
}

func FuzzParseUDH(f *testing.F) {
	f.Add([]byte{5, 0, 3, 7, 2, 1}, byte(0))
	f.Add([]byte{6, 8, 4, 1, 2, 3, 3}, byte(8))
	f.Add([]byte{255, 0, 3, 7, 2}, byte(0xF4))
	f.Fuzz(func(t *testing.T, b []byte, dc byte) {
		c, ok := segment.ParseUDH(b)
		if ok {
			if c.Total < 2 || c.Number < 1 || c.Number > c.Total || c.Total > 255 {
				t.Fatalf("%+v", c)
			}
			if again, ok := segment.ParseUDH(segment.AppendUDH(nil, c)); !ok || again != c {
				t.Fatalf("%+v came back as %+v", c, again)
			}
		}
		for _, alphabet := range []string{"gsm7", "gsm7-packed", "latin1", "ascii", "utf8", "?"} {
			if s, _ := segment.DecodeText(dc, alphabet, b); !utf8.ValidString(s) {
				t.Fatalf("%q is no UTF-8", s)
			}
			if s, _ := segment.Join(dc, alphabet, []segment.Segment{{UDH: b, Text: b}, {Text: b}}); !utf8.ValidString(s) {
				t.Fatalf("%q is no UTF-8", s)
			}
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("LAPOR jalan rusak", byte(1))
	f.Add(strings.Repeat("[😡e\u0301", 90), byte(255))
	f.Fuzz(func(t *testing.T, text string, ref byte) {
		e, err := segment.SplitE(text, ref)
		if err != nil || !utf8.ValidString(text) {
			return
		}
		var parts []segment.Segment
		for _, p := range e.Parts {
			parts = append(parts, segment.Segment(p))
		}
		want := text
		if e.Alphabet == segment.GSM7 {
			want = gsm7.Rewrite(text)
		} else if strings.HasPrefix(text, "\uFEFF") || strings.HasPrefix(text, "\uFFFE") {
			return // a byte order mark is read as one
		}
		if got, ok := segment.Join(e.DataCoding, "gsm7", parts); !ok || got != want {
			t.Fatalf("joined %q, want %q", got, want)
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	text := strings.Repeat("Laporan Anda diterima, nomor 4821-3769. ", 8)
	for b.Loop() {
		_ = segment.Split(text, 1)
	}
}

func ExampleSplit() {
	e := segment.Split("Jalan rusak “parah” di depan pasar", 42)
	fmt.Println(e.Alphabet, len(e.Parts))
	fmt.Println(segment.Count("Jalan rusak 😡"))
	// Output:
	// gsm7 1
	// ucs2 1 56
}
