package testenv_test

import (
	"os/exec"
	"strings"
	"testing"

	"aduan/internal/testenv"
)

// TestArrowsPointDown holds the rooms to their order: cmd → internal → conversation | smpp | store.
func TestArrowsPointDown(t *testing.T) {
	rules := []struct {
		room  string   // a package, or with /… all below
		never []string // what it must not reach, even through others
		why   string
	}{
		{"aduan/conversation", []string{"aduan/smpp", "aduan/smpp/", "aduan/store", "aduan/configs", "github.com/redis/", "net"}, "the conversation is a pure function"},
		{"aduan/smpp/...", []string{"aduan/conversation", "aduan/store", "aduan/configs", "github.com/redis/"}, "the link knows neither complaints nor Redis"},
		{"aduan/store/...", []string{"aduan/conversation", "aduan/smpp", "aduan/smpp/", "aduan/configs"}, "the store knows neither complaints' rules nor SMPP"},
		{"aduan/internal/msisdn", []string{"aduan/smpp", "aduan/store", "aduan/conversation", "aduan/configs"}, "everybody imports msisdn"},
		{"aduan/internal/...", []string{"aduan/cmd/", "aduan/configs"}, "arrows point down, and cmd alone reads configs"},
		{"aduan/configs", []string{"aduan/cmd/", "aduan/internal/", "aduan/smpp", "aduan/store", "aduan/conversation"}, "configs is read by cmd alone"},
		{"aduan/cmd/...", []string{"net/http/pprof"}, "profiles never go over HTTP"},
	}
	for _, rule := range rules {
		t.Run(strings.TrimPrefix(rule.room, "aduan/"), func(t *testing.T) {
			list := exec.Command("go", "list", "-e", "-deps", "-f", "{{.ImportPath}}", rule.room)
			list.Dir = testenv.Root(t)
			out, err := list.Output()
			if err != nil {
				t.Fatalf("go list -deps %s: %v", rule.room, err)
			}
			for dep := range strings.FieldsSeq(string(out)) {
				for _, prefix := range rule.never {
					// A name stands for that package, a name with a slash for all below it.
					if dep == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(dep, prefix) {
						t.Errorf("%s reaches %s, but %s", rule.room, dep, rule.why)
					}
				}
			}
		})
	}
}
