package gsm7_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	oracle "github.com/warthog618/sms/encoding/gsm7"
	"github.com/warthog618/sms/encoding/gsm7/charset"
	"pgregory.net/rapid"

	"aduan/smpp/gsm7"
)

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []byte // nil: does not fit
	}{
		{"plain letters are ASCII", "Ab9", []byte{0x41, 0x62, 0x39}},
		{"the at sign is zero", "@", []byte{0x00}},
		{"dollar and underscore move", "$_", []byte{0x02, 0x11}},
		{"brackets take an escape", "[x]", []byte{0x1B, 0x3C, 0x78, 0x1B, 0x3E}},
		{"the euro takes an escape", "€", []byte{0x1B, 0x65}},
		{"form feed takes an escape", "\f", []byte{0x1B, 0x0A}},
		{"a large cedilla fits", "Ç", []byte{0x09}},
		{"a small cedilla does not", "ç", nil},
		{"nor does an Indonesian's emoji", "jalan rusak 😡", nil},
		{"nor a tab", "a\tb", nil},
		{"nor a typographic quote: that is Rewrite's", "’", nil},
		{"nor what is no UTF-8", "a\xFF", nil},
		{"nothing is nothing", "", []byte{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := gsm7.Encode(tt.text)
			if ok != (tt.want != nil) || !bytes.Equal(got, tt.want) {
				t.Fatalf("Encode = % X, %v; want % X", got, ok, tt.want)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []byte
		want string
		ok   bool
	}{
		{"escape before an undefined code reads as the default table", []byte{0x1B, 0x41}, "A", true},
		{"a doubled escape is a space", []byte{0x1B, 0x1B, 0x41}, " A", true},
		{"an escape at the end is a space", []byte{0x41, 0x1B}, "A ", true},
		{"an octet above 0x7F is no septet", []byte{0x41, 0xE9}, "A\uFFFD", false},
		{"all Greek", []byte{0x10, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A}, "ΔΦΓΛΩΠΨΣΘΞ", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := gsm7.Decode(tt.in); got != tt.want || ok != tt.ok {
				t.Fatalf("Decode = %q, %v; want %q, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestRewrite(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"quotes, dashes, ellipsis, no-break space", "“rusak” – ‘parah’…\u00A0ya", `"rusak" - 'parah'... ya`},
		{"a letter in two runes becomes one", "cafe\u0301", "café"},
		{"letters stay, even those outside", "naïve çà ł", "naïve çà ł"},
		{"plain text stays", "LAPOR jalan rusak", "LAPOR jalan rusak"},
		{"what is no UTF-8 stays", "a\xFF’", "a\xFF'"},
		{"emoji stay", "ok 👍🏽", "ok 👍🏽"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := gsm7.Rewrite(tt.in); got != tt.want {
				t.Fatalf("Rewrite = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCulprits(t *testing.T) {
	if got := gsm7.Culprits("çé😡ç’x"); !slices.Equal(got, []rune("ç😡’")) {
		t.Fatalf("Culprits = %q", string(got))
	}
}

// alphabet is every rune of the default alphabet and its extension.
func alphabet() []rune {
	var all []rune
	for r := range charset.DefaultEncoder() {
		all = append(all, r)
	}
	for r := range charset.DefaultExtEncoder() {
		all = append(all, r)
	}
	slices.Sort(all)
	return slices.DeleteFunc(all, func(r rune) bool { return r == '\x1b' })
}

// The tables are those of another implementation, rune by rune.
func TestTablesAgreeWithTheOracle(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r == 0x1B || r >= 0xD800 && r < 0xE000 {
			continue
		}
		want, err := oracle.Encode([]byte(string(r)))
		got, ok := gsm7.Encode(string(r))
		if ok != (err == nil) || !bytes.Equal(got, want) {
			t.Fatalf("%U: % X, %v; the oracle says % X, %v", r, got, ok, want, err)
		}
		n, fits := gsm7.Fits(r)
		if fits != ok || n != len(got) {
			t.Fatalf("%U: Fits = %d, %v", r, n, fits)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	letters := alphabet()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom(letters)).Draw(t, "text")
		septets, ok := gsm7.Encode(text)
		if !ok {
			t.Fatal("does not fit")
		}
		if back, ok := gsm7.Decode(septets); !ok || back != text {
			t.Fatalf("came back as %q", back)
		}
		if n, ok := gsm7.Len(text); !ok || n != len(septets) {
			t.Fatalf("Len = %d, septets %d", n, len(septets))
		}
		fill := rapid.IntRange(0, 6).Draw(t, "fill")
		packed := gsm7.Pack(septets, fill)
		if want := oracle.Pack7Bit(septets, fill); len(septets) > 0 && !bytes.Equal(packed, want) {
			t.Fatalf("Pack = % X, the oracle says % X", packed, want)
		}
		if back := gsm7.Unpack(packed, fill, len(septets)); !bytes.Equal(back, septets) {
			t.Fatalf("Unpack = % X, want % X", back, septets)
		}
		guessed := gsm7.Unpack(packed, fill, -1)
		atInPaddingsPlace := len(septets) > 0 && septets[len(septets)-1] == 0 && (fill+7*len(septets))%8 == 0
		if !atInPaddingsPlace && !bytes.Equal(guessed, septets) {
			t.Fatalf("Unpack without a count = % X, want % X", guessed, septets)
		}
	})
}

// Rewrite leaves every letter and digit where it is.
func TestRewriteKeepsLetters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("abcç ñ“”–…’łжك漢😡1Q"))).Draw(t, "text")
		strip := func(s string) string {
			return strings.Trim(strings.NewReplacer("“", "", "”", "", "–", "", "…", "", "’", "", `"`, "", "-", "", ".", "", "'", "").Replace(s), "")
		}
		if strip(gsm7.Rewrite(text)) != strip(text) {
			t.Fatalf("Rewrite(%q) = %q", text, gsm7.Rewrite(text))
		}
	})
}

func FuzzGSM7(f *testing.F) {
	f.Add([]byte("LAPOR jalan rusak [€] @"))
	f.Add([]byte{0x1B, 0x1B, 0x65, 0x1B})
	f.Add([]byte{0x80, 0x1B, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		text, ok := gsm7.Decode(b)
		if !utf8.ValidString(text) {
			t.Fatalf("Decode gives no UTF-8: %q", text)
		}
		if ok {
			// The oracle reads CR2 (ESC CR) as a line feed; here it is the default table's CR.
			want, _ := oracle.Decode(bytes.ReplaceAll(b, []byte{gsm7.Escape, '\r'}, []byte{gsm7.Escape, 'A'}))
			text := strings.ReplaceAll(text, "\r", "A")
			want = bytes.ReplaceAll(want, []byte("\r"), []byte("A"))
			if text != string(want) {
				t.Fatalf("Decode = %q, the oracle says %q", text, want)
			}
			septets, ok := gsm7.Encode(text)
			if !ok {
				t.Fatalf("%q does not fit again", text)
			}
			if again, _ := gsm7.Decode(septets); again != text {
				t.Fatalf("%q came back as %q", text, again)
			}
		}
		if s := string(b); utf8.ValidString(s) {
			if septets, ok := gsm7.Encode(s); ok {
				if back, ok := gsm7.Decode(septets); !ok || back != s {
					t.Fatalf("%q came back as %q", s, back)
				}
				if len(gsm7.Culprits(s)) != 0 {
					t.Fatalf("culprits in a text that fits: %q", s)
				}
			} else if len(gsm7.Culprits(s)) == 0 {
				t.Fatalf("no culprits in a text that does not fit: %q", s)
			}
		}
		for fill := range 7 {
			gsm7.Unpack(b, fill, -1)
			gsm7.Unpack(b, fill, 300)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	text := strings.Repeat("Laporan Anda diterima. ", 7)
	for b.Loop() {
		_, _ = gsm7.Encode(text)
	}
}

func ExampleRewrite() {
	text := "“Jalan rusak” – di depan pasar…"
	fmt.Println(string(gsm7.Culprits(text)))
	fmt.Println(gsm7.Rewrite(text))
	// Output:
	// “”–…
	// "Jalan rusak" - di depan pasar...
}
