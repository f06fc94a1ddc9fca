package apicheck

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Path is where a daemon tells what it answers.
const Path = "/openapi.json"

// maxDoc bounds what is read of a document, octets.
const maxDoc = 8 << 20

// asText: bodies that are no JSON are looked at as text.
var asText = sync.OnceFunc(func() {
	for _, media := range []string{"text/xml", "text/event-stream", "text/csv", "text/html"} {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.PlainBodyDecoder)
	}
})

// Doc is what an API says of itself.
type Doc struct{ t *openapi3.T }

// Read reads a document and looks whether it is sound.
func Read(b []byte) (*Doc, error) {
	asText()
	t, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		return nil, fmt.Errorf("apicheck: %s: %w", Path, err)
	}
	if err := t.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("apicheck: %s: %w", Path, err)
	}
	return &Doc{t}, nil
}

// T is the document.
func (d *Doc) T() *openapi3.T { return d.t }

// Check says how an answer is not as the document tells; nil: it is, or the document tells nothing of the path.
func (d *Doc) Check(r *http.Request, status int, header http.Header, body []byte) error {
	route := d.route(r)
	if route == nil {
		return nil
	}
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 status, Header: header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: body == nil},
	})
	if err != nil {
		return fmt.Errorf("%s %s → %d is not as %s says: %w", r.Method, route.Path, status, Path, err)
	}
	return nil
}

// route finds the operation of a request: of several, the one that says most in words of its own.
func (d *Doc) route(r *http.Request) *routers.Route {
	got := strings.Split(r.URL.Path, "/")
	var found *routers.Route
	best := -1
	for path, item := range d.t.Paths.Map() {
		op := item.GetOperation(r.Method)
		if own := same(strings.Split(path, "/"), got); op != nil && own > best {
			best, found = own, &routers.Route{Spec: d.t, Path: path, PathItem: item, Method: r.Method, Operation: op}
		}
	}
	return found
}

// same counts the octets of a path's own words in what was asked; -1: it is another path.
func same(path, got []string) int {
	if len(path) != len(got) {
		return -1
	}
	own := 0
	for i, p := range path {
		switch end := strings.IndexByte(p, '}') + 1; {
		case p == got[i]:
			own += len(p)
		case strings.HasPrefix(p, "{") && strings.HasSuffix(got[i], p[end:]):
			own += len(p) - end
		default:
			return -1
		}
	}
	return own
}

// Transport is an http.RoundTripper that checks each answer of a daemon whose document it has read first.
type Transport struct {
	Base http.RoundTripper // default http.DefaultTransport
	Fail func(format string, args ...any)

	mu  sync.Mutex
	doc *Doc // guarded by mu
}

// RoundTrip implements http.RoundTripper. What is a stream is handed on as it comes; of it, status and headers are checked.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	resp, err := base.RoundTrip(r)
	if err != nil || r.URL.Path == Path {
		return resp, err
	}
	doc := t.of(r, base)
	if doc == nil || doc.route(r) == nil {
		return resp, nil
	}
	var body []byte
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		if err != nil { // it broke off: the test sees that too
			return resp, nil
		}
		if body == nil {
			body = []byte{}
		}
	}
	if err := doc.Check(r, resp.StatusCode, resp.Header, body); err != nil {
		t.Fail("%v", err)
	}
	return resp, nil
}

// of reads the document of who is asked; nil: it is not to be had now, another answer will ask for it again.
func (t *Transport) of(r *http.Request, base http.RoundTripper) *Doc {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.doc != nil {
		return t.doc
	}
	ask := r.Clone(r.Context())
	ask.Method, ask.Body, ask.ContentLength, ask.Header = http.MethodGet, nil, 0, http.Header{}
	ask.URL.Path, ask.URL.RawPath, ask.URL.RawQuery = Path, "", ""
	resp, err := base.RoundTrip(ask)
	if err != nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDoc))
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	if t.doc, err = Read(b); err != nil {
		t.Fail("%v", err)
	}
	return t.doc
}

// failing is the end of a body: io.EOF, or why there is no more.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}
