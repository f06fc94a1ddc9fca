package staffapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	maxBody      = 64 << 10
	answerWithin = 30 * time.Second // a request but an event stream
)

// ServeHTTP is the front: what holds for every path of the listener.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	w := &answer{ResponseWriter: rw}
	route := "none"
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				panic(p)
			}
			s.o.Log.Error("request panicked", zap.String("route", route), zap.ByteString("stack", debug.Stack()))
			if w.status == 0 {
				writeProblem(w, newProblem(http.StatusInternalServerError))
			}
		}
		s.metrics.requests.WithLabelValues(route, strconv.Itoa(w.code())).Inc()
		s.metrics.seconds.WithLabelValues(route).Observe(time.Since(begun).Seconds())
	}()
	s.headers(w.Header(), r)
	if (r.TLS != nil) != (s.settings.Load().TLS != nil) {
		w.Header().Set("Connection", "close") // the next is made as the settings have it now
	}
	if p := s.refused(r); p != nil {
		writeProblem(w, p)
		return
	}
	r, done := s.bounded(w, r)
	defer done()
	mux := s.extra
	if ofAPI(r.URL.Path) {
		mux = s.api
	}
	handler, pattern := mux.Handler(r)
	if pattern == "" {
		s.unmatched(w, r, handler)
		return
	}
	route = pattern
	if r.URL.Path == "/metrics" && !s.loopback.Load() {
		if _, err := s.authorize(r, Right{Scope: ScopeOperate, Reach: ReachNothing}); err != nil {
			writeProblem(w, err)
			return
		}
	}
	mux.ServeHTTP(w, r)
}

func ofAPI(p string) bool {
	return p == "/openapi.json" || p == "/v1" || strings.HasPrefix(p, "/v1/") || strings.HasPrefix(p, open311Path)
}

// refused says what is wrong with where a request goes to, or comes from.
func (s *Server) refused(r *http.Request) *Problem {
	if health := r.URL.Path == "/livez" || r.URL.Path == "/readyz"; !health && !s.ours(r) {
		return newProblem(http.StatusMisdirectedRequest)
	}
	if err := s.origin.Check(r); err != nil {
		return coded(http.StatusForbidden, "cross_origin", "a page of another site may not do this")
	}
	if ofAPI(r.URL.Path) && path.Clean(r.URL.Path) != r.URL.Path { // the mux would redirect, and repeat the path in doing so
		return newProblem(http.StatusNotFound)
	}
	return nil
}

// ours tells whether the Host is one that we answer: a name that was made to point at our address (DNS rebinding) is not.
func (s *Server) ours(r *http.Request) bool {
	host := hostname(r.Host)
	if s.settings.Load().hosts[host] {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	own := local.AddrPort().Addr().Unmap().WithZone("")
	return addr.Unmap().WithZone("") == own || (addr.IsLoopback() && own.IsLoopback())
}

// hostname is a Host without port, brackets, a final dot, and case.
func hostname(h string) string {
	if name, _, err := net.SplitHostPort(h); err == nil {
		h = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(h, "[]"), "."))
}

// headers are set first, so that a handler may set its own (a page its Content-Security-Policy).
func (s *Server) headers(h http.Header, r *http.Request) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if ofAPI(r.URL.Path) {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
	} else {
		h.Set("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	}
	if r.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// bounded limits the size of a request and the time it may take. An event stream may last until the server stops; who waits
// for an event is answered then.
func (s *Server) bounded(w *answer, r *http.Request) (*http.Request, func()) {
	done := func() {}
	rc := http.NewResponseController(w.ResponseWriter)
	if streams, waits := lasting(r); streams || waits {
		deadline := time.Time{}
		if waits {
			deadline = time.Now().Add(maxWait + answerWithin)
		}
		_ = rc.SetWriteDeadline(deadline) // a writer without deadlines (in tests) has none to lift
		ctx, cancel := context.WithCancel(r.Context())
		ended := make(chan struct{})
		go func() { // ends with the request: done waits for it
			defer close(ended)
			select {
			case <-s.draining:
				cancel()
			case <-ctx.Done():
			}
		}()
		r, done = r.WithContext(ctx), func() { cancel(); <-ended }
	} else {
		_ = rc.SetWriteDeadline(time.Now().Add(answerWithin))
	}
	if r.Body != nil && r.Body != http.NoBody {
		_ = rc.SetReadDeadline(time.Now().Add(s.o.ReadWithin))
		r.Body = &body{ReadCloser: http.MaxBytesReader(w.ResponseWriter, r.Body, maxBody+1), rc: rc}
	}
	return r, done
}

// lasting tells whether a request is an event stream, or waits for the next event.
func lasting(r *http.Request) (streams, waits bool) {
	if r.URL.Path == "/v1/events/stream" || strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		return true, false
	}
	return false, r.URL.Path == "/v1/events" && r.URL.Query().Has("wait")
}

// body lifts the deadline of reading at its end, else the connection would be given up while the request is still served.
type body struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// unmatched answers what no route takes as the mux would, but with a problem document.
func (s *Server) unmatched(w http.ResponseWriter, r *http.Request, h http.Handler) {
	said := &answer{ResponseWriter: &silent{header: http.Header{}}}
	h.ServeHTTP(said, r)
	status := http.StatusNotFound
	if said.code() == http.StatusMethodNotAllowed {
		status = http.StatusMethodNotAllowed
		w.Header().Set("Allow", said.Header().Get("Allow"))
	}
	writeProblem(w, newProblem(status))
}

// answer remembers the status.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(code int) {
	if a.status == 0 && code >= 200 {
		a.status = code
	}
	if code == http.StatusRequestTimeout || code == http.StatusRequestEntityTooLarge {
		a.Header().Set("Connection", "close") // the rest of the body is not wanted
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// Flush sends what was written, for event streams.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// silent takes an answer that nobody shall see.
type silent struct {
	header http.Header
	bytes.Buffer
}

func (s *silent) Header() http.Header { return s.header }
func (s *silent) WriteHeader(int)     {}
