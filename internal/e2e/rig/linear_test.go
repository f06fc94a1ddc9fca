package rig

import "testing"

// TestCrookedHistoriesAreSeen: a checker that notices nothing proves nothing.
func TestCrookedHistoriesAreSeen(t *testing.T) {
	for _, row := range []struct {
		name  string
		turns []turn // in the store's order
		bad   int
	}{
		{"one after another", []turn{{token: "a", sent: 1, read: 2, answer: 0}, {token: "b", sent: 3, read: 4, answer: 1}}, 0},
		{"under way together, either order is right", []turn{{token: "b", sent: 2, read: 4, answer: 0}, {token: "a", sent: 1, read: 3, answer: 1}}, 0},
		{"no answer yet", []turn{{token: "a", sent: 1, read: 2, answer: -1}, {token: "b", sent: 3, read: 4, answer: 0}}, 0},
		{"acknowledged before the other was sent, and after it in the store", []turn{{token: "b", sent: 3, read: 4, answer: 0}, {token: "a", sent: 1, read: 2, answer: 1}}, 1},
		{"answered in another order than they stand", []turn{{token: "a", sent: 1, read: 4, answer: 1}, {token: "b", sent: 2, read: 3, answer: 0}}, 1},
		{"over two operators nobody knows which was first", []turn{{smsc: "x", token: "b", sent: 3, read: 4, answer: 0}, {smsc: "y", token: "a", sent: 1, read: 2, answer: 1}}, 0},
	} {
		if got := crooked(row.turns); len(got) != row.bad {
			t.Errorf("%s: %q, want %d", row.name, got, row.bad)
		}
	}
}
