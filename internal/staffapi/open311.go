package staffapi

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aduan/conversation"
	"aduan/internal/desk"
)

// GeoReport v2 (https://wiki.open311.org/GeoReport_v2): what each path answers, in JSON and in XML.
const open311Path = "/open311/v2/"

const (
	otherService = "other"             // of reports that fit no category
	maxRequests  = 1000                // GeoReport v2, GET Service Requests: the first 1000 of
	maxSpan      = 90 * 24 * time.Hour // the last 90 days
	requestsPage = 200
	requestsLook = 5000 // tickets that one list looks at
)

// geoAsk is one call of GeoReport: who asks, and for what.
type geoAsk struct {
	s    *Server
	r    *http.Request
	who  desk.Viewer
	path string // the pattern, for Idempotency-Key
}

// geoCall answers a call: what is encoded in JSON and XML alike.
type geoCall func(ctx context.Context, g *geoAsk) (geoAnswer, error)

// geoAnswer is an answer in both formats.
type geoAnswer struct {
	json any // a list, or an object
	xml  any // the same, with a name for the root
}

// geoRoute is one path without its format.
type geoRoute struct {
	id, method, path, summary string
	params                    []*huma.Param
	form                      bool
	call                      geoCall
	errors                    []int
}

func (s *Server) open311Routes(mux *http.ServeMux, api huma.API) {
	for _, route := range geoRoutes() {
		for _, format := range []string{"json", "xml"} {
			path := open311Path + route.path + "." + format
			op := s.operation("open311-"+route.id+"-"+format, route.method, path, "GeoReport v2: "+route.summary)
			right, _ := op.Metadata[rightOf].(Right)
			describe(api, &op, route, format)
			pattern := route.method + " " + path
			if i := strings.IndexByte(path, '{'); i >= 0 { // the mux takes whole segments: the format is cut off below
				pattern = route.method + " " + path[:i] + "{name}"
			}
			if format == "xml" && strings.HasSuffix(pattern, "{name}") {
				continue // served with the other
			}
			mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.geo(w, r, route, right, format) })
		}
	}
}

// geo serves one call.
func (s *Server) geo(w http.ResponseWriter, r *http.Request, route geoRoute, right Right, format string) {
	if name := r.PathValue("name"); name != "" {
		i := strings.LastIndexByte(name, '.')
		if i < 0 || (name[i+1:] != "json" && name[i+1:] != "xml") {
			writeProblem(w, newProblem(http.StatusNotFound))
			return
		}
		r.SetPathValue("name", name[:i])
		format = name[i+1:]
	}
	if err := s.geoKey(r); err != nil {
		writeGeo(w, format, 0, geoError(err))
		return
	}
	key, err := s.authorize(r, right)
	if err != nil {
		copyHeaders(w, err)
		writeGeo(w, format, 0, geoError(err))
		return
	}
	if ct, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); route.form && strings.TrimSpace(ct) != "application/x-www-form-urlencoded" {
		p := newProblem(http.StatusUnsupportedMediaType)
		p.Detail = "send Content-Type: application/x-www-form-urlencoded"
		writeGeo(w, format, 0, geoError(p))
		return
	}
	from := s.address(r)
	ctx := context.WithValue(r.Context(), keyContext{}, asker{key: key, from: from})
	a, err := route.call(ctx, &geoAsk{s: s, r: r, who: ViewerOf(key, from), path: open311Path + route.path})
	if err != nil {
		if p := ofDesk(err); p != nil {
			err = p
		}
		var p *Problem
		if !errors.As(err, &p) {
			err = s.refusal(err)
		}
		copyHeaders(w, err)
		writeGeo(w, format, 0, geoError(err))
		return
	}
	writeGeo(w, format, http.StatusOK, a)
}

// geoKey takes the key from api_key, of the form or the query, where no Authorization says it. The query is never logged.
func (s *Server) geoKey(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return newProblem(http.StatusRequestEntityTooLarge)
		}
		return badGeo("the form cannot be read")
	}
	if secret := r.Form.Get("api_key"); secret != "" && r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	return nil
}

// badGeo is GeoReport's 400.
func badGeo(detail string) *Problem {
	p := newProblem(http.StatusBadRequest)
	p.Code, p.Detail = "invalid", detail
	return p
}

func copyHeaders(w http.ResponseWriter, err error) {
	var headed huma.HeadersError
	if errors.As(err, &headed) {
		for k, vs := range headed.GetHeaders() {
			w.Header()[k] = vs
		}
	}
}

// geoErrors is GeoReport's form of an error.
type geoErrors struct {
	XMLName xml.Name   `json:"-" xml:"errors"`
	Errors  []geoFault `xml:"error"`
}

type geoFault struct {
	Code        int    `json:"code" xml:"code" doc:"The HTTP status"`
	Description string `json:"description" xml:"description"`
}

func geoError(err error) geoAnswer {
	var p *Problem
	if !errors.As(err, &p) {
		p = newProblem(http.StatusInternalServerError)
	}
	f := geoFault{Code: p.Status, Description: p.Detail}
	if p.Status == http.StatusUnprocessableEntity { // GeoReport knows 400 alone
		f.Code = http.StatusBadRequest
		for _, e := range p.Errors {
			f.Description = strings.TrimPrefix(e.Location, "body.") + ": " + e.Message
		}
	}
	return geoAnswer{[]geoFault{f}, geoErrors{Errors: []geoFault{f}}}
}

// writeGeo writes an answer; status 0: that of the error that it is.
func writeGeo(w http.ResponseWriter, format string, status int, a geoAnswer) {
	if status == 0 {
		status = a.xml.(geoErrors).Errors[0].Code
	}
	if format == "xml" {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(status)
		body, err := xml.Marshal(a.xml)
		if err != nil { // our own types; nothing of the request is in their names
			return
		}
		_, _ = w.Write(append([]byte(xml.Header), body...)) // the caller may have gone
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(a.json) // the caller may have gone
}

// services are the codes that reports may have.
func (s *Server) services() []string {
	var all []string
	if s.o.Categories != nil {
		all = slices.Clone(s.o.Categories())
	}
	return append(all, otherService)
}

// serviceName is a code as people read it.
func serviceName(code string) string {
	name := strings.ReplaceAll(code, "_", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

// serviceOf is a ticket's code.
func serviceOf(t desk.TicketView) string {
	if t.Category == "" {
		return otherService
	}
	return t.Category
}

// geoStatus is a ticket's status in GeoReport's two words.
func geoStatus(t desk.TicketView) string {
	if conversation.Status(t.Status).Open() {
		return "open"
	}
	return "closed"
}
