package configs

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

const (
	envPrefix  = "ADUAN_"
	linkPrefix = "ADUAN_SMPP_LINKS_"
	hookPrefix = "ADUAN_CASE_SYSTEM_AGENCIES_"
)

// environ is the ADUAN_ variables that are set.
func environ() map[string]string {
	set := map[string]string{}
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, envPrefix) {
			set[name] = value
		}
	}
	return set
}

// namesIn is the names that variables speak of: ADUAN_SMPP_LINKS_MAIN_PASSWORD creates the link main. each is the zero value
// of what has the name.
func namesIn(env map[string]string, prefix string, each any) []string {
	keys := settings(reflect.ValueOf(each), "")
	var names []string
	for variable := range env {
		rest, of := strings.CutPrefix(variable, prefix)
		name, key, whole := strings.Cut(rest, "_")
		if !of || !whole {
			continue
		}
		name = strings.ToLower(name)
		known := slices.ContainsFunc(keys, func(s setting) bool { return strings.TrimPrefix(envName(s.path), envPrefix) == key })
		if known && linkName(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// strangers are variables that look like settings and are none: a misspelt one must not be without effect in
// silence. Others with the prefix (ADUAN_CONFIG, those of the tests) mean something else.
func strangers(env map[string]string, bound map[string]string) []Problem {
	var problems []Problem
	var names []string
	for _, name := range bound {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	for _, variable := range slices.Sorted(maps.Keys(env)) {
		if slices.Contains(names, strings.ToLower(variable)) || !section(variable) {
			continue
		}
		fix := "unset it, or see the keys in the example configuration"
		if best, d := nearest(variable, names); d <= 1+len(variable)/4 {
			fix = "did you mean " + strings.ToUpper(best) + "?"
		}
		problems = append(problems, Problem{Where: variable, What: "no setting has this variable", Fix: fix})
	}
	return problems
}

// section says whether variable begins with the name of a part of the configuration.
func section(variable string) bool {
	for _, f := range fields(reflect.TypeFor[Config]()) {
		if name := envName(f.Name); variable == name || !leaf(f.Type) && strings.HasPrefix(variable, name+"_") {
			return true
		}
	}
	return false
}
