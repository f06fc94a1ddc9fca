package phone

import (
	"crypto/rand"
	"embed"
	"io/fs"
	"net/http"
	"time"

	"go.uber.org/zap"
)

//go:embed assets
var files embed.FS

// policy allows what this binary serves and nothing else: no inline script or style, no frame around the page.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Options are what the page needs. SMSC, ShortCode and LinkState must be given.
type Options struct {
	SMSC      Simulator
	ShortCode string // where the telephones write to
	// APIKey is a staff key of this run (tickets:write). It stands in the page, which is why the page is for loopback only.
	APIKey    string
	LinkState func() (state, reason string) // connecting, bound, waiting, refused or closed, and why
	Done      <-chan struct{}               // closed when the process ends: the streams end, so that Shutdown need not wait
	Now       func() time.Time              // default time.Now
	Every     time.Duration                 // how often a page that is looked at asks the simulator; default 150 ms
	Log       *zap.Logger
}

// Handler serves the page and its small API under /phone/.
type Handler struct {
	mux     http.Handler
	book    *book
	o       Options
	run     string        // names this process's run: revisions of another mean nothing here
	streams chan struct{} // a place for each open stream
}

// maxStreams of Server-Sent Events at once; a page beyond falls back to asking again and again.
const maxStreams = 32

// New makes the handler for /phone/. It starts nothing: the telephones are read while somebody looks.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Every <= 0 {
		o.Every = 150 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	h := &Handler{o: o, book: newBook(o), run: rand.Text()[:8], streams: make(chan struct{}, maxStreams)}
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		panic("phone: the embedded assets are not there: " + err.Error()) // a mistake of the build
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /phone/{$}", h.page)
	mux.Handle("GET /phone/assets/", http.StripPrefix("/phone/assets/", http.FileServerFS(assets)))
	mux.HandleFunc("GET /phone/api/state", h.state)
	mux.HandleFunc("GET /phone/api/events", h.events)
	mux.HandleFunc("POST /phone/api/telephones", h.addTelephone)
	mux.HandleFunc("DELETE /phone/api/telephones/{number}", h.removeTelephone)
	mux.HandleFunc("POST /phone/api/telephones/{number}/sms", h.sendSMS)
	mux.HandleFunc("POST /phone/api/count", h.count)
	mux.HandleFunc("POST /phone/api/cut", h.cut)
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "cross_origin", "Only the page itself may do this", "Open the page and use it there.")
	}))
	h.mux = guard.Handler(mux)
	return h
}

// ServeHTTP answers what is below /phone/.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cache-Control", "no-store")
	h.mux.ServeHTTP(w, r)
}
