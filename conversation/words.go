package conversation

import "unicode/utf16"

// Words is everything that is data: catalogues, word lists, categories,
// questions; loaded by LoadWords and never changed.
type Words struct {
	languages  []string // in the order of their files, the built-in first
	catalogues map[string]*catalogue
	classes    map[string]class
	phrases    map[string][]phrase // by first word
	commands   map[string]form     // phrases joined by a space
	longest    int                 // words of the longest command
	slippery   []form              // single words of minSlip letters or more
	names      map[string]string   // "inggris" → "en", for BAHASA
	markers    map[string]string   // a word that only one language has → that language
	questions  []detail
	marks      map[string][]mark // of places, by first word
	ordinary   map[string]bool   // no place is called so
	guess      guesser
	gsmLen     func(string) (int, bool)
}

// phrase is an entry of a word list of two words or more.
type phrase struct {
	words []string
	class class
}

// Languages returns the languages that have a catalogue.
func (w *Words) Languages() []string { return append([]string(nil), w.languages...) }

// Units of one segment, and of each of several (GSM 03.40, 03.38).
const (
	oneGSM, manyGSM   = 160, 153
	oneUCS2, manyUCS2 = 70, 67
)

// segments tells how many segments a text takes.
func (w *Words) segments(text string) int {
	n, gsm := w.gsmLen(text)
	one, many := oneGSM, manyGSM
	if !gsm {
		n, one, many = 0, oneUCS2, manyUCS2
		for _, r := range text {
			n += utf16.RuneLen(r)
		}
	}
	if n <= one {
		return 1
	}
	return (n + many - 1) / many
}

// fits tells whether a text takes one segment.
func (w *Words) fits(text string) bool { return w.segments(text) == 1 }
