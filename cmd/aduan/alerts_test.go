package main

import (
	"cmp"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"aduan/internal/testenv"
)

// alertRules are configs/alerts.yaml.
type alertRules struct {
	Groups []struct {
		Name  string      `yaml:"name"`
		Rules []alertRule `yaml:"rules"`
	} `yaml:"groups"`
}

type alertRule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func readAlerts(t *testing.T) []alertRule {
	t.Helper()
	var file alertRules
	if err := yaml.Unmarshal([]byte(read(t, "configs/alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	var all []alertRule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 10 {
		t.Fatalf("only %d alert rules", len(all))
	}
	return all
}

// knownMetrics are the names that a line registers, and the one of Prometheus itself that is used.
func knownMetrics(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{"up": true}
	for _, row := range metrics(t) {
		known[strings.Trim(strings.Fields(row)[1], "`")] = true
	}
	return known
}

var (
	metricName = regexp.MustCompile(`\b(?:aduan_[a-z_]+|up)\b`)
	matchers   = regexp.MustCompile(`\{[^}]*\}`)
)

// unknownMetrics are those in an expression that nothing registers.
func unknownMetrics(expr string, known map[string]bool) (unknown []string) {
	for _, name := range metricName.FindAllString(matchers.ReplaceAllString(expr, ""), -1) {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if cut, ok := strings.CutSuffix(name, suffix); ok && known[cut] {
				base = cut
			}
		}
		if !known[base] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func TestEveryAlertHasItsEntryAndKnownMetrics(t *testing.T) {
	runbook := read(t, "docs/runbook.md")
	known := knownMetrics(t)
	var names []string
	for _, r := range readAlerts(t) {
		names = append(names, r.Alert)
		if !regexp.MustCompile(`(?m)^## ` + r.Alert + `$`).MatchString(runbook) {
			t.Errorf("%s has no entry in docs/runbook.md", r.Alert)
		}
		if want := "docs/runbook.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
			t.Errorf("%s leads to %q, want %q", r.Alert, r.Annotations["runbook"], want)
		}
		if s := r.Labels["severity"]; s != "page" && s != "ticket" {
			t.Errorf("%s has the severity %q, want page or ticket", r.Alert, s)
		}
		if !strings.HasSuffix(r.Annotations["summary"], ".") {
			t.Errorf("%s: its summary is no sentence: %q", r.Alert, r.Annotations["summary"])
		}
		if unknown := unknownMetrics(r.Expr, known); len(unknown) > 0 {
			t.Errorf("%s asks for %v, which nothing tells", r.Alert, unknown)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^## (Aduan\w+)$`).FindAllStringSubmatch(runbook, -1) {
		if !slices.Contains(names, m[1]) {
			t.Errorf("docs/runbook.md has an entry for %s, which is no alert", m[1])
		}
	}
	for _, name := range regexp.MustCompile("`(aduan_[a-z_]+)`").FindAllStringSubmatch(runbook, -1) {
		if !known[name[1]] {
			t.Errorf("docs/runbook.md speaks of %s, which nothing tells", name[1])
		}
	}
}

// alertCase is one of configs/testdata/alerts.test.yaml, as promtool reads it.
type alertCase struct {
	Name  string `yaml:"name"`
	Input []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Rules []struct {
		At     time.Duration `yaml:"eval_time"`
		Alert  string        `yaml:"alertname"`
		Expect []struct {
			Labels      map[string]string `yaml:"exp_labels"`
			Annotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

// TestEveryAlertFires runs the cases of configs/testdata/alerts.test.yaml by promtool, and by an evaluator of our own, so
// that they hold where there is no promtool too.
func TestEveryAlertFires(t *testing.T) {
	rules := map[string]alertRule{}
	for _, r := range readAlerts(t) {
		rules[r.Alert] = r
	}
	var file struct {
		Tests []alertCase `yaml:"tests"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "configs/testdata/alerts.test.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	for _, c := range file.Tests {
		t.Run(c.Name, func(t *testing.T) {
			all := c.series(t)
			for _, want := range c.Rules {
				var expected []string
				for _, e := range want.Expect {
					fired[want.Alert] = true
					expected = append(expected, key(e.Labels)+": "+e.Annotations["summary"])
				}
				if got := firing(t, rules[want.Alert], all, int(want.At.Minutes())); !slices.Equal(got, expected) {
					t.Errorf("%s at %v: %q, want %q", want.Alert, want.At, got, expected)
				}
			}
		})
	}
	for name := range rules {
		if !fired[name] {
			t.Errorf("no case makes %s fire", name)
		}
	}
	t.Run("by promtool", func(t *testing.T) {
		cases := filepath.Join(testenv.Root(t), "configs", "testdata", "alerts.test.yaml")
		out, err := exec.Command(testenv.Promtool(t), "test", "rules", cases).CombinedOutput()
		if err != nil {
			t.Errorf("promtool: %v\n%s", err, out)
		}
	})
}

// series reads promtool's notation: 3, 0x20 (21 times), 0+2x20 (rising), parted by blanks; a value a minute.
func (c alertCase) series(t *testing.T) []series {
	t.Helper()
	label := regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
	step := regexp.MustCompile(`^(\d+)(?:\+(\d+))?(?:x(\d+))?$`)
	var all []series
	for _, in := range c.Input {
		name, rest, _ := strings.Cut(in.Series, "{")
		s := series{labels: map[string]string{"__name__": name}}
		for _, m := range label.FindAllStringSubmatch(rest, -1) {
			s.labels[m[1]] = m[2]
		}
		for part := range strings.FieldsSeq(in.Values) {
			m := step.FindStringSubmatch(part)
			if m == nil {
				t.Fatalf("%s: %q is not understood", in.Series, part)
			}
			number := func(i int) float64 {
				n, _ := strconv.ParseFloat(m[i], 64) // empty is 0
				return n
			}
			for i := range int(number(3)) + 1 {
				s.values = append(s.values, number(1)+float64(i)*number(2))
			}
		}
		all = append(all, s)
	}
	return all
}

// firing are the alerts of a rule that have stood for its time at a minute, "labels: summary", in order.
func firing(t *testing.T, r alertRule, all []series, minute int) []string {
	t.Helper()
	stand, err := time.ParseDuration(cmp.Or(r.For, "0s"))
	if err != nil {
		t.Fatal(err)
	}
	since := map[string]int{}
	var now []string
	for at := 0; at <= minute; at++ {
		v, err := evaluate(r.Expr, all, at)
		if err != nil {
			t.Fatalf("%s: %v", r.Alert, err)
		}
		active := map[string]int{}
		now = nil
		for _, s := range v.samples {
			labels := without(s.labels, "__name__")
			summary := r.Annotations["summary"]
			for k, v := range labels {
				summary = strings.ReplaceAll(summary, "{{ $labels."+k+" }}", v)
			}
			maps.Copy(labels, r.Labels)
			name := key(labels) + ": " + summary
			active[name] = at
			if began, ok := since[name]; ok {
				active[name] = began
			}
			if at-active[name] >= int(stand.Minutes()) {
				now = append(now, name)
			}
		}
		since = active
	}
	slices.Sort(now)
	return now
}

// dashboard is what is read of a Grafana dashboard.
type dashboard struct {
	UID    string  `yaml:"uid"`
	Panels []panel `yaml:"panels"`
}

type panel struct {
	Title       string  `yaml:"title"`
	Type        string  `yaml:"type"`
	Description string  `yaml:"description"`
	Panels      []panel `yaml:"panels"`
	GridPos     struct {
		H, W, X, Y int
	} `yaml:"gridPos"`
	Targets []struct {
		Expr string `yaml:"expr"`
	} `yaml:"targets"`
}

func TestTheDashboardAsksForWhatIsThere(t *testing.T) {
	var d dashboard
	if err := yaml.Unmarshal([]byte(read(t, "configs/dashboard.json")), &d); err != nil { // JSON is YAML
		t.Fatal(err)
	}
	known := knownMetrics(t)
	shown := map[string]bool{}
	places := map[string]string{}
	for _, p := range d.Panels {
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Description == "" {
			t.Errorf("panel %q shows nothing, or does not say what", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := fmt.Sprint(p.GridPos.X+x, p.GridPos.Y+y)
				if other, taken := places[at]; taken {
					t.Fatalf("panel %q lies over %q", p.Title, other)
				}
				places[at] = p.Title
			}
		}
		for _, target := range p.Targets {
			if unknown := unknownMetrics(target.Expr, known); len(unknown) > 0 {
				t.Errorf("panel %q asks for %v, which nothing tells", p.Title, unknown)
			}
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				shown[strings.TrimSuffix(name, "_bucket")] = true
			}
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "aduan_smpp_") && !shown[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}
