package conversation_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// The dialogues' own form (DIALOGUES.md), as far as the engine alone plays it.
type (
	dialogue struct {
		Name  string
		About string
		Steps []scriptStep
		End   map[string]yaml.Node
	}
	scriptStep struct {
		SMS       wordList
		Arrive    []int
		Late      int
		Binary    string
		Coding    int
		Echo      bool
		Redeliver bool
		Staff     *struct{ Ticket, Status, Note, Question string }
		Advance   span
		Check     map[string]yaml.Node
		From      string
		As        string
		After     span
		Expect    *expectation
	}
	expectation struct {
		Replies     *string
		Ticket      wordList
		Also        wordList
		Asks        string
		AsksAbout   string `yaml:"asks_about"`
		MaxSegments int    `yaml:"max_segments"`
		Language    string
		Emergency   *bool
		Has         []string
		Lacks       []string
		Reply       string
		Unlike      string
		Refused     string
	}
	wordList []string
	span     time.Duration
)

func (w *wordList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = wordList{n.Value}
		return nil
	}
	return n.Decode((*[]string)(w))
}

func (s *span) UnmarshalYAML(n *yaml.Node) error {
	text := n.Value
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		*s = span(time.Duration(n) * 24 * time.Hour)
		return err
	}
	d, err := time.ParseDuration(text)
	*s = span(d)
	return err
}

func TestDialogues(t *testing.T) {
	own, err := filepath.Glob("testdata/dialogues/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(own, "testdata/dialogues.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dec := yaml.NewDecoder(bytes.NewReader(data))
		dec.KnownFields(true)
		var all []dialogue
		if err := dec.Decode(&all); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for i := range all {
			d := &all[i]
			t.Run(d.Name, func(t *testing.T) { newStage(t).play(d) })
		}
	}
}

func (g *stage) play(d *dialogue) {
	for i := range d.Steps {
		s := &d.Steps[i]
		where := fmt.Sprintf("step %d", i+1)
		if len(s.SMS) > 0 {
			where += fmt.Sprintf(" (%s)", strings.Join(s.SMS, "|"))
		}
		wait := time.Minute
		if s.After > 0 {
			wait = time.Duration(s.After)
		}
		if i > 0 && s.Advance == 0 {
			g.until(g.now.Add(wait))
		}
		g.sent, g.refused = nil, ""
		g.do(s)
		if s.Expect != nil || s.Check == nil {
			g.expect(where, s)
		}
		g.check(where, s.Check)
	}
	g.check("end", d.End)
}

func (g *stage) do(s *scriptStep) {
	from := s.From
	if from == "" {
		from = "warga"
	}
	g.from = from
	switch {
	case len(s.SMS) == 1:
		g.text(from, g.fill(s.SMS[0]))
	case len(s.SMS) > 1:
		arrive := s.Arrive
		if arrive == nil {
			for i := range s.SMS {
				arrive = append(arrive, i+1)
			}
		}
		g.long(from, s.SMS, arrive)
	case s.Late > 0:
		g.late(from, s.Late)
	case s.Binary != "":
		g.unreadable(from)
	case s.Echo:
		g.text(from, g.last[from])
	case s.Staff != nil:
		g.staff(g.names[s.Staff.Ticket], s.Staff.Status, s.Staff.Note, s.Staff.Question)
	case s.Advance > 0:
		g.until(g.now.Add(time.Duration(s.Advance)))
	}
}

var filled = regexp.MustCompile(`\{(?:(\w+) )?(\$\w+|unknown)\}`)

func (g *stage) fill(text string) string {
	return filled.ReplaceAllStringFunc(text, func(m string) string {
		sub := filled.FindStringSubmatch(m)
		if sub[2] == "unknown" {
			return g.unknown().String()
		}
		n := g.names[sub[2]]
		d := []byte(n.Digits())
		switch sub[1] {
		case "digits":
			return string(d)
		case "spaced":
			return strings.ReplaceAll(n.String(), "-", " ")
		case "dotted":
			return strings.ReplaceAll(n.String(), "-", ".")
		case "mistype":
			d[3] = '0' + (d[3]-'0'+1)%10
			return string(d)
		case "swap":
			for i := 1; i+1 < len(d); i++ {
				if d[i] != d[i+1] {
					d[i], d[i+1] = d[i+1], d[i]
					return string(d)
				}
			}
		}
		return n.String()
	})
}

func (g *stage) expect(where string, s *scriptStep) {
	e := s.Expect
	if e == nil {
		e = &expectation{}
	}
	g.t.Helper()
	want := "0"
	if (len(s.SMS) > 0 || s.Binary != "" || s.Staff != nil) && e.Refused == "" {
		want = "1"
	}
	if e.Replies != nil {
		want = *e.Replies
	}
	if want != "any" && want != strconv.Itoa(len(g.sent)) {
		g.t.Errorf("%s: %d replies, want %s: %v", where, len(g.sent), want, g.sent)
	}
	if g.refused != e.Refused {
		g.t.Errorf("%s: refused %q, want %q", where, g.refused, e.Refused)
	}
	var text string
	limit := max(e.MaxSegments, 1)
	for _, r := range g.sent {
		text += r.Text + "\n"
		if n := segments(r.Text); n > limit {
			g.t.Errorf("%s: %d segments: %s", where, n, r.Text)
		}
		if e.Language != "" && r.Language != e.Language {
			g.t.Errorf("%s: language %s, want %s: %s", where, r.Language, e.Language, r.Text)
		}
	}
	if e.Ticket != nil {
		g.expectTickets(where, e, text)
	}
	asks, about := g.citizen(g.from).state.Asks()
	if e.Asks != "" && asks != e.Asks {
		g.t.Errorf("%s: asks %s, want %s: %s", where, asks, e.Asks, text)
	}
	if e.AsksAbout != "" && about != g.names[e.AsksAbout] {
		g.t.Errorf("%s: asks about %s, want %s", where, about, g.names[e.AsksAbout])
	}
	lower := strings.ToLower(text)
	for _, h := range e.Has {
		if !strings.Contains(lower, strings.ToLower(h)) {
			g.t.Errorf("%s: lacks %q: %s", where, h, text)
		}
	}
	for _, h := range e.Lacks {
		if strings.Contains(lower, strings.ToLower(h)) {
			g.t.Errorf("%s: has %q: %s", where, h, text)
		}
	}
	if e.Emergency != nil && strings.Contains(text, "112") != *e.Emergency {
		g.t.Errorf("%s: emergency %v: %s", where, *e.Emergency, text)
	}
	masked := regexp.MustCompile(`\d`).ReplaceAllString(text, "#")
	if e.Reply != "" {
		if had, ok := g.replies[e.Reply]; ok && had != masked {
			g.t.Errorf("%s: %q is not as before: %q", where, text, had)
		}
		g.replies[e.Reply] = masked
	}
	if e.Unlike != "" && g.replies[e.Unlike] == masked {
		g.t.Errorf("%s: %q is as before", where, text)
	}
}

func (g *stage) expectTickets(where string, e *expectation, text string) {
	found := numbersIn(text)
	want := slices.DeleteFunc(slices.Clone(e.Ticket), func(s string) bool { return s == "none" })
	for _, name := range want {
		n, ok := g.names[name]
		if !ok { // a name binds a number that no other name has
			for _, f := range found {
				if !g.bound(f) {
					g.names[name], n = f, f
					break
				}
			}
		}
		if !slices.Contains(found, n) {
			g.t.Errorf("%s: ticket %s (%s) is not named: %s", where, name, n, text)
		}
	}
	for _, f := range found {
		named := func(name string) bool { return g.names[name] == f }
		if !slices.ContainsFunc(want, named) && !slices.ContainsFunc(e.Also, named) {
			g.t.Errorf("%s: ticket %s is named: %s", where, f, text)
		}
	}
}
