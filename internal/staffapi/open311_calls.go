package staffapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aduan/conversation"
	"aduan/internal/desk"
)

// geoFields are what POST requests takes.
var geoFields = [][2]string{
	{"api_key", "A key, where no Authorization says it"},
	{"service_code", "One of services; other: guessed from the description"},
	{"description", "What it is about, at most 4000 characters"},
	{"address_string", "Where it is, in words"},
	{"address_id", "Where it is, by the caller's own list"},
	{"lat", "Where it is, WGS84"},
	{"long", "Where it is, WGS84"},
	{"phone", "The citizen's telephone: gets the number by SMS, and can answer"},
	{"media_url", "A picture: stands in the text"},
	{"jurisdiction_id", "Not looked at: a line is one jurisdiction"},
	{"first_name", "Not kept"},
	{"last_name", "Not kept"},
	{"email", "Not kept"},
	{"device_id", "Not kept"},
	{"account_id", "Not kept"},
}

// geoRoutes are the paths of GeoReport v2.
func geoRoutes() []geoRoute {
	query := func(name, doc string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	key, place := query("api_key", "A key, where no Authorization says it"), query("jurisdiction_id", "Not looked at: a line is one jurisdiction")
	common := []*huma.Param{key, place}
	return []geoRoute{
		{id: "discovery", method: "GET", path: "discovery", summary: "where the endpoint is", params: common, call: geoDiscover},
		{id: "services", method: "GET", path: "services", summary: "the categories that reports may have", params: common, call: geoList},
		{
			id: "service", method: "GET", path: "services/{service_code}", summary: "what a category asks besides: nothing",
			params: common, call: geoDefine, errors: []int{404},
		},
		{
			id: "requests", method: "GET", path: "requests", summary: "tickets, newest first: of the last 90 days, at most 1000", call: geoSearch,
			params: []*huma.Param{
				key, place, query("service_request_id", "These tickets, by comma: what else is asked does not count"),
				query("service_code", "Of these categories, by comma"), query("status", "open, closed, or both by comma"),
				query("start_date", "Filed at this time or later"), query("end_date", "Filed at this time or earlier; at most 90 days later"),
			},
		},
		{
			id: "file", method: "POST", path: "requests", summary: "file a report", form: true, call: geoFile,
			errors: []int{http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusRequestTimeout},
			params: []*huma.Param{{
				Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString},
				Description: "The same key with the same form gives the first answer again and files nothing; kept for 24 h",
			}},
		},
		{id: "request", method: "GET", path: "requests/{service_request_id}", summary: "one ticket", params: common, call: geoOne, errors: []int{404}},
		{
			id: "token", method: "GET", path: "tokens/{token_id}", summary: "a token's ticket: the number is given at once, and is its own token",
			params: common, call: geoResolve, errors: []int{404},
		},
	}
}

func geoDiscover(_ context.Context, g *geoAsk) (geoAnswer, error) {
	scheme := "http"
	if g.s.Secure(g.r) {
		scheme = "https"
	}
	d := geoDiscovery{
		Changeset: "2026-01-01T00:00:00Z", Contact: "the operator of this line gives keys", KeyService: "aduan keys add, by the operator of this line",
		Endpoints: []geoEndpoint{{
			Specification: "http://wiki.open311.org/GeoReport_v2", URL: scheme + "://" + g.r.Host + strings.TrimSuffix(open311Path, "/"),
			Changeset: "2026-01-01T00:00:00Z", Type: "production", Formats: []string{"application/json", "text/xml"},
		}},
	}
	return geoAnswer{d, d}, nil
}

func geoList(_ context.Context, g *geoAsk) (geoAnswer, error) {
	list := make([]geoService, 0, 20)
	for _, code := range g.s.services() {
		list = append(list, geoService{Code: code, Name: serviceName(code), Type: "realtime"})
	}
	return geoAnswer{list, geoServices{Services: list}}, nil
}

func geoDefine(_ context.Context, g *geoAsk) (geoAnswer, error) {
	code := g.r.PathValue("name")
	if !slices.Contains(g.s.services(), code) {
		return geoAnswer{}, newProblem(http.StatusNotFound)
	}
	d := geoDefinition{Code: code, Attributes: []struct{}{}}
	return geoAnswer{d, d}, nil
}

func geoOne(ctx context.Context, g *geoAsk) (geoAnswer, error) {
	t, err := g.ticket(ctx, g.r.PathValue("name"))
	if err != nil {
		return geoAnswer{}, err
	}
	return requests([]geoRequest{asRequest(t)}), nil
}

func geoResolve(ctx context.Context, g *geoAsk) (geoAnswer, error) {
	t, err := g.ticket(ctx, g.r.PathValue("name"))
	if err != nil {
		return geoAnswer{}, err
	}
	id := asRequest(t).ID
	list := []geoToken{{ID: id, Token: id}}
	return geoAnswer{list, geoTokens{Requests: list}}, nil
}

func requests(list []geoRequest) geoAnswer { return geoAnswer{list, geoRequests{Requests: list}} }

func (g *geoAsk) ticket(ctx context.Context, id string) (desk.TicketView, error) {
	n, err := number(id)
	if err != nil {
		return desk.TicketView{}, err
	}
	return g.s.o.Desk.Ticket(ctx, desk.TicketRequest{Viewer: g.hidden(), Number: n})
}

// hidden is who asks, without the right to see numbers: GeoReport has no place for them.
func (g *geoAsk) hidden() desk.Viewer {
	v := g.who
	v.Reveal = false
	return v
}

// search is what GET requests asks for.
type search struct {
	codes      []string
	status     []conversation.Status
	start, end time.Time
}

func geoSearch(ctx context.Context, g *geoAsk) (geoAnswer, error) {
	list := make([]geoRequest, 0, 16)
	if ids := split(g.r.Form.Get("service_request_id")); len(ids) > 0 {
		if len(ids) > maxRequests {
			return geoAnswer{}, badGeo("service_request_id: at most 1000")
		}
		for _, id := range ids {
			t, err := g.ticket(ctx, id)
			var p *Problem
			if errors.Is(err, desk.ErrNotFound) || errors.As(err, &p) { // unknown ones are left out of a list
				continue
			}
			if err != nil {
				return geoAnswer{}, err
			}
			list = append(list, asRequest(t))
		}
		return requests(list), nil
	}
	q, err := g.search()
	if err != nil {
		return geoAnswer{}, err
	}
	cursor := ""
	for looked := 0; looked < requestsLook && len(list) < maxRequests; {
		items, next, err := g.s.o.Desk.List(ctx, desk.ListRequest{Viewer: g.hidden(), Status: q.status, Cursor: cursor, Limit: requestsPage})
		if err != nil {
			return geoAnswer{}, err
		}
		looked += len(items)
		for _, t := range items {
			if t.FiledAt.Before(q.start) {
				return requests(list), nil // newest first: those behind are older still
			}
			if !t.FiledAt.After(q.end) && (len(q.codes) == 0 || slices.Contains(q.codes, serviceOf(t))) && len(list) < maxRequests {
				list = append(list, asRequest(t))
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return requests(list), nil
}

func (g *geoAsk) search() (search, error) {
	q := search{codes: split(g.r.Form.Get("service_code")), end: g.s.o.Now().Add(time.Minute)} // clocks differ
	for _, c := range q.codes {
		if !slices.Contains(g.s.services(), c) {
			return q, badGeo("service_code: there is no such service")
		}
	}
	for _, s := range split(g.r.Form.Get("status")) {
		if s != "open" && s != "closed" {
			return q, badGeo("status: expected open or closed")
		}
		for _, status := range conversation.Statuses() {
			if status.Open() == (s == "open") {
				q.status = append(q.status, status)
			}
		}
	}
	var err error
	if v := g.r.Form.Get("end_date"); v != "" {
		if q.end, err = time.Parse(time.RFC3339, v); err != nil {
			return q, badGeo("end_date: expected a date and time with its zone, as 2026-01-31T08:00:00Z")
		}
	}
	q.start = q.end.Add(-maxSpan)
	if v := g.r.Form.Get("start_date"); v != "" {
		if q.start, err = time.Parse(time.RFC3339, v); err != nil {
			return q, badGeo("start_date: expected a date and time with its zone, as 2026-01-31T08:00:00Z")
		}
		if g.r.Form.Get("end_date") == "" && q.end.Sub(q.start) > maxSpan {
			q.end = q.start.Add(maxSpan)
		}
	}
	if q.end.Sub(q.start) > maxSpan {
		return q, badGeo("start_date and end_date: at most 90 days apart")
	}
	return q, nil
}

func geoFile(ctx context.Context, g *geoAsk) (geoAnswer, error) {
	f := g.r.Form
	code, text := f.Get("service_code"), strings.TrimSpace(f.Get("description"))
	switch {
	case code == "":
		return geoAnswer{}, badGeo("service_code: it is missing")
	case !slices.Contains(g.s.services(), code):
		p := newProblem(http.StatusNotFound)
		p.Detail = "service_code: there is no such service"
		return geoAnswer{}, p
	case text == "":
		return geoAnswer{}, badGeo("description: it is missing")
	case len([]rune(text)) > maxDescription:
		return geoAnswer{}, badGeo("description: at most 4000 characters")
	}
	where, err := geoPlace(f.Get)
	if err != nil {
		return geoAnswer{}, err
	}
	if media := f.Get("media_url"); media != "" {
		text += "\n" + media
	}
	if code == otherService {
		code = ""
	}
	asked := map[string]string{}
	for _, field := range geoFields {
		if field[0] != "api_key" && f.Get(field[0]) != "" {
			asked[field[0]] = f.Get(field[0])
		}
	}
	key, _ := viewer(ctx)
	idem, err := idempotency(key, g.path, g.r.Header.Get("Idempotency-Key"), asked)
	if err != nil {
		return geoAnswer{}, err
	}
	t, _, err := g.s.o.Desk.File(ctx, desk.FileRequest{
		Viewer: g.hidden(), Text: text, Number: f.Get("phone"), Kind: conversation.Complaint, Category: code, Location: where, Notify: true, Idempotency: idem,
	})
	if err != nil {
		return geoAnswer{}, err
	}
	list := []geoFiled{{ID: strings.ReplaceAll(t.Number, "-", "")}}
	return geoAnswer{list, geoFileds{Requests: list}}, nil
}

// geoPlace is where a report is: at least one way to say so is asked for.
func geoPlace(get func(string) string) (string, error) {
	var parts []string
	for _, field := range []string{"address_string", "address_id"} {
		if v := strings.TrimSpace(get(field)); v != "" {
			parts = append(parts, v)
		}
	}
	lat, long := get("lat"), get("long")
	if (lat == "") != (long == "") {
		return "", badGeo("lat and long: one of them is missing")
	}
	if lat != "" {
		y, err1 := strconv.ParseFloat(lat, 64)
		x, err2 := strconv.ParseFloat(long, 64)
		if err1 != nil || err2 != nil || !(y >= -90 && y <= 90) || !(x >= -180 && x <= 180) {
			return "", badGeo("lat and long: expected degrees")
		}
		parts = append(parts, strconv.FormatFloat(y, 'f', -1, 64)+","+strconv.FormatFloat(x, 'f', -1, 64))
	}
	where := strings.Join(parts, " ")
	switch {
	case where == "":
		return "", badGeo("a place is missing: lat and long, address_string or address_id")
	case len([]rune(where)) > 500:
		return "", badGeo("address_string: at most 500 characters")
	}
	return where, nil
}

func split(s string) []string {
	var parts []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}
