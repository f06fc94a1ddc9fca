package storetest_test

import (
	"strings"
	"testing"

	"aduan/store/storetest"
)

// A server is killed while it, or a child of its own, still talks: its last lines are taken, and nobody waits for the other.
func TestAServerIsKilledWhileItTalks(t *testing.T) {
	talk := `while :; do echo and on; done & exec "$@"` // ends with its pipe
	r := storetest.Start(t, storetest.Options{Wrap: []string{"sh", "-c", talk, "sh"}})
	r.Kill()
	if !strings.Contains(r.Log(), "and on") {
		t.Errorf("its words are not here:\n%s", r.Log())
	}
}
