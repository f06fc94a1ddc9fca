package conversation

import (
	"cmp"
	"slices"
	"strings"
)

// vocabulary finds the words of the guesser in what people write.
type vocabulary struct {
	ids      map[string]int32 // a word, or a short form of it → feature
	names    []string         // feature → word
	topical  []bool           // feature → categories.yaml has it, alone or in a phrase
	stems    map[string]int32 // a word without prefix and suffix
	bones    map[string]int32 // a word without its vowels
	slips    map[string]int32 // a word with one letter left out
	begins   map[string]int32 // "pungut*": words that begin so
	common   map[int32]bool   // words of every day
	places   map[string]bool  // words of place
	number   int32            // the feature of any number
	minBegin int
	maxBegin int
	prefixes []affix
	suffixes []affix
}

// affix is what is cut off a word, and what is put in its place.
type affix struct{ cut, put string }

// What find says of a word that is none of the vocabulary, and of one that
// says nothing.
const (
	unknownWord int32 = -1
	skipped     int32 = -2
)

// The shortest words that other spellings are looked for, in bytes.
const (
	minStem   = 4 // what is left of a word
	minBare   = 3 // what is left of it without -nya and the like
	minBones  = 4 // consonants
	minGuess  = 6 // of a word in which a slip is tolerated
	maxLookup = 40
)

// anyNumber stands for a number in a phrase.
const anyNumber = "#"

func newVocabulary() vocabulary {
	return vocabulary{
		ids: map[string]int32{}, stems: map[string]int32{}, bones: map[string]int32{},
		slips: map[string]int32{}, begins: map[string]int32{}, common: map[int32]bool{}, places: map[string]bool{},
	}
}

// add returns the feature of a word, new where it is needed.
func (v *vocabulary) add(word string) int32 {
	if id, ok := v.ids[word]; ok && id >= 0 {
		return id
	}
	id := int32(len(v.names))
	v.ids[word] = id
	v.names = append(v.names, word)
	v.topical = append(v.topical, false)
	return id
}

// find returns the feature of a token.
func (v *vocabulary) find(t *token) int32 {
	if t.digits {
		return v.number
	}
	if id, ok := v.ids[t.word]; ok {
		return id
	}
	if len(t.word) < minBare || len(t.word) > maxLookup {
		return unknownWord
	}
	for n := min(len(t.word), v.maxBegin); n >= v.minBegin && n > 0; n-- {
		if id, ok := v.begins[t.word[:n]]; ok {
			return id
		}
	}
	var buf [maxLookup]byte
	if once := squeeze(buf[:0], t.word); len(once) < len(t.word) {
		if id, ok := v.ids[string(once)]; ok {
			return id
		}
	}
	if id := v.stem(t.word); id != unknownWord {
		return id
	}
	if b := bones(buf[:0], t.word); len(b) >= minBones && vowels(t.word) <= 1 {
		if id, ok := v.bones[string(b)]; ok {
			return id
		}
	}
	return v.slip(t.word)
}

// stem looks a word up without its prefix and suffix, and among the words that
// are the same without theirs.
func (v *vocabulary) stem(word string) int32 {
	for i := -1; i < len(v.suffixes); i++ {
		base, ok := v.base(word, i)
		if !ok {
			continue
		}
		if i >= 0 && v.enough(base, i) {
			if id := v.root(base); id >= 0 {
				return id
			}
		}
		for _, p := range v.prefixes {
			if rest, ok := p.off(base); ok {
				if id := v.root(p.put + rest); id >= 0 { // short: no allocation
					return id
				}
			}
		}
	}
	return unknownWord
}

// roots returns what is left of a word without a suffix, a prefix, or both.
func (v *vocabulary) roots(word string) (all []string) {
	for i := -1; i < len(v.suffixes); i++ {
		base, ok := v.base(word, i)
		if !ok {
			continue
		}
		if i >= 0 && v.enough(base, i) {
			all = append(all, base)
		}
		for _, p := range v.prefixes {
			if rest, ok := p.off(base); ok {
				all = append(all, p.put+rest)
			}
		}
	}
	return all
}

// base takes suffix i off; of -1 none.
func (v *vocabulary) base(word string, i int) (string, bool) {
	if i < 0 {
		return word, true
	}
	base, ok := strings.CutSuffix(word, v.suffixes[i].cut)
	return base, ok && len(base) >= minBare
}

// enough tells whether so little may be left without suffix i alone: -nya and
// the like stand behind short words too.
func (v *vocabulary) enough(base string, i int) bool {
	return len(base) >= minStem || len(v.suffixes[i].cut) > 2
}

// off takes a prefix off.
func (p *affix) off(word string) (string, bool) {
	rest, ok := strings.CutPrefix(word, p.cut)
	return rest, ok && len(rest)+len(p.put) >= minStem
}

// root returns the feature of a word, or of one that is the same without its affixes.
func (v *vocabulary) root(word string) int32 {
	if id, ok := v.ids[word]; ok && id >= 0 {
		return id
	}
	if id, ok := v.stems[word]; ok {
		return id
	}
	return unknownWord
}

// slip looks a word up with one letter missing, added, wrong or swapped. The
// first letter is right.
func (v *vocabulary) slip(word string) int32 {
	if len(word) < minGuess-1 {
		return unknownWord
	}
	var buf [maxLookup]byte
	if id, ok := v.slips[word]; ok && id >= 0 { // a letter is missing
		return id
	}
	for i := 1; i < len(word); i++ {
		less := append(append(buf[:0], word[:i]...), word[i+1:]...)
		if id, ok := v.ids[string(less)]; ok && id >= 0 && v.topical[id] && len(less) >= minGuess {
			return id // one too many
		}
		id, ok := v.slips[string(less)]
		if ok && id >= 0 && (len(word) != len(v.names[id]) || len(word) >= 8) && slips(word, v.names[id]) {
			return id
		}
	}
	return unknownWord
}

// finish builds what other spellings are looked up in.
func (v *vocabulary) finish(short map[string]string, skip []string) {
	longest := func(a, b affix) int {
		return cmp.Or(len(b.cut)-len(a.cut), cmp.Compare(a.cut, b.cut), cmp.Compare(a.put, b.put))
	}
	slices.SortFunc(v.prefixes, longest)
	slices.SortFunc(v.suffixes, longest)
	for _, s := range skip {
		if id, ok := v.ids[s]; !ok || !v.topical[id] {
			v.ids[s] = skipped
		}
	}
	v.number = v.add(anyNumber)
	words := slices.Clone(v.names)
	for id, word := range words {
		if v.topical[id] && len(word) >= minStem {
			v.respell(int32(id), word)
		}
	}
	v.minBegin = maxLookup
	for stem := range v.begins {
		v.minBegin, v.maxBegin = min(v.minBegin, len(stem)), max(v.maxBegin, len(stem))
	}
	for from, to := range short {
		if id, ok := v.ids[from]; ok && id >= 0 && v.topical[id] {
			continue
		}
		if id, ok := v.ids[to]; ok {
			v.ids[from] = id
		}
	}
}

// respell notes the other spellings of a word; of two words with the same one
// the first has it, but of slips none.
func (v *vocabulary) respell(id int32, word string) {
	for _, root := range v.roots(word) {
		if _, taken := v.stems[root]; len(root) >= minStem && !taken {
			v.stems[root] = id
		}
	}
	if b := bones(nil, word); len(b) >= minBones && len(b) < len(word) {
		if had, taken := v.bones[string(b)]; taken && had != id {
			v.bones[string(b)] = unknownWord
		} else {
			v.bones[string(b)] = id
		}
	}
	if len(word) < minGuess {
		return
	}
	for i := 1; i < len(word); i++ {
		less := word[:i] + word[i+1:]
		if had, taken := v.slips[less]; taken && had != id {
			v.slips[less] = unknownWord
		} else {
			v.slips[less] = id
		}
	}
}

// squeeze appends a word with each run of a letter once.
func squeeze(dst []byte, word string) []byte {
	for i := range len(word) {
		if i == 0 || word[i] != word[i-1] {
			dst = append(dst, word[i])
		}
	}
	return dst
}

// bones appends a word's first letter and then its consonants.
func bones(dst []byte, word string) []byte {
	for i := range len(word) {
		if i == 0 || strings.IndexByte("aeiou", word[i]) < 0 {
			dst = append(dst, word[i])
		}
	}
	return dst
}

func vowels(word string) int {
	n := 0
	for i := range len(word) {
		if strings.IndexByte("aeiou", word[i]) >= 0 {
			n++
		}
	}
	return n
}

// has tells whether a word is one of the vocabulary as it is.
func (v *vocabulary) has(word string) bool {
	_, ok := v.ids[word]
	return ok
}
