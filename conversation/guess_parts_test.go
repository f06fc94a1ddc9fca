package conversation_test

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"

	"aduan/configs/words"
	"aduan/conversation"
	"aduan/smpp/gsm7"
)

// leastRightOfParts is the share of the examples that must be guessed right
// by the others, in percent.
const leastRightOfParts = 88.0

// What the guesser's rules are chosen by: each tenth of the examples is
// guessed by what the other nine teach. The examinations have no say in it.
func TestEachTenthOfTheExamplesIsGuessedByTheOthers(t *testing.T) {
	const parts = 10
	examples := labelled(t, "../configs/words/examples.yaml", "examples")
	var m marksOf
	for part := range uint32(parts) {
		taught, asked := map[string][]string{}, map[string][]string{}
		for category, texts := range examples {
			for _, text := range texts {
				h := fnv.New32a()
				h.Write([]byte(text))
				if h.Sum32()%parts == part {
					asked[category] = append(asked[category], text)
				} else {
					taught[category] = append(taught[category], text)
				}
			}
		}
		w := taughtBy(t, taught)
		for category, texts := range asked {
			for _, text := range texts {
				m.take(w.Explain(text), category)
			}
		}
	}
	fmt.Printf("guess: %d examples, each tenth by the others: right at 1 %.1f %%, at 3 %.1f %%; %.1f %% of the %d that fit nothing left without a guess; %d wrong guesses, %d missed\n",
		m.all, percent(m.first, m.all), percent(m.three, m.all), percent(m.kept, m.nothing), m.nothing, m.wrong+m.nothing-m.kept, m.silent)
	if got := percent(m.first, m.all); got < leastRightOfParts {
		t.Errorf("right at 1: %.1f %%, want %.0f at least", got, leastRightOfParts)
	}
}

// taughtBy are the built-in words with other examples.
func taughtBy(t *testing.T, examples map[string][]string) *conversation.Words {
	t.Helper()
	names, err := fs.Glob(words.FS, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, name := range names {
		data, err := words.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	data, err := yaml.Marshal(map[string]any{"examples": examples})
	if err != nil {
		t.Fatal(err)
	}
	files["examples.yaml"] = &fstest.MapFile{Data: data}
	w, err := conversation.LoadWords(gsm7.Len, files)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
