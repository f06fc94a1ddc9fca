package console

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aduan/conversation"
)

func TestEachWordStandsInBothLanguages(t *testing.T) {
	for word, id := range indonesian {
		en, ok := english[word]
		if !ok {
			t.Errorf("%s is not said in English", word)
		}
		if strings.Contains(id, "{n}") != strings.Contains(en, "{n}") {
			t.Errorf("%s: only one of both has {n}", word)
		}
	}
	for word := range english {
		if _, ok := indonesian[word]; !ok {
			t.Errorf("%s is not said in Indonesian", word)
		}
	}
}

// Every word that a template or the code asks for by name is there, and each that is there is asked for.
func TestWordsThatAreSaidAreThere(t *testing.T) {
	var text strings.Builder
	err := fs.WalkDir(files, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		text.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\{\{-?\s*(?:[^{}]*\s|\()?tn? "([^"]+)"`).FindAllStringSubmatch(text.String(), -1) {
		if !known(m[1]) {
			t.Errorf("a template says %q, which is no word", m[1])
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sources {
		if b, err := os.ReadFile(f); err == nil && !strings.HasPrefix(f, "words_") && !strings.HasSuffix(f, "_test.go") {
			text.Write(b)
		}
	}
	prefixes := regexp.MustCompile(`"([a-zA-Z.]+\.)(?:%d)?"`).FindAllStringSubmatch(text.String(), -1)
	for _, word := range slices.Sorted(maps.Keys(english)) {
		said := strings.Contains(text.String(), `"`+word+`"`) || slices.ContainsFunc(prefixes, func(p []string) bool { return strings.HasPrefix(word, p[1]) })
		if base, ok := strings.CutSuffix(word, ".help"); !said && !(ok && known(base)) {
			t.Errorf("nothing says %s", word)
		}
	}
	for _, s := range conversation.Statuses() {
		if !known("status." + string(s)) {
			t.Errorf("the status %s has no word", s)
		}
	}
}
