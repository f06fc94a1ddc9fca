//go:build race

package testenv

// Race says whether the race detector watches this test binary.
const Race = true
