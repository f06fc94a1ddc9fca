package staffapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"aduan/internal/desk"
	"aduan/internal/staffapi"
	"aduan/store"
)

func ticketPath(more string) string { return "/v1/tickets/" + one.Digits() + more }

func TestATicketIsFoundInAnyDress(t *testing.T) {
	a := newAPI(t, nil)
	d := one.Digits()
	for _, dress := range []string{d, one.String(), d[:4] + "%20" + d[4:], d[:4] + "." + d[4:], "%23" + d} {
		w := a.do(ask("GET", "/v1/tickets/"+dress, "all", ""))
		var got desk.TicketView
		if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != 200 || err != nil || got.Number != one.String() {
			t.Errorf("%s: %d %s", dress, w.Code, w.Body)
		}
	}
}

func TestMistypedUnknownAndForeignLookTheSame(t *testing.T) {
	a := newAPI(t, nil)
	unknown := fmt.Sprint(uint64(one) + 1000) // a stub of a number: wrong check digit or no such ticket
	var first string
	for _, row := range []struct{ name, method, path, key, body string }{
		{"unknown", "GET", "/v1/tickets/" + unknown, "all", ""},
		{"mistyped", "GET", "/v1/tickets/" + one.Digits()[:6] + "x" + one.Digits()[6:], "all", ""},
		{"one digit off", "GET", "/v1/tickets/" + one.Digits()[:len(one.Digits())-1] + "3", "all", ""},
		{"no number at all", "GET", "/v1/tickets/hello", "all", ""},
		{"another agency's", "GET", ticketPath(""), "dinkes", ""},
		{"a status on another agency's", "POST", ticketPath("/status"), "dinkes", `{"status":"closed"}`},
		{"a question on another agency's", "POST", ticketPath("/question"), "dinkes", `{"text":"Di mana?"}`},
		{"a message of another agency's", "GET", "/v1/messages/" + smsID, "dinkes", ""},
		{"an unknown message", "GET", "/v1/messages/01X", "all", ""},
	} {
		w := a.do(ask(row.method, row.path, row.key, row.body))
		if first == "" {
			first = w.Body.String()
		}
		if w.Code != 404 || w.Body.String() != first {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
	}
	if w := a.do(ask("GET", ticketPath(""), "pu", "")); w.Code != 200 {
		t.Errorf("the agency's own: %d", w.Code)
	}
	if len(a.desk.statuses)+len(a.desk.questions) != 0 {
		t.Error("a foreign ticket was touched")
	}
}

func TestNumbersAreMaskedWithoutTheScope(t *testing.T) {
	a := newAPI(t, nil)
	for key, want := range map[string]string{"all": `"+62•••••••123"`, "pii": `"+6281234567123"`} {
		if w := a.do(ask("GET", ticketPath(""), key, "")); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %s", key, w.Body)
		}
	}
}

func TestAStatusIsPushedAsTheContractSays(t *testing.T) {
	no, yes := false, true
	for _, row := range []struct {
		name, body, want string
		refused          string
		check            func(desk.StatusRequest) bool
	}{
		{
			"the least", `{"status":"verified"}`, `{"ticket":"` + one.String() + `","status":"verified","messages":["` + smsID + `"],"refused":null}`, "",
			func(r desk.StatusRequest) bool {
				return r.Notify == yes && r.MaxSegments == 3 && r.Agency == nil && r.ExternalID == nil && r.Idempotency == nil &&
					r.Viewer.Name == "case system" && r.Viewer.KeyID == "K1" && r.Viewer.From == "192.0.2.1" && r.Viewer.Allows("tickets:write") && !r.Viewer.Reveal
			},
		},
		{
			"all of it", `{"status":"forwarded","note":"ke PU","notify":false,"agency":"pu","external_id":"X-1","max_segments":5}`,
			`{"ticket":"` + one.String() + `","status":"forwarded","messages":[],"refused":null}`, "",
			func(r desk.StatusRequest) bool {
				return r.Notify == no && r.MaxSegments == 5 && *r.Agency == "pu" && *r.ExternalID == "X-1" && r.Note == "ke PU"
			},
		},
		{
			"opted out", `{"status":"resolved"}`, `{"ticket":"` + one.String() + `","status":"resolved","messages":[],"refused":"opted_out"}`, "opted_out",
			func(r desk.StatusRequest) bool { return r.Notify },
		},
	} {
		a := newAPI(t, nil)
		if row.refused != "" {
			a.desk.refused = &row.refused
		}
		w := a.do(ask("POST", ticketPath("/status"), "all", row.body))
		if w.Code != 202 || strings.TrimSpace(w.Body.String()) != row.want {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
			continue
		}
		if r := a.desk.statuses[0]; !row.check(r) || r.Number != one {
			t.Errorf("%s: asked %+v", row.name, r)
		}
	}
}

func TestEveryErrorIsAProblemWithItsCode(t *testing.T) {
	status := func(body string) *http.Request { return ask("POST", ticketPath("/status"), "all", body) }
	with := func(r *http.Request, k, v string) *http.Request { r.Header.Set(k, v); return r }
	for _, row := range []struct {
		name string
		r    *http.Request
		desk error
		keys error
		code int
		want string
		head string // must be there
	}{
		{"no key", ask("GET", ticketPath(""), "", ""), nil, nil, 401, "unauthenticated", "Www-Authenticate"},
		{"a key by another scheme", with(ask("GET", ticketPath(""), "", ""), "Authorization", "Basic YWxsOg=="), nil, nil, 401, "unauthenticated", "Www-Authenticate"},
		{"an unknown key", ask("GET", ticketPath(""), "nobody", ""), nil, nil, 401, "unauthenticated", "Www-Authenticate"},
		{"a huge key", ask("GET", ticketPath(""), strings.Repeat("k", 9000), ""), nil, nil, 401, "unauthenticated", "Www-Authenticate"},
		{"a revoked key", ask("GET", ticketPath(""), "revoked", ""), nil, nil, 401, "unauthenticated", "Www-Authenticate"},
		{"an expired key", ask("GET", ticketPath(""), "expired", ""), nil, nil, 401, "unauthenticated", "Www-Authenticate"},
		{"no key before the body is read", ask("POST", ticketPath("/status"), "", "{"), nil, nil, 401, "unauthenticated", "Www-Authenticate"},
		{"keys cannot be looked up", ask("GET", ticketPath(""), "all", ""), nil, store.ErrNotKept, 503, "unavailable", "Retry-After"},
		{"reading with a key that writes", ask("GET", ticketPath(""), "writers", ""), nil, nil, 403, "forbidden", "Www-Authenticate"},
		{"writing with a key that reads", ask("POST", ticketPath("/status"), "readers", `{"status":"closed"}`), nil, nil, 403, "forbidden", "Www-Authenticate"},
		{"a question with a key that reads", ask("POST", ticketPath("/question"), "readers", `{"text":"?"}`), nil, nil, 403, "forbidden", "Www-Authenticate"},
		{"closed", status(`{"status":"verified"}`), desk.ErrClosed, nil, 409, "closed", ""},
		{"erased", status(`{"status":"verified"}`), fmt.Errorf("turn: %w", desk.ErrErased), nil, 409, "erased", ""},
		{"too long", status(`{"status":"verified"}`), &desk.TooLong{Segments: 5, Max: 3}, nil, 422, "too_long", ""},
		{"an agency that is none", status(`{"status":"verified"}`), &desk.Invalid{Field: "agency", Reason: "is no agency of this line"}, nil, 422, "invalid", ""},
		{"the store is gone", status(`{"status":"verified"}`), desk.ErrUnavailable, nil, 503, "unavailable", "Retry-After"},
		{"the store is gone, reading", ask("GET", ticketPath(""), "all", ""), desk.ErrUnavailable, nil, 503, "unavailable", "Retry-After"},
		{"our own fault", ask("GET", ticketPath(""), "all", ""), errors.New("canary"), nil, 500, "internal", ""},
		{"no body", with(ask("POST", ticketPath("/status"), "all", ""), "Content-Type", "application/json"), nil, nil, 422, "invalid", ""},
		{"no JSON", status(`{"status":canary`), nil, nil, 422, "invalid", ""},
		{"two values", status(`{"status":"verified"}{}`), nil, nil, 422, "invalid", ""},
		{"no object", status(`["canary"]`), nil, nil, 422, "invalid", ""},
		{"no status", status(`{"note":"x"}`), nil, nil, 422, "invalid", ""},
		{"an unknown status", status(`{"status":"canary"}`), nil, nil, 422, "invalid", ""},
		{"a status that staff do not set", status(`{"status":"withdrawn"}`), nil, nil, 422, "invalid", ""},
		{"a status of another type", status(`{"status":5}`), nil, nil, 422, "invalid", ""},
		{"no segment", status(`{"status":"verified","max_segments":0}`), nil, nil, 422, "invalid", ""},
		{"an unknown field", status(`{"status":"verified","canary":1}`), nil, nil, 422, "invalid", ""},
		{"another case", status(`{"Status":"verified"}`), nil, nil, 422, "invalid", ""},
		{"a note of 2,001 characters", status(`{"status":"verified","note":"` + strings.Repeat("n", 2001) + `"}`), nil, nil, 422, "invalid", ""},
		{"an Idempotency-Key of 256 octets", with(status(`{"status":"verified"}`), "Idempotency-Key", strings.Repeat("i", 256)), nil, nil, 422, "invalid", ""},
		{"an Idempotency-Key of 200 wide characters", with(status(`{"status":"verified"}`), "Idempotency-Key", strings.Repeat("é", 200)), nil, nil, 422, "invalid", ""},
		{"an empty question", ask("POST", ticketPath("/question"), "all", `{"text":""}`), nil, nil, 422, "invalid", ""},
		{"a form", with(status(`status=verified`), "Content-Type", "application/x-www-form-urlencoded"), nil, nil, 415, "unsupported_media_type", ""},
		{"a body of 64 KB and one", status(`"` + strings.Repeat("b", 64<<10-1) + `"`), nil, nil, 413, "too_large", ""},
		{"a body of 1 MB", ask("POST", "/v1/preview", "all", strings.Repeat(" ", 1<<20)), nil, nil, 413, "too_large", ""},
		{"an unknown path", ask("GET", "/v1/canary", "all", ""), nil, nil, 404, "not_found", ""},
		{"an unknown path elsewhere", ask("GET", "/canary", "", ""), nil, nil, 404, "not_found", ""},
		{"a path that is not clean", ask("POST", "/v1//tickets/../canary", "all", "{}"), nil, nil, 404, "not_found", ""},
		{"another method", ask("DELETE", ticketPath(""), "all", ""), nil, nil, 405, "method_not_allowed", "Allow"},
		{"a method of its own", ask("CANARY", ticketPath("/status"), "all", ""), nil, nil, 405, "method_not_allowed", "Allow"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := newAPI(t, nil)
			a.desk.err, a.keys.err = row.desk, row.keys
			row.r.URL.RawQuery = "q=canary"
			row.r.Header.Set("X-Canary", "canary")
			w := a.do(row.r)
			p := problem(t, w)
			if w.Code != row.code || p.Code != row.want {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if row.head != "" && w.Header().Get(row.head) == "" {
				t.Errorf("%s is missing", row.head)
			}
			if said := fmt.Sprint(w.Header(), w.Body); strings.Contains(strings.ToLower(said), "canary") {
				t.Errorf("it repeats what was sent: %s", said)
			}
			if row.want == "too_long" && (p.Segments != 5 || p.MaxSegments != 3) {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestAPanicIsAProblem(t *testing.T) {
	a := newAPI(t, nil)
	a.desk.panics = true
	w := a.do(ask("POST", ticketPath("/status"), "all", `{"status":"verified"}`))
	if p := problem(t, w); p.Code != "internal" || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTheSameKeyGivesTheFirstAnswerByteForByte(t *testing.T) { // FAULTS A2
	a := newAPI(t, nil)
	push := func(key, path, idem, body string) (int, string, string) {
		r := ask("POST", path, key, body)
		r.Header.Set("Idempotency-Key", idem)
		w := a.do(r)
		return w.Code, w.Body.String(), w.Header().Get("Idempotency-Replayed")
	}
	code, first, replayed := push("all", ticketPath("/status"), "i-1", `{"status":"verified","note":"a"}`)
	if code != 202 || replayed != "" {
		t.Fatalf("%d %s %s", code, first, replayed)
	}
	for name, again := range map[string][2]string{
		"as it was":             {ticketPath("/status"), `{"status":"verified","note":"a"}`},
		"spaced and reordered":  {ticketPath("/status"), "{ \"note\":\"a\",\n\"status\": \"verified\" }"},
		"with the defaults":     {ticketPath("/status"), `{"status":"verified","note":"a","notify":true,"max_segments":3}`},
		"the number as is said": {"/v1/tickets/" + one.String() + "/status", `{"status":"verified","note":"a"}`},
	} {
		if code, got, replayed := push("all", again[0], "i-1", again[1]); code != 202 || got != first || replayed != "true" {
			t.Errorf("%s: %d %q, replayed %q", name, code, got, replayed)
		}
	}
	if len(a.desk.statuses) != 1 {
		t.Fatalf("done %d times", len(a.desk.statuses))
	}
	for _, row := range []struct {
		name, key, path, idem, body string
		code                        int
	}{
		{"another body", "all", ticketPath("/status"), "i-1", `{"status":"closed"}`, 422},
		{"not to notify is another body", "all", ticketPath("/status"), "i-1", `{"status":"verified","note":"a","notify":false}`, 422},
		{"another Idempotency-Key", "all", ticketPath("/status"), "i-2", `{"status":"verified","note":"a"}`, 202},
		{"another's key", "pu", ticketPath("/status"), "i-1", `{"status":"verified","note":"a"}`, 202},
		{"another path", "all", ticketPath("/question"), "i-1", `{"text":"Di mana?"}`, 202},
	} {
		code, body, replayed := push(row.key, row.path, row.idem, row.body)
		if code != row.code || replayed != "" || (code == 422 && !strings.Contains(body, `"idempotency_key_reused"`)) {
			t.Errorf("%s: %d %s replayed %q", row.name, code, body, replayed)
		}
	}
	if len(a.desk.statuses) != 3 || len(a.desk.questions) != 1 {
		t.Errorf("%d statuses, %d questions", len(a.desk.statuses), len(a.desk.questions))
	}
}

func TestAPreviewTellsWhatATextCosts(t *testing.T) {
	a := newAPI(t, nil)
	for _, row := range []struct{ text, want string }{
		{`Laporan \u201cjalan\u201d`, `{"alphabet":"gsm7","segments":1,"left":145,"culprits":[],"rewrite":"Laporan \"jalan\"","dropped":[],"rewrite_segments":1}`},
		{`5\u20ac {x}`, `{"alphabet":"gsm7","segments":1,"left":151,"culprits":[],"rewrite":"5€ {x}","dropped":[],"rewrite_segments":1}`},
		{`baik 👍`, `{"alphabet":"ucs2","segments":1,"left":63,"culprits":["👍"],"rewrite":"baik","dropped":["👍"],"rewrite_segments":1}`},
		{strings.Repeat("Ṣalāt di masjid ", 6), `{"alphabet":"ucs2","segments":2,"left":38,"culprits":["Ṣ","ā"],"rewrite":"` + strings.Repeat("Salat di masjid ", 6) + `","dropped":[],"rewrite_segments":1}`},
	} {
		w := a.do(ask("POST", "/v1/preview", "readers", `{"text":"`+row.text+`"}`))
		if w.Code != 200 || strings.TrimSpace(w.Body.String()) != row.want {
			t.Errorf("%s: %d %s", row.text, w.Code, w.Body)
		}
	}
}

func TestAMessageTellsWhatBecameOfIt(t *testing.T) {
	a := newAPI(t, nil)
	w := a.do(ask("GET", "/v1/messages/"+smsID, "all", ""))
	want := `{"id":"` + smsID + `","ticket":"` + one.String() + `","state":"delivered","segments":1,"alphabet":"gsm7","link":"main","times":{},"error":""}`
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAKeyHasARate(t *testing.T) {
	now := time.Now()
	a := newAPI(t, func(o *staffapi.Options) {
		o.RateLimit, o.RateBurst, o.Now = 0.5, 2, func() time.Time { return now }
	})
	for i, want := range []int{200, 200, 429, 429} {
		w := a.do(ask("GET", ticketPath(""), "all", ""))
		if w.Code != want || (want == 429 && w.Header().Get("Retry-After") != "2") {
			t.Errorf("request %d: %d, Retry-After %q", i, w.Code, w.Header().Get("Retry-After"))
		}
	}
	if w := a.do(ask("GET", ticketPath(""), "pu", "")); w.Code != 200 {
		t.Errorf("another key suffers too: %d", w.Code)
	}
	now = now.Add(2 * time.Second)
	if w := a.do(ask("GET", ticketPath(""), "all", "")); w.Code != 200 {
		t.Errorf("after the wait: %d", w.Code)
	}
}

func TestWhoFailsOftenIsNotLookedUp(t *testing.T) {
	now := time.Now()
	a := newAPI(t, func(o *staffapi.Options) {
		o.FailedLimit, o.FailedBurst, o.Now = 0.1, 3, func() time.Time { return now }
	})
	if w := a.do(ask("GET", ticketPath(""), "all", "")); w.Code != 200 {
		t.Fatal(w.Code)
	}
	for i, want := range []int{401, 401, 401, 429, 429} {
		w := a.do(ask("GET", ticketPath(""), fmt.Sprint("guess", i), ""))
		if w.Code != want || (want == 429 && w.Header().Get("Retry-After") != "10") {
			t.Errorf("guess %d: %d, Retry-After %q", i, w.Code, w.Header().Get("Retry-After"))
		}
	}
	if a.keys.lookups != 4 {
		t.Errorf("%d look-ups", a.keys.lookups)
	}
	if w := a.do(ask("GET", ticketPath(""), "all", "")); w.Code != 200 {
		t.Errorf("a key that was good lately is locked out: %d", w.Code)
	}
	r := ask("GET", ticketPath(""), "pu", "")
	r.RemoteAddr = "198.51.100.9:1234"
	if w := a.do(r); w.Code != 200 {
		t.Errorf("another caller suffers too: %d", w.Code)
	}
	now = now.Add(10 * time.Second)
	if w := a.do(ask("GET", ticketPath(""), "guess", "")); w.Code != 401 {
		t.Errorf("after the wait: %d", w.Code)
	}
}

func TestOpenAPIIsSoundAndComplete(t *testing.T) {
	a := newAPI(t, nil)
	if err := a.doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(a.doc.OpenAPI, "3.1") {
		t.Error(a.doc.OpenAPI)
	}
	for path, item := range a.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Security == nil || len(*op.Security) == 0 {
				t.Errorf("%s %s needs no key", method, path)
			}
			// No operation answers without a key, or with one that has no scope.
			p := strings.NewReplacer("{number}", one.Digits(), "{id}", smsID).Replace(path)
			for key, want := range map[string]int{"": 401, keyWith(""): 403} {
				if w := a.do(ask(method, p, key, "")); w.Code != want {
					t.Errorf("%s %s with key %q: %d", method, path, key, w.Code)
				}
			}
			if op.RequestBody == nil || op.RequestBody.Value.Content["application/json"] == nil {
				continue
			}
			for name := range op.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
				if !staffapi.Tells("body." + name) {
					t.Errorf("a problem cannot name body.%s", name)
				}
			}
		}
	}
}

func TestMetricsAreWellNamed(t *testing.T) {
	reg := prometheus.NewRegistry()
	a := newAPI(t, func(o *staffapi.Options) { o.Metrics = reg })
	a.do(ask("GET", ticketPath(""), "all", ""))
	a.do(ask("GET", ticketPath(""), "guess", ""))
	a.do(ask("GET", "/nowhere/+6281234567123", "", ""))
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if s := f.String(); strings.Contains(s, one.Digits()) || strings.Contains(s, "6281234567123") {
			t.Errorf("a label tells a number: %s", s)
		}
	}
}
