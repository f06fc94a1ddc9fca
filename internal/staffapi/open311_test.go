package staffapi_test

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"aduan/internal/desk"
)

func form(path, key string, fields map[string]string) *http.Request {
	q := url.Values{}
	for k, v := range fields {
		q.Set(k, v)
	}
	r := ask("POST", path, key, q.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// The names that GeoReport v2 gives to the fields of each answer (its tables of "Response" fields), in both formats.
func TestGeoReportHasTheFieldsOfTheSpecification(t *testing.T) {
	a := newAPI(t, nil)
	id := one.Digits()
	for _, row := range []struct {
		path   string
		root   string // of the XML
		item   string // of a list; "": it is an object
		fields string
	}{
		{"discovery", "discovery", "", "changeset contact key_service endpoints"},
		{"services", "services", "service", "service_code service_name description metadata type keywords group"},
		{"services/road", "service_definition", "", "service_code attributes"},
		{"requests", "service_requests", "request", "service_request_id status status_notes service_name service_code description agency_responsible service_notice requested_datetime updated_datetime expected_datetime address address_id zipcode lat long media_url"},
		{"requests/" + id, "service_requests", "request", "service_request_id status status_notes service_name service_code description agency_responsible service_notice requested_datetime updated_datetime expected_datetime address address_id zipcode lat long media_url"},
		{"tokens/" + id, "service_requests", "request", "service_request_id token"},
	} {
		want := strings.Fields(row.fields)
		slices.Sort(want)
		w := a.do(ask("GET", "/open311/v2/"+row.path+".json", "all", ""))
		body := w.Body.Bytes()
		if row.item != "" {
			var list []json.RawMessage
			if err := json.Unmarshal(body, &list); err != nil || len(list) == 0 {
				t.Fatalf("%s: %v %s", row.path, err, body)
			}
			body = list[0]
		}
		var object map[string]any
		if err := json.Unmarshal(body, &object); err != nil || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%s: %v %s", row.path, err, w.Body)
		}
		var got []string
		for name := range object {
			got = append(got, name)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s.json has %v, want %v", row.path, got, want)
		}
		w = a.do(ask("GET", "/open311/v2/"+row.path+".xml", "all", ""))
		root, item, fields := shape(t, w.Body.String())
		if !strings.HasPrefix(w.Body.String(), xml.Header) || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" || root != row.root {
			t.Errorf("%s.xml: %s %s", row.path, w.Header().Get("Content-Type"), w.Body)
		}
		if row.item != "" && item != row.item {
			t.Errorf("%s.xml: items are %s, want %s", row.path, item, row.item)
		}
		for _, f := range fields {
			if !slices.Contains(want, f) {
				t.Errorf("%s.xml has %s, which the specification does not know", row.path, f)
			}
		}
	}
	for name, want := range map[string]string{"status": "open", "service_code": "other", "service_request_id": id} {
		w := a.do(ask("GET", "/open311/v2/requests/"+id+".json", "pii", ""))
		if !strings.Contains(w.Body.String(), `"`+name+`":"`+want+`"`) || strings.Contains(w.Body.String(), "6281") {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

// shape is the root, the name of its first child, and the names of the fields: the children, or of a list its first item's.
func shape(t *testing.T, body string) (root, item string, fields []string) {
	t.Helper()
	type node struct {
		XMLName xml.Name
		Nodes   []node `xml:",any"`
	}
	var n node
	if err := xml.Unmarshal([]byte(body), &n); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if len(n.Nodes) == 0 {
		return n.XMLName.Local, "", nil
	}
	at := n.Nodes
	if item = at[0].XMLName.Local; item == "service" || item == "request" {
		at = at[0].Nodes
	}
	for _, c := range at {
		fields = append(fields, c.XMLName.Local)
	}
	return n.XMLName.Local, item, fields
}

func TestAReportIsFiledByGeoReport(t *testing.T) {
	a := newAPI(t, nil)
	all := map[string]string{
		"api_key": "all", "service_code": "road", "description": "lubang di depan pasar", "lat": "-6.2", "long": "106.8", "address_string": "Jl Melati RT 3",
		"phone": "0812-3456-7123", "first_name": "Budi", "email": "budi@example.org", "media_url": "https://img.example/1.jpg", "jurisdiction_id": "id",
	}
	w := a.do(form("/open311/v2/requests.json", "", all))
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != `[{"service_request_id":"`+one.Digits()+`","service_notice":"","account_id":""}]` {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	r := a.desk.files[0]
	if r.Text != "lubang di depan pasar\nhttps://img.example/1.jpg" || r.Number != "0812-3456-7123" || r.Category != "road" || r.Location != "Jl Melati RT 3 -6.2,106.8" || !r.Notify || r.Viewer.Name != "case system" {
		t.Errorf("asked %+v", r)
	}
	least := map[string]string{"service_code": "other", "description": "x", "address_id": "A-1"}
	if w := a.do(form("/open311/v2/requests.xml", "all", least)); w.Code != 200 || !strings.Contains(w.Body.String(), "<service_requests><request><service_request_id>"+one.Digits()) {
		t.Errorf("the least: %d %s", w.Code, w.Body)
	}
	if r := a.desk.files[1]; r.Category != "" || r.Number != "" || r.Idempotency != nil {
		t.Errorf("asked %+v", r)
	}
	one := func(r *http.Request) *http.Request { r.Header.Set("Idempotency-Key", "k"); return r }
	a.do(one(form("/open311/v2/requests.json", "all", least)))
	a.do(one(form("/open311/v2/requests.xml", "all", least)))
	if x, y := a.desk.files[2].Idempotency, a.desk.files[3].Idempotency; x == nil || *x != *y {
		t.Errorf("the same request in the other format is another: %v, %v", x, y)
	}
	without := func(field, value string) map[string]string {
		m := map[string]string{"service_code": "road", "description": "x", "address_string": "Jl Melati"}
		if m[field] = value; value == "" {
			delete(m, field)
		}
		return m
	}
	for name, row := range map[string]struct {
		r    *http.Request
		code int
	}{
		"no key":                    {form("/open311/v2/requests.json", "", without("x", "")), 401},
		"a key that may only read":  {form("/open311/v2/requests.json", "readers", without("x", "")), 403},
		"no service":                {form("/open311/v2/requests.json", "all", without("service_code", "")), 400},
		"a service that is unknown": {form("/open311/v2/requests.json", "all", without("service_code", "pothole")), 404},
		"no description":            {form("/open311/v2/requests.json", "all", without("description", "")), 400},
		"too long":                  {form("/open311/v2/requests.json", "all", without("description", strings.Repeat("é", 4001))), 400},
		"no place":                  {form("/open311/v2/requests.json", "all", without("address_string", "")), 400},
		"half a place":              {form("/open311/v2/requests.json", "all", without("lat", "1")), 400},
		"no degrees":                {form("/open311/v2/requests.json", "all", map[string]string{"service_code": "road", "description": "x", "lat": "NaN", "long": "200"}), 400},
		"JSON":                      {ask("POST", "/open311/v2/requests.json", "all", `{}`), 415},
		"a body that is huge":       {form("/open311/v2/requests.json", "all", without("description", strings.Repeat("x", 70<<10))), 413},
		"no such format":            {ask("GET", "/open311/v2/requests/"+ticketPath("")[12:]+".csv", "all", ""), 404},
	} {
		w := a.do(row.r)
		var faults []struct {
			Code        int
			Description string
		}
		if name != "no such format" {
			if err := json.Unmarshal(w.Body.Bytes(), &faults); err != nil || len(faults) != 1 || faults[0].Code != row.code || faults[0].Description == "" {
				t.Errorf("%s: %v %s", name, err, w.Body)
			}
		}
		if w.Code != row.code {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	a.desk.err = &desk.Invalid{Field: "number", Reason: "expected the citizen's telephone number"}
	w = a.do(form("/open311/v2/requests.xml", "all", without("phone", "1708")))
	if w.Code != 400 || w.Body.String() != xml.Header+"<errors><error><code>400</code><description>number: expected the citizen&#39;s telephone number</description></error></errors>" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestGeoReportFindsRequests(t *testing.T) {
	a := newAPI(t, nil)
	for query, code := range map[string]int{
		"": 200, "?status=open": 200, "?status=open,closed": 200, "?status=filed": 400, "?service_code=road,other": 200, "?service_code=x": 400,
		"?start_date=2026-01-01T00:00:00Z&end_date=2026-02-01T07:00:00%2B07:00": 200, "?start_date=2026-01-01": 400, "?end_date=soon": 400,
		"?start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z": 400, "?start_date=2020-01-01T00:00:00Z": 200,
		"?service_request_id=" + one.Digits() + ",99": 200, "?api_key=readers": 200,
	} {
		key := "all"
		if strings.Contains(query, "api_key") {
			key = ""
		}
		if w := a.do(ask("GET", "/open311/v2/requests.json"+query, key, "")); w.Code != code {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	count := func(query string) int {
		t.Helper()
		var list []any
		w := a.do(ask("GET", "/open311/v2/requests.json"+query, "all", ""))
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatalf("%s: %v %s", query, err, w.Body)
		}
		return len(list)
	}
	for query, want := range map[string]int{
		"": 2, "?service_code=road": 0, "?service_code=other": 2, "?service_request_id=" + one.Digits() + ",99": 1,
		"?end_date=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339): 0,
	} {
		if n := count(query); n != want {
			t.Errorf("%q: %d, want %d", query, n, want)
		}
	}
	a.desk.mu.Lock()
	defer a.desk.mu.Unlock()
	for _, r := range a.desk.lists {
		if r.Viewer.Reveal {
			t.Error("numbers are asked for")
		}
	}
}
