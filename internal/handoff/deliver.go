package handoff

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"
	"go.uber.org/zap"

	"aduan/conversation"
	"aduan/store"
)

// maxAnswer is how much of an answer's body is read (and thrown away) so that its connection can serve again.
const maxAnswer = 64 << 10

// errEndpoint marks a delivery that speaks against the endpoint as a whole, for the breaker.
var errEndpoint = errors.New("handoff: the endpoint failed")

// verdict is what became of one delivery.
type verdict struct {
	outcome string        // metric label
	done    bool          // 2xx, or nothing to tell
	tried   bool          // it was sent, or at least dialled
	gone    bool          // 410: the endpoint wants no more
	status  int           // HTTP status; 0: no answer
	after   time.Duration // Retry-After, capped
	until   time.Time     // not sent: not before then
	inLine  bool          // not sent: the ticket waits for a slot of its receiver
}

// event is a CloudEvents 1.0 event in structured JSON mode.
type event struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"` // the ticket number; none: about the citizen
	Time        time.Time       `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Data        json.RawMessage `json:"data"`
}

// deliver sends one event once, to whoever is to have it. Where single agencies have endpoints of their own, only the ticket
// as it is now tells which.
func (h *Handoff) deliver(ctx context.Context, q queued, ev store.Event) verdict {
	rt := h.routes.Load()
	if rt.none() {
		return verdict{outcome: "off"}
	}
	var told *Told
	r := rt.general
	if len(rt.agencies) > 0 {
		t, v, ok := h.tell(ctx, ev)
		if !ok {
			return v
		}
		if told, r = &t, rt.of(t); r == nil {
			return verdict{outcome: "nobody", done: true} // it can be pulled
		}
	}
	now := h.o.Now()
	if hold := r.held(now); !hold.IsZero() { // come back spread over a few seconds after it
		return verdict{outcome: "held", until: hold.Add(time.Duration(h.o.Rand() * float64(h.o.RetryMin)))}
	}
	if r.breaker.State() == gobreaker.StateOpen {
		return verdict{outcome: "breaker"}
	}
	switch r.enter(q) {
	case inLine:
		return verdict{outcome: "line", inLine: true}
	case noRoom:
		return verdict{outcome: "full", until: now.Add(h.o.RetryMin)}
	}
	defer h.callNext(r)
	defer r.leave()
	return h.send(ctx, r, q.ref, ev, told)
}

// send makes the body, where that was not done yet, and sends it. A slot of the receiver is ours.
func (h *Handoff) send(ctx context.Context, r *receiver, ref store.HandoffRef, ev store.Event, told *Told) verdict {
	if told == nil {
		t, v, ok := h.tell(ctx, ev)
		if !ok {
			return v
		}
		told = &t
	}
	body, err := h.encode(r, ref, ev, told.Data)
	if err != nil {
		return h.noBody(ev, err)
	}
	if !pause(ctx, r.pace(time.Now())) {
		return verdict{outcome: "ended", until: h.o.Now()}
	}
	ctx, cancel := h.deliveryContext(ctx)
	defer cancel()
	v, err := r.breaker.Execute(func() (verdict, error) {
		v := h.post(ctx, r.target, ev.ID, body)
		return v, r.note(ref, v, h.o.Now())
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return verdict{outcome: "breaker"}
	}
	return v
}

// tell makes the data of an event; false: v says why there are none.
func (h *Handoff) tell(ctx context.Context, ev store.Event) (t Told, v verdict, ok bool) {
	ctx, cancel := h.deliveryContext(ctx)
	defer cancel()
	t, err := h.o.Bodies.Told(ctx, ev)
	switch {
	case errors.Is(err, ErrNothing):
		return t, verdict{outcome: "void", done: true}, false
	case err != nil:
		return t, h.noBody(ev, err), false
	}
	return t, v, true
}

func (h *Handoff) noBody(ev store.Event, err error) verdict {
	h.o.Log.Warn("webhook body not made", zap.String("event", ev.ID), zap.Error(err))
	return verdict{outcome: "body", tried: true}
}

// pause waits; false: ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (h *Handoff) encode(r *receiver, ref store.HandoffRef, ev store.Event, data json.RawMessage) ([]byte, error) {
	e := event{
		SpecVersion: "1.0", ID: ev.ID, Source: r.target.of.Source, Type: ev.Type, Time: ev.At.UTC(),
		ContentType: "application/json", Data: data,
	}
	if ev.Ticket != 0 {
		e.Subject = conversation.NewNumber(ref.Shard, ev.Ticket).String()
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // a citizen's text reaches the case system as it was written
	err := enc.Encode(e)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// post makes one request and reads the status of its answer; what else the answer says is thrown away and never logged.
func (h *Handoff) post(ctx context.Context, t *target, id string, body []byte) verdict {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return verdict{outcome: "network", tried: true}
	}
	now := h.o.Now()
	req.Header.Set("Content-Type", "application/cloudevents+json")
	req.Header.Set("User-Agent", "aduan-webhook")
	if err := t.sign(req.Header, id, now, body); err != nil {
		return verdict{outcome: "network", tried: true}
	}
	begun := time.Now()
	resp, err := t.client.Do(req)
	h.metrics.seconds.Observe(time.Since(begun).Seconds())
	if err != nil {
		return verdict{outcome: failure(err), tried: true}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // the status has decided
	_ = resp.Body.Close()
	return h.read(resp, now)
}

// read turns an answer into a verdict.
func (h *Handoff) read(resp *http.Response, now time.Time) verdict {
	v := verdict{tried: true, status: resp.StatusCode}
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		v.outcome, v.done = "delivered", true
	case code >= 300 && code < 400:
		v.outcome = "redirect" // never followed: the URL comes from the configuration alone
	case code == http.StatusGone:
		v.outcome, v.gone = "gone", true
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		v.outcome = "throttled"
		v.after = retryAfter(resp.Header.Get("Retry-After"), now, h.o.RetryAfterMax)
	case code >= 500:
		v.outcome = "server_error"
	default:
		v.outcome = "refused"
	}
	return v
}

// failure names why no answer came, without the URL that the error carries.
func failure(err error) string {
	switch {
	case errors.Is(err, errAddress):
		return "address"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	default:
		return "network"
	}
}

// retryAfter reads seconds or an HTTP date (RFC 9110 §10.2.3), at most limit; what cannot be read is 0.
func retryAfter(s string, now time.Time, limit time.Duration) time.Duration {
	if s = strings.TrimSpace(s); s == "" {
		return 0
	}
	if strings.Trim(s, "0123456789") == "" {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil { // more than 68 years
			return limit
		}
		return min(time.Duration(n)*time.Second, limit)
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), limit)
}

// deliveryContext bounds one delivery: Timeout, and Grace once ctx has ended.
func (h *Handoff) deliveryContext(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.o.Timeout)
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(h.o.Grace)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}
