package conversation

import (
	"cmp"
	"slices"
	"strings"
)

// affix is what is cut off a word, and what is put in its place.
type affix struct{ cut, put string }

// stem looks a word up without its prefix and suffix, and among the words that
// are the same without theirs.
func (v *vocabulary) stem(word string) int32 {
	if word == "" {
		return unknownWord
	}
	before := v.before[letter(word[0])]
	if id := v.bare(word, before); id >= 0 {
		return id
	}
	behind := v.behind[letter(word[len(word)-1])]
	for i := range behind {
		base, ok := behind[i].base(word)
		if !ok {
			continue
		}
		if behind[i].enough(base) {
			if id := v.root(base); id >= 0 {
				return id
			}
		}
		if id := v.bare(base, before); id >= 0 {
			return id
		}
	}
	return unknownWord
}

// bare looks a word up without its prefix.
func (v *vocabulary) bare(word string, before []affix) int32 {
	for i := range before {
		if rest, ok := before[i].off(word); ok {
			if id := v.root(before[i].put + rest); id >= 0 { // short: no allocation
				return id
			}
		}
	}
	return unknownWord
}

// roots returns what is left of a word without a suffix, a prefix, or both.
func (v *vocabulary) roots(word string) (all []string) {
	bare := func(base string) {
		for i := range v.prefixes {
			if rest, ok := v.prefixes[i].off(base); ok {
				all = append(all, v.prefixes[i].put+rest)
			}
		}
	}
	bare(word)
	for i := range v.suffixes {
		base, ok := v.suffixes[i].base(word)
		if !ok {
			continue
		}
		if v.suffixes[i].enough(base) {
			all = append(all, base)
		}
		bare(base)
	}
	return all
}

// base takes a suffix off.
func (s *affix) base(word string) (string, bool) {
	base, ok := strings.CutSuffix(word, s.cut)
	return base, ok && len(base) >= minBare
}

// enough tells whether so little may be left without the suffix alone: -nya
// and the like stand behind short words too.
func (s *affix) enough(base string) bool {
	return len(base) >= minStem || len(s.cut) > 2
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

// index sorts what is cut off words by its length, and by the letter there.
func (v *vocabulary) index() {
	longest := func(a, b affix) int {
		return cmp.Or(len(b.cut)-len(a.cut), cmp.Compare(a.cut, b.cut), cmp.Compare(a.put, b.put))
	}
	slices.SortFunc(v.prefixes, longest)
	slices.SortFunc(v.suffixes, longest)
	for _, p := range v.prefixes {
		at := &v.before[letter(p.cut[0])]
		*at = append(*at, p)
	}
	for _, s := range v.suffixes {
		at := &v.behind[letter(s.cut[len(s.cut)-1])]
		*at = append(*at, s)
	}
}
