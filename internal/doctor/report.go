package doctor

import (
	"time"
)

// Result is how a step ended.
type Result string

// The results.
const (
	OK      Result = "ok"
	Warning Result = "warning" // it works; a person should know
	Failed  Result = "failed"
	Skipped Result = "skipped"
)

// Kind says what sort of failure a part has, worst last.
type Kind int

// The kinds of failure.
const (
	Sound       Kind = iota
	Damaged          // something stored is damaged, or an SMS did not do as it should
	Invalid          // the configuration, the key or the store's settings do not fit
	Unreachable      // not reachable, or the login or a command is refused
)

// Step is one thing that was tried.
type Step struct {
	Name   string        `json:"step"`
	Result Result        `json:"result"`
	Detail string        `json:"detail"`
	Do     string        `json:"do,omitempty"`  // what to do
	Ask    string        `json:"ask,omitempty"` // what to ask the operator
	Took   time.Duration `json:"-"`
	Millis float64       `json:"ms"`
}

// Fact is something learnt about the other side.
type Fact struct {
	What  string `json:"what"`
	Value string `json:"value"`
}

// Part is the examination of a link or of the store.
type Part struct {
	Name   string `json:"name"` // link main, store
	Where  string `json:"where"`
	Steps  []Step `json:"steps"`
	Learnt []Fact `json:"learnt"`
	Kind   Kind   `json:"-"`
}

// Tell hears of each step, and each fact, as it is known; nil fields hear nothing.
type Tell struct {
	Step func(Step)
	Fact func(Fact)
}

// examiner gathers a part.
type examiner struct {
	part Part
	tell Tell
	now  func() time.Time
}

func newExaminer(name, where string, tell Tell, now func() time.Time) *examiner {
	if now == nil {
		now = time.Now
	}
	return &examiner{part: Part{Name: name, Where: where, Steps: []Step{}, Learnt: []Fact{}}, tell: tell, now: now}
}

// step notes a step that began at a time.
func (x *examiner) step(began time.Time, s Step) {
	s.Took = x.now().Sub(began)
	s.Millis = float64(s.Took.Microseconds()) / 1000
	x.part.Steps = append(x.part.Steps, s)
	if x.tell.Step != nil {
		x.tell.Step(s)
	}
}

// fail notes a step that failed.
func (x *examiner) fail(began time.Time, kind Kind, s Step) {
	s.Result = Failed
	x.part.Kind = max(x.part.Kind, kind)
	x.step(began, s)
}

func (x *examiner) learn(what, value string) {
	f := Fact{what, value}
	x.part.Learnt = append(x.part.Learnt, f)
	if x.tell.Fact != nil {
		x.tell.Fact(f)
	}
}
