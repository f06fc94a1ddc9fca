package talk

import (
	"sync"
	"time"
)

// clock is the time of a played line.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time that was set.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}
