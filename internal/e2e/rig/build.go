package rig

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"aduan/internal/testenv"
)

// builds holds the binaries of this test run, by their build tags.
var builds struct {
	sync.Mutex
	dir   string
	paths map[string]string
}

// Main runs the tests of a package and removes what Build built.
func Main(m *testing.M) {
	code := m.Run()
	builds.Lock()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir)
	}
	builds.Unlock()
	os.Exit(code)
}

// Plain among the tags makes the binary that is shipped: without the race detector, for what is asked of its memory.
const Plain = "plain"

// Build is the path of the real binary, built once per test run and set of build tags; with the race detector where the
// test has it.
func Build(t testing.TB, tags ...string) string {
	t.Helper()
	slices.Sort(tags)
	name := strings.Join(append([]string{"aduan"}, tags...), "-")
	builds.Lock()
	defer builds.Unlock()
	if path, ok := builds.paths[name]; ok {
		return path
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "aduan-e2e-")
		if err != nil {
			t.Fatal(err)
		}
		builds.dir, builds.paths = dir, map[string]string{}
	}
	path := filepath.Join(builds.dir, name)
	args := []string{"build", "-o", path}
	plain := slices.Contains(tags, Plain)
	if tags = slices.DeleteFunc(slices.Clone(tags), func(t string) bool { return t == Plain }); testenv.Race && !plain {
		args = append(args, "-race")
	}
	if len(tags) > 0 {
		args = append(args, "-tags", strings.Join(tags, ","))
	}
	build := exec.Command("go", append(args, "./cmd/aduan")...)
	build.Dir = testenv.Root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("rig: %s: %v\n%s", build, err, out)
	}
	builds.paths[name] = path
	return path
}
