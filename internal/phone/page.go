package phone

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"

	"go.uber.org/zap"
)

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"fill": func(s, n string) string { return strings.ReplaceAll(s, "{n}", n) },
	"dict": func(p any, d pageData) phoneData { return phoneData{p, d} },
}).ParseFS(files, "assets/page.html"))

// pageData is what the template shows: the conversation as it stands, for reading without the script too.
type pageData struct {
	Lang, Other string
	W           map[string]string
	ShortCode   string
	Phones      []pagePhone
	Link        *linkView
	LinkWord    string
	Examples    []example
	Statuses    []string
	Config      config
}

type pagePhone struct {
	telephoneView
	SMS []smsView
}

// phoneData is what the template of one telephone shows; without a Phone it is the mould for the script.
type phoneData struct {
	Phone any
	Page  pageData
}

// config is handed to the script as a JSON block, which no browser runs.
type config struct {
	Run       string            `json:"run"`
	ShortCode string            `json:"shortCode"`
	APIKey    string            `json:"apiKey"`
	MaxSMS    int               `json:"maxSMS"`
	MaxPhones int               `json:"maxPhones"`
	Words     map[string]string `json:"words"`
}

func (h *Handler) page(w http.ResponseWriter, r *http.Request) {
	lang := languageOf(r)
	if r.URL.Query().Get("lang") == lang {
		http.SetCookie(w, &http.Cookie{
			Name: langCookie, Value: lang, Path: "/phone/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	now, _ := h.book.since(0)
	d := pageData{
		Lang: lang, Other: other(lang), W: words[lang], ShortCode: h.o.ShortCode, Link: now.Link, LinkWord: linkWord(words[lang], now.Link.State),
		Examples: examples(words[lang]), Statuses: statuses,
		Config: config{Run: h.run, ShortCode: h.o.ShortCode, APIKey: h.o.APIKey, MaxSMS: MaxSMS, MaxPhones: MaxTelephones, Words: scriptWords(lang)},
	}
	for _, t := range now.Telephones {
		p := pagePhone{telephoneView: t}
		for _, m := range now.SMS {
			if m.Telephone == t.Number {
				p.SMS = append(p.SMS, m)
			}
		}
		d.Phones = append(d.Phones, p)
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, d); err != nil {
		h.o.Log.Error("the phone page could not be made", zap.Error(err))
		problem(w, http.StatusInternalServerError, "internal", "The page could not be made", "The log says why.")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.Header().Set("Vary", "Accept-Language, Cookie")
	_, _ = out.WriteTo(w)
}

// scriptWords are the words that the script needs, without their "js.".
func scriptWords(lang string) map[string]string {
	out := map[string]string{}
	for k, v := range words[lang] {
		if k, ok := strings.CutPrefix(k, "js."); ok {
			out[k] = v
		}
	}
	return out
}

func other(lang string) string {
	if lang == "id" {
		return "en"
	}
	return "id"
}

// linkWord says a link's state. "waiting" and "refused" are words of SMS too, hence the other keys.
func linkWord(w map[string]string, state string) string {
	for _, key := range []string{"js." + state + "Link", "js." + state} {
		if word, ok := w[key]; ok {
			return word
		}
	}
	return state
}
