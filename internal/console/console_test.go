package console_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"aduan/internal/console/consoletest"
	"aduan/internal/desk"
	"aduan/store"
)

// visitor is a browser without JavaScript.
type visitor struct {
	t      *testing.T
	client *http.Client
	url    string
}

// visit serves an office and gives a browser that nobody has signed in with.
func visit(t *testing.T, o *consoletest.Office) *visitor {
	t.Helper()
	done := make(chan struct{})
	h, err := o.Handler(done)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(func() {
		close(done)
		srv.Close()
	})
	return (&visitor{t: t, url: srv.URL}).another()
}

// another is another browser.
func (v *visitor) another() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return &visitor{t: v.t, url: v.url, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	*http.Response
	body string
}

func (v *visitor) do(method, path string, form url.Values, change ...func(*http.Request)) answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept-Language", "en")
	for _, c := range change {
		c(r)
	}
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{resp, string(body)}
}

func (v *visitor) get(path string) answer { v.t.Helper(); return v.do("GET", path, nil) }

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// post sends a form as a page of this session would.
func (v *visitor) post(path string, fields ...string) answer {
	v.t.Helper()
	form := url.Values{}
	if m := csrfField.FindStringSubmatch(v.get("/me").body); m != nil {
		form.Set("csrf", m[1])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.do("POST", path, form)
}

func (v *visitor) enter(secret string) *visitor {
	v.t.Helper()
	if a := v.do("POST", "/login", url.Values{"key": {secret}}); a.StatusCode != http.StatusSeeOther {
		v.t.Fatalf("not signed in: %d\n%s", a.StatusCode, a.body)
	}
	return v
}

func (v *visitor) is(what string, a answer, status int, says ...string) {
	v.t.Helper()
	if a.StatusCode != status {
		v.t.Errorf("%s: %d, want %d", what, a.StatusCode, status)
	}
	for _, s := range says {
		if !strings.Contains(html.UnescapeString(a.body)+a.body+a.Header.Get("Location"), s) {
			_, main, _ := strings.Cut(a.body, "<main")
			v.t.Errorf("%s: it does not say %q: %s %.1500s", what, s, a.Header.Get("Location"), main)
		}
	}
}

func TestSignInByKey(t *testing.T) {
	o := consoletest.New()
	v := visit(t, o)
	secret := o.Key("desk", "", store.Scopes...)
	v.is("signed out", v.get("/"), 200, `name="key"`)
	v.is("a page", v.get("/tickets?status=all"), 303, "/login?to=%2Ftickets%3Fstatus%3Dall")
	v.is("a wrong key", v.do("POST", "/login", url.Values{"key": {"aduan_x_y"}}), 401, "not valid")
	a := v.do("POST", "/login", url.Values{"key": {secret}, "to": {"/links"}})
	v.is("the key", a, 303, "/links")
	c := a.Cookies()
	if len(c) != 1 || c[0].Name != "aduan" || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || c[0].Secure {
		t.Errorf("the cookie on loopback: %+v", c)
	}
	if strings.Contains(c[0].Value, "secret") {
		t.Error("the key is in the cookie")
	}
	v.is("home", v.get("/"), 303, "/desk")
	for _, to := range []string{"//evil.example/", "https://evil.example/", `/\evil.example`, "javascript:alert(1)"} {
		v.is("it leads nowhere else: "+to, v.another().do("POST", "/login", url.Values{"key": {secret}, "to": {to}}), 303)
		if got := v.another().do("POST", "/login", url.Values{"key": {secret}, "to": {to}}).Header.Get("Location"); got != "/" {
			t.Errorf("%q leads to %q", to, got)
		}
	}
	again := v.do("POST", "/login", url.Values{"key": {secret}})
	if again.Cookies()[0].Value == c[0].Value || o.Sessions[c[0].Value] != "" {
		t.Error("the session of before stands, or goes on under its old token")
	}
	v.is("sign out", v.post("/logout"), 303, "/login?out=1")
	if len(o.Sessions) != 8 { // those of the other browsers
		t.Errorf("%d sessions stand", len(o.Sessions))
	}
	v.is("signed out again", v.get("/desk"), 303, "/login")
}

func TestAKeyThatIsRevokedEndsItsSessions(t *testing.T) {
	o := consoletest.New()
	v := visit(t, o)
	secret := o.Key("desk", "", store.Scopes...)
	v.enter(secret)
	v.is("before", v.get("/desk"), 200)
	k := o.Keys[secret]
	k.Revoked = true
	o.Lock()
	o.Keys[secret] = k
	o.Unlock()
	v.is("after", v.get("/desk"), 303, "/login")
}

func TestSignInByLinkOnce(t *testing.T) {
	o := consoletest.New()
	v := visit(t, o)
	token := o.Link(o.Key("desk", "", "tickets:read"))
	for range 2 { // whoever only looks uses nothing up
		v.is("looked at", v.get("/login/"+token), 200, "once")
	}
	v.is("used", v.do("POST", "/login/"+token, nil), 303, "/")
	v.is("signed in", v.get("/"), 303, "/desk")
	v.is("used again", v.another().do("POST", "/login/"+token, nil), 401, "used already")
}

func TestFailedSignInsAreLimited(t *testing.T) {
	o := consoletest.New()
	v := visit(t, o)
	secret := o.Key("desk", "", store.Scopes...)
	for i := range 11 {
		path, form := "/login", url.Values{"key": {"aduan_guess_guess"}}
		if i%2 == 1 {
			path, form = "/login/guess", nil
		}
		v.do("POST", path, form)
	}
	a := v.do("POST", "/login", url.Values{"key": {secret}})
	v.is("a right key after many wrong ones", a, 429, "Too many failures")
	if a.Header.Get("Retry-After") == "" {
		t.Error("for how long is not told")
	}
}

// Without TLS nobody signs in but by loopback; with it the cookie is one that no other host can set.
func TestSessionsNeedASafeConnection(t *testing.T) {
	o := consoletest.New()
	secret := o.Key("desk", "", store.Scopes...)
	done := make(chan struct{})
	defer close(done)
	h, err := o.Handler(done)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, host, cookie string
		tls                bool
		status             int
	}{
		{"loopback", "127.0.0.1:8080", "aduan", false, 303},
		{"localhost", "localhost", "aduan", false, 303},
		{"another name without TLS", "line.example", "", false, 403},
		{"TLS", "line.example", "__Host-aduan", true, 303},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/login", strings.NewReader(url.Values{"key": {secret}}.Encode()))
			if c.tls {
				r = httptest.NewRequest("POST", "https://line.example/login", strings.NewReader(url.Values{"key": {secret}}.Encode()))
			}
			r.Host = c.host
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			cookies := w.Result().Cookies()
			if w.Code != c.status || (c.cookie == "") != (len(cookies) == 0) {
				t.Fatalf("%d, %v", w.Code, cookies)
			}
			if c.cookie != "" && (cookies[0].Name != c.cookie || cookies[0].Secure != c.tls) {
				t.Errorf("%+v", cookies[0])
			}
		})
	}
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	o := consoletest.New()
	v := visit(t, o).enter(o.Key("desk", "", store.Scopes...))
	n := o.File(desk.TicketView{Texts: []desk.TextView{{Text: "jalan rusak"}}}).String()
	push := "/tickets/" + n + "/status"
	v.is("without the session's word", v.do("POST", push, url.Values{"status": {"verified"}}), 403)
	v.is("with another's", v.do("POST", push, url.Values{"status": {"verified"}, "csrf": {"AAAAAAAAAAAAAAAAAAAAAAAA"}}), 403)
	v.is("from another site", v.do("POST", push, nil, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }), 403)
	v.is("a sign-in from another site", v.do("POST", "/login", nil, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }), 403)
	if got := o.Tickets; len(got) != 1 {
		t.Fatal(got)
	}
	for _, ticket := range o.Tickets {
		if ticket.Status != "filed" {
			t.Errorf("it was done: %s", ticket.Status)
		}
	}
	a := v.get("/desk")
	for header, want := range map[string]string{
		"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if !strings.Contains(a.Header.Get(header), want) {
			t.Errorf("%s: %q", header, a.Header.Get(header))
		}
	}
	if csp := a.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("the policy: %s", csp)
	}
}
