package visible_test

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"aduan/internal/visible"
)

func TestEverythingInATextCanBeSeen(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "jalan rusak", "jalan rusak"},
		{"lines stay lines", "a\nb\r\nc", "a\nb\nc"},
		{"a bare carriage return", "a\rb", "a⟨U+000D⟩b"},
		{"control characters", "\x00\x1b[31m\u0085", "⟨U+0000⟩⟨U+001B⟩[31m⟨U+0085⟩"},
		{"bidi", "\u202eevil\u2066", "⟨U+202E⟩evil⟨U+2066⟩"},
		{"zero width", "a\u200bb\u200db\ufeff", "a⟨U+200B⟩b⟨U+200D⟩b⟨U+FEFF⟩"},
		{"letters without a picture", "\u3164\u2800", "⟨U+3164⟩⟨U+2800⟩"},
		{"tags", "\U000E0041", "⟨U+E0041⟩"},
		{"a family is one emoji", "👩\u200d👧", "👩\u200d👧"},
		{"a joiner without an emoji before it", "a\u200d👧", "a⟨U+200D⟩👧"},
		{"a ticket", "nomor 4821-3769.", "nomor 4821-3769."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := visible.Text(c.text); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	for _, p := range visible.Pieces("nomor 4821-3769, 1-4821-3769") {
		if strings.Contains(p.Text, "3769") {
			t.Errorf("a ticket number stands in plain text: %+v", p)
		}
	}
}

func TestNoTextHidesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		for _, p := range visible.Pieces(text) {
			if n := btoi(p.Text != "") + btoi(p.Code != "") + btoi(p.Ticket != ""); n != 1 {
				t.Fatalf("%+v: %d fields", p, n)
			}
			for _, r := range p.Text {
				if r != '\n' && r != '\u200d' && unicode.In(r, unicode.Cc, unicode.Cf) {
					t.Fatalf("%U is hidden in %q", r, p.Text)
				}
			}
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
