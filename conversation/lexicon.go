package conversation

// lexeme is all that the files say of one word, so that a token is looked up
// once for everything.
type lexeme struct {
	class    class
	area     string   // what stands before an area's name is written as
	language string   // the only one that has the word
	phrases  []phrase // that begin with it
	marks    []mark   // of places, that begin with it
	named    []named  // regions and institutions, likewise
	feature  int32    // of the guesser
	spelt    bool     // … which has the word as it is
	place    bool     // a word of place
	ordinary bool     // no place is called so
}

// unheard is the lexeme of words of which the files say nothing.
var unheard = lexeme{feature: unknownWord}

// buildLexicon gathers what was read, word by word.
func (w *Words) buildLexicon() {
	all := map[string]*lexeme{}
	of := func(word string) *lexeme {
		x := all[word]
		if x == nil {
			x = &lexeme{feature: unknownWord}
			all[word] = x
		}
		return x
	}
	for word, c := range w.classes {
		of(word).class = c
	}
	for word, p := range w.phrases {
		of(word).phrases = p
	}
	for word, m := range w.marks {
		of(word).marks = m
	}
	for word, as := range w.areas {
		of(word).area = as
	}
	for word, language := range w.markers {
		of(word).language = language
	}
	for word := range w.ordinary {
		of(word).ordinary = true
	}
	for word, n := range w.agencies.named {
		of(word).named = n
	}
	v := &w.guess.vocab
	v.placed = make([]bool, len(v.names))
	for id, word := range v.names {
		v.placed[id] = v.places[word]
	}
	for word := range v.places {
		of(word).place = true
	}
	for word, id := range v.ids {
		x := of(word)
		x.feature, x.spelt = id, true
		x.place = x.place || id >= 0 && v.placed[id]
	}
	w.lexicon = all
}

// lookUp finds what the files say of a word.
func (w *Words) lookUp(word string) *lexeme {
	if x := w.lexicon[word]; x != nil {
		return x
	}
	return &unheard
}
