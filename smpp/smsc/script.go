package smsc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"aduan/smpp"
)

// Script is a story that a simulated SMSC tells: how it looks, and what it does when.
type Script struct {
	About   string  `yaml:"about"`
	Profile Profile `yaml:"profile"`
	Steps   []Step  `yaml:"steps"`
}

// Step is one thing that the SMSC does. The actions and what each of them reads are in [Actions].
type Step struct {
	At     Duration       `yaml:"at"`    // since the script began, or since After
	After  map[string]int `yaml:"after"` // so many of a PDU, e.g. submit_sm: 10; also bind, bound
	For    Duration       `yaml:"for"`   // then it ends; 0: it lasts
	Do     string         `yaml:"do"`
	Count  int            `yaml:"count"`
	By     Duration       `yaml:"by"`
	Status string         `yaml:"status"` // a name of SMPP 3.4 §5.1.3, or its number
	Share  int            `yaml:"share"`  // percent; 0: all
	From   string         `yaml:"from"`
	To     string         `yaml:"to"`
	Text   string         `yaml:"text"`
	ID     string         `yaml:"id"`
	State  string         `yaml:"state"`
	Number uint32         `yaml:"number"`
	Octets string         `yaml:"octets"` // hexadecimal, spaces between

	line int
}

// Duration is a time.Duration that YAML writes as 1m30s.
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration; write 500ms, 10s, 2m", text)
	}
	*d = Duration(v)
	return nil
}

// UnmarshalYAML reads a duration.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	if err := d.UnmarshalText([]byte(n.Value)); err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	return nil
}

// UnmarshalYAML reads a step and remembers where it stands.
func (s *Step) UnmarshalYAML(n *yaml.Node) error {
	type plain Step
	if err := known(n); err != nil {
		return err
	}
	if err := n.Decode((*plain)(s)); err != nil {
		return err
	}
	s.line = n.Line
	return nil
}

// known refuses keys that a step does not have: the decoder does not look into what has a decoder of its own.
func known(n *yaml.Node) error {
	names := []string{"at", "after", "for", "do", "count", "by", "status", "share", "from", "to", "text", "id", "state", "number", "octets"}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a step is written as keys with values", n.Line)
	}
	for i := 0; i < len(n.Content); i += 2 {
		if k := n.Content[i]; !slices.Contains(names, k.Value) {
			return fmt.Errorf("line %d: a step has no %q; it has %s", k.Line, k.Value, strings.Join(names, ", "))
		}
	}
	return nil
}

// String tells a step in a line.
func (s Step) String() string {
	var b strings.Builder
	b.WriteString(s.Do)
	for _, part := range []struct {
		name, value string
	}{
		{"count", number(s.Count)},
		{"by", span(s.By)},
		{"status", s.Status},
		{"share", number(s.Share)},
		{"from", s.From},
		{"to", s.To},
		{"id", s.ID},
		{"state", s.State},
		{"number", number(int(s.Number))},
		{"for", span(s.For)},
	} {
		if part.value != "" {
			fmt.Fprintf(&b, " %s=%s", part.name, part.value)
		}
	}
	return b.String()
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func span(d Duration) string {
	if d == 0 {
		return ""
	}
	return time.Duration(d).String()
}

// ReadScript reads a script in YAML and checks all of it.
func ReadScript(r io.Reader) (*Script, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var s Script
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("script: %w", err)
	}
	var all []error
	if err := s.Profile.check(); err != nil {
		all = append(all, err)
	}
	for _, step := range s.Steps {
		if err := step.check(); err != nil {
			all = append(all, fmt.Errorf("script: line %d: %w", step.line, err))
		}
	}
	return &s, errors.Join(all...)
}

// ParseStep reads the step that a flag tells: "at=5s,for=30s,status=0x0D", of which a text is the last.
func ParseStep(do, words string) (Step, error) {
	n := yaml.Node{Kind: yaml.MappingNode, Line: 1}
	add := func(key, value string) {
		v := &yaml.Node{Kind: yaml.ScalarNode, Value: value, Line: 1}
		k := &yaml.Node{Kind: yaml.ScalarNode, Value: key, Line: 1}
		if key == "after" {
			what, count, _ := strings.Cut(value, ":")
			v = &yaml.Node{Kind: yaml.MappingNode, Line: 1, Content: []*yaml.Node{
				{Kind: yaml.ScalarNode, Value: what}, {Kind: yaml.ScalarNode, Value: cmp.Or(count, "1")},
			}}
		}
		if key == "status" || key == "text" || key == "from" || key == "to" || key == "id" {
			v.Tag, v.Style = "!!str", yaml.DoubleQuotedStyle
		}
		n.Content = append(n.Content, k, v)
	}
	add("do", do)
	for rest := words; rest != "" && rest != "now"; {
		var pair string
		if pair, rest, _ = strings.Cut(rest, ","); strings.HasPrefix(pair, "text=") && rest != "" {
			pair, rest = pair+","+rest, ""
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return Step{}, fmt.Errorf("%q: write KEY=VALUE,…, for instance at=5s,for=30s, or now", words)
		}
		add(key, value)
	}
	var s Step
	if err := n.Decode(&s); err != nil {
		return Step{}, fmt.Errorf("%q: %w", words, err)
	}
	return s, s.check()
}

// check tells what is wrong with a step.
func (s Step) check() error {
	a, ok := actions[s.Do]
	if !ok {
		return fmt.Errorf("there is no %q to do; see aduan smsc --help", s.Do)
	}
	for what, n := range s.After {
		if _, ok := countOf(what); !ok || n < 1 {
			return fmt.Errorf("after %s: %d: write bind, bound, or the name of a PDU, and a number from 1", what, n)
		}
	}
	if len(s.After) > 1 {
		return errors.New("after names one thing")
	}
	if s.Status != "" {
		if _, err := statusNamed(s.Status); err != nil {
			return err
		}
	}
	if s.Share < 0 || s.Share > 100 {
		return fmt.Errorf("share %d: it is percent", s.Share)
	}
	if s.For > 0 && a.undo == nil {
		return fmt.Errorf("%s happens at once; leave out for", s.Do)
	}
	for key, set := range map[string]bool{
		"count": s.Count != 0, "by": s.By != 0, "status": s.Status != "", "share": s.Share != 0, "from": s.From != "", "to": s.To != "",
		"text": s.Text != "", "id": s.ID != "", "state": s.State != "", "number": s.Number != 0, "octets": s.Octets != "",
	} {
		if set && !slices.Contains(a.reads, key) {
			return fmt.Errorf("%s does not read %q", s.Do, key)
		}
	}
	if a.check != nil {
		return a.check(s)
	}
	return nil
}

// countOf is what an after counts.
func countOf(name string) (smpp.CommandID, bool) {
	switch name {
	case "bind":
		return CountBind, true
	case "bound":
		return CountBound, true
	}
	for _, id := range []smpp.CommandID{
		smpp.CmdSubmitSM, smpp.CmdDeliverSM, smpp.CmdDeliverSMResp, smpp.CmdEnquireLink, smpp.CmdEnquireLinkResp, smpp.CmdUnbind,
		smpp.CmdUnbindResp, smpp.CmdGenericNack,
	} {
		if id.String() == name {
			return id, true
		}
	}
	return 0, false
}

// statusNamed reads ESME_RTHROTTLED, RTHROTTLED or 0x58.
func statusNamed(name string) (smpp.Status, error) {
	if n, err := strconv.ParseUint(name, 0, 32); err == nil {
		return smpp.Status(n), nil
	}
	for n := range smpp.Status(0x500) {
		if full := n.String(); full == name || full == "ESME_"+name {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%q is no status: write its name in SMPP 3.4 (ESME_RTHROTTLED), or its number (0x58)", name)
}
