package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/internal/keyring"
	"aduan/internal/staffapi"
	"aduan/internal/telemetry"
	"aduan/store"
)

// leaseOfWorkers is how long after a daemon's death another does what only one of them does.
const leaseOfWorkers = 10 * time.Second

// run is a line's life, from its first bind to its last stored outcome. extra
// handlers are mounted beside the API.
//
// The parts end in this order, so that nothing that is acknowledged is left
// behind: the links (they drain: new messages get 0x64, what is in hand is
// finished, then they unbind), sender, timers and hand-off; then intake, whose
// last turns may still bring SMS; what those leave in memory goes back to the
// store; at last the store, with a boot that says good-bye.
func (l *line) run(ctx context.Context, ln net.Listener, extra map[string]http.Handler) error {
	storeCtx, stopStore := context.WithCancel(context.WithoutCancel(ctx))
	intakeCtx, stopIntake := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStore()
	defer stopIntake()

	keeping, edge, inside := new(errgroup.Group), new(errgroup.Group), new(errgroup.Group)
	edgeCtx, stopEdge := context.WithCancel(ctx)
	defer stopEdge()
	own := func(g *errgroup.Group, ctx context.Context, name string, run func(context.Context) error) {
		g.Go(func() error {
			defer stopEdge() // a part that ends early ends the line
			err := run(ctx)
			if err != nil && !errors.Is(err, context.Canceled) {
				l.log.Error("a part of the line failed", zap.String("part", name), zap.Error(err))
				return err
			}
			return nil
		})
	}
	own(keeping, storeCtx, "store", l.store.Run)
	own(keeping, storeCtx, "boot", l.runBoot)
	own(inside, intakeCtx, "intake", l.intake.Run)
	own(keeping, storeCtx, "capture", l.captures) // to the links' last words
	own(edge, edgeCtx, "links", l.links.Run)
	own(edge, edgeCtx, "sender", l.sender.Run)
	own(edge, edgeCtx, "timers", l.timers.Run)
	own(inside, intakeCtx, "tally", l.tally.Run)
	own(edge, edgeCtx, "digest", l.daily.Run)
	own(edge, edgeCtx, "archive", l.archives)
	own(edge, edgeCtx, "status", l.publish)
	own(edge, edgeCtx, "backlog", l.watch)
	own(edge, edgeCtx, "handoff", l.handoff.Run)
	own(edge, edgeCtx, "jobs", func(ctx context.Context) error {
		return l.jobs.Run(ctx, l.store.LineLease("jobs", leaseOfWorkers))
	})
	own(edge, edgeCtx, "audit", func(ctx context.Context) error {
		return l.store.RunAudit(ctx, l.store.LineLease("audit", leaseOfWorkers))
	})
	own(edge, edgeCtx, "feed", l.feed.Run)
	own(edge, edgeCtx, "http", func(ctx context.Context) error { return l.serveHTTP(ctx, ln, extra) })
	own(edge, edgeCtx, "health", func(ctx context.Context) error { return l.health.Run(ctx, &telemetry.Supervisor{}) })
	<-edgeCtx.Done()
	l.health.Stopping()
	err := edge.Wait()
	stopIntake()
	err = errors.Join(err, inside.Wait())
	l.sender.ReleaseAll()
	stopStore()
	err = errors.Join(err, keeping.Wait(), l.store.Close())
	l.log.Info("aduan ends", zap.Error(err))
	return err
}

// runBoot keeps this daemon's heartbeat, and takes over what dead boots left behind.
func (l *line) runBoot(ctx context.Context) error {
	return l.store.RunBoot(ctx, store.BootEvents{
		Links: l.up,
		Dead: func(ctx context.Context, boot string) {
			n, err := l.store.TakeOver(ctx, boot)
			if err != nil {
				l.log.Warn("a dead daemon's SMS are not taken over yet", zap.String("boot", boot), zap.Error(err))
				return
			}
			l.log.Warn("a daemon has died; its SMS are taken over", zap.String("boot", boot), zap.Int("sms", n))
		},
		Fenced: func() {
			l.log.Error("this process stood still or was taken for dead: its sessions are closed unread, and it begins anew")
			for _, link := range l.pool.Links() {
				link.Drop("the process stood still, or was taken for dead by another daemon")
			}
		},
	})
}

// up are the links that are bound.
func (l *line) up() []string {
	var names []string
	for _, link := range l.pool.Links() {
		if link.Bound() {
			names = append(names, link.Name())
		}
	}
	return names
}

func (l *line) serveHTTP(ctx context.Context, ln net.Listener, extra map[string]http.Handler) error {
	mounts := map[string]http.Handler{
		"/livez": l.health.Livez(), "/readyz": l.health.Readyz(), "/metrics": telemetry.MetricsHandler(l.registry),
	}
	phones := ""
	if extra[phonesPath] != nil {
		phones = phonesPath
	}
	pages, err := l.newConsole(ctx, phones)
	if err != nil {
		return err
	}
	maps.Copy(mounts, pages)
	maps.Copy(mounts, extra)
	api, err := l.web.serve(staffapi.Options{
		Desk: l.desk, Agencies: l.agencies, Events: l.feed, Categories: func() []string { return l.turner.Settings().Engine.Words().Categories() }, Keys: l.store, Keyring: keyring.Ring{Store: l.store, Now: l.timing.now}, Jobs: l.jobs, Extra: mounts, Version: version, Now: time.Now, Log: l.log, Metrics: l.registry,
	})
	if err != nil {
		return err
	}
	return api.Run(ctx, ln)
}
