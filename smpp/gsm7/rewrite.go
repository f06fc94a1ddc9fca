package gsm7

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// rewrites are the typographic forms that a word processor or a telephone's
// keyboard puts where the writer pressed a plain key.
var rewrites = map[rune]string{
	'“': `"`, '”': `"`, '„': `"`, '‟': `"`, '«': `"`, '»': `"`, '″': `"`,
	'‘': "'", '’': "'", '‚': "'", '‛': "'", '‹': "'", '›': "'", '′': "'", '`': "'", '´': "'",
	'‐': "-", '‑': "-", '‒': "-", '–': "-", '—': "-", '―': "-", '−': "-",
	'…':      "...",
	'\u00A0': " ", '\u202F': " ", '\u2007': " ", '\u2008': " ", '\u2009': " ", '\u200A': " ",
	'\u2002': " ", '\u2003': " ", '\u2004': " ", '\u2005': " ", '\u2006': " ", '\t': " ",
	'\u00AD': "", '\uFEFF': "", '\u200E': "", // soft hyphen, byte order mark, left-to-right mark: nothing to see
}

// Rewrite puts the plain form for typographic quotes, dashes, ellipsis and
// spaces, and composes letters with their marks (NFC: the same letter in one
// rune). A letter never becomes another.
func Rewrite(s string) string {
	if plain(s) {
		return s
	}
	s = norm.NFC.String(s)
	var out strings.Builder
	out.Grow(len(s))
	for i, r := range s {
		if to, ok := rewrites[r]; ok {
			out.WriteString(to)
			continue
		}
		if r == '\uFFFD' && invalid(s[i:]) {
			out.WriteByte(s[i]) // not ours to mend
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// plain is the usual case: nothing but ASCII, no tab and no back-tick.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || c == '\t' || c == '`' {
			return false
		}
	}
	return true
}
