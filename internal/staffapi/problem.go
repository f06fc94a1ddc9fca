package staffapi

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aduan/internal/desk"
)

// Problem is an RFC 9457 problem document. It never repeats what was sent: its words are constants, its fields the API's own.
type Problem struct {
	Type        string         `json:"type" doc:"Always about:blank: the code tells more"`
	Title       string         `json:"title" doc:"The status in words"`
	Status      int            `json:"status" doc:"The HTTP status"`
	Detail      string         `json:"detail" doc:"What is wrong, and what to do"`
	Code        string         `json:"code" doc:"For programs; does not change" example:"not_found"`
	Errors      []ProblemField `json:"errors,omitempty" nullable:"false" doc:"Each field that is wrong"`
	Segments    int            `json:"segments,omitempty" doc:"With too_long: how many segments the SMS would take"`
	MaxSegments int            `json:"max_segments,omitempty" doc:"With too_long: how many were allowed"`
}

// ProblemField says what is wrong with one field.
type ProblemField struct {
	Location string `json:"location" example:"body.status"`
	Message  string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus tells huma the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType tells huma the media type, whatever was asked for.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// problems are the code and the words of each status.
var problems = map[int]struct{ code, detail string }{
	http.StatusUnauthorized:          {"unauthenticated", "send a valid key: Authorization: Bearer KEY"},
	http.StatusForbidden:             {"forbidden", "the key lacks the scope that this needs"},
	http.StatusNotFound:              {"not_found", "there is nothing here, or it is not yours to see"},
	http.StatusMethodNotAllowed:      {"method_not_allowed", "this path takes other methods: see the Allow header"},
	http.StatusRequestTimeout:        {"timeout", "the request came too slowly: send it again"},
	http.StatusConflict:              {"conflict", "the ticket does not take this now"},
	http.StatusGone:                  {"gone", "the events behind this cursor are no longer kept: begin without one"},
	http.StatusPreconditionFailed:    {"changed", "it was changed meanwhile: read it again"},
	http.StatusRequestEntityTooLarge: {"too_large", "the body is larger than 64 KB"},
	http.StatusUnsupportedMediaType:  {"unsupported_media_type", "send Content-Type: application/json"},
	http.StatusMisdirectedRequest:    {"misdirected", "this Host is not served here: add it to http.hosts"},
	http.StatusUnprocessableEntity:   {"invalid", "the request is not as /openapi.json says"},
	http.StatusTooManyRequests:       {"rate_limited", "too many requests: wait as Retry-After says"},
	http.StatusInternalServerError:   {"internal", "this is our fault; the log tells more"},
	http.StatusServiceUnavailable:    {"unavailable", "it cannot be kept now: send it again with the same Idempotency-Key"},
}

func newProblem(status int) *Problem {
	words, ok := problems[status]
	if !ok {
		words.code, words.detail = "error", "the request cannot be served"
	}
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: words.code, Detail: words.detail}
}

func coded(status int, code, detail string) *Problem {
	p := newProblem(status)
	p.Code, p.Detail = code, detail
	return p
}

// ofDesk is the one mapping of the desk's refusals to problems; nil: it is none of them.
func ofDesk(err error) error {
	var tooLong *desk.TooLong
	var invalid *desk.Invalid
	var inUse *desk.InUse
	switch {
	case errors.Is(err, desk.ErrNotFound):
		return newProblem(http.StatusNotFound)
	case errors.Is(err, desk.ErrClosed):
		return coded(http.StatusConflict, "closed", "the ticket is closed and takes only the status reopened")
	case errors.Is(err, desk.ErrErased):
		return coded(http.StatusConflict, "erased", "the citizen's data were erased; the ticket takes nothing more")
	case errors.Is(err, desk.ErrJobState):
		return coded(http.StatusConflict, "job_over", "the broadcast has ended, or was cancelled")
	case errors.Is(err, desk.ErrMoreThanOwn):
		return coded(http.StatusForbidden, "more_than_own", "a key gives no scope that it lacks, no other agency and no later end than its own")
	case errors.Is(err, desk.ErrKeyRevoked):
		return coded(http.StatusConflict, "key_revoked", "the API key was revoked: make a new one")
	case errors.Is(err, desk.ErrKeyMisused):
		return coded(http.StatusUnprocessableEntity, "idempotency_key_reused", "this Idempotency-Key was used with another body: take a new one")
	case errors.Is(err, desk.ErrForbidden):
		return coded(http.StatusForbidden, "forbidden", "a key of one agency may not do this")
	case errors.Is(err, desk.ErrChanged):
		return newProblem(http.StatusPreconditionFailed)
	case errors.As(err, &inUse):
		return coded(http.StatusConflict, "in_use", "something still names it: "+inUse.By)
	case errors.As(err, &tooLong):
		p := coded(http.StatusUnprocessableEntity, "too_long", "the SMS takes more segments than max_segments: shorten it, or raise max_segments")
		p.Segments, p.MaxSegments = tooLong.Segments, tooLong.Max
		return p
	case errors.As(err, &invalid):
		return invalidAt(invalid.Field, invalid.Reason)
	case errors.Is(err, desk.ErrCursor):
		return invalidAt("after", "not one that this key was given here")
	case errors.Is(err, desk.ErrGone):
		return newProblem(http.StatusGone)
	case errors.Is(err, desk.ErrUnavailable):
		return withRetry(newProblem(http.StatusServiceUnavailable), 5*time.Second)
	default:
		return nil
	}
}

// invalidAt is the refusal of a field of the API, by its name, or by its whole location where a path and a body have that name.
func invalidAt(field, reason string) *Problem {
	location := "body." + field
	if _, whole := locations[field]; whole { // a name that a path and a body have
		location = field
	}
	for _, in := range []string{"query.", "path."} {
		_, body := locations[location]
		if _, ok := locations[in+field]; ok && !body {
			location = in + field
		}
	}
	p := newProblem(http.StatusUnprocessableEntity)
	p.Errors = []ProblemField{{Location: location, Message: reason}}
	return p
}

// withRetry adds Retry-After, whole seconds, at least one.
func withRetry(p *Problem, after time.Duration) error {
	return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {seconds(after)}})
}

func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// writeProblem writes an error (a Problem, perhaps with headers) outside huma.
func writeProblem(w http.ResponseWriter, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = newProblem(http.StatusInternalServerError)
	}
	var headed huma.HeadersError
	if errors.As(err, &headed) {
		for k, vs := range headed.GetHeaders() {
			w.Header()[k] = vs
		}
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the caller may have gone
}

// teachHuma makes huma's own errors problems of ours. Its settings are variables of its package, so once for the process.
var teachHuma = sync.OnceFunc(func() {
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError { return fromHuma(status, errs) }
	huma.ValidateStrictCasing = true
})

func fromHuma(status int, errs []error) *Problem {
	var tooBig *http.MaxBytesError
	for _, err := range errs {
		if errors.As(err, &tooBig) {
			return newProblem(http.StatusRequestEntityTooLarge)
		}
	}
	if status == http.StatusBadRequest { // huma's word for a body that is no JSON; the contract knows only "invalid"
		status = http.StatusUnprocessableEntity
	}
	p := newProblem(status)
	if status != http.StatusUnprocessableEntity {
		return p
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			p.Errors = append(p.Errors, clean(d.ErrorDetail()))
		}
	}
	return p
}

// clean keeps of huma's detail what does not come from the caller.
func clean(d *huma.ErrorDetail) ProblemField {
	f := ProblemField{Location: d.Location, Message: d.Message}
	if name, _, ok := strings.Cut(f.Location, "["); ok { // one of a list
		f.Location = name
	}
	if _, ok := locations[f.Location]; !ok {
		f.Location, _, _ = strings.Cut(f.Location, ".")
	}
	switch {
	case d.Message == "unexpected property":
		f.Message = "has a property that is not known"
	case strings.HasPrefix(d.Message, "expected "), strings.HasPrefix(d.Message, "required "):
	default:
		f.Message = "cannot be read"
	}
	return f
}
