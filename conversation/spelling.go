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
	placed   []bool           // … by feature
	number   int32            // the feature of any number
	prefixes []affix          // the longest first
	suffixes []affix
	starts   [letters][]start // of begins, by first letter, the longest first
	before   [letters][]affix // of prefixes, by first letter
	behind   [letters][]affix // of suffixes, by last letter
}

// start is how words begin that have one feature.
type start struct {
	cut     string
	feature int32
}

// letters are those of the alphabet, and one for all others.
const letters = 27

// letter is the place of what begins or ends a word in a table of letters.
func letter(b byte) int {
	if b >= 'a' && b <= 'z' {
		return int(b - 'a')
	}
	return letters - 1
}

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
	if t.known.spelt {
		return t.known.feature
	}
	if len(t.word) < minBare || len(t.word) > maxLookup {
		return unknownWord
	}
	starts := v.starts[letter(t.word[0])]
	for i := range starts {
		if strings.HasPrefix(t.word, starts[i].cut) {
			return starts[i].feature
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
	v.begin()
	for from, to := range short {
		if id, ok := v.ids[from]; ok && id >= 0 && v.topical[id] {
			continue
		}
		if id, ok := v.ids[to]; ok {
			v.ids[from] = id
		}
	}
}

// begin sorts the beginnings of words likewise.
func (v *vocabulary) begin() {
	for cut, feature := range v.begins {
		at := &v.starts[letter(cut[0])]
		*at = append(*at, start{cut, feature})
	}
	for i := range v.starts {
		slices.SortFunc(v.starts[i], func(a, b start) int { return cmp.Or(len(b.cut)-len(a.cut), cmp.Compare(a.cut, b.cut)) })
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
