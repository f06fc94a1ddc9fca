package conversation

import (
	"slices"
	"strconv"
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
	unless     []mark   // not where the text has one of these
	passes     [][]string
}

// mark is a word that shows a place: "RT 3", "Jl Kenanga".
type mark struct {
	words []string
	next  byte // '#' a number follows, '+' a word that is no ordinary one, '^' such a word with a capital, 0 anything
}

// questionsFile reads questions and the marks of places.
func (l *loader) questionsFile(n node) {
	n.known("questions", "order", "most", "marks", "ordinary", "areas")
	l.areasFile(n.get("areas"))
	n.get("questions").each(func(name string, v node) {
		v.known("kinds", "categories", "unguessed", "unless_mark", "unless", "passes")
		d := detail{name: name, unguessed: l.flag(v.get("unguessed")), unlessMark: l.flag(v.get("unless_mark"))}
		if strings.Join(fold(name), "") != strings.ReplaceAll(name, "_", "") {
			l.problem(v.at(), "use a-z and _", "question %q: not a name", name)
		}
		v.get("kinds").list(func(k string, at place) {
			if !slices.Contains([]Kind{Complaint, Suggestion, Information}, Kind(k)) {
				l.problem(at, "write complaint, suggestion or information", "question %s: unknown kind %q", name, k)
			}
			d.kinds = append(d.kinds, Kind(k))
		})
		v.get("categories").list(func(c string, at place) {
			d.categories = append(d.categories, c)
			l.asked = append(l.asked, agencyRef{c, at})
		})
		v.get("unless").list(func(entry string, at place) {
			if m, ok := l.mark(entry, at); ok {
				d.unless = append(d.unless, m)
			}
		})
		v.get("passes").list(func(entry string, _ place) { d.passes = append(d.passes, fold(entry)) })
		if i := slices.IndexFunc(l.w.questions, func(q detail) bool { return q.name == name }); i >= 0 {
			l.w.questions[i] = d
			return
		}
		l.w.questions = append(l.w.questions, d)
	})
	if order := n.get("order"); order != nil {
		l.order = nil
		order.list(func(name string, at place) { l.order = append(l.order, agencyRef{name, at}) })
	}
	if most := n.get("most"); most != nil {
		count, err := strconv.Atoi(most.text())
		if err != nil || count < 0 {
			l.problem(most.at(), "write how many questions follow one ticket at most; 0: as many as there are", "%q is no number", most.text())
		}
		l.w.most = count
	}
	n.get("marks").list(func(entry string, at place) {
		if m, ok := l.mark(entry, at); ok {
			l.w.marks[m.words[0]] = append(l.w.marks[m.words[0]], m)
		}
	})
	n.get("ordinary").list(func(word string, _ place) {
		for _, f := range fold(word) {
			l.w.ordinary[f] = true
		}
	})
}

// mark reads a word or phrase that shows that a text names something.
func (l *loader) mark(entry string, at place) (mark, bool) {
	m := mark{words: fold(entry)}
	if i := len(entry) - 1; i >= 0 && strings.IndexByte("#+^", entry[i]) >= 0 {
		m.next = entry[i]
	}
	if len(m.words) == 0 {
		l.problem(at, "write letters", "%q has no word", entry)
		return m, false
	}
	return m, true
}

// checkQuestions puts the questions in their order, and complains of
// categories and questions that there are not.
func (l *loader) checkQuestions() {
	for _, r := range l.asked {
		if len(l.guess.categories) > 0 && !slices.Contains(l.guess.categories, r.name) {
			l.problem(r.at, "write one of the categories", "a question of category %q, which there is not", r.name)
		}
	}
	l.defined = l.w.questions
	if l.order == nil {
		return
	}
	all := l.w.questions
	l.w.questions = nil
	for _, r := range l.order {
		i := slices.IndexFunc(all, func(d detail) bool { return d.name == r.name })
		if i < 0 {
			l.problem(r.at, "write it under questions, or take it out of order", "there is no question %q", r.name)
			continue
		}
		l.w.questions = append(l.w.questions, all[i])
	}
}

// placed tells whether a text names a place.
func (w *Words) placed(ts *tokens) bool {
	for i := range ts.all {
		marks := ts.all[i].known.marks
		for k := range marks {
			if w.marked(ts, i, &marks[k]) {
				return true
			}
		}
	}
	return false
}

// marked tells whether the mark stands at token i, with what must follow it.
func (w *Words) marked(ts *tokens, i int, m *mark) bool {
	if !ts.phrase(i, m.words) {
		return false
	}
	next := i + len(m.words)
	if m.next == 0 {
		return true
	}
	if next == len(ts.all) {
		return false
	}
	t := &ts.all[next]
	switch {
	case m.next == '#' && t.digits:
		return true
	case m.next == '#' || t.digits || t.class != 0 || t.known.ordinary || w.guess.about(t):
		return false
	}
	return m.next == '+' || t.title
}

// marked tells whether words of a text can answer the question.
func (d *detail) marked() bool { return d.unlessMark || len(d.unless) > 0 }

// told tells whether a text says already what the question asks.
func (w *Words) told(d *detail, ts *tokens) bool {
	if d.unlessMark && w.placed(ts) {
		return true
	}
	for i := range ts.all {
		for k := range d.unless {
			if w.marked(ts, i, &d.unless[k]) {
				return true
			}
		}
	}
	return false
}

// passing tells whether the message passes this question: by words of its own.
func (w *Words) passing(name string, ts *tokens) bool {
	i := slices.IndexFunc(w.questions, func(d detail) bool { return d.name == name })
	if i < 0 {
		return false
	}
	for _, words := range w.questions[i].passes {
		for at := range ts.all {
			if !ts.phrase(at, words) {
				continue
			}
			rest := func(from, to int) bool {
				for ; from < to; from++ {
					if !ts.all[from].is(filler) {
						return false
					}
				}
				return true
			}
			if rest(0, at) && rest(at+len(words), len(ts.all)) {
				return true
			}
		}
	}
	return false
}

// follow returns the questions that follow a ticket, in their order: those
// that its text does not answer, as many as are asked at most. Of a
// confidential ticket only what tells nothing of its category: no SMS may.
func (w *Words) follow(t *Ticket, ts *tokens) []string {
	var names []string
	for i := range w.questions {
		d := &w.questions[i]
		switch {
		case w.most > 0 && len(names) == w.most:
			return names
		case d.wanted(t) && !w.told(d, ts):
			names = append(names, d.name)
		}
	}
	return names
}

// wanted tells whether the question is for such a ticket.
func (d *detail) wanted(t *Ticket) bool {
	switch {
	case !slices.Contains(d.kinds, t.Kind), d.unguessed && t.Category != "":
		return false
	default:
		return len(d.categories) == 0 || !t.Confidential && slices.Contains(d.categories, t.Category)
	}
}

// after returns what is asked after a question that stands without a plan. The
// ticket's texts are not at hand: what they say may be asked again.
func (w *Words) after(name string, t *Ticket) (names []string) {
	asked, found := 0, false
	for i := range w.questions {
		d := &w.questions[i]
		switch {
		case w.most > 0 && asked == w.most:
			return names
		case !d.wanted(t) && d.name != name:
		case found:
			names = append(names, d.name)
			asked++
		default:
			found = d.name == name
			asked++
		}
	}
	return names
}

// still returns those of the questions that the text does not answer.
func (w *Words) still(names []string, ts *tokens) []string {
	for len(names) > 0 {
		i := slices.IndexFunc(w.questions, func(d detail) bool { return d.name == names[0] })
		if i >= 0 && !w.told(&w.questions[i], ts) {
			break
		}
		names = names[1:]
	}
	return names
}
