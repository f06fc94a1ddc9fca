package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"aduan/configs"
	"aduan/internal/certs/certstest"
	"aduan/internal/doctor"
	"aduan/internal/keyring"
	"aduan/internal/staffapi"
	"aduan/internal/testenv"
	"aduan/store"
)

var update = flag.Bool("update", false, "write the generated parts of docs/ anew")

// The documents speak of what is there, by its name: whoever changes a name
// finds out here.

func TestTheReadmesConfigurationIsValid(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(read(t, "README.md"))
	if block == nil {
		t.Fatal("README.md has no configuration")
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"aduan.yaml": block[1], "operator.password": "the password"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := configs.Load("aduan.yaml"); err != nil {
		t.Error(err)
	}
}

func TestDocumentsNameWhatIsThere(t *testing.T) {
	root := testenv.Root(t)
	source, files := sources(t, root)
	commands := map[string]bool{}
	for _, c := range newRoot().Commands() {
		commands[c.Name()] = true
	}
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	command := regexp.MustCompile("(?m)(?:^|`|bin/|\\$\\()aduan ([a-z]+)")
	test := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)`")
	said := regexp.MustCompile(`"msg":"([^"]+)"`)
	file := regexp.MustCompile("`([a-z_/0-9]+\\.(?:go|lua))`")
	for _, doc := range documents(t, root) {
		text := read(t, doc)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", doc, m[1])
			}
		}
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			if !commands[m[1]] {
				t.Errorf("%s: there is no command aduan %s", doc, m[1])
			}
		}
		for _, m := range test.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(source, "func "+m[1]+"(") {
				t.Errorf("%s: there is no test %s", doc, m[1])
			}
		}
		for _, m := range file.FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, "/"+m[1]) }) {
				t.Errorf("%s: there is no file %s", doc, m[1])
			}
		}
		for _, m := range said.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(source, `"`+m[1]+`"`) {
				t.Errorf("%s: nothing logs %q", doc, m[1])
			}
		}
	}
}

// TestReliabilityTellsEveryFault: each fault that the line must survive has its row, and each row its test.
func TestReliabilityTellsEveryFault(t *testing.T) {
	var faults []string
	for kind, last := range map[string]int{"S": 19, "R": 16, "D": 7, "C": 4, "A": 2} {
		for n := 1; n <= last; n++ {
			faults = append(faults, fmt.Sprint(kind, n))
		}
	}
	rows := map[string]string{}
	for line := range strings.Lines(read(t, "docs/reliability.md")) {
		if f := strings.Split(line, " | "); len(f) == 4 {
			rows[strings.TrimPrefix(f[0], "| ")] = f[3]
		}
	}
	for _, fault := range append(faults, "R1b") {
		if !strings.Contains(rows[fault], "`Test") {
			t.Errorf("docs/reliability.md names no test of fault %s", fault)
		}
	}
}

func TestTheOperatorsPageTellsEveryRefusal(t *testing.T) {
	const begin, end = "<!-- refusals: go test ./cmd/aduan -run OperatorsPage -update -->\n", "<!-- end of refusals -->\n"
	before, rest, ok := strings.Cut(read(t, "docs/operators.md"), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/operators.md has lost the marks around its refusals")
	}
	want := "| told as | do | ask the operator |\n| --- | --- | --- |\n"
	for _, r := range doctor.Refusals() {
		want += fmt.Sprintf("| `%s: %s` (0x%02X) | %s | %s |\n", r.Status, r.Means, uint32(r.Status), r.Do, r.Ask)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatal("docs/operators.md tells other refusals than doctor; run go test ./cmd/aduan -run OperatorsPage -update")
	}
	path := filepath.Join(testenv.Root(t), "docs", "operators.md")
	if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The configuration on the page is one that check takes.
func TestTheOperatorsPagesConfigurationIsValid(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(read(t, "docs/operators.md"))
	if block == nil {
		t.Fatal("docs/operators.md has no configuration")
	}
	ca, dir := certstest.New(t), t.TempDir()
	f := ca.Write(dir, "main", ca.Issue(certstest.Options{}))
	password := filepath.Join(dir, "main.password")
	if err := os.WriteFile(password, []byte("the password"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("/etc/aduan/main-ca.pem", f.CA, "/etc/aduan/main.password", password).Replace(block[1])
	t.Chdir(dir)
	if err := os.WriteFile("aduan.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := configs.Load("aduan.yaml"); err != nil {
		t.Error(err)
	}
}

func TestOperateListsEveryMetric(t *testing.T) {
	const begin, end = "<!-- metrics: go test ./cmd/aduan -run Metric -update -->\n", "<!-- end of metrics -->\n"
	before, rest, ok := strings.Cut(read(t, "docs/operate.md"), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/operate.md has lost the marks around its metrics")
	}
	want := "| metric | what it tells |\n| --- | --- |\n" + strings.Join(metrics(t), "")
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("docs/operate.md lists other metrics than there are; run go test ./cmd/aduan -run Metric -update")
	}
	path := filepath.Join(testenv.Root(t), "docs", "operate.md")
	if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// metrics are a row for each of ours that a line registers.
func metrics(t *testing.T) []string {
	cfg := configs.Defaults()
	cfg.Store.Mode, cfg.Store.DataDir, cfg.Store.Kept.Fsync = configs.ModeEmbedded, t.TempDir(), store.FsyncNone
	cfg.CaseSystem.Webhook.URL = "https://case.example/"
	cfg.CaseSystem.Webhook.Secret = configs.NewSecret("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	link := configs.DefaultLink()
	link.Address, link.SystemID = "127.0.0.1:1", "aduan"
	cfg.SMPP.Links = map[string]configs.Link{"main": link}
	engine, err := newEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := buildLine(t.Context(), cfg, engine, zap.NewNop(), openTrial)
	if err != nil {
		t.Fatal(err)
	}
	defer l.store.Close()
	newBacklogGauges(l.registry)
	if _, err := staffapi.New(staffapi.Options{Desk: l.desk, Agencies: l.agencies, Events: l.feed, Keys: l.store, Keyring: keyring.Ring{Store: l.store, Now: l.timing.now}, Jobs: l.jobs, Now: time.Now, Log: zap.NewNop(), Metrics: l.registry}); err != nil {
		t.Fatal(err)
	}
	descs := make(chan *prometheus.Desc)
	go func() { defer close(descs); l.registry.Describe(descs) }()
	name := regexp.MustCompile(`fqName: "(aduan_[a-z_]+)", help: "([^"]*)"`)
	var rows []string
	for d := range descs {
		if m := name.FindStringSubmatch(d.String()); m != nil {
			rows = append(rows, fmt.Sprintf("| `%s` | %s |\n", m[1], m[2]))
		}
	}
	slices.Sort(rows)
	return slices.Compact(rows)
}

// documents are the README and everything below docs.
func documents(t *testing.T, root string) []string {
	all := []string{"README.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			rel, _ := filepath.Rel(root, path)
			all = append(all, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sources is all Go of the repository, and the names of its Go and Lua files.
func sources(t *testing.T, root string) (string, []string) {
	var all strings.Builder
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "bin") && path != root:
			return filepath.SkipDir
		case filepath.Ext(path) == ".lua":
			files = append(files, path)
			return nil
		case filepath.Ext(path) != ".go":
			return nil
		}
		files = append(files, path)
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String(), files
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.Root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
