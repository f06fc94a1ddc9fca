package configs

import (
	"reflect"
	"strings"
	"time"
)

var (
	typeSecret   = reflect.TypeFor[Secret]()
	typeDuration = reflect.TypeFor[time.Duration]()
	typeQuiet    = reflect.TypeFor[QuietHours]()
	typeStrings  = reflect.TypeFor[[]string]()
	typeLinks    = reflect.TypeFor[map[string]Link]()
	typeHooks    = reflect.TypeFor[map[string]AgencyWebhook]()
)

// leaf says whether a value of type t stands in one scalar or list.
func leaf(t reflect.Type) bool {
	return t.Kind() != reflect.Struct && !named(t) || t == typeSecret || t == typeQuiet
}

// named says whether t is a map of things by their names.
func named(t reflect.Type) bool { return t == typeLinks || t == typeHooks }

// fields lists the keys of a struct type with their types, in order.
func fields(t reflect.Type) []reflect.StructField {
	all := make([]reflect.StructField, t.NumField())
	for i := range all {
		all[i] = t.Field(i)
		all[i].Name = all[i].Tag.Get("mapstructure")
	}
	return all
}

// setting is one leaf of a struct: its path below it, and its value.
type setting struct {
	path  string
	value reflect.Value
}

// settings lists the leaves of a struct, maps left out.
func settings(v reflect.Value, path string) []setting {
	var all []setting
	for i, f := range fields(v.Type()) {
		switch {
		case named(f.Type):
		case leaf(f.Type):
			all = append(all, setting{join(path, f.Name), v.Field(i)})
		default:
			all = append(all, settings(v.Field(i), join(path, f.Name))...)
		}
	}
	return all
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// envName is the variable of a path.
func envName(path string) string {
	return "ADUAN_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}
