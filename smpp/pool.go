package smpp

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Pool is the links of a daemon, one or more for each operator. They come and go while it runs.
type Pool struct {
	mu    sync.Mutex // guards links
	links []*Link
}

// NewPool gathers links that [Pool.Run] keeps bound; others come by [Pool.Serve]. Of two with one name the later is found
// by it.
func NewPool(links []*Link) *Pool { return &Pool{links: slices.Clone(links)} }

// Link finds a link by its name.
func (p *Pool) Link(name string) (*Link, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range slices.Backward(p.links) {
		if l.Name() == name {
			return l, true
		}
	}
	return nil, false
}

// Links are all of them now, by name.
func (p *Pool) Links() []*Link {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.Clone(p.links)
	slices.SortStableFunc(all, func(a, b *Link) int { return strings.Compare(a.Name(), b.Name()) })
	return all
}

// Bound tells whether any of them is bound.
func (p *Pool) Bound() bool { return slices.ContainsFunc(p.Links(), (*Link).Bound) }

// Run keeps the links bound that the pool was made with until ctx ends, then drains them side by side.
func (p *Pool) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range p.Links() {
		g.Go(func() error { return l.Run(ctx) })
	}
	return g.Wait()
}

// Serve keeps one more link bound until ctx ends, then drains it. It is one of the pool's as long.
func (p *Pool) Serve(ctx context.Context, l *Link) error {
	p.mu.Lock()
	p.links = append(p.links, l)
	p.mu.Unlock()
	err := l.Run(ctx)
	p.mu.Lock()
	p.links = slices.DeleteFunc(p.links, func(other *Link) bool { return other == l })
	p.mu.Unlock()
	return err
}
