package console

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"aduan/internal/desk"
	"aduan/store"
)

//go:embed assets templates
var files embed.FS

// policy allows what this binary serves and nothing else: no inline script or style, no frame around the page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Desk is what the console needs of the line's tickets; *turn.Desk is one.
type Desk interface {
	List(ctx context.Context, r desk.ListRequest) (items []desk.TicketView, next string, err error)
	Ticket(ctx context.Context, r desk.TicketRequest) (desk.TicketView, error)
	PushStatus(ctx context.Context, r desk.StatusRequest) (desk.StatusAnswer, bool, error)
	PushQuestion(ctx context.Context, r desk.QuestionRequest) (desk.StatusAnswer, bool, error)
	Assign(ctx context.Context, r desk.AssignRequest) (desk.AssignAnswer, bool, error)
	DeadLetters(ctx context.Context, r desk.DeadLettersRequest) (items []desk.DeadLetter, next string, err error)
	RetryLetter(ctx context.Context, r desk.DeadLetterRequest) error
	DropLetter(ctx context.Context, r desk.DeadLetterRequest) error
	Audit(ctx context.Context, r desk.AuditRequest) (items []desk.AuditView, next string, err error)
	DraftStatus(ctx context.Context, r desk.StatusRequest) (desk.DraftView, error)
	DraftQuestion(ctx context.Context, r desk.QuestionRequest) (desk.DraftView, error)
}

// Agencies are those that a ticket can be given to; *agency.Book has them.
type Agencies interface {
	List(ctx context.Context, v desk.Viewer) ([]desk.Agency, error)
	Get(ctx context.Context, v desk.Viewer, name string) (desk.Agency, error)
	Put(ctx context.Context, r desk.PutAgencyRequest) (desk.Agency, bool, error)
}

// Line is what the store knows of sessions and of the running daemons; *store.Store is one.
type Line interface {
	UseLoginLink(ctx context.Context, token string) (store.APIKey, error)
	AddSession(ctx context.Context, keyID string) (string, error)
	FindSession(ctx context.Context, token string) (store.APIKey, error)
	PeekSession(ctx context.Context, token string) (store.APIKey, error)
	EndSession(ctx context.Context, token string) error
	Statuses(ctx context.Context) (map[string][]byte, error)
	Stats(ctx context.Context) (store.Stats, error)
	Announced(ctx context.Context, from, to time.Time) ([]store.Event, error)
}

// Front is the listener's front door; *staffapi.Server is one.
type Front interface {
	Authenticate(r *http.Request, secret string) (store.APIKey, error)
	Failed(r *http.Request)
	Admit(keyID string) (ok bool, wait time.Duration)
	Caller(r *http.Request) netip.Prefix
	Secure(r *http.Request) bool
}

// Options are the parts of a Console. Those up to Location are required.
type Options struct {
	Desk     Desk
	Agencies Agencies
	Line     Line
	Front    func() Front // the console is mounted in it, so it is asked for when a request comes

	ShortCode func() string         // of the line, as it is now
	Location  func() *time.Location // in which times are shown, as it is now
	Phones    string                // path of the telephones to try; "": there are none
	Trial     bool                  // the store is in memory: a banner says so
	Done      <-chan struct{}       // closed when the process ends: the streams end, so that Shutdown need not wait
	Now       func() time.Time
	Every     time.Duration // how often the link page is told anew; default 1 s, as daemons write
	Log       *zap.Logger
}

// Console serves the pages.
type Console struct {
	o       Options
	pages   pages
	streams chan struct{} // a place for each open stream
}

// maxStreams of Server-Sent Events at once; a page beyond stays as it was loaded.
const maxStreams = 64

// New makes a Console. It starts nothing.
func New(o Options) (*Console, error) {
	if o.Desk == nil || o.Agencies == nil || o.Line == nil || o.Front == nil || o.ShortCode == nil || o.Location == nil {
		return nil, errors.New("console: Options.Desk, Agencies, Line, Front, ShortCode and Location are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	c := &Console{o: o, streams: make(chan struct{}, maxStreams)}
	var err error
	if c.pages, err = loadPages(o.Location); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return c, nil
}

// Handlers are the console's pages by their mux pattern, to be mounted beside the API.
func (c *Console) Handlers() map[string]http.Handler {
	all := map[string]http.Handler{}
	for route, h := range c.open() {
		all[route] = dressed(h)
	}
	for route, h := range c.signedIn() {
		all[route] = dressed(c.require(route, h))
	}
	return all
}

// open are the pages that need no session.
func (c *Console) open() map[string]http.HandlerFunc {
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		panic("console: the embedded assets are not there: " + err.Error()) // a mistake of the build
	}
	return map[string]http.HandlerFunc{
		"GET /{$}":            c.home,
		"GET /login":          c.loginPage,
		"POST /login":         c.login,
		"GET /login/{token}":  c.linkLoginPage,
		"POST /login/{token}": c.linkLogin,
		"POST /display":       c.display,
		"GET /assets/":        http.StripPrefix("/assets/", http.FileServerFS(assets)).ServeHTTP,
	}
}

// dressed sets the headers of all that the console serves.
func dressed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}
