package console

import (
	"net/http"
	"slices"
	"strings"
)

// languages of the console, the default first.
var languages = []string{"id", "en"}

// themes are the colours that can be asked for; auto is what the system says.
var themes = []string{"auto", "light", "dark"}

// Cookies that remember how somebody likes the console.
const (
	langCookie  = "aduan_lang"
	themeCookie = "aduan_theme"
)

// words are the console's, by language.
var words = map[string]map[string]string{"id": indonesian, "en": english}

// say is a word in a language. A test holds us to it that each word stands in both.
func say(lang, word string) string {
	if s, ok := words[lang][word]; ok {
		return s
	}
	return word
}

func known(word string) bool {
	_, ok := english[word]
	return ok
}

// languageOf a visitor: chosen before, or as the browser says.
func languageOf(r *http.Request) string {
	if c, err := r.Cookie(langCookie); err == nil && slices.Contains(languages, c.Value) {
		return c.Value
	}
	// The browser's order is taken as it stands: weights rarely contradict it.
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		tag, _, _ = strings.Cut(tag, "-")
		if tag = strings.ToLower(tag); slices.Contains(languages, tag) {
			return tag
		}
	}
	return languages[0]
}

// themeOf a visitor: chosen before, or auto.
func themeOf(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && slices.Contains(themes, c.Value) {
		return c.Value
	}
	return themes[0]
}
