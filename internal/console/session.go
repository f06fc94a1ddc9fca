package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"aduan/internal/desk"
	"aduan/internal/staffapi"
	"aduan/store"
)

const (
	secureCookie = "__Host-aduan" // over TLS: no other host, no other path, never in the clear
	plainCookie  = "aduan"        // on loopback, where a browser would not keep the other
	maxSecret    = 256
)

// viewer is who asks: the key of the session.
type viewer struct {
	key   store.APIKey
	desk  desk.Viewer
	token string // of the session
}

// csrf is what a form of this session must bring back.
func (v viewer) csrf() string {
	h := sha256.Sum256([]byte("csrf " + v.token))
	return base64.RawURLEncoding.EncodeToString(h[:18])
}

// cookieName is by which cookie a session comes; "": it must not come at all, for others could read along.
func (c *Console) cookieName(r *http.Request) string {
	switch {
	case c.o.Front().Secure(r):
		return secureCookie
	case loopback(r.Host):
		return plainCookie
	default:
		return ""
	}
}

// loopback tells whether the browser believes to talk with its own machine: through a tunnel it may be another, encrypted.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// who finds the session of a request. ErrNoKey: there is none.
func (c *Console) who(r *http.Request) (viewer, error) {
	name := c.cookieName(r)
	if name == "" {
		return viewer{}, store.ErrNoKey
	}
	cookie, err := r.Cookie(name)
	if err != nil {
		return viewer{}, store.ErrNoKey
	}
	find := c.o.Line.FindSession
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		find = c.o.Line.PeekSession // nobody touches a page that is only told
	}
	key, err := find(r.Context(), cookie.Value)
	if err != nil {
		return viewer{}, err
	}
	v := viewer{key: key, token: cookie.Value, desk: staffapi.ViewerOf(key, from(c.o.Front().Caller(r)))}
	v.desk.Reveal = false // a number is shown where somebody asks for it, and that is noted
	return v, nil
}

func from(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.Addr().String()
}

// require lets a page be seen by a session that has its right.
func (c *Console) require(route string, h page) http.Handler {
	right, ok := rights[route]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := c.who(r)
		switch {
		case errors.Is(err, store.ErrNoKey):
			c.signInFirst(w, r)
			return
		case err != nil:
			c.o.Log.Warn("session not looked up", zap.Error(err))
			c.fail(w, r, viewer{}, http.StatusServiceUnavailable)
			return
		}
		if admitted, wait := c.o.Front().Admit(who.key.ID); !admitted {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(max(wait.Seconds(), 1)))))
			c.fail(w, r, who, http.StatusTooManyRequests)
			return
		}
		if !ok || !allowed(who.key, right) {
			c.fail(w, r, who, http.StatusForbidden)
			return
		}
		if r.Method == http.MethodPost && !c.ours(w, r, who) {
			return
		}
		h(w, r, who)
	})
}

// ours reads a form and tells whether a page of this session made it; else it is answered.
func (c *Console) ours(w http.ResponseWriter, r *http.Request, who viewer) bool {
	if err := r.ParseForm(); err != nil {
		status := http.StatusUnprocessableEntity
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			status = http.StatusRequestEntityTooLarge
		}
		c.fail(w, r, who, status)
		return false
	}
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(who.csrf())) != 1 {
		c.fail(w, r, who, http.StatusForbidden)
		return false
	}
	return true
}

// signInFirst sends a page's visitor to the sign-in, and back afterwards; what only a script asks for gets the bare status.
func (c *Console) signInFirst(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Path == "/links/live" {
		c.fail(w, r, viewer{}, http.StatusUnauthorized)
		return
	}
	to := "/login"
	if r.URL.Path != "/" && r.URL.Path != "/me" {
		to += "?to=" + escape(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// begin begins a session with a key's rights; a session of before is ended, so that no token is older than its sign-in.
func (c *Console) begin(w http.ResponseWriter, r *http.Request, key store.APIKey) error {
	name := c.cookieName(r)
	if old, err := r.Cookie(name); err == nil {
		if err := c.o.Line.EndSession(r.Context(), old.Value); err != nil {
			return err
		}
	}
	token, err := c.o.Line.AddSession(r.Context(), key.ID)
	if err != nil {
		return err
	}
	c.setCookie(w, name, token, int(store.SessionMax/time.Second))
	c.o.Log.Info("signed in to the console", zap.String("key", key.ID))
	return nil
}

func (c *Console) setCookie(w http.ResponseWriter, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, Secure: name == secureCookie, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request, who viewer) {
	if err := c.o.Line.EndSession(r.Context(), who.token); err != nil {
		c.o.Log.Warn("session not ended", zap.Error(err))
		c.fail(w, r, who, http.StatusServiceUnavailable)
		return
	}
	c.setCookie(w, c.cookieName(r), "", -1)
	http.Redirect(w, r, "/login?out=1", http.StatusSeeOther)
}
