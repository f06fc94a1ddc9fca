// Package visible shows what a citizen wrote so that everything in it can be seen, and nothing of it changes how the rest
// is seen.
//
//	text ──▶ [Pieces] ──▶ plain text · ticket number · U+202E
//
// The promise kept here: C0, C1, format and filler characters never reach a page as themselves.
package visible

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Piece is a stretch of an SMS as it is shown: plain text, a ticket number, or the code point of a character that
// would not be seen, or would change how others are seen. Exactly one field is set.
type Piece struct {
	Text   string `json:"text,omitempty"`
	Ticket string `json:"ticket,omitempty"`
	Code   string `json:"code,omitempty"` // U+202E
}

// ticketNumber is a ticket as we write it, 4821-3769. Whether it is one is for the line to say.
var ticketNumber = regexp.MustCompile(`\b[0-9]{1,4}(?:-[0-9]{4})+\b`)

// Pieces cuts a text so that everything in it can be seen.
func Pieces(text string) []Piece {
	var pieces []Piece
	var plain strings.Builder
	flush := func() {
		pieces = appendPlain(pieces, plain.String())
		plain.Reset()
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var before rune
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		after, _ := utf8.DecodeRuneInString(text[i+size:])
		if hidden(r) && !joins(before, r, after) {
			flush()
			pieces = append(pieces, Piece{Code: fmt.Sprintf("U+%04X", r)})
		} else {
			plain.WriteRune(r)
		}
		before = r
	}
	flush()
	return pieces
}

// appendPlain adds s with the ticket numbers in it on their own.
func appendPlain(pieces []Piece, s string) []Piece {
	from := 0
	for _, at := range ticketNumber.FindAllStringIndex(s, -1) {
		if at[0] > from {
			pieces = append(pieces, Piece{Text: s[from:at[0]]})
		}
		pieces = append(pieces, Piece{Ticket: s[at[0]:at[1]]})
		from = at[1]
	}
	if from < len(s) {
		pieces = append(pieces, Piece{Text: s[from:]})
	}
	return pieces
}

// hidden: C0 but the line feed, C1, format characters (bidi, zero width, tags), separators of lines that a terminal
// or a browser may break at, and letters without a picture (Hangul fillers, the empty braille pattern).
func hidden(r rune) bool {
	switch r {
	case '\n':
		return false
	case 0x2028, 0x2029, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf) || r >= 0xE0000 && r <= 0xE0FFF
}

// joins: a zero width joiner between two pictures makes one emoji of them, and is seen by that.
func joins(before, r, after rune) bool {
	const joiner, picture = 0x200D, 0xFE0F // picture: the variation selector that asks for colour
	skin := before >= 0x1F3FB && before <= 0x1F3FF
	return r == joiner && (before == picture || skin || unicode.Is(unicode.So, before)) && unicode.Is(unicode.So, after)
}

// Text is a text on one piece, with what is hidden in it as ⟨U+202E⟩.
func Text(text string) string {
	var b strings.Builder
	for _, p := range Pieces(text) {
		b.WriteString(p.Text + p.Ticket)
		if p.Code != "" {
			b.WriteString("⟨" + p.Code + "⟩")
		}
	}
	return b.String()
}
