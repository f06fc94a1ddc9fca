package smpp

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Pool is the links of a daemon, one or more for each operator.
type Pool struct {
	links  []*Link
	byName map[string]*Link
}

// NewPool gathers links; of two with one name the later is found by it.
func NewPool(links []*Link) *Pool {
	p := &Pool{links: links, byName: make(map[string]*Link, len(links))}
	for _, l := range links {
		p.byName[l.Name()] = l
	}
	return p
}

// Link finds a link by its name.
func (p *Pool) Link(name string) (*Link, bool) {
	l, ok := p.byName[name]
	return l, ok
}

// Links are all of them, in the order given.
func (p *Pool) Links() []*Link { return p.links }

// Bound tells whether any of them is bound.
func (p *Pool) Bound() bool {
	for _, l := range p.links {
		if l.Bound() {
			return true
		}
	}
	return false
}

// Run keeps all links bound until ctx ends, then drains them side by side.
func (p *Pool) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range p.links {
		g.Go(func() error { return l.Run(ctx) })
	}
	return g.Wait()
}
