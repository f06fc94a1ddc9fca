package main

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// The part of PromQL in which configs/alerts.yaml is written, so that its rules are tried where there is no promtool.
// What it does not know is an error. increase and rate do not extrapolate to the edges of their range.

// series is one metric's samples, a minute apart from 0 on.
type series struct {
	labels map[string]string // with __name__
	values []float64         // NaN: none
}

// sample is one element of a vector; a scalar has no labels and scalar set.
type sample struct {
	labels map[string]string
	value  float64
}

type vector struct {
	scalar  bool
	samples []sample
}

// lookback is how old a sample may be.
const lookback = 5

// evaluation is an expression at a time.
type evaluation struct {
	tokens []string
	all    []series
	minute int
}

var token = regexp.MustCompile(`\s*([a-zA-Z_:][a-zA-Z0-9_:]*|[0-9.]+[smhd]?|"[^"]*"|=~|!~|==|!=|>=|<=|[-+*/=<>(){}\[\],])`)

// evaluate gives the vector of an expression at a minute.
func evaluate(expr string, all []series, minute int) (v vector, err error) {
	e := &evaluation{all: all, minute: minute}
	for rest := strings.TrimSpace(expr); rest != ""; {
		m := token.FindStringSubmatchIndex(rest)
		if m == nil || m[0] != 0 {
			return v, fmt.Errorf("not understood: %q", rest)
		}
		e.tokens = append(e.tokens, rest[m[2]:m[3]])
		rest = strings.TrimSpace(rest[m[1]:])
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v; left: %v", p, e.tokens)
		}
	}()
	v = e.binary(0)
	if len(e.tokens) > 0 {
		panic("something stands behind the expression")
	}
	return v, nil
}

func (e *evaluation) peek() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[0]
}

func (e *evaluation) next() string {
	t := e.peek()
	if t == "" {
		panic("the expression ends too early")
	}
	e.tokens = e.tokens[1:]
	return t
}

func (e *evaluation) expect(want string) {
	if got := e.next(); got != want {
		panic(fmt.Sprintf("%q where %q is needed", got, want))
	}
}

// levels are the binary operators, from the loosest.
var levels = [][]string{{"or"}, {"and", "unless"}, {"==", "!=", ">", "<", ">=", "<="}, {"+", "-"}, {"*", "/"}}

func (e *evaluation) binary(level int) vector {
	if level == len(levels) {
		return e.primary()
	}
	left := e.binary(level + 1)
	for slices.Contains(levels[level], e.peek()) {
		op := e.next()
		left = combine(op, left, e.binary(level+1))
	}
	return left
}

// key names an element by its labels without the metric's name.
func key(labels map[string]string) string {
	var parts []string
	for k, v := range labels {
		if k != "__name__" {
			parts = append(parts, k+"="+v)
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, ",")
}

func combine(op string, a, b vector) vector {
	find := func(v vector, labels map[string]string) (float64, bool) {
		for _, s := range v.samples {
			if v.scalar || key(s.labels) == key(labels) {
				return s.value, true
			}
		}
		return 0, false
	}
	out := vector{scalar: a.scalar && b.scalar}
	if a.scalar && !b.scalar {
		panic("a scalar on the left of a vector")
	}
	for _, s := range a.samples {
		other, found := find(b, s.labels)
		keep := found
		switch op {
		case "and", "or":
			keep = keep || op == "or"
		case "unless":
			keep = !found
		case "+", "-", "*", "/":
			s.value = map[string]float64{"+": s.value + other, "-": s.value - other, "*": s.value * other, "/": s.value / other}[op]
		default:
			keep = found && map[string]bool{
				"==": s.value == other, "!=": s.value != other, ">": s.value > other,
				"<": s.value < other, ">=": s.value >= other, "<=": s.value <= other,
			}[op]
		}
		if keep {
			out.samples = append(out.samples, s)
		}
	}
	if op == "or" {
		for _, s := range b.samples {
			if _, found := find(a, s.labels); !found {
				out.samples = append(out.samples, s)
			}
		}
	}
	return out
}

func (e *evaluation) primary() vector {
	t := e.next()
	switch {
	case t == "(":
		v := e.binary(0)
		e.expect(")")
		return v
	case t[0] >= '0' && t[0] <= '9':
		n, err := strconv.ParseFloat(t, 64)
		if err != nil {
			panic(err)
		}
		return vector{scalar: true, samples: []sample{{value: n}}}
	case t == "sum" || t == "max" || t == "min":
		return e.aggregate(t)
	case t == "time":
		e.expect("(")
		e.expect(")")
		return vector{scalar: true, samples: []sample{{value: float64(e.minute) * 60}}}
	case t == "rate" || t == "increase":
		e.expect("(")
		picked := e.selector(e.next())
		e.expect("[")
		d, err := time.ParseDuration(e.next())
		if err != nil {
			panic(err)
		}
		e.expect("]")
		e.expect(")")
		return e.increase(picked, int(d.Minutes()), t == "rate")
	case t == "histogram_quantile":
		e.expect("(")
		q := e.binary(0)
		e.expect(",")
		v := e.binary(0)
		e.expect(")")
		return quantile(q.samples[0].value, v)
	}
	var v vector
	for _, s := range e.selector(t) {
		for at := e.minute; at >= 0 && at > e.minute-lookback; at-- {
			if at < len(s.values) && !math.IsNaN(s.values[at]) {
				v.samples = append(v.samples, sample{s.labels, s.values[at]})
				break
			}
		}
	}
	return v
}

// selector picks the series of a metric by its matchers.
func (e *evaluation) selector(name string) []series {
	accepts := []func(map[string]string) bool{func(l map[string]string) bool { return l["__name__"] == name }}
	if e.peek() == "{" {
		e.next()
		for e.peek() != "}" {
			label, op := e.next(), e.next()
			want := strings.Trim(e.next(), `"`)
			whole := regexp.MustCompile("^(?:" + want + ")$")
			accepts = append(accepts, func(l map[string]string) bool {
				switch op {
				case "=":
					return l[label] == want
				case "!=":
					return l[label] != want
				case "=~":
					return whole.MatchString(l[label])
				case "!~":
					return !whole.MatchString(l[label])
				}
				panic("no such matcher: " + op)
			})
			if e.peek() == "," {
				e.next()
			}
		}
		e.next()
	}
	var picked []series
	for _, s := range e.all {
		if !slices.ContainsFunc(accepts, func(accept func(map[string]string) bool) bool { return !accept(s.labels) }) {
			picked = append(picked, s)
		}
	}
	return picked
}

func (e *evaluation) increase(picked []series, minutes int, perSecond bool) vector {
	var v vector
	for _, s := range picked {
		sum, n, last := 0.0, 0, 0.0
		for at := max(e.minute-minutes, 0); at <= e.minute && at < len(s.values); at++ {
			if math.IsNaN(s.values[at]) {
				continue
			}
			if step := s.values[at] - last; n > 0 && step >= 0 {
				sum += step
			} else if n > 0 { // it began anew
				sum += s.values[at]
			}
			last = s.values[at]
			n++
		}
		if n < 2 {
			continue
		}
		if perSecond {
			sum /= float64(minutes) * 60
		}
		v.samples = append(v.samples, sample{without(s.labels, "__name__"), sum})
	}
	return v
}

func (e *evaluation) aggregate(how string) vector {
	var by []string
	if e.peek() == "by" {
		e.next()
		e.expect("(")
		for e.peek() != ")" {
			if t := e.next(); t != "," {
				by = append(by, t)
			}
		}
		e.next()
	}
	e.expect("(")
	inner := e.binary(0)
	e.expect(")")
	groups := map[string]*sample{}
	for _, s := range inner.samples {
		labels := map[string]string{}
		for _, l := range by {
			if s.labels[l] != "" {
				labels[l] = s.labels[l]
			}
		}
		g, ok := groups[key(labels)]
		if !ok {
			groups[key(labels)] = &sample{labels, s.value}
			continue
		}
		g.value = map[string]float64{"sum": g.value + s.value, "max": max(g.value, s.value), "min": min(g.value, s.value)}[how]
	}
	var v vector
	for _, k := range slices.Sorted(maps.Keys(groups)) {
		v.samples = append(v.samples, *groups[k])
	}
	return v
}

// quantile reads cumulative buckets: the bound of the first that holds the quantile, or of the last finite one.
func quantile(q float64, v vector) vector {
	type bucket struct{ le, count float64 }
	groups := map[string][]bucket{}
	labels := map[string]map[string]string{}
	for _, s := range v.samples {
		le, err := strconv.ParseFloat(strings.Replace(s.labels["le"], "+Inf", "Inf", 1), 64)
		if err != nil {
			panic(err)
		}
		rest := without(s.labels, "le")
		groups[key(rest)] = append(groups[key(rest)], bucket{le, s.value})
		labels[key(rest)] = rest
	}
	var out vector
	for k, buckets := range groups {
		slices.SortFunc(buckets, func(a, b bucket) int { return int(math.Copysign(1, a.le-b.le)) })
		total, found := buckets[len(buckets)-1].count, 0.0
		for _, b := range buckets {
			if !math.IsInf(b.le, 1) {
				found = b.le
			}
			if b.count >= q*total {
				break
			}
		}
		if total > 0 {
			out.samples = append(out.samples, sample{labels[k], found})
		}
	}
	return out
}

func without(labels map[string]string, name string) map[string]string {
	rest := maps.Clone(labels)
	delete(rest, name)
	return rest
}
