package conversation

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// guessLoad is what the files say of the guesser, before it is built.
type guessLoad struct {
	categories []string
	agencies   map[string][]agencyRef
	entries    []guessEntry
	examples   []guessExample
	short      map[string]string
	prefixes   []string
	suffixes   []string
	skip       []string
	common     []string
	places     []string
}

type agencyRef struct {
	name string
	at   place
}

type guessEntry struct {
	category, text string
	at             place
}

type guessExample struct {
	category, text string
	at             place
}

// categoriesFile reads a file of categories.
func (l *loader) categoriesFile(n node) {
	n.known("categories", "nothing", "replace")
	g := &l.guess
	if l.flag(n.get("replace")) {
		*g = guessLoad{short: g.short, prefixes: g.prefixes, suffixes: g.suffixes, skip: g.skip, common: g.common, places: g.places}
	}
	if g.agencies == nil {
		g.agencies = map[string][]agencyRef{}
	}
	n.get("categories").each(func(name string, v node) {
		v.known("agencies", "words")
		if name == nothing || strings.Join(fold(name), "") != strings.ReplaceAll(name, "_", "") {
			l.problem(v.at(), "use a-z and _, and not "+nothing, "category %q: not a name", name)
			return
		}
		if !slices.Contains(g.categories, name) {
			g.categories = append(g.categories, name)
		}
		v.get("agencies").list(func(a string, at place) {
			if away, ok := strings.CutPrefix(a, "-"); ok {
				g.agencies[name] = slices.DeleteFunc(g.agencies[name], func(r agencyRef) bool { return r.name == away })
				return
			}
			g.agencies[name] = append(g.agencies[name], agencyRef{a, at})
		})
		v.get("words").each(func(_ string, words node) { l.guessWords(name, words) })
	})
	n.get("nothing").each(func(_ string, words node) { l.guessWords(nothing, words) })
}

// guessWords reads the words of a category in one language.
func (l *loader) guessWords(category string, words node) {
	g := &l.guess
	words.list(func(entry string, at place) {
		if away, ok := strings.CutPrefix(entry, "-"); ok {
			g.entries = slices.DeleteFunc(g.entries, func(e guessEntry) bool {
				return e.category == category && slices.Equal(fold(e.text), fold(away))
			})
			return
		}
		if len(fold(strings.ReplaceAll(entry, "#", "0"))) == 0 {
			l.problem(at, "write letters", "%q has no word", entry)
			return
		}
		g.entries = append(g.entries, guessEntry{category, entry, at})
	})
}

// examplesFile reads texts with what they are about.
func (l *loader) examplesFile(n node) {
	n.known("examples")
	n.get("examples").each(func(category string, v node) {
		v.list(func(text string, at place) {
			l.guess.examples = append(l.guess.examples, guessExample{category, text, at})
		})
	})
}

// spellingFile reads how people write.
func (l *loader) spellingFile(n node) {
	n.known("spelling")
	s := n.get("spelling")
	s.known("short", "prefixes", "suffixes", "skip", "common", "places")
	g := &l.guess
	if g.short == nil {
		g.short = map[string]string{}
	}
	s.get("short").each(func(from string, to node) {
		g.short[strings.Join(fold(from), " ")] = strings.Join(fold(to.text()), " ")
	})
	s.get("prefixes").list(func(p string, at place) {
		if cut, _, _ := strings.Cut(p, ">"); cut == "" {
			l.problem(at, "write what is taken off before the >", "prefix %q takes nothing off", p)
			return
		}
		g.prefixes = append(g.prefixes, p)
	})
	s.get("suffixes").list(func(p string, _ place) { g.suffixes = append(g.suffixes, p) })
	s.get("common").list(func(p string, _ place) { g.common = append(g.common, fold(p)...) })
	s.get("places").list(func(p string, _ place) { g.places = append(g.places, fold(p)...) })
	s.get("skip").list(func(p string, _ place) { g.skip = append(g.skip, fold(p)...) })
}

// flag reads true or false.
func (l *loader) flag(n *node) bool {
	switch v := n.text(); v {
	case "true":
		return true
	case "", "false":
		return false
	default:
		l.problem(n.at(), "write true or false", "%q is neither true nor false", v)
		return false
	}
}

// buildGuesser makes the guesser of what was read.
func (l *loader) buildGuesser() {
	in := &l.guess
	g := &l.w.guess
	*g = guesser{vocab: newVocabulary(), agencies: map[string][]string{}}
	g.categories = append(slices.Clone(in.categories), nothing)
	for c, refs := range in.agencies {
		for _, r := range refs {
			g.agencies[c] = append(g.agencies[c], r.name)
		}
	}
	for _, a := range in.prefixes {
		cut, put, _ := strings.Cut(a, ">")
		g.vocab.prefixes = append(g.vocab.prefixes, affix{cut, put})
	}
	for _, a := range in.suffixes {
		g.vocab.suffixes = append(g.vocab.suffixes, affix{a, ""})
	}
	g.vocab.index()
	// Words of the files' phrases are read with the spelling's skip left out,
	// as a text's are.
	skip := map[string]bool{}
	for _, s := range in.skip {
		skip[s] = true
	}
	var words, several []guessEntry // words first: those of phrases are the same, or forms of them
	for _, e := range in.entries {
		if strings.ContainsAny(strings.TrimSpace(e.text), " -/") {
			several = append(several, e)
		} else {
			words = append(words, e)
		}
	}
	var phrases []guessPhrase
	said := map[string]bool{} // two spellings of one phrase are one
	for _, e := range slices.Concat(words, several) {
		if p := g.entry(e, slices.Index(g.categories, e.category), skip, in.short); p != nil && !said[fmt.Sprint(*p)] {
			said[fmt.Sprint(*p)] = true
			phrases = append(phrases, *p)
		}
	}
	for _, word := range slices.Sorted(maps.Keys(l.w.ordinary)) { // no slip of a category's word
		g.vocab.add(word)
	}
	g.vocab.common[g.vocab.add(anyNumber)] = true
	for _, word := range in.common {
		g.vocab.common[g.vocab.add(word)] = true
	}
	for _, word := range in.places {
		g.vocab.places[word] = true
	}
	g.vocab.finish(in.short, in.skip)
	l.learn()
	for len(g.weights) < len(g.vocab.names) {
		g.weights = append(g.weights, nil)
	}
	g.phrases = make([][]guessPhrase, len(g.vocab.names))
	for _, p := range phrases {
		g.phrases[p.features[0]] = append(g.phrases[p.features[0]], p)
	}
	for id, word := range g.vocab.names {
		if slices.ContainsFunc(g.weights[id], func(w weight) bool { return w.how == byWord && g.categories[w.category] != nothing }) {
			l.w.ordinary[word] = true // no place is called so
		}
	}
}

// entry takes one word or phrase in; a phrase is returned.
func (g *guesser) entry(e guessEntry, category int, skip map[string]bool, short map[string]string) *guessPhrase {
	bare, against := strings.CutPrefix(e.text, "!")
	bare, weak := strings.CutPrefix(bare, "~")
	bare, strong := strings.CutPrefix(bare, "+")
	bare, begins := strings.CutSuffix(bare, "*")
	words := fold(strings.ReplaceAll(bare, "#", "0"))
	for i, word := range words {
		if word[0] >= '0' && word[0] <= '9' {
			words[i] = anyNumber
		}
	}
	if len(words) > 1 {
		if few := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return skip[w] }); len(few) > 1 {
			words = few
		}
	}
	for i, word := range words {
		if full := short[word]; full != "" && len(words) > 1 && !strings.Contains(full, " ") {
			words[i] = full
		}
	}
	w := weight{category: int32(category), points: weightWord, how: byWord}
	if len(words) > 1 {
		w.points, w.how = weightPhrase, byPhrase
	}
	switch {
	case weak:
		w.points = weightWeak
	case strong:
		w.points = weightPhrase
	}
	if against {
		w.points = -w.points
	}
	ids := make([]int32, len(words))
	for i, word := range words {
		if id := g.vocab.stem(word); len(words) > 1 && !g.vocab.has(word) && id >= 0 {
			ids[i] = id
			continue
		}
		ids[i] = g.vocab.add(word)
		g.vocab.topical[ids[i]] = true
	}
	for len(g.weights) < len(g.vocab.names) {
		g.weights = append(g.weights, nil)
	}
	switch {
	case len(words) > 1:
		return &guessPhrase{ids, w}
	case begins:
		g.vocab.begins[words[0]] = ids[0]
	}
	g.weights[ids[0]] = append(g.weights[ids[0]], w)
	return nil
}

// What examples say: a word's weight for a category is how much oftener it
// stands in the category's examples than in all (a logarithm), as if there
// were besides so many examples in which it is as common as everywhere.
const (
	smoothing  = 14.0
	learnScale = 6.0 // points, in tenths, of a word e times as common
	learnMost  = 15.0
	learnLeast = -5.0
	learnFrom  = 8 // a word that stands in so few examples speaks against nothing
)

// learn takes from the examples what each word says.
func (l *loader) learn() {
	g := &l.w.guess
	total := map[string]int{}
	seen := map[int32]map[string]int{}
	all := map[int32]int{}
	for _, e := range l.guess.examples {
		if !slices.Contains(g.categories, e.category) {
			l.problem(e.at, "write one of the categories, or "+nothing, "an example of %q, which is no category", e.category)
			continue
		}
		total[e.category]++
		var ts tokens
		ts.scan(e.text)
		here := map[int32]bool{}
		for i := range ts.all {
			t := &ts.all[i]
			if t.digits {
				continue
			}
			t.known = &unheard
			if id, ok := g.vocab.ids[t.word]; ok {
				t.known = &lexeme{feature: id, spelt: true}
			}
			id := g.vocab.find(t)
			if id == unknownWord && len(t.word) >= minStem {
				id = g.vocab.add(t.word)
			}
			if id >= 0 && !here[id] && !g.vocab.common[id] {
				here[id] = true
				if seen[id] == nil {
					seen[id] = map[string]int{}
				}
				seen[id][e.category]++
				all[id]++
			}
		}
	}
	count := 0
	for _, n := range total {
		count += n
	}
	for len(g.weights) < len(g.vocab.names) {
		g.weights = append(g.weights, nil)
	}
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		usual := float64(all[id]) / float64(count)
		for c, name := range g.categories {
			n := float64(seen[id][name])
			if total[name] == 0 || n == 0 && all[id] < learnFrom {
				continue
			}
			odds := math.Log((n + smoothing*usual) / (float64(total[name]) + smoothing) / usual)
			p := points(math.Round(min(max(learnScale*odds, learnLeast), learnMost)))
			if p != 0 {
				g.weights[id] = append(g.weights[id], weight{int32(c), p, byExample})
			}
		}
	}
}
