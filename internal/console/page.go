package console

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"go.uber.org/zap"
)

// menuItem is a page in the navigation, shown to who may see it.
type menuItem struct {
	path, word, icon string
	route            string // whose right it needs
}

// menu is in the order in which an office works; the first that a session may see is its home.
var menu = []menuItem{
	{path: "/desk", word: "desk", icon: "desk", route: "GET /desk"},
	{path: "/tickets", word: "tickets", icon: "list", route: "GET /tickets"},
	{path: "/overdue", word: "overdue", icon: "clock", route: "GET /overdue"},
	{path: "/surge", word: "surge", icon: "surge", route: "GET /surge"},
	{path: "/agencies", word: "agencies", icon: "agency", route: "GET /agencies"},
	{path: "/dead", word: "dead", icon: "dead", route: "GET /dead"},
	{path: "/links", word: "links", icon: "link", route: "GET /links"},
	{path: "/audit", word: "audit", icon: "audit", route: "GET /audit"},
}

// shown is what each template gets.
type shown struct {
	Lang, Theme string
	Title       string
	Page        string // the menu's word of the page
	Menu        []menuLink
	Name        string // of who is signed in; "": nobody
	Agency      string
	Finds       bool // who is signed in may look for tickets
	CSRF        string
	Path        string // of this page
	Here        string // this page, to come back to
	Done        string // a word of what was just done; "": nothing
	ShortCode   string
	Phones      string
	Trial       bool
	D           any
	may         func(route string) bool
}

type menuLink struct {
	Path, Word, Icon string
	Current          bool
}

// May tells a template whether who looks may use a route.
func (s shown) May(route string) bool { return s.may(route) }

// pages are the templates by language and name.
type pages map[string]map[string]*template.Template

// loadPages parses each page in each language. A mistake in one ends the start.
func loadPages(in func() *time.Location) (pages, error) {
	names, err := fs.Glob(files, "templates/page_*.html")
	if err != nil {
		return nil, err
	}
	all := pages{}
	for _, lang := range languages {
		all[lang] = map[string]*template.Template{}
		base, err := template.New("").Funcs(funcs(lang, in)).ParseFS(files, "templates/layout.html", "templates/parts.html")
		if err != nil {
			return nil, err
		}
		for _, file := range names {
			t, err := base.Clone()
			if err == nil {
				t, err = t.ParseFS(files, file)
			}
			if err != nil {
				return nil, err
			}
			name := strings.TrimSuffix(strings.TrimPrefix(path.Base(file), "page_"), ".html")
			all[lang][name] = t
		}
	}
	return all, nil
}

// show writes a page. word names it in the title and the menu.
func (c *Console) show(w http.ResponseWriter, r *http.Request, who viewer, status int, name, word string, d any) {
	lang := languageOf(r)
	s := shown{
		Lang: lang, Theme: themeOf(r), Page: word, Title: say(lang, word), Path: r.URL.Path, Here: here(r), ShortCode: c.o.ShortCode(),
		Phones: c.o.Phones, Trial: c.o.Trial, D: d, may: who.may,
	}
	if t, ok := d.(titled); ok {
		s.Title = t.title()
	}
	if who.token != "" {
		s.Name, s.Agency, s.CSRF, s.Finds = who.key.Name, who.key.Agency, who.csrf(), who.may("GET /find")
		for _, item := range menu {
			if who.may(item.route) {
				s.Menu = append(s.Menu, menuLink{item.path, item.word, item.icon, item.word == word})
			}
		}
	}
	if done := r.URL.Query().Get("done"); r.Method == http.MethodGet && known("done."+done) {
		s.Done = "done." + done
	}
	c.render(w, lang, name, "layout", status, s)
}

// titled is a page whose title is its own.
type titled interface{ title() string }

// render writes one template, whole or not at all.
func (c *Console) render(w http.ResponseWriter, lang, name, part string, status int, d any) {
	var out bytes.Buffer
	t := c.pages[lang][name]
	if t == nil {
		c.o.Log.Error("there is no such page", zap.String("page", name))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if err := t.ExecuteTemplate(&out, part, d); err != nil {
		c.o.Log.Error("a page could not be made", zap.String("page", name), zap.Error(err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the visitor may have gone
}

// fail says in words why a page is not shown.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, who viewer, status int) {
	word := fmt.Sprintf("error.%d", status)
	if !known(word) {
		word = "error.500"
	}
	c.show(w, r, who, status, "error", word, nil)
}

// here is where a page is found again: what only a POST shows is not.
func here(r *http.Request) string {
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	if number := r.PathValue("number"); number != "" {
		return "/tickets/" + number
	}
	return "/"
}

// display keeps the visitor's language and colours.
func (c *Console) display(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		c.fail(w, r, viewer{}, http.StatusUnprocessableEntity)
		return
	}
	keep := func(cookie, value string, allowed []string) {
		for _, a := range allowed {
			if value == a {
				http.SetCookie(w, &http.Cookie{
					Name: cookie, Value: a, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.o.Front().Secure(r),
				})
			}
		}
	}
	keep(langCookie, r.PostForm.Get("lang"), languages)
	keep(themeCookie, r.PostForm.Get("theme"), themes)
	to := local(r.PostForm.Get("to"))
	if to == "" {
		to = "/"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
