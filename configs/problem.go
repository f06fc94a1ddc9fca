package configs

import (
	"cmp"
	"slices"
	"strings"
)

// Problem is one mistake: it prints as one line, "where: key: what; what to do".
type Problem struct {
	Where string // "aduan.yaml:12", "ADUAN_HTTP_LISTEN", a flag, or "" where nothing was said
	Key   string // "smpp.links.main.password"; "" for the file as a whole
	What  string
	Fix   string
	line  int // in the file, for the order; 0: not there
}

// String is the problem's line.
func (p Problem) String() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{p.Where, p.Key, p.What} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	line := strings.Join(parts, ": ")
	if p.Fix != "" {
		line += "; " + p.Fix
	}
	// A message stays one line, whatever a value or a library's error holds.
	return strings.Join(strings.Fields(line), " ")
}

// Invalid is a configuration that cannot be used, with all its problems: those of the file in its order first.
type Invalid struct{ Problems []Problem }

// Error is a line for each problem.
func (e *Invalid) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// order puts problems with a line of the file first, in its order.
func order(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if (a.line == 0) != (b.line == 0) {
			return cmp.Compare(b.line, a.line)
		}
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Key, b.Key))
	})
	return problems
}
