package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

const (
	lookWithin   = 3 * time.Second  // for one look at an external server
	childWithin  = 10 * time.Second // for a child of ours to come up at start
	pingEvery    = time.Second
	lookEvery    = time.Minute
	trimEvery    = time.Hour              // between two trimmings of events past their retention
	retryEvery   = 250 * time.Millisecond // while something is wrong
	watchTick    = 100 * time.Millisecond
	storeInWords = "store"
)

func logReason(why string) zap.Field { return zap.String("reason", why) }

// Open opens the store that o names. A server that cannot be reached, or refuses the login, is no error: Health says
// why, Run keeps trying, and nothing counts as kept meanwhile. Refused are a weaker promise (ErrWeaker), another key
// (ErrOtherKey), newer data (ErrSchema), and settings that cannot be right.
func Open(ctx context.Context, o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if o.Mode == ModeEmbedded && !o.AllowTrial {
		return nil, fmt.Errorf("the embedded store keeps nothing when its process ends: %w; install redis-server, or give store.addresses, or allow a trial", ErrWeaker)
	}
	if err := makeDataDir(o); err != nil {
		return nil, err
	}
	master, err := lineKey(o)
	if err != nil {
		return nil, err
	}
	keys, err := newSealer(master)
	if err != nil {
		return nil, err
	}
	m := manager{gate: newGate(scriptCommit, scriptPart, scriptRedeliver)}
	switch o.Mode {
	case ModeManaged:
		if m.child, err = startManaged(o, master); err != nil {
			return nil, err
		}
		o.Addresses, o.Password, o.Username = []string{"unix:" + m.child.socket}, m.child.password, ""
		o.SentinelMaster, o.Cluster, o.TLS = "", false, nil
	case ModeEmbedded:
		if m.embedded, err = startEmbedded(o.Now); err != nil {
			return nil, err
		}
		o.Addresses, o.Password, o.Username = []string{m.embedded.addr()}, m.embedded.password, ""
		o.SentinelMaster, o.Cluster, o.TLS = "", false, nil
	case ModeAuto, ModeExternal:
	}
	var s *Store
	rdb, way := newClient(o, func(ctx context.Context, cn *redis.Conn) error { return s.connected(ctx, cn) })
	s = newStore(rdb, keys, o)
	s.way = way
	s.lines.lacking = func() { s.again.Store(true) }
	s.manager.gate, s.manager.child, s.manager.embedded = m.gate, m.child, m.embedded
	hook(rdb, m.gate)
	file := &lineFile{}
	if o.DataDir != "" {
		file.path = filepath.Join(o.DataDir, "line.json")
	}
	s.serials = newSerials(file, o.Now)
	s.serials.reserve, s.serials.raised = s.reserveSerials, s.serialRaised
	if file.path != "" {
		_, err = file.read() // damaged: told at once, not at the first ticket
	}
	if err == nil {
		err = s.firstLook(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// hook puts the gate before the wire, also for each node of a cluster.
func hook(rdb redis.UniversalClient, g *gate) {
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		again := reloading{func() { cluster.ReloadState(context.Background()) }}
		cluster.OnNewNode(func(node *redis.Client) {
			node.AddHook(again)
			node.AddHook(g)
		})
		return
	}
	rdb.AddHook(g)
}

// makeDataDir makes the data folder, which only its owner may read.
func makeDataDir(o Options) error {
	if o.DataDir == "" {
		return nil
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return fmt.Errorf("store.data_dir: %w", err)
	}
	if o.Mode == ModeManaged {
		if err := os.Chmod(o.DataDir, 0o700); err != nil {
			return fmt.Errorf("store.data_dir: it must be readable by its owner only: %w", err)
		}
	}
	return nil
}

// firstLook looks at the server until it is found good or refused, or for so long that the caller should start without.
func (s *Store) firstLook(ctx context.Context) error {
	within := lookWithin
	if s.child != nil {
		within = childWithin
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if s.child != nil {
		s.child.awaitSocket(ctx) // a child that only begins is no trouble to tell of
	}
	for {
		err := s.look(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrWeaker), errors.Is(err, ErrOtherKey), errors.Is(err, ErrSchema):
			return err
		case s.child == nil, s.child.ended() != nil, ctx.Err() != nil:
			return nil // Run keeps trying
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Run keeps the store usable until ctx ends: restarts a child of ours, looks whether the server still keeps what was
// promised (each minute, and after each new connection), and says in Health what is wrong.
func (s *Store) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("store: Run runs already")
	}
	defer s.running.Store(false)
	supervised := make(chan struct{})
	if s.child != nil {
		go func() { defer close(supervised); s.child.supervise(ctx) }() // waited for below
	} else {
		close(supervised)
	}
	ahead := make(chan struct{})
	go func() { defer close(ahead); s.serials.keepAhead(ctx) }() // waited for below
	scrubbed := make(chan struct{})
	go func() { defer close(scrubbed); s.scrubs(ctx) }() // waited for below
	rested := make(chan struct{})
	go func() { defer close(rested); s.restLoop(ctx) }() // waited for below
	s.watch(ctx)
	<-ahead
	<-rested
	<-supervised
	<-scrubbed
	return nil
}

// watch is the loop of Run.
func (s *Store) watch(ctx context.Context) {
	tick := time.NewTicker(watchTick)
	defer tick.Stop()
	looked, pinged := time.Now(), time.Now()
	var trimmed time.Time
	grown := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ok, _ := s.Health()
		if ok && time.Since(trimmed) >= trimEvery {
			trimmed = time.Now()
			call, cancel := context.WithTimeout(ctx, lookWithin)
			if err := s.TrimEvents(call); err != nil && ctx.Err() == nil {
				s.opt.Log.Warn("old events are not trimmed yet", zap.Error(err))
			}
			cancel()
		}
		if ok && time.Since(grown) >= ageEvery && s.manager.kept.Load() {
			grown = time.Now()
			call, cancel := context.WithTimeout(ctx, lookWithin)
			if err := s.grow(call); err != nil && ctx.Err() == nil {
				s.manager.kept.Store(true)
				s.opt.Log.Warn("the store's age is not counted up yet", zap.Error(err))
			}
			cancel()
		}
		since := time.Since(looked)
		if (!ok && since >= retryEvery) || (s.again.Load() && since >= pingEvery) || since >= lookEvery {
			call, cancel := context.WithTimeout(ctx, lookWithin)
			_ = s.look(call) // told by Health and the log
			cancel()
			looked, pinged = time.Now(), time.Now()
			continue
		}
		if ok && time.Since(pinged) >= pingEvery {
			call, cancel := context.WithTimeout(ctx, lookWithin)
			err := onMasters(call, s.rdb, func(ctx context.Context, c *redis.Client) error { return c.Ping(ctx).Err() })
			cancel()
			if ctx.Err() == nil {
				s.report(err)
			}
			pinged = time.Now()
		}
	}
}

// report makes what a look or a ping found known, once each time that it changes.
func (s *Store) report(err error) {
	trouble := ""
	if err != nil {
		trouble = s.words(err)
	}
	if !s.setTrouble(trouble) {
		return
	}
	if trouble == "" {
		s.opt.Log.Info("the store answers", zap.String(storeInWords, describe(s.opt)))
		return
	}
	s.opt.Log.Warn("the store cannot be used; what comes is left with the SMSC", logReason(trouble))
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		cluster.ReloadState(context.Background()) // a dead master is dialled for ever otherwise
	}
}

func (s *Store) words(err error) string {
	if s.child != nil {
		if ended := s.child.ended(); ended != nil {
			return fmt.Sprintf("the store %s: %v; it is started again and again", describe(s.opt), ended)
		}
	}
	return inWords(s.opt, err)
}

// Close ends what Open began: what is under way is waited for, a child of ours is ended in order.
func (s *Store) Close() error {
	s.close()
	err := s.rdb.Close()
	if s.child != nil {
		s.child.stop()
	}
	if s.embedded != nil {
		s.embedded.close()
	}
	return err
}
