package console

import (
	"maps"
	"testing"

	"aduan/internal/staffapi"
)

// RightsForTest is the table.
func RightsForTest() map[string]staffapi.Right { return maps.Clone(rights) }

// ServedForTest are the routes that need a session.
func ServedForTest(testing.TB) map[string]bool {
	all := map[string]bool{}
	for route := range (&Console{}).signedIn() {
		all[route] = true
	}
	return all
}

// MenuForTest are the paths of the menu.
func MenuForTest() []string {
	var all []string
	for _, item := range menu {
		all = append(all, item.path)
	}
	return all
}
