package conversation

import (
	"unicode"
	"unicode/utf8"
)

// token is a word or a run of digits of a text. A word ends at a space,
// punctuation or digit.
type token struct {
	word   string // folded: lower case, Latin accents dropped
	class  class  // which word lists hold it
	start  int    // in the raw text, bytes
	size   int    // … and how many
	digits bool
	glued  bool // nothing stands between it and the token before
	joined bool // only spaces, dots, dashes or # stand between it and the token before
	title  bool // begins with a capital, and goes on in small letters
}

// tokens is a text taken apart. inline keeps an SMS of usual length off the heap.
type tokens struct {
	all    []token
	asks   bool // it has a question mark
	inline [64]token
}

// scan takes a text apart.
func (ts *tokens) scan(text string) {
	ts.all, ts.asks = ts.inline[:0], false
	fold := make([]byte, 0, len(text))
	type span struct{ from, to int }
	var spanBuf [64]span
	spans := spanBuf[:0]
	var cur token
	open, glued, joined, first := false, false, true, true
	from := 0
	end := func() {
		if open {
			spans = append(spans, span{from, len(fold)})
			ts.all = append(ts.all, cur)
			open, glued, joined = false, true, true
		}
	}
	for i, r := range text {
		digit := r >= '0' && r <= '9'
		letter := !digit && isLetter(r)
		if !digit && !letter {
			end()
			glued = false
			if !dresses(r) {
				joined = false
			}
			if r == '?' {
				ts.asks = true
			}
			continue
		}
		if open && cur.digits != digit {
			end()
		}
		if !open {
			open, from = true, len(fold)
			cur = token{start: i, digits: digit, glued: glued && !first, joined: joined && !first, title: unicode.IsUpper(r)}
			first = false
		} else if cur.title && unicode.IsUpper(r) {
			cur.title = false
		}
		cur.size = i + utf8.RuneLen(r) - cur.start
		fold = appendFolded(fold, r)
	}
	end()
	folded := string(fold)
	for i := range ts.all {
		ts.all[i].word = folded[spans[i].from:spans[i].to]
	}
}

// isLetter tells whether r is part of a word: a letter, its mark, a digit of
// another script.
func isLetter(r rune) bool {
	if r < utf8.RuneSelf {
		return r|0x20 >= 'a' && r|0x20 <= 'z'
	}
	return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || unicode.IsDigit(r)
}

// appendFolded appends r in lower case, a Latin letter without its accent.
func appendFolded(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return append(dst, byte(r))
	}
	switch r = unicode.ToLower(r); {
	case unicode.Is(unicode.Mn, r):
		return dst
	case r >= 'à' && r <= 'å':
		r = 'a'
	case r >= 'è' && r <= 'ë':
		r = 'e'
	case r >= 'ì' && r <= 'ï':
		r = 'i'
	case r >= 'ò' && r <= 'ö':
		r = 'o'
	case r >= 'ù' && r <= 'ü':
		r = 'u'
	case r == 'ç':
		r = 'c'
	case r == 'ñ':
		r = 'n'
	}
	return utf8.AppendRune(dst, r)
}

// joins tells whether token i goes on with the digits before it.
func (ts *tokens) joins(i int) bool {
	return i > 0 && i < len(ts.all) && ts.all[i].digits && ts.all[i-1].digits && ts.all[i].joined
}

// numberAt returns the ticket number that begins with token i and the token
// after it: the longest that own accepts, else the longest; 0 where none is right.
func (ts *tokens) numberAt(i int, own func(Number) bool) (n Number, end int) {
	var buf [maxDigits]byte
	digits := buf[:0]
	for j := i; j < len(ts.all) && ts.all[j].digits && (j == i || ts.joins(j)); j++ {
		if len(digits)+len(ts.all[j].word) > maxDigits {
			break
		}
		digits = append(digits, ts.all[j].word...)
		found, err := numberOf(digits)
		if err != nil {
			continue
		}
		if own == nil || own(found) || n == 0 || !own(n) {
			n, end = found, j+1
		}
	}
	return n, end
}

// digitsAt returns how many digits the run that begins with token i has, and
// the token after it.
func (ts *tokens) digitsAt(i int) (count, end int) {
	for end = i; end < len(ts.all) && ts.all[end].digits && (end == i || ts.joins(end)); end++ {
		count += len(ts.all[end].word)
	}
	return count, end
}
