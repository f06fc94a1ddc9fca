package console

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"aduan/internal/visible"
)

// funcs are what the templates may call, in one language.
func funcs(lang string, in func() *time.Location) template.FuncMap {
	return template.FuncMap{
		"t":           func(word string) string { return say(lang, word) },
		"tn":          func(word string, n any) string { return strings.ReplaceAll(say(lang, word), "{n}", fmt.Sprint(n)) },
		"v":           visible.Text,
		"pieces":      visible.Pieces,
		"when":        func(t time.Time) string { return moment(lang, t.In(in())) },
		"clock":       func(t time.Time) string { return t.In(in()).Format("15:04:05") },
		"iso":         func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ms":          milliseconds,
		"num":         func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) },
		"deref":       func(n *int) int { return *n },
		"excerpt":     excerpt,
		"upper":       strings.ToUpper,
		"path":        url.PathEscape,
		"ago":         func(now, then time.Time) string { return now.Sub(then).Round(time.Second).String() },
		"whenSeconds": func(t time.Time) string { return moment(lang, t.In(in())) + t.In(in()).Format(":05") },
		"by": func(who string) string {
			if known("by." + who) {
				return say(lang, "by."+who)
			}
			return visible.Text(who)
		},
		"did": func(what string) string {
			if known("did." + what) {
				return say(lang, "did."+what)
			}
			return say(lang, "did.other")
		},
		"question": func(name string) string {
			if known("question." + name) {
				return say(lang, "question."+name)
			}
			return visible.Text(name)
		},
		"list": func(all ...string) []string { return all },
		"add":  func(a, b int) int { return a + b },
		"category": func(c string) string {
			if known("category." + c) {
				return say(lang, "category."+c)
			}
			return visible.Text(c)
		},
	}
}

var months = map[string][]string{
	"id": {"Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"},
	"en": {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
}

// moment is a time as people write it: 23 Nov 2026, 16:05.
func moment(lang string, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return fmt.Sprintf("%d %s %d, %s", t.Day(), months[lang][t.Month()-1], t.Year(), t.Format("15:04"))
}

// milliseconds is a duration in what fits: 3.1 ms, 240 ms, 1.4 s.
func milliseconds(ms float64) string {
	switch {
	case ms >= 1000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 10:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.1f ms", ms)
	}
}

// excerptRunes is how much of a text stands in a list.
const excerptRunes = 180

// excerpt is the beginning of a text on one line.
func excerpt(text string) string {
	words := []rune(strings.Join(strings.Fields(text), " "))
	if len(words) > excerptRunes {
		words = append(words[:excerptRunes], '…')
	}
	return visible.Text(string(words))
}
