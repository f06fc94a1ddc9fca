package staffapi

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxRemembered bounds each memory of callers and keys.
const maxRemembered = 10_000

// limits is a rate limit for each key.
type limits[K comparable] struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	of map[K]*rate.Limiter // guarded by mu
}

func newLimits[K comparable](r rate.Limit, burst int) *limits[K] {
	return &limits[K]{rate: r, burst: burst, of: map[K]*rate.Limiter{}}
}

// take uses one, or tells how long to wait for the next.
func (l *limits[K]) take(k K, now time.Time) (bool, time.Duration) {
	lim := l.limiter(k, now)
	if lim.AllowN(now, 1) {
		return true, 0
	}
	return false, l.wait(lim, now)
}

// left tells whether one is left, without using it.
func (l *limits[K]) left(k K, now time.Time) (bool, time.Duration) {
	lim := l.limiter(k, now)
	if lim.TokensAt(now) >= 1 {
		return true, 0
	}
	return false, l.wait(lim, now)
}

func (l *limits[K]) wait(lim *rate.Limiter, now time.Time) time.Duration {
	return time.Duration((1 - lim.TokensAt(now)) / float64(l.rate) * float64(time.Second))
}

func (l *limits[K]) limiter(k K, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	lim, ok := l.of[k]
	if !ok {
		if len(l.of) >= maxRemembered {
			l.forget(now)
		}
		lim = rate.NewLimiter(l.rate, l.burst)
		l.of[k] = lim
	}
	return lim
}

// forget drops those that have used nothing lately, and where that does not help, any.
func (l *limits[K]) forget(now time.Time) {
	for k, lim := range l.of {
		if lim.TokensAt(now) >= float64(l.burst) || len(l.of) >= maxRemembered && lim.TokensAt(now) >= 1 {
			delete(l.of, k)
		}
	}
	for k := range l.of {
		if len(l.of) < maxRemembered {
			return
		}
		delete(l.of, k)
	}
}

// knownFor is how long a key that was good stays exempt from the limit of failed logins.
const knownFor = 10 * time.Minute

// recent remembers the digests of keys that were good lately. It decides only who is looked up, never who may enter.
type recent struct {
	mu sync.Mutex
	at map[[32]byte]time.Time // guarded by mu
}

func (r *recent) has(d [32]byte, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[d]
	return ok && now.Sub(at) < knownFor
}

func (r *recent) add(d [32]byte, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil || len(r.at) >= maxRemembered {
		r.at = map[[32]byte]time.Time{}
	}
	r.at[d] = now
}

func (r *recent) drop(d [32]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.at, d)
}
