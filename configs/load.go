package configs

import (
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	_ "time/tzdata" // line.timezone is known on a machine without zone files too

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// Flag is a setting from the command line: it wins over everything.
type Flag struct {
	Name  string // "--listen", for messages
	Key   string // "http.listen"
	Value string // lists by comma
}

// Find is the file that a tool reads: the one given by -c, else $ADUAN_CONFIG, else ./aduan.yaml where it is, else
// "": then the environment alone speaks.
func Find(given string) string {
	if given != "" {
		return given
	}
	if named := os.Getenv("ADUAN_CONFIG"); named != "" {
		return named
	}
	if _, err := os.Stat("aduan.yaml"); err == nil {
		return "aduan.yaml"
	}
	return ""
}

// Load reads the configuration: flags, then variables, then the file ("" for none), then defaults. Every problem
// found comes back in one *Invalid.
func Load(name string, flags ...Flag) (*Config, error) {
	l := &loader{env: environ(), flags: flags, bound: map[string]string{}}
	l.file = &file{}
	if name != "" {
		l.file = readFile(name)
		l.problems = l.file.problems
		if len(l.file.values) == 0 && len(l.problems) > 0 {
			return nil, &Invalid{l.problems} // nothing was read: what else is missing would only distract
		}
	}
	c, err := l.merge()
	if err != nil {
		return nil, err
	}
	l.secrets(c)
	l.problems = append(l.problems, l.located(check(c))...)
	if len(l.problems) > 0 {
		return nil, &Invalid{order(l.problems)}
	}
	return c, nil
}

// Validate checks a configuration that was made by hand as Load checks one: nil or an *Invalid.
func (c *Config) Validate() error {
	if problems := check(c); len(problems) > 0 {
		return &Invalid{order(problems)}
	}
	return nil
}

// loader holds the sources while they are merged.
type loader struct {
	file     *file
	env      map[string]string // variables that are set
	bound    map[string]string // path → variable
	flags    []Flag
	problems []Problem
}

// merge lays the sources over each other and reads them into a Config.
func (l *loader) merge() (*Config, error) {
	v := viper.New()
	if err := v.MergeConfigMap(l.file.values); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	all := settings(reflect.ValueOf(*Defaults()), "")
	for _, name := range l.names(linkPrefix, Link{}, "smpp", "links") {
		all = append(all, settings(reflect.ValueOf(DefaultLink()), "smpp.links."+name)...)
	}
	for _, name := range l.names(hookPrefix, AgencyWebhook{}, "case_system", "agencies") {
		all = append(all, settings(reflect.ValueOf(AgencyWebhook{}), "case_system.agencies."+name)...)
	}
	for _, s := range all {
		v.SetDefault(s.path, s.value.Interface())
		l.bind(v, s)
	}
	l.problems = append(l.problems, strangers(l.env, l.bound)...)
	for _, f := range l.flags {
		v.Set(f.Key, f.Value)
	}
	for _, s := range all {
		l.readable(v, s)
	}
	c := Defaults()
	if err := v.UnmarshalExact(c, viper.DecodeHook(mapstructure.DecodeHookFuncType(read))); err != nil {
		return nil, fmt.Errorf("configuration: %w", err) // a flag's key that is none
	}
	return c, nil
}

// bind lets a variable set the path. Empty ones count for texts and lists only: an empty number says nothing.
func (l *loader) bind(v *viper.Viper, s setting) {
	variable := envName(s.path)
	l.bound[s.path] = variable
	value, set := l.env[variable]
	if !set {
		return
	}
	if value == "" {
		switch t := s.value.Type(); {
		case t.Kind() == reflect.String, t == typeSecret, t == typeQuiet, t == typeStrings:
			// viper takes no empty variable. A flag is set after this and still wins.
			v.Set(s.path, "")
		}
		return
	}
	_ = v.BindEnv(s.path, variable) // fails only without a path
}

// readable tries to read a setting's text; what cannot be read is a problem, and its default takes its place, so
// that the rest can be looked at.
func (l *loader) readable(v *viper.Viper, s setting) {
	if _, err := read(nil, s.value.Type(), v.Get(s.path)); err != nil {
		what, fix, _ := strings.Cut(err.Error(), "; write ")
		if fix != "" {
			fix = "write " + fix
		}
		l.problems = append(l.problems, l.located([]Problem{{Key: s.path, What: what, Fix: fix}})...)
		v.Set(s.path, s.value.Interface())
	}
}

// names is the names of all links, or of whatever else has names, of the file and of variables.
func (l *loader) names(prefix string, each any, section, key string) []string {
	names := namesIn(l.env, prefix, each)
	if in, ok := l.file.values[section].(map[string]any); ok {
		if by, ok := in[key].(map[string]any); ok {
			names = slices.AppendSeq(names, maps.Keys(by))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// read turns a text into the type of its setting; mapstructure calls it for every value.
func read(_, to reflect.Type, data any) (any, error) {
	text, ok := data.(string)
	if !ok {
		return data, nil
	}
	switch {
	case to == typeSecret:
		return NewSecret(text), nil
	case to == typeQuiet:
		return ParseQuietHours(text)
	case to == typeDuration:
		return ParseDuration(text)
	case to == typeStrings:
		return splitList(text), nil
	}
	switch to.Kind() {
	case reflect.Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			return b, nil
		}
		return nil, fmt.Errorf("%q is neither true nor false; write one of them", text)
	case reflect.Int:
		if n, err := strconv.Atoi(text); err == nil {
			return n, nil
		}
		return nil, fmt.Errorf("%q is not a whole number; write digits only", text)
	case reflect.Uint8:
		if n, err := strconv.ParseUint(text, 10, 8); err == nil {
			return byte(n), nil
		}
		return nil, fmt.Errorf("%q is not a whole number from 0 to 255; write digits only", text)
	case reflect.Float64:
		if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n, nil
		}
		return nil, fmt.Errorf("%q is not a number; write digits only", text)
	}
	return data, nil
}

// splitList reads a list by comma; spaces around and empty parts go.
func splitList(text string) []string {
	list := []string{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// located tells where each problem's key was said. It drops what a problem reported before explains: one of the same
// key, of a secret's file, or of something in the part that is judged as a whole.
func (l *loader) located(problems []Problem) []Problem {
	var fresh []Problem
	for _, p := range problems {
		if slices.ContainsFunc(l.problems, func(q Problem) bool {
			return p.Key != "" && (q.Key == p.Key || q.Key == p.Key+"_file" || strings.HasPrefix(q.Key, p.Key+"."))
		}) {
			continue
		}
		p.Where, p.line = l.where(p.Key)
		fresh = append(fresh, p)
	}
	return fresh
}

// where is the source of a key: the flag, the variable, or the line of it or of what holds it.
func (l *loader) where(key string) (string, int) {
	for _, f := range l.flags {
		if f.Key == key {
			return f.Name, 0
		}
	}
	if variable := l.bound[key]; variable != "" {
		if _, set := l.env[variable]; set {
			return variable, 0
		}
	}
	for path := key; path != ""; path = parent(path) {
		if line := l.file.lines[path]; line > 0 {
			return at(l.file.name, line), line
		}
	}
	return l.file.name, 0
}

func parent(path string) string {
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}
