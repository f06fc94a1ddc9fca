package apicheck_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aduan/internal/apicheck"
)

const document = `{"openapi":"3.1.0","info":{"title":"x","version":"1"},"paths":{
 "/v1/things/{id}":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],
  "responses":{"200":{"description":"OK","content":{"application/json":{"schema":{"type":"object","required":["id"],"additionalProperties":false,"properties":{"id":{"type":"integer"}}}}}}}}},
 "/v1/things/stream":{"get":{"responses":{"200":{"description":"OK","content":{"text/event-stream":{"schema":{"type":"string"}}}}}}},
 "/v1/files/{id}.xml":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],
  "responses":{"200":{"description":"OK","content":{"text/xml":{"schema":{"type":"string"}}}}}}}}}`

func TestAnAnswerThatTheDocumentDoesNotTellOfFails(t *testing.T) {
	var status int
	var media, body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == apicheck.Path {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, document)
			return
		}
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer srv.Close()
	var said []string
	base := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: &apicheck.Transport{Base: base, Fail: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}}
	for _, row := range []struct {
		name, path string
		status     int
		media      string
		body, want string
	}{
		{"as it says", "/v1/things/1", 200, "application/json", `{"id":1}`, ""},
		{"another type", "/v1/things/1", 200, "application/json", `{"id":"1"}`, "integer"},
		{"a field more", "/v1/things/1", 200, "application/json", `{"id":1,"x":2}`, "x"},
		{"a field less", "/v1/things/1", 200, "application/json", `{}`, "id"},
		{"another status", "/v1/things/1", 404, "application/json", `{"id":1}`, "404"},
		{"another media type", "/v1/things/1", 200, "text/plain", `{"id":1}`, "text/plain"},
		{"nothing", "/v1/things/1", 200, "application/json", "", "/v1/things/{id}"},
		{"a stream", "/v1/things/stream", 200, "text/event-stream", "data: x\n\n", ""},
		{"XML", "/v1/files/7.xml", 200, "text/xml", "<x/>", ""},
		{"a path that it does not tell of", "/v1/nothing", 500, "text/plain", "x", ""},
	} {
		status, media, body, said = row.status, row.media, row.body, nil
		resp, err := client.Get(srv.URL + row.path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || string(got) != row.body {
			t.Errorf("%s: the answer came as %q, %v", row.name, got, err)
		}
		if all := strings.Join(said, "\n"); (row.want == "") != (all == "") || !strings.Contains(all, row.want) {
			t.Errorf("%s: said %q, want %q", row.name, all, row.want)
		}
	}
}
