package gsm7

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Encode gives one octet a septet, escapes included. ok is false when a rune
// is outside the alphabet and its extension; septets is then nil.
func Encode(s string) (septets []byte, ok bool) {
	return AppendEncode(make([]byte, 0, len(s)), s)
}

// AppendEncode is [Encode] that appends to dst.
func AppendEncode(dst []byte, s string) ([]byte, bool) {
	for i, r := range s {
		c := lookup(r)
		if !c.ok || r == utf8.RuneError && invalid(s[i:]) {
			return nil, false
		}
		if c.escaped {
			dst = append(dst, Escape)
		}
		dst = append(dst, c.septet)
	}
	return dst, true
}

// invalid says that s begins with a byte that is no UTF-8.
func invalid(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size == 1
}

// Decode reads one septet an octet. An escape before a code that the
// extension table lacks reads as the default table's character, a doubled or
// last escape as a space (23.038 §6.2.1.1). ok is false where an octet is above
// 0x7F; it reads as U+FFFD.
func Decode(b []byte) (text string, ok bool) {
	var s strings.Builder
	s.Grow(len(b) + 8)
	ok = true
	escaped := false
	for _, c := range b {
		switch {
		case c >= 0x80:
			s.WriteRune(utf8.RuneError)
			ok, escaped = false, false
		case escaped:
			escaped = false
			switch {
			case c == Escape:
				s.WriteByte(' ')
			case extension[c] != undefined:
				s.WriteRune(extension[c])
			default:
				s.WriteRune(basic[c])
			}
		case c == Escape:
			escaped = true
		default:
			s.WriteRune(basic[c])
		}
	}
	if escaped {
		s.WriteByte(' ')
	}
	return s.String(), ok
}

// Fits says how many septets a rune takes, 1 or 2; ok is false outside the alphabet.
func Fits(r rune) (septets int, ok bool) {
	c := lookup(r)
	switch {
	case !c.ok:
		return 0, false
	case c.escaped:
		return 2, true
	}
	return 1, true
}

// Len says how many septets a text takes; ok is false when a rune is outside
// the alphabet.
func Len(s string) (septets int, ok bool) {
	for i, r := range s {
		n, fits := Fits(r)
		if !fits || r == utf8.RuneError && invalid(s[i:]) {
			return 0, false
		}
		septets += n
	}
	return septets, true
}

// Culprits are the runes outside the alphabet, each once, in order: what
// costs a text the cheaper alphabet. It looks at s as it is: ask it about
// Rewrite(s) for what remains.
func Culprits(s string) []rune {
	var out []rune
	for _, r := range s {
		if _, ok := Fits(r); !ok && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}
