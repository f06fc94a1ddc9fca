package talk

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Dialogue is one scripted conversation.
type Dialogue struct {
	Name  string `yaml:"name"`
	About string `yaml:"about"`
	Steps []Step `yaml:"steps"`
	End   facts  `yaml:"end"`
}

// Step is one thing that happens, and what is expected to follow.
type Step struct {
	SMS       *texts     `yaml:"sms"`
	Arrive    []int      `yaml:"arrive"`
	Late      int        `yaml:"late"`
	Binary    string     `yaml:"binary"`
	Coding    *byte      `yaml:"coding"`
	Echo      bool       `yaml:"echo"`
	Redeliver bool       `yaml:"redeliver"`
	Staff     *staffStep `yaml:"staff"`
	Advance   *span      `yaml:"advance"`
	Check     facts      `yaml:"check"`
	From      string     `yaml:"from"`
	As        string     `yaml:"as"`
	After     *span      `yaml:"after"`
	Expect    expect     `yaml:"expect"`
}

type staffStep struct {
	Ticket   string `yaml:"ticket"`
	Status   string `yaml:"status"`
	Note     string `yaml:"note"`
	Question string `yaml:"question"`
}

// expect is what a step must bring.
type expect struct {
	Replies     *count  `yaml:"replies"`
	Ticket      *names  `yaml:"ticket"`
	Also        *names  `yaml:"also"`
	Asks        *string `yaml:"asks"`
	AsksAbout   *string `yaml:"asks_about"`
	MaxSegments int     `yaml:"max_segments"`
	Language    *string `yaml:"language"`
	Emergency   *bool   `yaml:"emergency"`
	Has         names   `yaml:"has"`
	Lacks       names   `yaml:"lacks"`
	Reply       string  `yaml:"reply"`
	Unlike      string  `yaml:"unlike"`
	Refused     string  `yaml:"refused"`
}

// facts are what is true of the line: of tickets ($a), of citizens (warga).
type facts struct {
	Tickets *int
	Events  *names
	Of      map[string]fact
	set     bool
}

// fact is what is true of one ticket or citizen; what is not named is not checked.
type fact struct {
	Kind         *string `yaml:"kind"`
	Status       *string `yaml:"status"`
	Texts        *int    `yaml:"texts"`
	Answers      *names  `yaml:"answers"`
	Has          names   `yaml:"has"`
	Lacks        names   `yaml:"lacks"`
	Rating       *string `yaml:"rating"`
	Language     *string `yaml:"language"`
	Category     *names  `yaml:"category"`
	Confidential *bool   `yaml:"confidential"`
	Incomplete   *bool   `yaml:"incomplete"`
	Urgent       *bool   `yaml:"urgent"`
	Missing      *bool   `yaml:"missing"`
	OptedOut     *bool   `yaml:"opted_out"`
	Erased       *bool   `yaml:"erased"`
	Kept         *int    `yaml:"kept"`
}

// ReadScript reads a file of dialogues. Unknown keys are errors.
func ReadScript(r io.Reader) ([]Dialogue, error) {
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	var ds []Dialogue
	if err := dec.Decode(&ds); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("no dialogue in it")
		}
		return nil, err
	}
	seen := map[string]bool{}
	for i := range ds {
		d := &ds[i]
		switch {
		case d.Name == "":
			return nil, fmt.Errorf("dialogue %d has no name", i+1)
		case seen[d.Name]:
			return nil, fmt.Errorf("two dialogues are called %q", d.Name)
		case len(d.Steps) == 0:
			return nil, fmt.Errorf("dialogue %q has no steps", d.Name)
		}
		seen[d.Name] = true
		for j := range d.Steps {
			if n := d.Steps[j].kinds(); n != 1 {
				return nil, fmt.Errorf("dialogue %q, step %d: one of sms, late, binary, echo, redeliver, staff, advance, check is needed, there are %d", d.Name, j+1, n)
			}
		}
	}
	return ds, nil
}

// kinds counts what a step wants to be.
func (s *Step) kinds() int {
	n := 0
	for _, is := range []bool{s.SMS != nil, s.Late > 0, s.Binary != "", s.Echo, s.Redeliver, s.Staff != nil, s.Advance != nil, s.Check.set} {
		if is {
			n++
		}
	}
	return n
}

// texts is one text, or the parts of a long one.
type texts []string

func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*t = texts{n.Value}
		return nil
	}
	return n.Decode((*[]string)(t))
}

// names is one name or a list; "none" is the empty list.
type names []string

func (t *names) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*t = names{}
		if n.Value != "none" {
			*t = names{n.Value}
		}
		return nil
	}
	return n.Decode((*[]string)(t))
}

// count is a number of SMS, or any.
type count struct {
	n   int
	any bool
}

func (c *count) UnmarshalYAML(n *yaml.Node) error {
	if n.Value == "any" {
		c.any = true
		return nil
	}
	return n.Decode(&c.n)
}

// span is a duration with days: 10d, 28m.
type span time.Duration

func (s *span) UnmarshalYAML(n *yaml.Node) error {
	d, err := ParseSpan(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	*s = span(d)
	return nil
}

// ParseSpan reads a duration such as 5s, 28m, 25h or 10d.
func ParseSpan(v string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(v, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		if err != nil || d < 0 {
			return 0, fmt.Errorf("%q is no span of time: write 5s, 28m, 25h or 10d", v)
		}
		return 24 * d, nil
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no span of time: write 5s, 28m, 25h or 10d", v)
	}
	return d, nil
}

func (f *facts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: facts are a mapping", n.Line)
	}
	f.set, f.Of = true, map[string]fact{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		var err error
		switch key {
		case "tickets":
			err = value.Decode(&f.Tickets)
		case "events":
			err = value.Decode(&f.Events)
		default:
			var one fact
			if err = strict(value, &one); err == nil {
				f.Of[key] = one
			}
		}
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", value.Line, key, err)
		}
	}
	return nil
}

// strict decodes a node with unknown keys as errors, which Node.Decode would let pass.
func strict(n *yaml.Node, v any) error {
	b, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	dec.KnownFields(true)
	return dec.Decode(v)
}
