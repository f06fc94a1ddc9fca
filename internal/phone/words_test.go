package phone

import (
	"regexp"
	"slices"
	"testing"
)

// Both languages say the same things, with the same blanks.
func TestWordsAreCompleteInEveryLanguage(t *testing.T) {
	blank := regexp.MustCompile(`\{\w\}`)
	for _, lang := range languages {
		for key, word := range words[languages[0]] {
			other, ok := words[lang][key]
			if !ok || other == "" {
				t.Errorf("%s lacks %s", lang, key)
			}
			a, b := blank.FindAllString(word, -1), blank.FindAllString(other, -1)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Errorf("%s: %s has the blanks %v, not %v", lang, key, b, a)
			}
		}
		if len(words[lang]) != len(words[languages[0]]) {
			t.Errorf("%s has words that %s lacks", lang, languages[0])
		}
		for _, s := range statuses {
			if words[lang][s] == "" {
				t.Errorf("%s has no word for the status %s", lang, s)
			}
		}
	}
}
