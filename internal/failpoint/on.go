//go:build failpoints

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// armed is a point at which this process ends.
type armed struct {
	at   int64 // the hit that ends it
	hits atomic.Int64
}

// plan is what the environment asks for; immutable but for the counts.
type plan struct {
	points map[string]*armed
	token  string // of PanicInStep; empty: none
}

var read = sync.OnceValue(func() plan {
	p := plan{points: map[string]*armed{}}
	for word := range strings.SplitSeq(os.Getenv(Env), ",") {
		name, arg, ok := strings.Cut(strings.TrimSpace(word), ":")
		if !ok {
			continue
		}
		if name == PanicInStep {
			p.token = arg
			continue
		}
		n, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || n < 1 {
			panic("failpoint: " + Env + ": " + word + " is not NAME:N")
		}
		p.points[name] = &armed{at: n}
	}
	return p
})

// Hit ends this process with SIGKILL when the environment asks for this hit of name.
func Hit(name string) {
	p := read().points[name]
	if p == nil || p.hits.Add(1) != p.at {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// Hurry is how many times shorter long pauses are, as the environment says.
func Hurry() int {
	n, _ := strconv.Atoi(os.Getenv(HurryEnv)) // none, or no number: not at all
	return max(n, 1)
}

// Poison panics when text contains the token that the environment names.
func Poison(text string) {
	if token := read().token; token != "" && strings.Contains(text, token) {
		panic("failpoint: " + PanicInStep)
	}
}
