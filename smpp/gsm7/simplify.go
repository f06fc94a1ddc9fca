package gsm7

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// simpler are characters that people take for another in the GSM alphabet, besides what Rewrite knows.
var simpler = map[rune]string{
	'•': "-", '·': "-", '‣': "-", '◦': "-", '●': "-", '■': "-", '▪': "-", '→': "->", '←': "<-", '⇒': "=>", '↔': "<->",
	'©': "(c)", '®': "(R)", '™': "(TM)", '№': "No.", '°': " derajat ", '×': "x", '÷': "/", '±': "+/-", '≤': "<=", '≥': ">=", '≠': "!=", '≈': "~",
	'½': "1/2", '¼': "1/4", '¾': "3/4", '¹': "1", '²': "2", '³': "3", '✓': "v", '✔': "v", '✗': "x", '✘': "x",
	'ł': "l", 'Ł': "L", 'đ': "d", 'Đ': "D", 'ı': "i", 'œ': "oe", 'Œ': "OE", 'þ': "th", 'Þ': "Th", 'ð': "d", 'Ð': "D",
	'ʼ': "'", 'ʻ': "'", 'ʾ': "'", 'ʿ': "'", '¢': "c", '‰': "o/oo", '¦': "|", '¬': "-", '¯': "-", '¨': "", '¸': "", '\u200B': "", '\u200C': "", '\u200D': "",
}

// Simplify brings a text into the GSM alphabet as far as its sense allows: what Rewrite does, then letters lose marks that the
// alphabet does not have (ā, ṣ: a, s), signs that have a plain form get it, and emoji go: dropped tells which, each once. It is
// for people to choose: what it loses may matter. Letters of other scripts stay, for nothing stands for them.
func Simplify(s string) (text string, dropped []string) {
	s = Rewrite(s)
	var out strings.Builder
	out.Grow(len(s))
	for i, r := range s {
		if r == '\uFFFD' && invalid(s[i:]) {
			out.WriteByte(s[i])
			continue
		}
		switch to, known := simpler[r]; {
		case fits(r):
			out.WriteRune(r)
		case known:
			out.WriteString(to)
		case unmarked(r) != "":
			out.WriteString(unmarked(r))
		case picture(r):
			if one := string(r); !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Cf, r) && !slices.Contains(dropped, one) {
				dropped = append(dropped, one)
			}
		default:
			out.WriteRune(r)
		}
	}
	text = out.String()
	if len(dropped) > 0 { // an emoji leaves the space before it and the one behind it
		for strings.Contains(text, "  ") && !strings.Contains(s, "  ") {
			text = strings.ReplaceAll(text, "  ", " ")
		}
		text = strings.Trim(text, " ")
	}
	return text, dropped
}

func fits(r rune) bool {
	_, ok := Fits(r)
	return ok
}

// unmarked is the letter without its marks, or what a compatibility form (ﬁ, ①, Ａ) stands for; "": not in the alphabet either.
func unmarked(r rune) string {
	var out strings.Builder
	for _, d := range norm.NFKD.String(string(r)) {
		switch {
		case fits(d):
			out.WriteRune(d)
		case unicode.Is(unicode.Mn, d):
		default:
			return ""
		}
	}
	return out.String()
}

// picture tells whether a character is an emoji, or belongs to one: a sign, a variation selector, a skin tone.
func picture(r rune) bool {
	return unicode.In(r, unicode.So, unicode.Sk, unicode.Mn, unicode.Me, unicode.Cf, unicode.Co) ||
		r >= 0x1F000 && r <= 0x1FAFF
}
