package gsm7_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	oracle "github.com/warthog618/sms/encoding/gsm7"
	"github.com/warthog618/sms/encoding/gsm7/charset"
	"pgregory.net/rapid"

	"aduan/smpp/gsm7"
)

func TestLanguagesHaveNames(t *testing.T) {
	for l := gsm7.Turkish; l <= gsm7.Urdu; l++ {
		if got, ok := gsm7.ParseLanguage(l.String()); !ok || got != l {
			t.Errorf("%d: %q reads as %d, %v", l, l, got, ok)
		}
	}
	if _, ok := gsm7.ParseLanguage("default"); ok {
		t.Error("the default alphabet is no national language")
	}
	if got := gsm7.Language(14).String(); got != "default" { // §6.2.1.2.4: reserved
		t.Errorf("a reserved identifier is named %q", got)
	}
}

func TestNationalTexts(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		tables     gsm7.Tables
		want       []byte // nil: does not fit
	}{
		{"Turkish, locked", "İyi gün, ağaç", gsm7.Tables{Locking: gsm7.Turkish}, []byte{0x40, 0x79, 0x69, 0x20, 0x67, 0x7E, 0x6E, 0x2C, 0x20, 0x61, 0x0C, 0x61, 0x60}},
		{"Turkish, shifted once each", "ağ", gsm7.Tables{Single: gsm7.Turkish}, []byte{0x61, 0x1B, 0x67}},
		{"the euro, locked", "€", gsm7.Tables{Locking: gsm7.Turkish}, []byte{0x04}},
		{"Spanish", "avión", gsm7.Tables{Single: gsm7.Spanish}, []byte{0x61, 0x76, 0x69, 0x1B, 0x6F, 0x6E}},
		{"Portuguese", "informação", gsm7.Tables{Locking: gsm7.Portuguese}, []byte{0x69, 0x6E, 0x66, 0x6F, 0x72, 0x6D, 0x61, 0x09, 0x7B, 0x6F}},
		{"Hindi", "हिन्दी", gsm7.Tables{Locking: gsm7.Hindi}, []byte{0x4D, 0x51, 0x2F, 0x5F, 0x2B, 0x52}},
		{"Hindi with capitals behind an escape", "SMS", gsm7.Tables{Locking: gsm7.Hindi, Single: gsm7.Hindi}, []byte{0x1B, 0x53, 0x1B, 0x4D, 0x1B, 0x53}},
		{"Hindi's nasal sign is Devanagari", "हूँ", gsm7.Tables{Locking: gsm7.Hindi}, []byte{0x4D, 0x54, 0x00}},
		{"Urdu", "شکایت", gsm7.Tables{Locking: gsm7.Urdu}, []byte{0x3E, 0x47, 0x00, 0x59, 0x07}},
		{"Hindi does not fit Urdu", "हिन्दी", gsm7.Tables{Locking: gsm7.Urdu, Single: gsm7.Urdu}, nil},
		{"what is no UTF-8 fits nothing", "a\xFF", gsm7.Tables{Locking: gsm7.Turkish}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.tables.AppendEncode([]byte{}, tt.text)
			if ok != (tt.want != nil) || !bytes.Equal(got, tt.want) {
				t.Fatalf("% X, %v; want % X", got, ok, tt.want)
			}
			if back, ok := tt.tables.Decode(got); tt.want != nil && (!ok || back != tt.text) {
				t.Fatalf("came back as %q, %v", back, ok)
			}
		})
	}
}

func TestNationalDecoding(t *testing.T) {
	hindi := gsm7.Tables{Locking: gsm7.Hindi, Single: gsm7.Hindi}
	for _, tt := range []struct {
		name   string
		tables gsm7.Tables
		in     []byte
		want   string
		ok     bool
	}{
		{"what the shift table lacks is the locking table's (§6.2.1.2.2)", hindi, []byte{0x1B, 0x61}, "a", true},
		{"a doubled escape is a space", hindi, []byte{0x1B, 0x1B}, " ", true},
		{"an escape at the end is a space", hindi, []byte{0x4D, 0x1B}, "ह ", true},
		{"CR2 is a control, not a letter", gsm7.Tables{Single: gsm7.Turkish}, []byte{0x1B, 0x0D}, "\r", true},
		{"an octet above 0x7F is no septet", hindi, []byte{0x4D, 0xE9}, "ह\uFFFD", false},
		{"an empty place is seen to be one", gsm7.Tables{Locking: gsm7.Bengali}, []byte{0x11}, "\uFFFD", true},
		{"a reserved identifier is the default alphabet (§6.2.1.2.4)", gsm7.Tables{Locking: 14, Single: 200}, []byte{0x00, 0x1B, 0x65}, "@€", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := tt.tables.Decode(tt.in); got != tt.want || ok != tt.ok {
				t.Fatalf("%q, %v; want %q, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// ours is where a table of the oracle is not the specification's.
func ours(l gsm7.Language, singleTable bool, septet byte, theirs rune, has bool) (rune, bool) {
	switch {
	case singleTable && septet == gsm7.Escape:
		return 0, false // §6.2.1.1: the place of a further escape, no character
	case singleTable && septet == 0x0D && l <= gsm7.Portuguese && has:
		return '\r', true // A.2.1 to A.2.3: CR2, where the oracle has a line feed
	case !singleTable && l == gsm7.Hindi && septet < 3:
		return 0x901 + rune(septet), true // A.3.6: candrabindu, anusvara, visarga of Devanagari; the oracle has Bengali's
	}
	return theirs, has
}

// Every place of the 25 tables is the oracle's, but for those that the specification decides otherwise.
func TestNationalTablesAgreeWithTheOracle(t *testing.T) {
	for l := gsm7.Turkish; l <= gsm7.Urdu; l++ {
		lock, shift := charset.NewDecoder(int(l)), charset.NewExtDecoder(int(l))
		for septet := range byte(0x80) {
			want, has := lock[septet]
			want, has = ours(l, false, septet, want, has)
			if !has {
				want = '\uFFFD'
			}
			if got, _ := (gsm7.Tables{Locking: l}).Decode([]byte{septet}); septet != gsm7.Escape && got != string(want) {
				t.Errorf("%s, locking, 0x%02X: %q, the oracle says %q", l, septet, got, want)
			}
			want, has = shift[septet]
			if want, has = ours(l, true, septet, want, has); !has {
				want = []rune(decodeDefault(septet))[0]
			}
			if got, _ := (gsm7.Tables{Single: l}).Decode([]byte{gsm7.Escape, septet}); got != string(want) {
				t.Errorf("%s, single, 0x%02X: %q, the oracle says %q", l, septet, got, want)
			}
		}
	}
}

func decodeDefault(septet byte) string {
	if septet == gsm7.Escape {
		return " "
	}
	s, _ := gsm7.Decode([]byte{septet})
	return s
}

// A letter of a script stands in the tables of that script only: a table copied from another shows here.
func TestNationalTablesHoldTheirOwnScript(t *testing.T) {
	scripts := map[gsm7.Language]*unicode.RangeTable{
		gsm7.Bengali: unicode.Bengali, gsm7.Gujarati: unicode.Gujarati, gsm7.Hindi: unicode.Devanagari, gsm7.Kannada: unicode.Kannada,
		gsm7.Malayalam: unicode.Malayalam, gsm7.Oriya: unicode.Oriya, gsm7.Punjabi: unicode.Gurmukhi, gsm7.Tamil: unicode.Tamil,
		gsm7.Telugu: unicode.Telugu, gsm7.Urdu: unicode.Arabic,
	}
	for l, script := range scripts {
		seen := map[rune]bool{}
		for septet := range byte(0x80) {
			for _, in := range [][]byte{{septet}, {gsm7.Escape, septet}} {
				s, _ := gsm7.Tables{Locking: l, Single: l}.Decode(in)
				for _, r := range s {
					if unicode.In(r, unicode.Latin, unicode.Common, unicode.Inherited) || r == '\uFFFD' || r == '\u0951' || r == '\u0952' {
						continue
					}
					seen[r] = true
					if !unicode.In(r, script) {
						t.Errorf("%s: % X is %U", l, in, r)
					}
				}
			}
		}
		if len(seen) < 50 {
			t.Errorf("%s: only %d letters of its script", l, len(seen))
		}
	}
}

func TestNationalTextsAgreeWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tables := gsm7.Tables{
			Locking: gsm7.Language(rapid.IntRange(0, 13).Draw(t, "locking")),
			Single:  gsm7.Language(rapid.IntRange(0, 13).Draw(t, "single")),
		}
		septets := rapid.SliceOfN(rapid.ByteRange(0, 0x7F), 0, 200).Draw(t, "septets")
		text, ok := tables.Decode(septets)
		if !ok {
			t.Fatal("septets that cannot be read")
		}
		if differs(tables, text) || strings.ContainsRune(text, '\uFFFD') {
			return // told place by place above
		}
		want, err := oracle.Decode(septets, oracle.WithCharset(int(tables.Locking)), oracle.WithExtCharset(int(tables.Single)))
		if err != nil || string(want) != text && !bytes.Contains(septets, []byte{gsm7.Escape, 0x0D}) {
			t.Fatalf("% X: %q, the oracle says %q, %v", septets, text, want, err)
		}
		again, ok := tables.AppendEncode(nil, text)
		if back, _ := tables.Decode(again); !ok || back != text {
			t.Fatalf("%q came back as %q", text, back)
		}
		octets, err := oracle.Encode([]byte(text), oracle.WithCharset(int(tables.Locking)), oracle.WithExtCharset(int(tables.Single)))
		if err != nil || len(octets) != len(again) {
			t.Fatalf("%q: %d septets, the oracle makes %d (%v)", text, len(again), len(octets), err)
		}
	})
}

// differs says that a text holds what the oracle reads otherwise.
func differs(t gsm7.Tables, text string) bool {
	return t.Locking == gsm7.Hindi && strings.ContainsAny(text, "\u0901\u0902\u0903") || strings.Contains(text, "\r") || strings.Contains(text, "\n")
}
