package conversation

import (
	"slices"
	"strconv"
	"strings"
)

// language reads a language's file: its catalogue and its words.
func (l *loader) language(n node) {
	n.known("language", "name", "names", "markers", "statuses", "months", "alphabet", "segments", "messages", "words", "commands")
	code := n.get("language").text()
	c := l.w.catalogues[code]
	if c == nil {
		c = &catalogue{language: code, texts: map[string]template{}, statuses: map[Status]string{}, segments: map[string]int{}}
		l.w.catalogues[code] = c
		l.w.languages = append(l.w.languages, code)
		l.files[code] = n.at()
	}
	if name := n.get("name").text(); name != "" {
		c.name = name
	}
	n.get("names").list(func(v string, _ place) { l.w.names[strings.Join(fold(v), " ")] = code })
	n.get("markers").list(func(v string, _ place) { l.w.markers[strings.Join(fold(v), " ")] = code })
	n.get("statuses").each(func(key string, v node) {
		if !slices.Contains(Statuses(), Status(key)) {
			l.problem(v.at(), "write one of CONVERSATION's statuses", "unknown status %q", key)
		}
		c.statuses[Status(key)] = v.text()
	})
	if m := n.get("months"); m != nil {
		c.months = nil
		m.list(func(v string, _ place) { c.months = append(c.months, v) })
	}
	switch v := n.get("alphabet"); v.text() {
	case "unicode":
		c.unicode = true
	case "gsm", "":
	default:
		l.problem(v.at(), "write gsm, or unicode for a language that the GSM alphabet cannot write", "unknown alphabet %q", v.text())
	}
	n.get("segments").each(func(key string, v node) {
		count, err := strconv.Atoi(v.text())
		if err != nil || count < 1 {
			l.problem(v.at(), "write how many SMS segments it may take", "%q is no number", v.text())
		}
		c.segments[key] = count
	})
	n.get("messages").each(func(key string, v node) {
		t, problem := parseTemplate(v.text(), v.at())
		if problem != "" {
			l.problem(v.at(), "mend the text", "message %s: %s", key, problem)
			return
		}
		c.texts[key] = t
	})
	n.get("words").each(func(key string, v node) {
		cl, ok := classNames[key]
		if !ok {
			l.problem(v.at(), "see the built-in files for the lists that there are", "unknown word list %q", key)
			return
		}
		v.list(func(entry string, at place) { l.word(cl, entry, at) })
	})
	n.get("commands").each(func(key string, v node) {
		verb, ok := verbNames[key]
		if !ok {
			l.problem(v.at(), "see the built-in files for the commands that there are", "unknown command %q", key)
			return
		}
		v.list(func(entry string, at place) { l.command(verb, entry, at) })
	})
}

// word puts an entry into a word list, or "-entry" out of it.
func (l *loader) word(c class, entry string, at place) {
	bare, away := strings.CutPrefix(entry, "-")
	words := fold(bare)
	switch {
	case len(words) == 0:
		l.problem(at, "write letters", "%q has no word", entry)
	case away && len(words) == 1:
		l.w.classes[words[0]] &^= c
	case away:
		l.w.phrases[words[0]] = slices.DeleteFunc(l.w.phrases[words[0]], func(p phrase) bool {
			return p.class == c && slices.Equal(p.words, words)
		})
	case len(words) == 1:
		l.w.classes[words[0]] |= c
	default:
		l.w.phrases[words[0]] = append(l.w.phrases[words[0]], phrase{words, c})
	}
}

// command puts a command's word in, or "-word" out.
func (l *loader) command(v verb, entry string, at place) {
	bare, away := strings.CutPrefix(entry, "-")
	words := fold(bare)
	key := strings.Join(words, " ")
	had, taken := l.w.commands[key]
	switch {
	case len(words) == 0:
		l.problem(at, "write letters", "%q has no word", entry)
	case away:
		delete(l.w.commands, key)
	case taken && had.verb != v:
		l.problem(at, "keep it for one command", "%q is a word of another command already", entry)
	default:
		l.w.commands[key] = form{key, v}
		l.lists[key] = at
		l.w.longest = max(l.w.longest, len(words))
	}
}
