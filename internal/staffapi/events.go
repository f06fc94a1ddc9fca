package staffapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"aduan/internal/desk"
)

const (
	maxWait     = time.Minute
	writeWithin = 10 * time.Second // one event to the reader of a stream
	streamPage  = 100
)

type eventsInput struct {
	After       string `query:"after" maxLength:"4000" doc:"next of the page before; left out: from the oldest that is kept; now: only what comes"`
	LastEventID string `header:"Last-Event-ID" maxLength:"4000" doc:"The same, as a browser sends it when it takes a stream up again"`
	Limit       int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Of a page; it may hold fewer and go on all the same"`
	Wait        string `query:"wait" pattern:"^([0-9]|[1-5][0-9]|60)s$" doc:"Where there is no event, wait so long for the next: 0s to 60s" example:"30s"`
}

type eventsOutput struct {
	Body eventPage
}

type eventPage struct {
	Items []desk.Event `json:"items" nullable:"false" doc:"In order for each ticket"`
	Next  *string      `json:"next" nullable:"true" doc:"Where to go on, also where nothing came; null: nothing was ever told"`
}

type streamInput struct {
	After       string `query:"after" maxLength:"4000" doc:"The id of the last event that was read; left out: from the oldest that is kept; now: only what comes"`
	LastEventID string `header:"Last-Event-ID" maxLength:"4000" doc:"The same, as a browser sends it when it takes a stream up again"`
}

func (s *Server) eventRoutes(api huma.API) {
	reg := api.OpenAPI().Components.Schemas
	reg.RegisterTypeAlias(reflect.TypeFor[desk.EventData](), reflect.TypeFor[desk.EventContent]())
	pull := s.operation("pull-events", http.MethodGet, "/v1/events",
		"The events of the webhook, to be pulled; with Accept: text/event-stream, as a stream", http.StatusGone, http.StatusUnprocessableEntity)
	pull.Middlewares = huma.Middlewares{s.limitWaiting, func(ctx huma.Context, next func(huma.Context)) {
		if strings.Contains(ctx.Header("Accept"), "text/event-stream") {
			s.stream(ctx, ctx.Query("after"))
			return
		}
		next(ctx)
	}}
	huma.Register(api, pull, s.pullEvents)
	stream := s.operation("stream-events", http.MethodGet, "/v1/events/stream",
		"The events of the webhook as Server-Sent Events: id is the cursor, event the type, data the event", http.StatusGone, http.StatusUnprocessableEntity)
	stream.Middlewares = huma.Middlewares{s.limitWaiting}
	stream.Responses = map[string]*huma.Response{"200": {
		Description: "A stream, until the server stops, the key ends, or the reader leaves",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(api, stream, func(_ context.Context, in *streamInput) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) { s.stream(ctx, in.After) }}, nil
	})
}

// freeData lets an event's data hold more than tickets: events of the line tell figures.
func freeData(doc *huma.OpenAPI) {
	if schema := doc.Components.Schemas.Map()["EventContent"]; schema != nil {
		schema.AdditionalProperties = true
	}
}

func (s *Server) pullEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	_, who := viewer(ctx)
	wait, _ := time.ParseDuration(in.Wait) // its pattern has been looked at
	page, err := s.o.Events.Read(ctx, desk.EventsRequest{Viewer: who, After: after(in.After, in.LastEventID), Limit: in.Limit, Wait: wait})
	if err != nil {
		return nil, s.refusal(err)
	}
	out := &eventsOutput{Body: eventPage{Items: append([]desk.Event{}, page.Items...)}}
	if page.Next != "" {
		out.Body.Next = &page.Next
	}
	return out, nil
}

// after is where a reader goes on: a browser that takes a stream up again sends the address of before, and where it was.
func after(query, last string) string {
	if last != "" {
		return last
	}
	return query
}

// streams counts what lasts: streams, and requests that wait.
type streams struct {
	mu  sync.Mutex
	all int            // guarded by mu
	of  map[string]int // guarded by mu: by key
}

func (c *streams) enter(key string, most, all int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[key] >= most || c.all >= all {
		return false
	}
	c.of[key]++
	c.all++
	return true
}

func (c *streams) leave(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.of[key]--; c.of[key] == 0 {
		delete(c.of, key)
	}
}

// limitWaiting bounds how many streams and waiting requests there are.
func (s *Server) limitWaiting(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if streams, waits := lasting(r); streams || waits {
		key, _ := viewer(ctx.Context())
		if !s.streams.enter(key.ID, s.o.KeyStreams, s.o.Streams) {
			writeProblem(w, withRetry(newProblem(http.StatusTooManyRequests), s.o.Beat))
			return
		}
		defer s.streams.leave(key.ID)
	}
	next(ctx)
}

// stream writes events until the reader leaves, the server stops, the key ends, or the store cannot tell.
func (s *Server) stream(ctx huma.Context, from string) {
	r, w := humago.Unwrap(ctx)
	_, who := viewer(ctx.Context())
	read := desk.EventsRequest{Viewer: who, After: after(from, ctx.Header("Last-Event-ID")), Limit: streamPage}
	page, err := s.o.Events.Read(r.Context(), read)
	if err != nil {
		writeProblem(w, s.refusal(err))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in front must not collect it
	rc := http.NewResponseController(w)
	if !send(w, rc, []byte("retry: 2000\n\n")) {
		return
	}
	looked := s.o.Now()
	for {
		if !send(w, rc, lines(page)) || r.Context().Err() != nil {
			return
		}
		if page.Next != "" {
			read.After = page.Next
		}
		if now := s.o.Now(); now.Sub(looked) >= s.o.Beat {
			if !s.stillGood(r, ctx) {
				return
			}
			looked = now
		}
		read.Wait = s.o.Beat
		if page, err = s.o.Events.Read(r.Context(), read); err != nil {
			return // the reader comes again, and is told then
		}
	}
}

// stillGood tells whether the key of a stream may still read it.
func (s *Server) stillGood(r *http.Request, ctx huma.Context) bool {
	right, _ := ctx.Operation().Metadata[rightOf].(Right)
	key, err := s.authenticate(r)
	return err == nil && denied(key.Allows, key.Agency, right) == nil
}

// lines is a page in the form of Server-Sent Events; an empty one is a comment, so that everybody on the way sees life.
func lines(page desk.EventsPage) []byte {
	if len(page.Items) == 0 {
		return []byte(": nothing new\n\n")
	}
	var b bytes.Buffer
	for i, e := range page.Items {
		body, err := json.Marshal(e)
		if err != nil {
			continue // its data are no JSON: nobody could read it
		}
		_, _ = fmt.Fprintf(&b, "id: %s\nevent: %s\ndata: %s\n\n", page.After[i], e.Type, body) // a buffer never fails
	}
	return b.Bytes()
}

// send writes to a reader who must not be waited for.
func send(w http.ResponseWriter, rc *http.ResponseController, b []byte) bool {
	_ = rc.SetWriteDeadline(time.Now().Add(writeWithin)) // a writer without deadlines (in tests) needs none
	if _, err := w.Write(b); err != nil {
		return false
	}
	_ = rc.Flush()
	return true
}
