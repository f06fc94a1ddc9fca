package phone_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aduan/internal/phone"
	"aduan/internal/phone/phonetest"
	"aduan/internal/visible"
	"aduan/smpp/segment"
)

const first = "/phone/api/telephones/6281200000001"

type page struct {
	t    *testing.T
	line *phonetest.Line
	url  string
}

func serve(t *testing.T) page {
	t.Helper()
	line := phonetest.New()
	done := make(chan struct{})
	srv := httptest.NewServer(phone.New(phone.Options{
		SMSC: line, ShortCode: "1708", APIKey: phonetest.Key, LinkState: line.LinkState, Done: done, Every: 5 * time.Millisecond,
	}))
	t.Cleanup(func() {
		close(done)
		srv.Close()
	})
	return page{t, line, srv.URL}
}

func (p page) do(method, path, body string, headers ...string) (int, string, http.Header) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var out strings.Builder
	if _, err := bufio.NewReader(res.Body).WriteTo(&out); err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, out.String(), res.Header
}

type state struct {
	Full       bool
	Run        string
	Rev        uint64
	Telephones []struct{ Number, Shown string }
	SMS        []struct {
		Telephone string
		Out       bool
		Pieces    []visible.Piece
		Alphabet  string
		Segments  int
		Progress  string
	}
	Link *struct {
		State string
		News  []struct{ State string }
	}
}

func (p page) state() (s state) {
	p.t.Helper()
	_, body, _ := p.do("GET", "/phone/api/state", "")
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		p.t.Fatalf("state %q: %v", body, err)
	}
	return s
}

func TestAnSMSIsSentAcknowledgedAndAnswered(t *testing.T) {
	p := serve(t)
	if code, body, _ := p.do("POST", first+"/sms", `{"text":"LAPOR jalan rusak"}`); code != http.StatusAccepted {
		t.Fatalf("%d %s", code, body)
	}
	s := p.state()
	if len(s.SMS) != 2 || !s.SMS[0].Out || s.SMS[0].Progress != "acknowledged" || s.SMS[1].Out || s.SMS[1].Pieces[1].Ticket != "4821-3769" {
		t.Errorf("%+v", s.SMS)
	}
	if s.Telephones[0].Shown != "+62 812-0000-0001" || s.Link.State != "bound" {
		t.Errorf("%+v", s)
	}
}

func TestACutLinkIsToldAndHeals(t *testing.T) {
	p := serve(t)
	p.line.Heals = 100 * time.Millisecond
	p.state()
	p.do("POST", "/phone/api/cut", "")
	p.do("POST", first+"/sms", `{"text":"CEK"}`)
	if s := p.state(); s.SMS[0].Progress != "waiting" || s.Link.State != "waiting" {
		t.Errorf("cut: %+v", s)
	}
	var s state
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && (s.Link == nil || s.Link.State != "bound"); {
		s = p.state()
	}
	var news []string
	for _, n := range s.Link.News {
		news = append(news, n.State)
	}
	if got := strings.Join(news, " "); got != "bound cut waiting bound" {
		t.Errorf("news: %s", got)
	}
	if s = p.state(); s.SMS[0].Progress != "acknowledged" {
		t.Errorf("healed: %+v", s.SMS)
	}
}

func TestWhatIsAskedInVainIsAProblemDocument(t *testing.T) {
	p := serve(t)
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code                     string
	}{
		{"no such telephone", "POST", "/phone/api/telephones/628999/sms", `{"text":"a"}`, nil, 404, "not_found"},
		{"an empty text", "POST", first + "/sms", `{"text":""}`, nil, 422, "invalid"},
		{"more than ten segments", "POST", first + "/sms", `{"text":"` + strings.Repeat("a", 1531) + `"}`, nil, 422, "too_long"},
		{"not JSON", "POST", first + "/sms", `text`, nil, 422, "invalid"},
		{"an unknown field", "POST", first + "/sms", `{"text":"a","to":"1"}`, nil, 422, "invalid"},
		{"two values", "POST", first + "/sms", `{"text":"a"}{}`, nil, 422, "invalid"},
		{"a form", "POST", first + "/sms", `text=a`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "not_json"},
		{"17 KB", "POST", "/phone/api/count", `{"text":"` + strings.Repeat("a", 17<<10) + `"}`, nil, 413, "too_large"},
		{"the last telephone", "DELETE", first, "", nil, 409, "limit"},
		{"another site's button", "POST", "/phone/api/cut", "", []string{"Origin", "https://evil.example"}, 403, "cross_origin"},
		{"another site's request", "POST", "/phone/api/cut", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, "cross_origin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, body, head := p.do(c.method, c.path, c.body, c.headers...)
			if code != c.status || !strings.Contains(body, `"code":"`+c.code+`"`) || head.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s %s", code, body, head.Get("Content-Type"))
			}
		})
	}
	if s := p.state(); len(s.SMS) != 0 || s.Link.State != "bound" {
		t.Errorf("something happened: %+v", s)
	}
}

func TestTelephonesAreTwentyAndKeepTheirConversation(t *testing.T) {
	p := serve(t)
	p.do("POST", first+"/sms", `{"text":"satu"}`)
	for i := 2; i <= phone.MaxTelephones; i++ {
		if code, body, _ := p.do("POST", "/phone/api/telephones", ""); code != http.StatusCreated {
			t.Fatalf("telephone %d: %d %s", i, code, body)
		}
	}
	if code, _, _ := p.do("POST", "/phone/api/telephones", ""); code != http.StatusConflict {
		t.Errorf("telephone 21: %d", code)
	}
	p.do("DELETE", first, "")
	if s := p.state(); len(s.Telephones) != 19 || len(s.SMS) != 0 {
		t.Errorf("after removing: %d telephones, %d SMS", len(s.Telephones), len(s.SMS))
	}
	p.do("POST", "/phone/api/telephones", "")
	if s := p.state(); s.Telephones[19].Number != "6281200000001" || len(s.SMS) != 2 {
		t.Errorf("the telephone comes back without its conversation: %+v", s.Telephones[19])
	}
}

func TestOnlyTheNewestSMSAreKept(t *testing.T) {
	p := serve(t)
	for range phone.MaxSMS + 50 {
		p.line.Text("6281200000001", "x")
	}
	if n := len(p.state().SMS); n != phone.MaxSMS {
		t.Errorf("%d kept", n)
	}
}

func TestTheCounterAgreesWithTheSender(t *testing.T) {
	p := serve(t)
	for _, text := range []string{"", "a", strings.Repeat("a", 160), strings.Repeat("a", 161), "€[]", strings.Repeat("^", 81), "“kutip” – …", "ç", "😢", strings.Repeat("é", 71), strings.Repeat("😢", 36)} {
		body, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		_, answer, _ := p.do("POST", "/phone/api/count", string(body))
		var got struct {
			Alphabet       string
			Segments, Left int
			Culprits       []string
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(err)
		}
		e := segment.Split(text, 0)
		alphabet, segments, left := segment.Count(text)
		if got.Alphabet != e.Alphabet || got.Alphabet != alphabet || got.Segments != segments || text != "" && segments != len(e.Parts) || got.Left != left {
			t.Errorf("%q: %+v, sent as %s in %d", text, got, e.Alphabet, len(e.Parts))
		}
		if (got.Alphabet == "ucs2") != (len(got.Culprits) > 0) {
			t.Errorf("%q: culprits %q", text, got.Culprits)
		}
	}
}

func TestAStreamTellsWhatAPageMissed(t *testing.T) {
	p := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	follow := func(last string) (string, state) {
		t.Helper()
		sub, stop := context.WithCancel(ctx)
		defer stop()
		req, err := http.NewRequestWithContext(sub, "GET", p.url+"/phone/api/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", last)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		var id string
		var s state
		for in := bufio.NewScanner(res.Body); in.Scan(); {
			if v, ok := strings.CutPrefix(in.Text(), "id: "); ok {
				id = v
			}
			if v, ok := strings.CutPrefix(in.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(v), &s); err != nil {
					t.Fatal(err)
				}
				return id, s
			}
		}
		t.Fatal("the stream ended without an event")
		return "", s
	}
	p.line.Text("6281200000001", "satu")
	id, s := follow("")
	if !s.Full || len(s.SMS) != 1 || s.Link == nil {
		t.Errorf("first: %+v", s)
	}
	p.line.Text("6281200000001", "dua")
	if _, s = follow(id); s.Full || len(s.SMS) != 1 || s.SMS[0].Pieces[0].Text != "dua" || s.Link != nil {
		t.Errorf("come back: %+v", s)
	}
	if _, s = follow("anotherrun-1"); !s.Full || len(s.SMS) != 2 {
		t.Errorf("from another run: %+v", s)
	}
}

func TestThePageCarriesTextsAsTextsAndRunsNothingInline(t *testing.T) {
	p := serve(t)
	p.line.Text("6281200000001", "</script><img src=x onerror=alert(1)> \u202e {{.}}")
	_, body, head := p.do("GET", "/phone/?lang=en", "")
	for _, bad := range []string{"<img", " style=", " onerror=alert(1)>", "\u202e", "javascript:", "http://", "https://"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, want := range []string{"&lt;img src=x", "⟨U&#43;202E⟩", `<html lang="en">`, phonetest.Key} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	csp := head.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'self';") || strings.Contains(csp, "unsafe") || head.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", head)
	}
	for _, asset := range []string{"phone.css", "phone.js", "icon.svg"} {
		if code, _, h := p.do("GET", "/phone/assets/"+asset, ""); code != 200 || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d", asset, code)
		}
	}
}
