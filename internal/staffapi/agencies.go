package staffapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"aduan/internal/desk"
)

type agencyInput struct {
	Name string `path:"name" maxLength:"100" doc:"The agency's name, percent-encoded" example:"Dinas PUPR"`
}

type agencyOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of its details, for If-Match"`
	Body   desk.Agency
}

type agencyList struct {
	Body struct {
		Items []desk.Agency `json:"items" nullable:"false"`
		Next  *string       `json:"next" nullable:"true" doc:"Always null: the list is whole"`
	}
}

type putAgencyInput struct {
	Name    string `path:"name" maxLength:"100" doc:"The agency's name, percent-encoded" example:"Dinas PUPR"`
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag that was read: where another stands now, nothing changes (412)"`
	IfNone  string `header:"If-None-Match" enum:"*" doc:"*: only where there are no details yet, else 412"`
	Body    agencyBody
}

type agencyBody struct {
	Parent    string            `json:"parent,omitempty" maxLength:"100" doc:"Its superior; left out: the head of the line"`
	Officers  []desk.Officer    `json:"officers,omitempty" nullable:"false" maxItems:"50" doc:"Who answers for it"`
	Templates map[string]string `json:"templates,omitempty" doc:"Its own texts for statuses, by name (a-z, 0-9, _; .en behind it: in that language). {number} must stand in each; {status}, {agency} and {note} may"`
}

type deleteAgencyInput struct {
	Name    string `path:"name" maxLength:"100" doc:"The agency's name, percent-encoded" example:"Dinas PUPR"`
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag that was read: where another stands now, nothing changes (412)"`
}

func (s *Server) agencyRoutes(api huma.API) {
	huma.Register(api, s.operation("list-agencies", http.MethodGet, "/v1/agencies",
		"Every agency: those with details, and the line's own list of institutions"), s.listAgencies)
	huma.Register(api, s.operation("get-agency", http.MethodGet, "/v1/agencies/{name}",
		"An agency with its officers", http.StatusNotFound), s.getAgency)
	put := s.operation("put-agency", http.MethodPut, "/v1/agencies/{name}",
		"Make an agency's details, or change them", http.StatusNotFound, http.StatusPreconditionFailed)
	huma.Register(api, put, s.putAgency)
	answers := api.OpenAPI().Paths["/v1/agencies/{name}"].Put.Responses
	made := *answers["200"]
	made.Description = "It had no details before"
	answers["201"] = &made
	huma.Register(api, s.operation("delete-agency", http.MethodDelete, "/v1/agencies/{name}",
		"Take an agency's details away, where nothing names it any more", http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed,
	), s.deleteAgency)
}

func (s *Server) listAgencies(ctx context.Context, _ *struct{}) (*agencyList, error) {
	_, who := viewer(ctx)
	list, err := s.o.Agencies.List(ctx, who)
	if err != nil {
		return nil, s.refusal(err)
	}
	out := &agencyList{}
	out.Body.Items = append([]desk.Agency{}, list...)
	return out, nil
}

func (s *Server) getAgency(ctx context.Context, in *agencyInput) (*agencyOutput, error) {
	_, who := viewer(ctx)
	a, err := s.o.Agencies.Get(ctx, who, in.Name)
	if err != nil {
		return nil, s.refusal(err)
	}
	return agencyAnswer(a, http.StatusOK), nil
}

func (s *Server) putAgency(ctx context.Context, in *putAgencyInput) (*agencyOutput, error) {
	_, who := viewer(ctx)
	want, err := expected(in.IfMatch, in.IfNone)
	if err != nil {
		return nil, err
	}
	a, created, err := s.o.Agencies.Put(ctx, desk.PutAgencyRequest{
		Viewer: who, If: want, Agency: desk.Agency{Name: in.Name, Parent: in.Body.Parent, Officers: in.Body.Officers, Templates: in.Body.Templates},
	})
	if err != nil {
		return nil, s.refusal(err)
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return agencyAnswer(a, status), nil
}

func (s *Server) deleteAgency(ctx context.Context, in *deleteAgencyInput) (*struct{}, error) {
	_, who := viewer(ctx)
	want, err := expected(in.IfMatch, "")
	if err != nil {
		return nil, err
	}
	if err := s.o.Agencies.Delete(ctx, desk.DeleteAgencyRequest{Viewer: who, Name: in.Name, If: want}); err != nil {
		return nil, s.refusal(err)
	}
	return nil, nil
}

func agencyAnswer(a desk.Agency, status int) *agencyOutput {
	return &agencyOutput{Status: status, ETag: strconv.Quote(strconv.FormatUint(a.Version, 10)), Body: a}
}

// expected is the version that a request wants to stand; nil: any. If-Match takes one ETag of ours, or *.
func expected(match, none string) (*uint64, error) {
	if none == "*" {
		return new(uint64), nil
	}
	match = strings.TrimSpace(match)
	if match == "" || match == "*" {
		return nil, nil
	}
	version, err := strconv.ParseUint(strings.Trim(match, `"`), 10, 64)
	if err != nil { // an ETag that we never gave stands nowhere
		return nil, newProblem(http.StatusPreconditionFailed)
	}
	return &version, nil
}
