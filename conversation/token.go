package conversation

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word or a run of digits of a text. A word ends at a space,
// punctuation or digit.
type token struct {
	word   string  // folded: lower case, Latin accents dropped
	known  *lexeme // what the files say of it; nil before classify
	class  class   // which word lists hold it
	start  int32   // in the raw text, bytes
	size   int32   // … and how many
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

// What an ASCII character is to scan.
const (
	other byte = iota
	small
	capital
	figure
)

var ascii = func() (kinds [utf8.RuneSelf]byte) {
	for c := byte('a'); c <= 'z'; c++ {
		kinds[c], kinds[c-'a'+'A'] = small, capital
	}
	for c := '0'; c <= '9'; c++ {
		kinds[c] = figure
	}
	return kinds
}()

// scan takes a text apart.
func (ts *tokens) scan(text string) {
	ts.all, ts.asks = ts.inline[:0], false
	var fold strings.Builder
	fold.Grow(len(text))
	var fromBuf [len(ts.inline)]int32
	from := fromBuf[:0] // where each word begins in what is folded
	var t *token        // that is read now; nil: none
	glued, joined := false, false
	for i := 0; i < len(text); {
		r, size, kind := rune(text[i]), 1, other
		if r < utf8.RuneSelf {
			kind = ascii[r]
		} else {
			r, size = utf8.DecodeRuneInString(text[i:])
			kind = kindOf(r)
		}
		at := i
		i += size
		if kind == other {
			t, glued = nil, false
			if !dresses(r) {
				joined = false
			}
			if r == '?' {
				ts.asks = true
			}
			continue
		}
		if t == nil || t.digits != (kind == figure) {
			ts.all = append(ts.all, token{start: int32(at), digits: kind == figure, glued: glued, joined: joined, title: kind == capital})
			from = append(from, int32(fold.Len()))
			t, glued, joined = &ts.all[len(ts.all)-1], true, true
		} else if kind == capital {
			t.title = false
		}
		t.size = int32(i) - t.start
		switch {
		case r >= utf8.RuneSelf:
			var buf [utf8.UTFMax]byte
			fold.Write(appendFolded(buf[:0], r))
		case kind == capital:
			fold.WriteByte(byte(r) + 'a' - 'A')
		default:
			fold.WriteByte(byte(r))
		}
	}
	folded := fold.String()
	for i := range ts.all {
		to := len(folded)
		if i+1 < len(from) {
			to = int(from[i+1])
		}
		ts.all[i].word = folded[from[i]:to]
	}
}

// kindOf tells what a character beyond ASCII is: letters, their marks and the
// digits of other scripts are parts of words.
func kindOf(r rune) byte {
	switch {
	case unicode.IsUpper(r):
		return capital
	case unicode.IsLetter(r), unicode.Is(unicode.Mn, r), unicode.IsDigit(r):
		return small
	default:
		return other
	}
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
