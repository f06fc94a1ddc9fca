package phone

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"unicode/utf8"

	"go.uber.org/zap"

	"aduan/internal/visible"
	"aduan/smpp/gsm7"
	"aduan/smpp/segment"
)

// maxBody of a request, octets: MaxSegments of UCS-2 as escaped JSON are below it.
const maxBody = 16 << 10

// textBody is the body of those requests that have one.
type textBody struct {
	Text string `json:"text"`
}

// countView is what a text would take as an SMS, by the rules that the sender itself keeps.
type countView struct {
	Alphabet string   `json:"alphabet"` // gsm7, ucs2
	Segments int      `json:"segments"`
	Left     int      `json:"left"`     // characters that still fit into the last segment
	Culprits []string `json:"culprits"` // what costs the GSM alphabet, as shown
}

func (h *Handler) count(w http.ResponseWriter, r *http.Request) {
	body, ok := readText(w, r)
	if !ok {
		return
	}
	answer(w, http.StatusOK, countOf(body.Text))
}

func countOf(text string) countView {
	v := countView{Culprits: []string{}}
	v.Alphabet, v.Segments, v.Left = segment.Count(text)
	if v.Alphabet == "ucs2" {
		for _, r := range gsm7.Culprits(text) {
			for _, p := range visible.Pieces(string(r)) {
				v.Culprits = append(v.Culprits, p.Text+p.Code)
			}
		}
	}
	return v
}

func (h *Handler) addTelephone(w http.ResponseWriter, _ *http.Request) {
	number, err := h.book.add()
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusCreated, telephoneView{number, Readable(number)})
}

func (h *Handler) removeTelephone(w http.ResponseWriter, r *http.Request) {
	if err := h.book.remove(r.PathValue("number")); err != nil {
		refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *Handler) sendSMS(w http.ResponseWriter, r *http.Request) {
	body, ok := readText(w, r)
	if !ok {
		return
	}
	if err := h.book.send(r.PathValue("number"), body.Text); err != nil {
		refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (h *Handler) cut(w http.ResponseWriter, _ *http.Request) {
	n := h.book.cut()
	h.o.Log.Info("the visitor cut the link", zap.Int("connections", n))
	answer(w, http.StatusOK, map[string]int{"cut": n})
}

// readText reads a JSON body; where it is none, the problem is written and ok is false.
func readText(w http.ResponseWriter, r *http.Request) (body textBody, ok bool) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "not_json", "The body must be JSON", "Send Content-Type: application/json.")
		return body, false
	}
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	in.DisallowUnknownFields()
	err := in.Decode(&body)
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		problem(w, http.StatusRequestEntityTooLarge, "too_large", "The body is too large", "At most 16 KB.")
	case err != nil || in.More() || !utf8.ValidString(body.Text):
		problem(w, http.StatusUnprocessableEntity, "invalid", "The body could not be read", `It is {"text": "..."} and nothing else.`)
	default:
		return body, true
	}
	return body, false
}

// refuse writes what the book would not do.
func refuse(w http.ResponseWriter, err error) {
	status, code := http.StatusUnprocessableEntity, "invalid"
	switch {
	case errors.Is(err, ErrNoSuch):
		status, code = http.StatusNotFound, "not_found"
	case errors.Is(err, ErrTooMany), errors.Is(err, ErrLastOne):
		status, code = http.StatusConflict, "limit"
	case errors.Is(err, ErrSegments):
		code = "too_long"
	}
	problem(w, status, code, "Not done", err.Error())
}

// problem writes an RFC 9457 problem document. Nothing that was sent stands in it.
func problem(w http.ResponseWriter, status int, code, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "status": status, "code": code, "title": title, "detail": detail,
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the visitor has gone away: nothing to be done
}
