package gsm7_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aduan/smpp/gsm7"
)

func TestATextIsBroughtIntoTheAlphabet(t *testing.T) {
	for _, c := range []struct{ name, text, want, dropped string }{
		{"it fits already", "Laporan Anda [1] {ok} é €", "Laporan Anda [1] {ok} é €", ""},
		{"typographic signs", "“Jalan” rusak – tahap 1…", `"Jalan" rusak - tahap 1...`, ""},
		{"letters keep what the alphabet has", "café résumé ñ ü", "café résumé ñ ü", ""},
		{"letters lose what it has not", "Ṣalāḥ, Đạt, São, Šćepan", "Salah, Dat, Sao, Scepan", ""},
		{"compatibility forms", "ﬁnal ① Ａ", "final 1 A", ""},
		{"bullets and arrows", "• satu → dua", "- satu -> dua", ""},
		{"emoji go", "Terima kasih 👍🏽 pak 🙏", "Terima kasih pak", "👍🏽🙏"},
		{"an emoji of several parts", "keluarga 👨‍👩‍👧 itu ❤️", "keluarga itu", "👨👩👧❤"},
		{"other scripts stay", "Jalan 道路 rusak", "Jalan 道路 rusak", ""},
		{"nothing", "", "", ""},
		{"only emoji", "👍", "", "👍"},
	} {
		got, dropped := gsm7.Simplify(c.text)
		if got != c.want || strings.Join(dropped, "") != c.dropped {
			t.Errorf("%s: %q, dropped %q; want %q, %q", c.name, got, dropped, c.want, c.dropped)
		}
	}
}

func TestWhatIsSimpleStaysAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		once, _ := gsm7.Simplify(s)
		if twice, dropped := gsm7.Simplify(once); twice != once || len(dropped) != 0 {
			t.Fatalf("%q becomes %q, and then %q (%q)", s, once, twice, dropped)
		}
	})
}
