package conversation

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// place is where something stands in the files.
type place struct {
	file string
	line int
}

// Problem is something wrong in a file of words: where, what, what to do.
type Problem struct {
	File string
	Line int
	What string
	Do   string
}

func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %s; %s", p.File, p.Line, p.What, p.Do) }

// loader reads files into Words and collects every problem.
type loader struct {
	w        *Words
	problems []*Problem
	files    map[string]place // language → its first file
	lists    map[string]place // word → where a command's word stands
	seenAsk  map[string]int
	guess    guessLoad
	asked    []agencyRef // categories that questions name
	defined  []detail    // questions, also those that order leaves out
	order    []agencyRef // of questions; nil: as they stand
}

// LoadWords reads catalogues, word lists, categories and questions from the
// folders: the built-in one first, then what is laid over it. A message of a
// later folder replaces, words are added, and "-word" takes one away. gsmLen
// measures a text in septets of the GSM 7-bit alphabet, false where it does
// not fit. All problems come in one error, one line each.
func LoadWords(gsmLen func(string) (int, bool), folders ...fs.FS) (*Words, error) {
	if gsmLen == nil {
		return nil, errors.New("conversation: LoadWords needs a measure of the GSM alphabet: give smpp/gsm7's Len")
	}
	l := &loader{
		w: &Words{
			catalogues: map[string]*catalogue{}, classes: map[string]class{}, phrases: map[string][]phrase{},
			commands: map[string]form{}, names: map[string]string{}, markers: map[string]string{},
			marks: map[string][]mark{}, ordinary: map[string]bool{}, areas: map[string]string{}, gsmLen: gsmLen,
			holidays: holidays{}, weekend: []time.Weekday{time.Saturday, time.Sunday},
		},
		files: map[string]place{}, lists: map[string]place{}, seenAsk: map[string]int{},
	}
	for _, folder := range folders {
		names, err := fs.Glob(folder, "*.yaml")
		if err != nil {
			return nil, fmt.Errorf("conversation: words: %w", err)
		}
		slices.Sort(names)
		for _, name := range names {
			if err := l.file(folder, name); err != nil {
				return nil, err
			}
		}
	}
	l.finish()
	if len(l.problems) == 0 {
		return l.w, nil
	}
	slices.SortStableFunc(l.problems, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
	})
	errs := make([]error, len(l.problems))
	for i, p := range l.problems {
		errs[i] = p
	}
	return nil, errors.Join(errs...)
}

func (l *loader) problem(at place, do, format string, args ...any) {
	l.problems = append(l.problems, &Problem{File: at.file, Line: max(at.line, 1), What: fmt.Sprintf(format, args...), Do: do})
}

// foreign are files of a words folder that others read.
var foreign = []string{"agencies"}

func (l *loader) file(folder fs.FS, name string) error {
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return fmt.Errorf("conversation: words: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		l.problem(place{name, 1}, "mend the YAML", "cannot be read: %v", err)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	n := node{l, name, doc.Content[0]}
	switch {
	case n.get("language") != nil:
		l.language(n)
	case n.get("categories") != nil:
		l.categoriesFile(n)
	case n.get("examples") != nil:
		l.examplesFile(n)
	case n.get("agencies") != nil || n.get("regions") != nil || n.get("offices") != nil:
		l.agenciesFile(n)
	case n.get("spelling") != nil:
		l.spellingFile(n)
	case n.get("questions") != nil || n.get("marks") != nil || n.get("ordinary") != nil || n.get("areas") != nil:
		l.questionsFile(n)
	case n.get("holidays") != nil:
		l.holidaysFile(n)
	case slices.ContainsFunc(foreign, func(key string) bool { return n.get(key) != nil }):
	default:
		l.problem(n.at(), "begin it with language:, categories:, examples:, spelling:, agencies: or questions:", "nobody knows what this file is")
	}
	return nil
}

// node is a piece of YAML with the file that it stands in.
type node struct {
	l    *loader
	file string
	*yaml.Node
}

func (n node) at() place { return place{n.file, n.Line} }

// get returns the value of a key; nil where there is none.
func (n node) get(key string) *node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return &node{n.l, n.file, n.Content[i+1]}
		}
	}
	return nil
}

// each calls f with every key and value of a mapping, in the file's order.
func (n *node) each(f func(key string, v node)) {
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		n.l.problem(n.at(), "write it as key: value", "a mapping is wanted here")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if seen[key] {
			n.l.problem(place{n.file, n.Content[i].Line}, "keep one of them", "%q stands twice", key)
		}
		seen[key] = true
		f(key, node{n.l, n.file, n.Content[i+1]})
	}
}

// known complains of keys that nobody reads.
func (n node) known(keys ...string) {
	n.each(func(key string, v node) {
		if !slices.Contains(keys, key) {
			n.l.problem(v.at(), "write one of "+strings.Join(keys, ", "), "unknown key %q", key)
		}
	})
}

// text returns a scalar.
func (n *node) text() string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		n.l.problem(n.at(), "write one text", "a text is wanted here")
		return ""
	}
	return n.Value
}

// list returns the entries of a sequence; each must be a scalar.
func (n *node) list(f func(value string, at place)) {
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		n.l.problem(n.at(), "write it as a list: [one, two]", "a list is wanted here")
		return
	}
	for _, c := range n.Content {
		v := node{n.l, n.file, c}
		if t := v.text(); t != "" {
			f(t, v.at())
		}
	}
}

// fold returns the words of an entry, folded as a text's are; stars and other
// marks are the caller's.
func fold(entry string) []string {
	var ts tokens
	ts.scan(entry)
	words := make([]string, len(ts.all))
	for i := range ts.all {
		words[i] = ts.all[i].word
	}
	return words
}
