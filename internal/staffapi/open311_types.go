package staffapi

import (
	"encoding/xml"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aduan/internal/desk"
)

// The types of GeoReport v2. Its XML has a name for each list's root and items.
type (
	geoDiscovery struct {
		XMLName    xml.Name      `json:"-" xml:"discovery"`
		Changeset  string        `json:"changeset" xml:"changeset"`
		Contact    string        `json:"contact" xml:"contact"`
		KeyService string        `json:"key_service" xml:"key_service"`
		Endpoints  []geoEndpoint `json:"endpoints" xml:"endpoints>endpoint" nullable:"false"`
	}
	geoEndpoint struct {
		Specification string   `json:"specification" xml:"specification"`
		URL           string   `json:"url" xml:"url"`
		Changeset     string   `json:"changeset" xml:"changeset"`
		Type          string   `json:"type" xml:"type"`
		Formats       []string `json:"formats" xml:"formats>format" nullable:"false"`
	}
	geoService struct {
		Code        string `json:"service_code" xml:"service_code"`
		Name        string `json:"service_name" xml:"service_name"`
		Description string `json:"description" xml:"description"`
		Metadata    bool   `json:"metadata" xml:"metadata" doc:"Always false: no more is asked"`
		Type        string `json:"type" xml:"type" enum:"realtime" doc:"Always realtime: the number is given at once"`
		Keywords    string `json:"keywords" xml:"keywords"`
		Group       string `json:"group" xml:"group"`
	}
	geoServices struct {
		XMLName  xml.Name     `xml:"services"`
		Services []geoService `xml:"service"`
	}
	geoDefinition struct {
		XMLName    xml.Name   `json:"-" xml:"service_definition"`
		Code       string     `json:"service_code" xml:"service_code"`
		Attributes []struct{} `json:"attributes" xml:"attributes>attribute" nullable:"false" doc:"Always empty"`
	}
	geoFiled struct {
		ID      string `json:"service_request_id" xml:"service_request_id" doc:"The ticket's number, digits only"`
		Notice  string `json:"service_notice" xml:"service_notice"`
		Account string `json:"account_id" xml:"account_id" doc:"Always empty: there are no accounts"`
	}
	geoToken struct {
		ID    string `json:"service_request_id" xml:"service_request_id"`
		Token string `json:"token" xml:"token"`
	}
	geoRequest struct {
		ID          string   `json:"service_request_id" xml:"service_request_id" doc:"The ticket's number, digits only"`
		Status      string   `json:"status" xml:"status" enum:"open,closed"`
		StatusNotes string   `json:"status_notes" xml:"status_notes" doc:"The finer status, and what staff wrote with it"`
		ServiceName string   `json:"service_name" xml:"service_name"`
		ServiceCode string   `json:"service_code" xml:"service_code"`
		Description string   `json:"description" xml:"description" doc:"The citizen's texts, at most 4000 characters"`
		Agency      string   `json:"agency_responsible" xml:"agency_responsible"`
		Notice      string   `json:"service_notice" xml:"service_notice"`
		Requested   string   `json:"requested_datetime" xml:"requested_datetime" format:"date-time"`
		Updated     string   `json:"updated_datetime" xml:"updated_datetime" format:"date-time"`
		Expected    *string  `json:"expected_datetime" xml:"expected_datetime" nullable:"true" doc:"Always null"`
		Address     string   `json:"address" xml:"address" doc:"What the citizen answered to: where?"`
		AddressID   *string  `json:"address_id" xml:"address_id" nullable:"true" doc:"Always null"`
		Zipcode     *string  `json:"zipcode" xml:"zipcode" nullable:"true" doc:"Always null"`
		Lat         *float64 `json:"lat" xml:"lat" nullable:"true" doc:"Always null: places are words here"`
		Long        *float64 `json:"long" xml:"long" nullable:"true" doc:"Always null"`
		MediaURL    *string  `json:"media_url" xml:"media_url" nullable:"true" doc:"Always null"`
	}
	geoRequests struct {
		XMLName  xml.Name     `xml:"service_requests"`
		Requests []geoRequest `xml:"request"`
	}
	geoFileds struct {
		XMLName  xml.Name   `xml:"service_requests"`
		Requests []geoFiled `xml:"request"`
	}
	geoTokens struct {
		XMLName  xml.Name   `xml:"service_requests"`
		Requests []geoToken `xml:"request"`
	}
)

const maxDescription = 4000 // characters, GeoReport v2

// asRequest is a ticket as GeoReport tells it; it has no place for the citizen's number.
func asRequest(t desk.TicketView) geoRequest {
	g := geoRequest{
		ID: strings.ReplaceAll(t.Number, "-", ""), Status: geoStatus(t), StatusNotes: t.Status,
		ServiceCode: serviceOf(t), ServiceName: serviceName(serviceOf(t)), Agency: t.Agency, Requested: geoTime(t.FiledAt),
	}
	updated := t.FiledAt
	for _, c := range t.History {
		if c.At.After(updated) {
			updated = c.At
		}
		if c.From != c.To && c.To == t.Status && c.Note != "" {
			g.StatusNotes = t.Status + ": " + c.Note
		}
	}
	texts := make([]string, 0, len(t.Texts))
	for _, x := range t.Texts {
		texts = append(texts, x.Text)
		if x.At.After(updated) {
			updated = x.At
		}
	}
	g.Description = strings.Join(texts, "\n")
	if r := []rune(g.Description); len(r) > maxDescription {
		g.Description = string(r[:maxDescription])
	}
	for _, a := range t.Answers {
		if a.Question == "location" {
			g.Address = a.Text
		}
		if a.At.After(updated) {
			updated = a.At
		}
	}
	g.Updated = geoTime(updated)
	return g
}

func geoTime(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

// describe tells of an operation in /openapi.json.
func describe(api huma.API, op *huma.Operation, route geoRoute, format string) {
	reg := api.OpenAPI().Components.Schemas
	media := func(t reflect.Type) map[string]*huma.MediaType {
		if format == "xml" {
			return map[string]*huma.MediaType{"text/xml": {Schema: &huma.Schema{Type: huma.TypeString}}}
		}
		return map[string]*huma.MediaType{"application/json": {Schema: reg.Schema(t, true, "")}}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK), Content: media(geoShapes[route.id])}}
	for _, status := range append([]int{400}, append(op.Errors, route.errors...)...) {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: media(reflect.TypeFor[[]geoFault]())}
	}
	// What the front refuses, it refuses as everywhere.
	op.Responses["421"].Content = map[string]*huma.MediaType{problemType: {Schema: reg.Schema(reflect.TypeFor[Problem](), true, "")}}
	op.Errors = nil
	op.Parameters = append([]*huma.Param{}, route.params...)
	for name := range strings.SplitSeq(route.path, "/") {
		if strings.HasPrefix(name, "{") {
			op.Parameters = append(op.Parameters, &huma.Param{Name: strings.Trim(name, "{}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
		}
	}
	if route.form {
		schema := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, Required: []string{"service_code", "description"}, AdditionalProperties: true}
		for _, f := range geoFields {
			schema.Properties[f[0]] = &huma.Schema{Type: huma.TypeString, Description: f[1]}
		}
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/x-www-form-urlencoded": {Schema: schema}}}
	}
	api.OpenAPI().AddOperation(op)
}

// geoShapes are what each route answers.
var geoShapes = map[string]reflect.Type{
	"discovery": reflect.TypeFor[geoDiscovery](), "services": reflect.TypeFor[[]geoService](), "service": reflect.TypeFor[geoDefinition](),
	"requests": reflect.TypeFor[[]geoRequest](), "file": reflect.TypeFor[[]geoFiled](), "request": reflect.TypeFor[[]geoRequest](),
	"token": reflect.TypeFor[[]geoToken](),
}
