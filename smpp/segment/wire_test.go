package segment_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/warthog618/sms"
	"pgregory.net/rapid"

	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
)

func TestNationalTablesWhereTheySaveASegment(t *testing.T) {
	hindi := strings.Repeat("शिकायत दर्ज हुई। ", 5) // 85 letters
	for _, tt := range []struct {
		name, text, alphabet string
		languages            []string
		tables               gsm7.Tables
		want                 string
		segments, left       int
	}{
		{"not allowed: UCS-2", hindi, "", nil, gsm7.Tables{}, "ucs2", 2, 49},
		{"Hindi in one", hindi, "gsm7", []string{"hindi"}, gsm7.Tables{Locking: gsm7.Hindi, Single: gsm7.Hindi}, "gsm7", 1, 62},
		{"another language's tables do not help", hindi, "", []string{"tamil"}, gsm7.Tables{}, "ucs2", 2, 49},
		{"one UCS-2 segment stays: every telephone reads it", "şikâyet", "", []string{"turkish"}, gsm7.Tables{}, "ucs2", 1, 63},
		{"few letters: the single shift, which leaves the rest as it is", strings.Repeat("sikayet ", 14) + "şş", "", []string{"turkish"}, gsm7.Tables{Single: gsm7.Turkish}, "gsm7", 1, 39},
		{"many letters: the locking shift", strings.Repeat("ş", 130), "", []string{"turkish"}, gsm7.Tables{Locking: gsm7.Turkish}, "gsm7", 1, 25},
		{"Spanish has no locking shift", strings.Repeat("áé", 50), "", []string{"spanish"}, gsm7.Tables{Single: gsm7.Spanish}, "gsm7", 1, 5},
		{"the best of several", strings.Repeat("ã", 71), "", []string{"turkish", "portuguese"}, gsm7.Tables{Single: gsm7.Portuguese}, "gsm7", 1, 13},
		{"packed", hindi, "gsm7-packed", []string{"hindi"}, gsm7.Tables{Locking: gsm7.Hindi, Single: gsm7.Hindi}, "gsm7", 1, 62},
		{"an emoji is in no table", hindi + "😡", "", []string{"hindi"}, gsm7.Tables{}, "ucs2", 2, 47},
		{"Latin-1 has no shift", hindi, "latin1", []string{"hindi"}, gsm7.Tables{}, "ucs2", 2, 49},
		{"plain text needs none", "jalan rusak", "", []string{"turkish"}, gsm7.Tables{}, "gsm7", 1, 149},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := segment.NewWire(tt.alphabet, tt.languages)
			if err != nil {
				t.Fatal(err)
			}
			e, err := w.Split(tt.text, 7)
			if err != nil || e.Tables != tt.tables {
				t.Errorf("tables %v/%v, %v", e.Tables.Locking, e.Tables.Single, err)
			}
			alphabet, segments, left := w.Count(tt.text)
			if alphabet != tt.want || segments != tt.segments || left != tt.left || e.Alphabet != alphabet || len(e.Parts) != segments {
				t.Errorf("Count = %s, %d, %d; Split makes %s, %d", alphabet, segments, left, e.Alphabet, len(e.Parts))
			}
			var parts []segment.Segment
			for _, p := range e.Parts {
				if got := segment.ParseTables(p.UDH); got != tt.tables {
					t.Errorf("the header % X names %v", p.UDH, got)
				}
				parts = append(parts, segment.Segment(p))
			}
			if got, ok := segment.Join(e.DataCoding, tt.alphabet, parts); !ok || got != tt.text {
				t.Errorf("came back as %q", got)
			}
		})
	}
	if _, err := segment.NewWire("gsm7", []string{"klingon"}); err == nil {
		t.Error("an unknown language is taken")
	}
}

// nationalTexts are of the letters of one language and some that every SMS holds.
func nationalTexts(l gsm7.Language) *rapid.Generator[string] {
	var pool []rune
	for septet := range byte(0x80) {
		for _, in := range [][]byte{{septet}, {gsm7.Escape, septet}} {
			s, _ := gsm7.Tables{Locking: l, Single: l}.Decode(in)
			s = gsm7.Rewrite(s)
			for _, r := range s {
				if r != '\uFFFD' && r != '\r' && r != '\n' && !(l == gsm7.Hindi && r >= 0x900 && r <= 0x903) { // where the oracle's tables are not the specification's
					pool = append(pool, r)
				}
			}
		}
	}
	return rapid.Custom(func(t *rapid.T) string {
		return gsm7.Rewrite(rapid.StringOfN(rapid.SampledFrom(pool), 1, 500, -1).Draw(t, "text"))
	})
}

// Another implementation makes the same parts from the same tables; where it takes the first tables that fit, as
// 23.038 leaves open, we take those with the fewest segments, and UCS-2 where they save none.
func TestNationalPartsAgreeWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := gsm7.Language(rapid.IntRange(int(gsm7.Turkish), int(gsm7.Urdu)).Draw(t, "language"))
		text := nationalTexts(l).Draw(t, "text")
		want, err := sms.Encode([]byte(text), sms.WithCharset(int(l)))
		if err != nil {
			t.Fatal(err)
		}
		w := segment.Wire{Languages: []gsm7.Language{l}}
		e, err := w.Split(text, 1)
		if err != nil || len(e.Parts) > len(want) {
			t.Fatalf("%s: %d parts, the oracle makes %d (%v)", l, len(e.Parts), len(want), err)
		}
		if alphabet, n, left := w.Count(text); alphabet != e.Alphabet || n != len(e.Parts) || left < 0 {
			t.Fatalf("Count = %s, %d, %d", alphabet, n, left)
		}
		var parts []segment.Segment
		for _, p := range e.Parts {
			if len(p.UDH)*8+len(p.Text)*7 > 140*8 && e.Alphabet == segment.GSM7 {
				t.Fatalf("a part of %d + %d", len(p.UDH), len(p.Text))
			}
			parts = append(parts, segment.Segment(p))
		}
		if got, ok := segment.Join(e.DataCoding, "gsm7", parts); !ok || got != text {
			t.Fatalf("joined %q, want %q", got, text)
		}
		var theirs gsm7.Tables
		for _, ie := range want[0].UDH {
			switch ie.ID {
			case 0x24:
				theirs.Single = gsm7.Language(ie.Data[0])
			case 0x25:
				theirs.Locking = gsm7.Language(ie.Data[0])
			}
		}
		if e.Alphabet != segment.GSM7 || theirs != e.Tables || escapeAtCut(want[0].UD) {
			return
		}
		for i, p := range e.Parts {
			if !bytes.Equal(p.Text, want[i].UD) {
				t.Fatalf("part %d: % X, the oracle says % X", i, p.Text, want[i].UD)
			}
		}
	})
}

func escapeAtCut(ud []byte) bool { return len(ud) > 0 && ud[len(ud)-1] == gsm7.Escape }

func TestForeignElementsAreSeen(t *testing.T) {
	for _, tt := range []struct {
		name string
		udh  []byte
		want bool
	}{
		{"none", nil, false},
		{"concatenation", []byte{5, 0, 3, 7, 2, 1}, false},
		{"concatenation under a length octet that is too large", []byte{6, 0, 3, 7, 2, 1, 0}, false},
		{"tables", []byte{6, 0x25, 1, 6, 0x24, 1, 6}, false},
		{"ports", []byte{6, 5, 4, 0x0B, 0x84, 0, 0}, true},
		{"ports behind a concatenation", []byte{11, 0, 3, 7, 2, 1, 5, 4, 0x0B, 0x84, 0, 0}, true},
		{"an element that does not fit", []byte{3, 9, 9, 9}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := segment.Foreign(tt.udh); got != tt.want {
				t.Fatalf("Foreign = %v", got)
			}
		})
	}
}

func TestPartsInNationalTables(t *testing.T) {
	lock := []byte{3, 0x25, 1, byte(gsm7.Turkish)}
	for _, tt := range []struct {
		name     string
		alphabet string
		parts    []segment.Segment
		want     string
	}{
		{"locked", "gsm7", []segment.Segment{{UDH: lock, Text: []byte{0x0C, 0x1D}}}, "ğş"},
		{"a part without tables is in the default alphabet (§6.2.1.2.3)", "gsm7", []segment.Segment{{UDH: lock, Text: []byte{0x0C}}, {Text: []byte{0x0C}}}, "ğø"},
		{"packed", "gsm7-packed", []segment.Segment{{UDH: lock, Text: gsm7.Pack([]byte{0x0C, 0x1D}, gsm7.FillBits(4))}}, "ğş"},
		{"of two the last counts", "gsm7", []segment.Segment{{UDH: []byte{6, 0x25, 1, 13, 0x25, 1, 1}, Text: []byte{0x0C}}}, "ğ"},
		{"an element of a wrong size names none", "gsm7", []segment.Segment{{UDH: []byte{4, 0x25, 2, 1, 1}, Text: []byte{0x0C}}}, "ø"},
		{"tables mean nothing in UTF-8", "utf8", []segment.Segment{{UDH: lock, Text: []byte("é")}}, "é"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := segment.Join(0, tt.alphabet, tt.parts); !ok || got != tt.want {
				t.Fatalf("%q, %v", got, ok)
			}
		})
	}
}

func TestWhereTheLinkIsNotKnownTheDearestCounts(t *testing.T) {
	hindi := strings.Repeat("शिकायत दर्ज हुई। ", 5)
	with, without := segment.Wire{Languages: []gsm7.Language{gsm7.Hindi}}, segment.Wire{}
	for _, ws := range []segment.Wires{{with, without}, {without, with}, {}} {
		if alphabet, n, left := ws.Count(hindi); alphabet != "ucs2" || n != 2 || left != 49 {
			t.Errorf("%s, %d, %d", alphabet, n, left)
		}
	}
	if alphabet, n, _ := (segment.Wires{with}).Count(hindi); alphabet != "gsm7" || n != 1 {
		t.Errorf("%s, %d", alphabet, n)
	}
}
