package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"aduan/store"
)

// loginData is what the sign-in shows.
type loginData struct {
	Insecure bool   // nobody may sign in over this connection
	Token    string // of a one-time link; "": by key
	To       string // where it leads afterwards
	Problem  string // a key of words; "": none
	Out      bool   // signed out just now
}

// home leads to the first page that the session may see.
func (c *Console) home(w http.ResponseWriter, r *http.Request) {
	who, err := c.who(r)
	if err != nil && !errors.Is(err, store.ErrNoKey) {
		c.o.Log.Warn("session not looked up", zap.Error(err))
		c.fail(w, r, viewer{}, http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		c.loginPage(w, r)
		return
	}
	for _, item := range menu {
		if who.may(item.route) {
			http.Redirect(w, r, item.path, http.StatusSeeOther)
			return
		}
	}
	http.Redirect(w, r, "/me", http.StatusSeeOther)
}

func (c *Console) loginPage(w http.ResponseWriter, r *http.Request) {
	c.showLogin(w, r, http.StatusOK, loginData{To: local(r.URL.Query().Get("to")), Out: r.URL.Query().Has("out")})
}

// linkLoginPage asks to press a button: a program that only looks what a link leads to must not use it up.
func (c *Console) linkLoginPage(w http.ResponseWriter, r *http.Request) {
	c.showLogin(w, r, http.StatusOK, loginData{Token: r.PathValue("token")})
}

func (c *Console) showLogin(w http.ResponseWriter, r *http.Request, status int, d loginData) {
	d.Insecure = c.cookieName(r) == ""
	c.show(w, r, viewer{}, status, "login", "signIn", d)
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	if c.cookieName(r) == "" {
		c.showLogin(w, r, http.StatusForbidden, loginData{})
		return
	}
	if r.ParseForm() != nil {
		c.fail(w, r, viewer{}, http.StatusUnprocessableEntity)
		return
	}
	d := loginData{To: local(r.PostForm.Get("to"))}
	secret := strings.TrimSpace(r.PostForm.Get("key"))
	if secret == "" || len(secret) > maxSecret {
		c.o.Front().Failed(r)
		d.Problem = "wrongKey"
		c.showLogin(w, r, http.StatusUnauthorized, d)
		return
	}
	key, err := c.o.Front().Authenticate(r, secret)
	if err == nil {
		err = c.begin(w, r, key)
	}
	c.entered(w, r, d, err)
}

// linkLogin takes a one-time link, which ends by that.
func (c *Console) linkLogin(w http.ResponseWriter, r *http.Request) {
	if c.cookieName(r) == "" {
		c.showLogin(w, r, http.StatusForbidden, loginData{})
		return
	}
	key, err := c.o.Line.UseLoginLink(r.Context(), r.PathValue("token"))
	if errors.Is(err, store.ErrNoKey) {
		c.o.Front().Failed(r)
		c.showLogin(w, r, http.StatusUnauthorized, loginData{Problem: "usedLink"})
		return
	}
	if err == nil {
		err = c.begin(w, r, key)
	}
	c.entered(w, r, loginData{}, err)
}

// entered leads on, or says why not.
func (c *Console) entered(w http.ResponseWriter, r *http.Request, d loginData, err error) {
	if err == nil {
		to := d.To
		if to == "" {
			to = "/"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	var refused interface{ GetStatus() int }
	status := http.StatusServiceUnavailable
	if errors.As(err, &refused) {
		status = refused.GetStatus()
	} else {
		c.o.Log.Warn("nobody can sign in", zap.Error(err))
	}
	switch status {
	case http.StatusUnauthorized:
		d.Problem = "wrongKey"
	case http.StatusTooManyRequests:
		d.Problem = "tooOften"
	default:
		d.Problem = "unavailable"
	}
	var headed interface{ GetHeaders() http.Header }
	if errors.As(err, &headed) {
		if after := headed.GetHeaders().Get("Retry-After"); after != "" {
			w.Header().Set("Retry-After", after)
		}
	}
	c.showLogin(w, r, status, d)
}

// local is a path of ours to go to; "" for anything else.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return ""
	}
	return to
}

func escape(s string) string { return url.QueryEscape(s) }
