package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aduan/internal/apicheck"
	"aduan/internal/e2e/rig"
	"aduan/internal/testenv"
)

// TestAGeneratedClientWorks does what a developer elsewhere does: makes a client of /openapi.json by oapi-codegen, builds it in
// a module of its own, and works on a running line with it.
func TestAGeneratedClientWorks(t *testing.T) {
	t.Parallel()
	l := rig.NewLine(t, rig.Options{})
	key := l.Daemon.APIKey("tickets:read", "tickets:write")
	status, doc, err := l.Daemon.Get(apicheck.Path, "")
	if err != nil || status != 200 {
		t.Fatalf("%s: %d, %v", apicheck.Path, status, err)
	}
	dir, from := t.TempDir(), filepath.Join(testenv.Root(t), "internal", "apiclient")
	for _, name := range []string{"go.mod", "go.sum", "main.go", "oapi.yaml"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), b)
	}
	write(t, filepath.Join(dir, "openapi.json"), doc)
	do := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false -mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := do("mod", "download", "github.com/oapi-codegen/runtime"); err != nil {
		if testenv.Required("oapi-codegen") {
			t.Fatalf("oapi-codegen cannot be had: %v\n%s", err, out)
		}
		t.Skipf("oapi-codegen cannot be had (no module proxy is reached): %v", err)
	}
	if out, err := do("tool", "oapi-codegen", "-config", "oapi.yaml", "-o", "client.gen.go", "openapi.json"); err != nil {
		t.Fatalf("oapi-codegen: %v\n%s", err, out)
	}
	if out, err := do("build", "-o", "apiclient", "."); err != nil {
		t.Fatalf("the client does not compile: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "apiclient"), "http://"+l.Daemon.Config.HTTP, key).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "read an agency") {
		t.Errorf("the client: %v\n%s", err, out)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
