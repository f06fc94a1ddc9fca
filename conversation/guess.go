package conversation

import (
	"slices"
	"strings"
)

// guesser finds the category whose words fit a text best.
type guesser struct {
	categories []string
	agencies   map[string][]string
	words      map[string][]hit
	stems      map[string][]hit // "pungut*": words that begin so
	phrases    map[string][]guessPhrase
	minStem    int
	maxStem    int
}

// hit is a word's weight for a category.
type hit struct{ category, weight int }

// guessPhrase is several words that stand together.
type guessPhrase struct {
	words []string
	hit   hit
}

// Weights: a phrase says more than a word. Words marked with a ~ are common
// and count only beside others.
const (
	weightWeak   = 1
	weightWord   = 3
	weightPhrase = 5
	minScore     = 3
)

// suffixes are particles that Indonesian words end in.
var suffixes = []string{"nya", "lah", "kah", "ku", "mu"}

// Guess returns the category that fits the text best and its score; "" where
// none fits.
func (w *Words) Guess(text string) (category string, score int) {
	var ts tokens
	ts.scan(text)
	return w.guess.best(&ts)
}

// Agencies returns who is likely to care about a category, as the files say.
func (w *Words) Agencies(category string) []string {
	return slices.Clone(w.guess.agencies[category])
}

// best scores the tokens; of equal scores the category listed first wins.
func (g *guesser) best(ts *tokens) (string, int) {
	var space [64]int
	scores := space[:]
	if len(g.categories) > len(scores) {
		scores = make([]int, len(g.categories))
	}
	for i := range ts.all {
		t := &ts.all[i]
		if t.digits {
			continue
		}
		for _, p := range g.phrases[t.word] {
			if ts.phrase(i, p.words) {
				scores[p.hit.category] += p.hit.weight
			}
		}
		for _, h := range g.hits(t.word) {
			scores[h.category] += h.weight
		}
	}
	best, at := 0, -1
	for c := range g.categories {
		if scores[c] > best {
			best, at = scores[c], c
		}
	}
	if best < minScore {
		return "", 0
	}
	return g.categories[at], best
}

// hits looks a word up: as it is, by its stem, without its particle.
func (g *guesser) hits(word string) []hit {
	if h := g.words[word]; h != nil {
		return h
	}
	for n := min(len(word), g.maxStem); n >= g.minStem && n > 0; n-- {
		if h := g.stems[word[:n]]; h != nil {
			return h
		}
	}
	for _, s := range suffixes {
		if bare, ok := strings.CutSuffix(word, s); ok && len(bare) >= 3 {
			if h := g.words[bare]; h != nil {
				return h
			}
		}
	}
	return nil
}

// finish notes what the words of categories tell others: no place is called so.
func (g *guesser) finish(ordinary map[string]bool) {
	g.minStem = 99
	for stem := range g.stems {
		g.minStem, g.maxStem = min(g.minStem, len(stem)), max(g.maxStem, len(stem))
	}
	for word := range g.words {
		ordinary[word] = true
	}
}

// categories reads a file of categories.
func (l *loader) categories(n node) {
	n.known("categories")
	g := &l.w.guess
	if g.agencies == nil {
		g.agencies = map[string][]string{}
	}
	n.get("categories").each(func(name string, v node) {
		v.known("agencies", "words")
		index := -1
		for i, c := range g.categories {
			if c == name {
				index = i
			}
		}
		if index < 0 {
			index = len(g.categories)
			g.categories = append(g.categories, name)
		}
		v.get("agencies").list(func(a string, _ place) { g.agencies[name] = append(g.agencies[name], a) })
		v.get("words").each(func(_ string, words node) {
			words.list(func(entry string, at place) { l.guessWord(index, entry, at) })
		})
	})
}

func (l *loader) guessWord(category int, entry string, at place) {
	g := &l.w.guess
	bare, weak := strings.CutPrefix(entry, "~")
	bare, stem := strings.CutSuffix(bare, "*")
	words := fold(bare)
	h := hit{category, weightWord}
	if weak {
		h.weight = weightWeak
	}
	switch {
	case len(words) == 0:
		l.problem(at, "write letters", "%q has no word", entry)
	case len(words) > 1:
		if !weak {
			h.weight = weightPhrase
		}
		g.phrases[words[0]] = append(g.phrases[words[0]], guessPhrase{words, h})
	case stem:
		g.stems[words[0]] = append(g.stems[words[0]], h)
	default:
		g.words[words[0]] = append(g.words[words[0]], h)
	}
}
