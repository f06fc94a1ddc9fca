package staffapi

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// locations are the fields that a problem may name: those of the API, not those that a caller made up.
var locations = map[string]struct{}{
	"body": {}, "body.status": {}, "body.note": {}, "body.notify": {}, "body.agency": {}, "body.external_id": {},
	"body.max_segments": {}, "body.template": {}, "body.templates": {}, "body.text": {}, "path.number": {}, "path.id": {}, "header.Idempotency-Key": {},
	"body.number":  {},
	"query.status": {}, "query.agency": {}, "query.overdue": {}, "query.external_id": {}, "query.cursor": {}, "query.limit": {},
	"query.after": {}, "query.wait": {}, "body.kind": {}, "path.name": {}, "body.parent": {}, "body.officers": {}, "header.If-Match": {},
	"body.name": {}, "body.scopes": {}, "body.tickets": {}, "body.filter": {}, "body.per_second": {}, "body.expires": {},
}

// always are the problems that any operation may answer with.
var always = []int{
	http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusTooManyRequests,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// routes declares the API: the same declarations serve and are told in /openapi.json.
func (s *Server) routes() (*http.ServeMux, error) {
	teachHuma()
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Aduan: staff API", s.o.Version)
	cfg.Info.Description = "Tickets of the complaint line: read them, push statuses and questions, see whether the SMS arrived. " +
		"Every error is a problem document (RFC 9457) with a code."
	cfg.DocsPath, cfg.SchemasPath, cfg.OpenAPIPath = "", "", "" // no page from a CDN; /openapi.json is served below
	cfg.CreateHooks = nil                                       // no $schema in bodies: they are exactly the contract's
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "bearer", Description: "A key made by: aduan keys add"},
	}
	api := humago.New(mux, cfg)
	api.UseMiddleware(s.requireKey)
	s.ticketRoutes(api)
	s.messageRoutes(api)
	s.agencyRoutes(api)
	s.letterRoutes(api)
	s.reportRoutes(api)
	s.fileRoutes(api)
	s.listRoutes(api)
	s.eventRoutes(api)
	s.open311Routes(mux, api)
	s.adminRoutes(api)
	s.proofRoutes(api)
	s.jobRoutes(api)
	if err := s.unknownRoutes(served(api.OpenAPI())); err != nil {
		return nil, err
	}
	freeData(api.OpenAPI())
	doc, err := json.Marshal(api.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("staffapi: openapi.json: %w", err)
	}
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(doc) // the caller may have gone
	})
	return mux, nil
}

// served are the operations that were declared, as the table names them.
func served(doc *huma.OpenAPI) []string {
	var all []string
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post, http.MethodDelete: item.Delete, http.MethodPatch: item.Patch,
		} {
			if op != nil {
				all = append(all, route(method, path))
			}
		}
	}
	return all
}

// operation fills in what all operations share; what it asks for stands in rights.go.
func (s *Server) operation(id, method, path, summary string, more ...int) huma.Operation {
	right := s.granted(method, path)
	op := huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Description: right.String(),
		Metadata: map[string]any{rightOf: right}, Security: []map[string][]string{{"key": {}}},
		Errors: append(append([]int{}, always...), more...),
	}
	if method == http.MethodPost || method == http.MethodPut {
		op.MaxBodyBytes = maxBody + 1 // huma refuses the limit itself
		op.BodyReadTimeout = s.o.ReadWithin
		op.Errors = append(op.Errors, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return op
}
