package staffapi_test

import (
	"strings"
	"testing"
)

func TestAgenciesAreMadeChangedAndTakenAway(t *testing.T) {
	a := newAPI(t, nil)
	for _, row := range []struct {
		name, method, path, key, match, none, body string
		code                                       int
		etag, want                                 string
	}{
		{"nobody knows it", "GET", "/v1/agencies/pu", "head", "", "", "", 404, "", "not_found"},
		{"a reader makes none", "PUT", "/v1/agencies/pu", "all", "", "", "{}", 403, "", "forbidden"},
		{"its superior is unknown", "PUT", "/v1/agencies/pu", "head", "", "", `{"parent":"kementerian"}`, 422, "", "body.parent"},
		{"the superior is made", "PUT", "/v1/agencies/kementerian", "head", "", "*", `{}`, 201, `"1"`, `"officers":[]`},
		{"it is made", "PUT", "/v1/agencies/pu", "head", "", "", `{"parent":"kementerian","officers":[{"name":"Siti","email":"siti@pu.example","role":"liaison officer"}]}`, 201, `"1"`, `"updated_by":"head of the line"`},
		{"it stands already", "PUT", "/v1/agencies/pu", "head", "", "*", `{}`, 412, "", "changed"},
		{"it is read", "GET", "/v1/agencies/pu", "readers", "", "", "", 200, `"1"`, `siti@pu.example`},
		{"another agency sees who it is", "GET", "/v1/agencies/pu", "dinkes", "", "", "", 200, `"1"`, `"officers":[]`},
		{"it is changed as it was read", "PUT", "/v1/agencies/pu", "head", `"1"`, "", `{"parent":"kementerian","officers":[{"name":"Budi"}]}`, 200, `"2"`, "Budi"},
		{"a key of the agency changes nothing", "PUT", "/v1/agencies/pu", "puhead", "", "", `{}`, 403, "", "line_only"},
		{"it was changed meanwhile", "PUT", "/v1/agencies/pu", "head", `"1"`, "", `{}`, 412, "", "changed"},
		{"an officer without a name", "PUT", "/v1/agencies/pu", "head", "", "", `{"officers":[{"name":""}]}`, 422, "", "invalid"},
		{"a field that nobody knows", "PUT", "/v1/agencies/pu", "head", "", "", `{"boss":"x"}`, 422, "", "invalid"},
		{"a name with spaces", "PUT", "/v1/agencies/Dinas%20PUPR", "head", "", "", `{}`, 201, `"1"`, `"name":"Dinas PUPR"`},
		{"a name of control characters", "PUT", "/v1/agencies/a%01b", "head", "", "", `{}`, 422, "", "path.name"},
		{"all of them", "GET", "/v1/agencies", "readers", "", "", "", 200, "", `"next":null`},
		{"deleted as it was read", "DELETE", "/v1/agencies/pu", "head", `"1"`, "", "", 412, "", "changed"},
		{"an agency deletes none", "DELETE", "/v1/agencies/pu", "puhead", "", "", "", 403, "", "line_only"},
		{"deleted", "DELETE", "/v1/agencies/pu", "head", `"2"`, "", "", 204, "", ""},
		{"deleted twice", "DELETE", "/v1/agencies/pu", "head", "", "", "", 404, "", "not_found"},
	} {
		r := ask(row.method, row.path, row.key, row.body)
		if row.match != "" {
			r.Header.Set("If-Match", row.match)
		}
		if row.none != "" {
			r.Header.Set("If-None-Match", row.none)
		}
		w := a.do(r)
		if w.Code != row.code || w.Header().Get("ETag") != row.etag || !strings.Contains(w.Body.String(), row.want) {
			t.Errorf("%s: %d %s %s", row.name, w.Code, w.Header().Get("ETag"), w.Body)
		}
	}
}
