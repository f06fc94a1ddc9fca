package gsm7

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Language is a National Language Identifier (3GPP TS 23.038 §6.2.1.2.4).
type Language byte

// The languages that have tables of their own; Default has the GSM alphabet's.
const (
	Default Language = iota
	Turkish
	Spanish
	Portuguese
	Bengali
	Gujarati
	Hindi
	Kannada
	Malayalam
	Oriya
	Punjabi
	Tamil
	Telugu
	Urdu
)

var languageNames = [...]string{
	"default", "turkish", "spanish", "portuguese", "bengali", "gujarati", "hindi", "kannada",
	"malayalam", "oriya", "punjabi", "tamil", "telugu", "urdu",
}

// String is the language's name in lower case; a reserved identifier reads as Default does.
func (l Language) String() string {
	if int(l) >= len(languageNames) {
		return languageNames[Default]
	}
	return languageNames[l]
}

// ParseLanguage finds a language by its name; Default is none.
func ParseLanguage(name string) (Language, bool) {
	for i, n := range languageNames {
		if n == name && Language(i) != Default {
			return Language(i), true
		}
	}
	return Default, false
}

// HasLocking says that a language has a locking shift table; Spanish has only the other.
func (l Language) HasLocking() bool { return l > Default && l <= Urdu && l != Spanish }

// Tables are the two tables of a text: the one that stands for the default
// alphabet, and the one behind an escape (23.038 §6.2.1.2.2 and .3). A reserved
// identifier means the default one (§6.2.1.2.4). The zero Tables are [Encode] and [Decode].
type Tables struct{ Locking, Single Language }

// charset is one table both ways.
type charset struct {
	runes [128]rune
	codes map[rune]byte
}

var (
	lockingSets = charsets(locking[:])
	singleSets  = charsets(single[:])
)

// charsets makes each table when it is first asked for: most lines need none.
func charsets(tables []string) []func() *charset {
	sets := make([]func() *charset, len(tables))
	for i, table := range tables {
		if table != "" {
			sets[i] = sync.OnceValue(func() *charset { return newCharset(table) })
		}
	}
	return sets
}

// newCharset: of two places with the same character the first is written.
func newCharset(table string) *charset {
	c := &charset{codes: make(map[rune]byte, 128)}
	at := byte(0)
	for _, r := range table {
		c.runes[at] = r
		if _, twice := c.codes[r]; !twice && r != undefined && at != Escape {
			c.codes[r] = at
		}
		at++
	}
	return c
}

func set(sets []func() *charset, l Language) *charset {
	if int(l) >= len(sets) || sets[l] == nil {
		return nil
	}
	return sets[l]()
}

// AppendEncode is [AppendEncode] with these tables.
func (t Tables) AppendEncode(dst []byte, s string) ([]byte, bool) {
	lock, shift := set(lockingSets, t.Locking), set(singleSets, t.Single)
	if lock == nil && shift == nil {
		return AppendEncode(dst, s)
	}
	for i, r := range s {
		if r == utf8.RuneError && invalid(s[i:]) {
			return nil, false
		}
		c := find(lock, shift, r)
		if !c.ok {
			return nil, false
		}
		if c.escaped {
			dst = append(dst, Escape)
		}
		dst = append(dst, c.septet)
	}
	return dst, true
}

// find looks a rune up: in the plain table, then behind an escape.
func find(lock, shift *charset, r rune) code {
	plain := lookup(r)
	if lock != nil {
		if septet, ok := lock.codes[r]; ok {
			return code{septet, false, true}
		}
	} else if plain.ok && !plain.escaped {
		return plain
	}
	if shift != nil {
		septet, ok := shift.codes[r]
		return code{septet, true, ok}
	}
	if plain.escaped {
		return plain
	}
	return code{}
}

// Decode is [Decode] with these tables. A place of the locking table without a
// character reads as U+FFFD.
func (t Tables) Decode(b []byte) (text string, ok bool) {
	lock, shift := set(lockingSets, t.Locking), set(singleSets, t.Single)
	if lock == nil && shift == nil {
		return Decode(b)
	}
	plain, behind := &basic, &extension
	if lock != nil {
		plain = &lock.runes
	}
	if shift != nil {
		behind = &shift.runes
	}
	var s strings.Builder
	s.Grow(3 * len(b))
	ok = true
	escaped := false
	for _, c := range b {
		r := utf8.RuneError
		switch {
		case c >= 0x80:
			ok = false
		case c == Escape && !escaped:
			escaped = true
			continue
		case c == Escape:
			r = ' '
		case escaped && behind[c] != undefined:
			r = behind[c]
		case plain[c] != undefined:
			r = plain[c]
		}
		escaped = false
		s.WriteRune(r)
	}
	if escaped {
		s.WriteByte(' ')
	}
	return s.String(), ok
}
