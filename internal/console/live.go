package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"aduan/store"
)

// Times of a stream.
const (
	slowest    = 10 * time.Second // to write one event: a page that does not read is let go
	checkEvery = 10 * time.Second // whether the session still stands
	reconnect  = 2000             // ms, told to the browser
)

// live tells the link page anew every second until it goes away, or its session ends.
func (c *Console) live(w http.ResponseWriter, r *http.Request, who viewer) {
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the server's limit is for requests, a stream stays open
	write := func(text string) error {
		_ = out.SetWriteDeadline(time.Now().Add(slowest)) // a writer in a test may have none
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
		return out.Flush()
	}
	if write(fmt.Sprintf("retry: %d\n\n", reconnect)) != nil {
		return
	}
	tick := time.NewTicker(c.o.Every)
	defer tick.Stop()
	checked, lang := time.Now(), languageOf(r)
	for {
		if time.Since(checked) >= checkEvery {
			if checked = time.Now(); !c.stands(r, who) {
				_ = write("event: ended\ndata: \"\"\n\n")
				return
			}
		}
		data, err := c.liveData(r, lang)
		if err != nil {
			c.o.Log.Error("the link page could not be made", zap.Error(err))
			return
		}
		if write("data: "+data+"\n\n") != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-c.o.Done:
			return
		case <-tick.C:
		}
	}
}

// stands tells whether a session has not ended. A store that is away ends none.
func (c *Console) stands(r *http.Request, who viewer) bool {
	key, err := c.o.Line.PeekSession(r.Context(), who.token)
	if errors.Is(err, store.ErrNoKey) {
		return false
	}
	return err != nil || allowed(key, rights["GET /links/live"])
}

// liveData is the moving part of the page as one line of JSON.
func (c *Console) liveData(r *http.Request, lang string) (string, error) {
	d := c.readLinks(r.Context())
	var html bytes.Buffer
	if err := c.pages[lang]["links"].ExecuteTemplate(&html, "live", d); err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]string{"html": html.String(), "state": d.State()})
	return string(b), err
}
