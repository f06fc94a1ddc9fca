package intake

import "sync"

const (
	poisonStrikes = 2     // panics after which a message is kept as undecodable, the next time it comes
	poisonKept    = 1_000 // messages remembered
)

// poison counts how often a message made its handling panic.
type poison struct {
	mu      sync.Mutex
	strikes map[string]int
	order   []string
}

func newPoison() *poison { return &poison{strikes: map[string]int{}} }

func (p *poison) strike(digest string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.strikes[digest] == 0 {
		p.order = append(p.order, digest)
		if len(p.order) > poisonKept {
			delete(p.strikes, p.order[0])
			p.order = p.order[1:]
		}
	}
	p.strikes[digest]++
}

// fatal reports whether the message is to be kept without being read.
func (p *poison) fatal(digest string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.strikes[digest] >= poisonStrikes
}
