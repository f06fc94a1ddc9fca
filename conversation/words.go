package conversation

import (
	"time"
	"unicode/utf16"
)

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
	questions  []detail            // in their order
	most       int                 // questions that follow one ticket; 0: all
	marks      map[string][]mark   // of places, by first word
	ordinary   map[string]bool     // no place is called so
	areas      map[string]string   // a word before an area's name → what it is written as
	lexicon    map[string]*lexeme  // all of these, by word
	guess      guesser
	agencies   agencies
	holidays   holidays
	weekend    []time.Weekday
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

// measure returns the units of a text, and how many one and each of several
// segments take.
func (w *Words) measure(text string) (n, one, many int) {
	n, gsm := w.gsmLen(text)
	if gsm {
		return n, oneGSM, manyGSM
	}
	n = 0
	for _, r := range text {
		n += max(utf16.RuneLen(r), 1)
	}
	return n, oneUCS2, manyUCS2
}

// segments tells how many segments a text takes.
func (w *Words) segments(text string) int {
	n, one, many := w.measure(text)
	if n <= one {
		return 1
	}
	return (n + many - 1) / many
}

// over tells by how many units a text is longer than one segment.
func (w *Words) over(text string) int {
	n, one, _ := w.measure(text)
	return n - one
}

// fits tells whether a text takes one segment.
func (w *Words) fits(text string) bool { return w.over(text) <= 0 }
