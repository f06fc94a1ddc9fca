package main

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/configs"
	"aduan/smpp"
)

// linkSet keeps the links that the configuration names: each is bound, and its SMS are sent, until it is removed or
// changed. Only what has changed binds anew.
type linkSet struct {
	l       *line
	changes chan linkChange
	ended   chan struct{} // Run has returned

	// of Run alone, once it runs
	served  map[string]*servedLink
	leaving map[string]*servedLink // removed, and not ended yet as far as is known: one that is added again waits for it
	all     sync.WaitGroup
}

// servedLink is one link while it is served.
type servedLink struct {
	cfg     configs.Link
	link    *smpp.Link
	stop    context.CancelFunc
	ended   chan struct{}
	removed bool // before stop is called: none of its name follows
}

// linkChange is a new set of links: made, and not bound yet, where they are new or changed; nil: as before.
type linkChange struct {
	cfg  map[string]configs.Link
	made map[string]*smpp.Link
	done chan struct{}
}

// newLinkSet makes the links of a configuration; they are bound by Run.
func newLinkSet(l *line, cfg map[string]configs.Link) (*linkSet, error) {
	s := &linkSet{
		l: l, changes: make(chan linkChange), ended: make(chan struct{}),
		served: map[string]*servedLink{}, leaving: map[string]*servedLink{},
	}
	for _, name := range slices.Sorted(maps.Keys(cfg)) {
		link, err := l.newLink(name, cfg[name])
		if err != nil {
			return nil, err
		}
		s.served[name] = &servedLink{cfg: cfg[name], link: link}
	}
	return s, nil
}

// Run serves the links until ctx ends, then drains them.
func (s *linkSet) Run(ctx context.Context) error {
	defer close(s.ended)
	for _, name := range slices.Sorted(maps.Keys(s.served)) {
		s.serve(ctx, s.served[name], nil)
	}
	for {
		select {
		case <-ctx.Done():
			s.all.Wait()
			return nil
		case c := <-s.changes:
			s.apply(ctx, c)
			close(c.done)
		}
	}
}

// serve serves a link, once the one that it replaces has ended.
func (s *linkSet) serve(ctx context.Context, v *servedLink, before *servedLink) {
	ctx, v.stop = context.WithCancel(ctx)
	v.ended = make(chan struct{})
	s.all.Go(func() {
		defer close(v.ended)
		if before != nil {
			<-before.ended
		}
		var g errgroup.Group
		g.Go(func() error { return s.l.pool.Serve(ctx, v.link) })
		g.Go(func() error { return s.l.sender.Serve(ctx, s.l.senderLink(v.link, v.cfg)) })
		if err := g.Wait(); err != nil {
			s.l.log.Error("a link ended", zap.String("link", v.link.Name()), zap.Error(err))
		}
		if v.removed {
			s.l.smppMetrics().Forget(v.link.Name())
		}
	})
}

// apply ends what is removed or changed, and serves what is new or changed.
func (s *linkSet) apply(ctx context.Context, c linkChange) {
	for _, name := range slices.Sorted(maps.Keys(s.served)) {
		if _, stays := c.cfg[name]; !stays {
			s.l.log.Info("a link was removed: it unbinds, and its SMS go other ways", zap.String("link", name))
			v := s.served[name]
			v.removed = true
			v.stop()
			delete(s.served, name)
			s.leaving[name] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.made)) {
		before := s.served[name]
		if before != nil {
			s.l.log.Info("a link has changed: it binds anew", zap.String("link", name))
			before.stop()
		} else {
			s.l.log.Info("a link was added", zap.String("link", name))
			before = s.leaving[name]
			delete(s.leaving, name)
		}
		s.served[name] = &servedLink{cfg: c.cfg[name], link: c.made[name]}
		s.serve(ctx, s.served[name], before)
	}
}

// prepare makes the links that are new in cfg or differ from those of now in more than their routes. Nothing is bound yet.
func (l *line) prepare(now, next *configs.Config) (linkChange, error) {
	c := linkChange{cfg: next.SMPP.Links, made: map[string]*smpp.Link{}, done: make(chan struct{})}
	for _, name := range slices.Sorted(maps.Keys(next.SMPP.Links)) {
		old, known := now.SMPP.Links[name]
		if known && reflect.DeepEqual(bound(old), bound(next.SMPP.Links[name])) {
			continue
		}
		link, err := l.newLink(name, next.SMPP.Links[name])
		if err != nil {
			return c, err
		}
		c.made[name] = link
	}
	return c, nil
}

// bound is what a link must bind anew for: all but which SMS it carries, and how fast.
func bound(c configs.Link) configs.Link {
	c.Rate, c.Prefixes, c.Fallback = 0, nil, nil
	return c
}

// change takes up prepared links.
func (s *linkSet) change(c linkChange) {
	select {
	case s.changes <- c:
		<-c.done
	case <-s.ended:
	}
}
