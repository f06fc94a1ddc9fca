package phone

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Times of a stream.
const (
	beat      = 15 * time.Second // a comment when nothing happens, so that a dead page is noticed
	slowest   = 10 * time.Second // to write one event: a page that does not read is let go
	reconnect = 1000             // ms, told to the browser
)

// state is everything at once, for pages without a stream.
func (h *Handler) state(w http.ResponseWriter, _ *http.Request) {
	c, _ := h.book.since(0)
	c.Run = h.run
	answer(w, http.StatusOK, c)
}

// events tells what changes until the page goes away. A page that comes back (Last-Event-ID) is told what it missed.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, "too_many", "Too many pages are open", "Close one.")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	s := &stream{w: w, out: http.NewResponseController(w), run: h.run}
	_ = s.out.SetReadDeadline(time.Time{}) // the server's limit is for requests, a stream stays open
	if s.write(fmt.Sprintf("retry: %d\n\n", reconnect)) != nil {
		return
	}
	rev := h.missedFrom(r.Header.Get("Last-Event-ID"))
	tick := time.NewTicker(h.o.Every)
	defer tick.Stop()
	quiet := time.NewTicker(beat)
	defer quiet.Stop()
	for {
		if c, ok := h.book.since(rev); ok {
			rev, c.Run = c.Rev, h.run
			if s.tell(c) != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-h.o.Done:
			return
		case <-quiet.C:
			if s.write(": still here\n\n") != nil {
				return
			}
		case <-tick.C:
		}
	}
}

// missedFrom reads "run-revision"; what another run gave is worth nothing.
func (h *Handler) missedFrom(id string) uint64 {
	run, at, ok := strings.Cut(id, "-")
	rev, err := strconv.ParseUint(at, 10, 64)
	if !ok || err != nil || run != h.run {
		return 0
	}
	return rev
}

// stream is one page's Server-Sent Events.
type stream struct {
	w   http.ResponseWriter
	out *http.ResponseController
	run string
}

func (s *stream) tell(c change) error {
	data, err := json.Marshal(c) // on one line: JSON escapes line feeds
	if err != nil {
		return fmt.Errorf("phone: an event cannot be written as JSON: %w", err)
	}
	return s.write(fmt.Sprintf("id: %s-%d\ndata: %s\n\n", s.run, c.Rev, data))
}

func (s *stream) write(text string) error {
	_ = s.out.SetWriteDeadline(time.Now().Add(slowest)) // a writer in a test may have none
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.out.Flush()
}
