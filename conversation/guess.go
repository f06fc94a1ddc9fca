package conversation

import (
	"math"
	"slices"
)

// Guess is what a text seems to be about, with what speaks for it. It decides
// nothing: the triage desk does.
type Guess struct {
	// Category is "" where none fits well enough.
	Category string
	// Confidence, 0 to 100, is the share that the best category has of its own
	// points, the runner-up's and doubt's.
	Confidence int
	// Region is the regency, city or province that the text names; "": none.
	Region string
	// Agencies are who is likely to care, the likeliest first.
	Agencies []string
	// Candidates are the categories with points, best first, at most three.
	// They are told also where none was good enough.
	Candidates []Candidate
	// Nothing are the points that the examples give to "it fits nothing".
	Nothing float64
}

// Candidate is a category with its points.
type Candidate struct {
	Category string
	Points   float64
	Reasons  []Reason // the weightiest first
}

// Reason is a word of the text that speaks for a category, or against it.
type Reason struct {
	Text   string  // as the citizen wrote it
	Word   string  // as the files have it
	Points float64 // below 0: against it
	How    string  // word, phrase, or example
}

// points are tenths of what the files' readers count.
type points int32

func (p points) float() float64 { return float64(p) / 10 }

// What entries count: a phrase says more than a word, a common word counts
// only beside others.
const (
	weightWeak   points = 10
	weightWord   points = 30
	weightPhrase points = 50
)

// The rules of the guess. They were chosen by dividing the examples into ten
// parts and guessing each from the other nine, never by the held-out texts.
const (
	minPoints points = 24 // fewer is no guess
	margin    points = 10 // so much above "it fits nothing"
	doubt     points = 20 // of the confidence: as if doubt itself had so many points
)

// weight is what a word or phrase says for a category.
type weight struct {
	category int32
	points   points
	how      uint8
}

// How a weight came about.
const (
	byWord uint8 = iota
	byPhrase
	byExample
)

var hows = [...]string{"word", "phrase", "example"}

// guesser finds the category whose words fit a text best.
type guesser struct {
	categories []string // the last is nothing: it fits none
	agencies   map[string][]string
	vocab      vocabulary
	weights    [][]weight      // by feature
	phrases    [][]guessPhrase // by first feature
}

// guessPhrase is several words that stand together.
type guessPhrase struct {
	features []int32
	weight   weight
}

// nothing is the name of the class of texts that fit no category.
const nothing = "none"

// tally counts the points of one text.
type tally struct {
	space  [32]points
	scores []points
	behind [32]points // … of words behind a word of place
	after  [64]bool   // a word of place stands before the word
	ids    [64]int32
	at     [64]int32
	n      int
}

// Guess returns the category that fits the text best and the confidence; ""
// where none fits.
func (w *Words) Guess(text string) (category string, confidence int) {
	var ts tokens
	ts.scan(text)
	w.classify(&ts)
	return w.guess.best(&ts)
}

// Agencies returns who is likely to care about a category, as the files say.
func (w *Words) Agencies(category string) []string {
	return slices.Clone(w.guess.agencies[category])
}

// Categories returns the categories in the order of their files.
func (w *Words) Categories() []string {
	return slices.DeleteFunc(slices.Clone(w.guess.categories), func(c string) bool { return c == nothing })
}

// best scores the tokens; of equal scores the category listed first wins.
func (g *guesser) best(ts *tokens) (string, int) {
	var t tally
	g.score(ts, &t, nil)
	best, _ := g.verdict(&t)
	if best < 0 {
		return "", 0
	}
	return g.categories[best], g.confidence(&t, best)
}

// verdict returns the best category, -1 where none is good enough, and the
// best one all the same.
func (g *guesser) verdict(t *tally) (verdict, best int) {
	best, none := -1, points(0)
	for c, p := range t.scores {
		switch {
		case g.categories[c] == nothing:
			none = t.rank(c)
		case p > 0 && (best < 0 || t.rank(c) > t.rank(best)):
			best = c
		}
	}
	if best < 0 || t.scores[best] < minPoints || t.scores[best] < none+margin {
		return -1, best
	}
	return best, best
}

// rank is what a category has against the others: half of what stands behind
// a word of place.
func (t *tally) rank(c int) points {
	if c >= len(t.behind) {
		return t.scores[c]
	}
	return t.scores[c] - t.behind[c]/2
}

// confidence returns the best's share of its points, the runner-up's and doubt's.
func (g *guesser) confidence(t *tally, best int) int {
	second := points(0)
	for c := range t.scores {
		if c != best {
			second = max(second, t.rank(c))
		}
	}
	p := float64(t.rank(best))
	return int(math.Round(100 * p / (p + float64(second) + float64(doubt))))
}

// score counts the points of every category; told hears what each is for.
func (g *guesser) score(ts *tokens, t *tally, told func(from, to int, feature int32, w weight)) {
	t.scores = t.space[:]
	if len(g.categories) > len(t.scores) {
		t.scores = make([]points, len(g.categories))
	}
	t.scores = t.scores[:len(g.categories)]
	g.read(ts, t)
	for i := range t.n {
		id := t.ids[i]
		if id < 0 {
			continue
		}
		if !slices.Contains(t.ids[:i], id) { // a word said twice says no more
			for _, w := range g.weights[id] {
				t.scores[w.category] += w.points
				if t.after[i] && w.points > 0 && int(w.category) < len(t.behind) {
					t.behind[w.category] += w.points
				}
				if told != nil {
					told(int(t.at[i]), int(t.at[i]), id, w)
				}
			}
		}
		for _, p := range g.phrases[id] {
			if t.phrase(i, p.features) {
				t.scores[p.weight.category] += p.weight.points
				if told != nil {
					told(int(t.at[i]), int(t.at[i+len(p.features)-1]), -1, p.weight)
				}
			}
		}
	}
}

// read looks the words of a text up; what says nothing is left out.
func (g *guesser) read(ts *tokens, t *tally) {
	t.n = 0
	place := false
	for i := range ts.all {
		if t.n == len(t.ids) {
			return
		}
		id := g.vocab.find(&ts.all[i])
		here := ts.all[i].known.place || id >= 0 && g.vocab.placed[id]
		if id == skipped {
			place = place || here
			continue
		}
		t.ids[t.n], t.at[t.n], t.after[t.n] = id, int32(i), place
		place = here
		t.n++
	}
}

func (t *tally) phrase(i int, features []int32) bool {
	if i+len(features) > t.n {
		return false
	}
	return slices.Equal(t.ids[i:i+len(features)], features)
}

// Explain tells what a text seems to be about, and why.
func (w *Words) Explain(text string) Guess {
	var ts tokens
	ts.scan(text)
	w.classify(&ts)
	g := &w.guess
	var t tally
	why := make([][]Reason, len(g.categories))
	g.score(&ts, &t, func(from, to int, feature int32, wt weight) {
		r := Reason{Points: wt.points.float(), How: hows[wt.how]}
		end := int(ts.all[to].start + ts.all[to].size)
		r.Text = text[int(ts.all[from].start):end]
		r.Word = r.Text
		if feature >= 0 {
			r.Word = g.vocab.names[feature]
		}
		why[wt.category] = append(why[wt.category], r)
	})
	verdict, _ := g.verdict(&t)
	var out Guess
	if verdict >= 0 {
		out.Category, out.Confidence = g.categories[verdict], g.confidence(&t, verdict)
	}
	order := make([]int, 0, len(t.scores))
	for c, p := range t.scores {
		switch {
		case g.categories[c] == nothing:
			out.Nothing = p.float()
		case p > 0:
			order = append(order, c)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(t.rank(b) - t.rank(a)) })
	for _, c := range order[:min(len(order), 3)] {
		slices.SortStableFunc(why[c], func(a, b Reason) int { return int(10 * (math.Abs(b.Points) - math.Abs(a.Points))) })
		out.Candidates = append(out.Candidates, Candidate{Category: g.categories[c], Points: t.scores[c].float(), Reasons: why[c]})
	}
	out.Region, out.Agencies = w.likely(&ts, out.Category)
	return out
}

// about tells whether a word, as it is or without its prefix and suffix, is
// one of a category's own.
func (g *guesser) about(t *token) bool {
	id := t.known.feature
	if !t.known.spelt {
		id = g.vocab.stem(t.word)
	}
	return id >= 0 && slices.ContainsFunc(g.weights[id], func(w weight) bool { return w.how == byWord && w.points > 0 && g.categories[w.category] != nothing })
}
