//go:build !failpoints

package failpoint

// Hit does nothing in a build without failpoints.
func Hit(string) {}

// Hurry is how many times shorter long pauses are: never, in a build without failpoints.
func Hurry() int { return 1 }

// Poison does nothing in a build without failpoints.
func Poison(string) {}
