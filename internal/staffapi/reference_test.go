package staffapi_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var update = flag.Bool("update", false, "write docs/api.md anew")

const referencePath = "../../docs/api.md"

// TestTheReferenceIsFresh makes docs/api.md of /openapi.json, and holds what stands there against it.
func TestTheReferenceIsFresh(t *testing.T) {
	a := newAPI(t, nil)
	want := reference(a.doc)
	if *update {
		if err := os.WriteFile(referencePath, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(referencePath)
	if err != nil || string(got) != want {
		t.Errorf("docs/api.md is not what /openapi.json says (%v): go test ./internal/staffapi -run TestTheReferenceIsFresh -update", err)
	}
}

// reference is the document as people read it.
func reference(doc *openapi3.T) string {
	var b strings.Builder
	b.WriteString(`# The API, route by route

Made from /openapi.json by ` + "`go test ./internal/staffapi -run TestTheReferenceIsFresh -update`" + `; not to be edited by hand. How the pieces
play together: [Connect a case system](integrate.md). Each route needs ` + "`Authorization: Bearer KEY`" + `; errors are problem documents, but those of
/open311/, which have GeoReport's form; its .xml routes give the same as the .json ones.
`)
	order := func(path string) string { // the API before GeoReport, a thing before what is done to it
		return strings.NewReplacer("/v1/", "1", "/open311/", "2").Replace(path)
	}
	paths := doc.Paths.InMatchingOrder()
	slices.SortFunc(paths, func(x, y string) int { return cmp.Compare(order(x), order(y)) })
	for _, path := range paths {
		if strings.HasSuffix(path, ".xml") {
			continue
		}
		item := doc.Paths.Find(path)
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			if op := item.GetOperation(method); op != nil {
				operation(&b, method, path, op)
			}
		}
	}
	b.WriteString("\n# Shapes\n")
	names := make([]string, 0, len(doc.Components.Schemas))
	for name := range doc.Components.Schemas {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "\n## %s\n\n", name)
		fields(&b, doc.Components.Schemas[name].Value)
	}
	return b.String()
}

func operation(b *strings.Builder, method, path string, op *openapi3.Operation) {
	fmt.Fprintf(b, "\n## %s %s\n\n%s. %s\n", method, path, op.Summary, op.Description)
	if len(op.Parameters) > 0 {
		b.WriteString("\n| parameter | in | type | |\n| --- | --- | --- | --- |\n")
		for _, p := range op.Parameters {
			v := p.Value
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", v.Name, v.In, kind(v.Schema), cell(v.Description))
		}
	}
	if op.RequestBody != nil {
		for _, media := range sortedKeys(op.RequestBody.Value.Content) {
			fmt.Fprintf(b, "\nBody, `%s`:\n\n", media)
			fields(b, op.RequestBody.Value.Content[media].Schema.Value)
		}
	}
	var good, bad []string
	for _, status := range sortedKeys(op.Responses.Map()) {
		r := op.Responses.Value(status).Value
		if status >= "300" {
			bad = append(bad, status)
			continue
		}
		what := "nothing"
		for _, media := range sortedKeys(r.Content) {
			if what = "`" + media + "`"; r.Content[media].Schema != nil && strings.HasSuffix(media, "json") {
				what = kind(r.Content[media].Schema)
			}
		}
		good = append(good, status+": "+what)
	}
	fmt.Fprintf(b, "\nAnswers %s. Refusals: %s.\n", strings.Join(good, "; "), strings.Join(bad, ", "))
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// fields is an object's table.
func fields(b *strings.Builder, s *openapi3.Schema) {
	if len(s.Properties) == 0 {
		fmt.Fprintf(b, "%s\n", kind(&openapi3.SchemaRef{Value: s}))
		return
	}
	b.WriteString("| field | type | |\n| --- | --- | --- |\n")
	for _, name := range sortedKeys(s.Properties) {
		p := s.Properties[name]
		must := ""
		if slices.Contains(s.Required, name) {
			must = " (always)"
		}
		doc := ""
		if p.Value != nil {
			doc = p.Value.Description
		}
		fmt.Fprintf(b, "| `%s` | %s%s | %s |\n", name, kind(p), must, cell(doc))
	}
}

// kind is a schema's type in words.
func kind(ref *openapi3.SchemaRef) string {
	if ref == nil || ref.Value == nil {
		return ""
	}
	if i := strings.LastIndexByte(ref.Ref, '/'); i >= 0 {
		name := ref.Ref[i+1:]
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	}
	s := ref.Value
	var parts []string
	if s.Type != nil {
		for _, name := range s.Type.Slice() {
			switch {
			case name == "array" && s.Items != nil:
				name = "list of " + kind(s.Items)
			case name == "object" && s.AdditionalProperties.Schema != nil:
				name = "object of " + kind(s.AdditionalProperties.Schema)
			case s.Format == "date-time":
				name = "time"
			}
			parts = append(parts, name)
		}
	}
	out := strings.Join(parts, " or ")
	if len(s.Enum) > 0 {
		var all []string
		for _, e := range s.Enum {
			all = append(all, fmt.Sprintf("`%v`", e))
		}
		out += ": " + strings.Join(all, ", ")
	}
	if s.Default != nil {
		out += fmt.Sprintf(", default `%v`", s.Default)
	}
	return out
}

func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", "\\|") }
