package conversation

import (
	"slices"
	"strings"
)

// detail is a configured question that follows a ticket. Its text is the
// catalogue's ask_NAME.
type detail struct {
	name       string
	kinds      []Kind
	categories []string // only of these; none: of all
	unguessed  bool     // only where no category was guessed
	unlessMark bool     // not where the text names a place
}

// mark is a word that shows a place: "RT 3", "Jl Kenanga".
type mark struct {
	words []string
	next  byte // '#' a number follows, '+' a word that is no ordinary one, '^' such a word with a capital, 0 anything
}

// questionsFile reads questions and the marks of places.
func (l *loader) questionsFile(n node) {
	n.known("questions", "marks", "ordinary", "areas")
	l.areasFile(n.get("areas"))
	n.get("questions").each(func(name string, v node) {
		v.known("kinds", "categories", "unguessed", "unless_mark")
		d := detail{name: name, unguessed: v.get("unguessed").text() == "true", unlessMark: v.get("unless_mark").text() == "true"}
		if strings.Join(fold(name), "") != strings.ReplaceAll(name, "_", "") {
			l.problem(v.at(), "use a-z and _", "question %q: not a name", name)
		}
		v.get("kinds").list(func(k string, at place) {
			if !slices.Contains([]Kind{Complaint, Suggestion, Information}, Kind(k)) {
				l.problem(at, "write complaint, suggestion or information", "question %s: unknown kind %q", name, k)
			}
			d.kinds = append(d.kinds, Kind(k))
		})
		v.get("categories").list(func(c string, _ place) { d.categories = append(d.categories, c) })
		if i := slices.IndexFunc(l.w.questions, func(q detail) bool { return q.name == name }); i >= 0 {
			l.w.questions[i] = d
			return
		}
		l.w.questions = append(l.w.questions, d)
	})
	n.get("marks").list(func(entry string, at place) {
		m := mark{words: fold(entry)}
		if i := len(entry) - 1; strings.IndexByte("#+^", entry[i]) >= 0 {
			m.next = entry[i]
		}
		if len(m.words) == 0 {
			l.problem(at, "write letters", "%q has no word", entry)
			return
		}
		l.w.marks[m.words[0]] = append(l.w.marks[m.words[0]], m)
	})
	n.get("ordinary").list(func(word string, _ place) {
		for _, f := range fold(word) {
			l.w.ordinary[f] = true
		}
	})
}

// placed tells whether a text names a place.
func (w *Words) placed(ts *tokens) bool {
	for i := range ts.all {
		for _, m := range w.marks[ts.all[i].word] {
			if !ts.phrase(i, m.words) {
				continue
			}
			next := i + len(m.words)
			if m.next == 0 {
				return true
			}
			if next == len(ts.all) {
				continue
			}
			t := &ts.all[next]
			switch {
			case m.next == '#' && t.digits:
				return true
			case m.next == '#' || t.digits || t.class != 0 || w.ordinary[t.word] || w.guess.about(t.word):
			case m.next == '+' || t.title:
				return true
			}
		}
	}
	return false
}

// next returns the question that follows for a ticket after the named one
// (""): the first that its text does not answer; "" where none is left.
func (w *Words) next(t *Ticket, after string, ts *tokens) string {
	from := 0
	if after != "" {
		from = slices.IndexFunc(w.questions, func(d detail) bool { return d.name == after }) + 1
		if from == 0 {
			return ""
		}
	}
	for i := from; i < len(w.questions); i++ {
		d := &w.questions[i]
		switch {
		case !slices.Contains(d.kinds, t.Kind),
			d.unguessed && t.Category != "",
			len(d.categories) > 0 && !slices.Contains(d.categories, t.Category),
			d.unlessMark && w.placed(ts):
		default:
			return d.name
		}
	}
	return ""
}
