package configs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile is the largest configuration read, octets: a wrong file (a log, a dump) is told from one early.
const maxFile = 1 << 20

// maxDepth is how deep mappings may lie in each other, << followed: more is an alias that holds itself.
const maxDepth = 16

// file is a yaml file as values for viper. Scalars stay text as written, so that password 0123 is no octal number,
// and each path knows its line.
type file struct {
	name     string
	values   map[string]any
	lines    map[string]int
	problems []Problem
	depth    int  // of mappings being read
	looped   bool // an alias holds itself: nothing more is read
}

// readFile reads name; its problems are collected, so that the rest can still be looked at.
func readFile(name string) *file {
	f := &file{name: name, values: map[string]any{}, lines: map[string]int{}}
	content, err := readUpTo(name, maxFile)
	if err != nil {
		f.problems = append(f.problems, Problem{Where: name, What: "cannot be read: " + reason(err), Fix: "give a readable file with -c"})
		return f
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		f.syntax(err)
		return f
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return f // empty: everything by default
	}
	f.keys(doc.Content[0], reflect.TypeFor[Config](), "", f.values)
	if f.looped {
		clear(f.values)
	}
	return f
}

// readUpTo reads a whole file that is not larger than limit.
func readUpTo(name string, limit int64) ([]byte, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	content, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("larger than %d octets", limit)
	}
	return content, err
}

// reason is err without the file's name, which stands before it already.
func reason(err error) string {
	if at := (*os.PathError)(nil); errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// syntax tells a yaml error, which names its line in its text.
func (f *file) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	p := Problem{Where: f.name, What: "no YAML: " + text, Fix: "indent by spaces, one key a line"}
	var line int
	if _, scan := fmt.Sscanf(text, "line %d:", &line); scan == nil {
		_, text, _ = strings.Cut(text, ": ")
		p.Where, p.What, p.line = at(f.name, line), "no YAML: "+text, line
	}
	f.problems = append(f.problems, p)
}

func at(name string, line int) string { return fmt.Sprintf("%s:%d", name, line) }

func (f *file) bad(n *yaml.Node, key, what, fix string) {
	f.problems = append(f.problems, Problem{Where: at(f.name, n.Line), Key: key, What: what, Fix: fix, line: n.Line})
}

// keys reads a mapping into a struct's or the links' keys.
func (f *file) keys(n *yaml.Node, t reflect.Type, path string, into map[string]any) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return
	}
	if f.looped {
		return
	}
	if f.depth == maxDepth {
		f.looped = true
		f.bad(n, path, "refers to itself", "leave out the << or * that does")
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	if n.Kind != yaml.MappingNode {
		f.bad(n, path, "keys are expected here, with values", "write each as key: value on a line of its own, indented")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			f.merge(n.Content[i+1], t, path, into)
		}
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			continue
		}
		here := join(path, key.Value)
		if line, twice := seen[key.Value]; twice {
			f.bad(key, here, fmt.Sprintf("stands twice, first in line %d", line), "leave out one of them")
			continue
		}
		seen[key.Value] = key.Line
		f.key(key, value, t, here, into)
	}
}

// merge reads what << refers to, before the keys beside it, which win: one mapping or a list, whose first wins.
func (f *file) merge(value *yaml.Node, t reflect.Type, path string, into map[string]any) {
	if value.Kind == yaml.SequenceNode {
		for _, v := range slices.Backward(value.Content) {
			f.keys(v, t, path, into)
		}
		return
	}
	f.keys(value, t, path, into)
}

// key reads one key of a struct, or one link.
func (f *file) key(key, value *yaml.Node, t reflect.Type, path string, into map[string]any) {
	if named(t) {
		if !linkName(key.Value) {
			what := "a link"
			if t == typeHooks {
				what = "an agency's endpoint"
			}
			f.bad(key, path, fmt.Sprintf("%q is no name for %s", key.Value, what), "use a-z and 0-9 only, at most 32")
			return
		}
		f.lines[path] = key.Line
		f.keys(value, t.Elem(), path, sub(into, key.Value))
		return
	}
	for _, field := range fields(t) {
		if field.Name != key.Value {
			continue
		}
		f.lines[path] = key.Line
		if leaf(field.Type) {
			f.value(value, field.Type, path, key.Value, into)
		} else {
			f.keys(value, field.Type, path, sub(into, key.Value))
		}
		return
	}
	f.bad(key, path, "unknown key", advise(key.Value, t))
}

// sub is the map below key, made where it is not there yet (<< may have made it).
func sub(into map[string]any, key string) map[string]any {
	if m, ok := into[key].(map[string]any); ok {
		return m
	}
	m := map[string]any{}
	into[key] = m
	return m
}

// value keeps a scalar as its text, a list as its texts; null says nothing.
func (f *file) value(n *yaml.Node, t reflect.Type, path, key string, into map[string]any) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Tag == "!!null":
	case n.Kind == yaml.ScalarNode:
		into[key] = n.Value
	case n.Kind == yaml.SequenceNode && t == typeStrings:
		list := make([]string, 0, len(n.Content))
		for _, e := range n.Content {
			if e.Kind != yaml.ScalarNode || e.Tag == "!!null" {
				f.bad(e, path, "a list of plain values is expected here", "write it as [one, two]")
				return
			}
			list = append(list, e.Value)
		}
		into[key] = list
	case t == typeStrings:
		f.bad(n, path, "a list is expected here", "write it as [one, two]")
	default:
		f.bad(n, path, "one value is expected here", "write it as key: value")
	}
}

// linkName says whether a link may be called so: part of a variable's and a metric's name.
func linkName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// advise names the key that was meant, or all that there are.
func advise(key string, t reflect.Type) string {
	var names []string
	for _, f := range fields(t) {
		names = append(names, f.Name)
	}
	if best, d := nearest(key, names); d <= 1+len(key)/4 {
		return "did you mean " + best + "?"
	}
	return "known here: " + strings.Join(names, ", ")
}

// nearest is the name with the smallest edit distance.
func nearest(key string, names []string) (best string, distance int) {
	distance = len(key) + 1
	for _, name := range names {
		if d := edits(strings.ToLower(key), name); d < distance {
			best, distance = name, d
		}
	}
	return best, distance
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, row[j+1] = row[j+1], min(corner+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
