package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"aduan/internal/telemetry"
)

func newServe() *cobra.Command {
	var allowTrial bool
	var memory string
	cmd := &cobra.Command{
		Use:   "serve -c FILE",
		Short: "Run the daemon",
		Long: `Runs the daemon: binds to each operator, takes citizens' messages, answers them,
hands complaints to the case system, and serves the staff API, health and
metrics on http.listen.

SIGTERM or SIGINT: takes no new messages, finishes those in hand, unbinds, and
exits with 0 within shutdown_timeout. SIGHUP: reads the configuration again; an
invalid one changes nothing and is reported.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	cmd.Flags().BoolVar(&allowTrial, "allow-trial-store", false, "accept a store in memory, which loses everything at the end")
	cmd.Flags().StringVar(&memory, "memory-limit", "", "soft limit of the heap, such as 512MiB; 0: none (default: $GOMEMLIMIT, else 85 % of the cgroup's memory, 40 % beside a managed store)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), *file, allowTrial, memory) }
	return cmd
}

func serve(ctx context.Context, file string, allowTrial bool, memory string) error {
	cfg, err := loadConfig(file)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGPIPE) // who reads the log may go; the line goes on
	log, level, err := telemetry.NewLog(telemetry.LogOptions{Level: cfg.Log.Level, Format: cfg.Log.Format})
	if err != nil {
		return withCode(exitConfig, err)
	}
	defer func() { _ = log.Sync() }() // stderr cannot always be synced
	files, err := raiseFiles()
	if err != nil {
		return err
	}
	heap, from, err := limitMemory(cfg, memory)
	if err != nil {
		return err
	}
	engine, err := newEngine(cfg) // what is written wrong is told before anything is taken
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w; stop what listens there, or choose another address", err)
	}
	use := openStrict
	if allowTrial {
		use = openTrial
	}
	l, err := buildLine(ctx, cfg, engine, log, use)
	if err != nil {
		_ = ln.Close()
		return err
	}
	for _, w := range notes(cfg) {
		log.Warn("a doubtful setting", zap.String("setting", w))
	}
	log.Info("aduan begins", zap.String("version", version), zap.String("promise", l.store.Promise()), zap.Stringer("http", ln.Addr()))
	sayLimits(log, files, heap, from)
	l.web.places = httpPlaces(files)
	reload, stop := onHangup(ctx, func() { l.reload(file, level) })
	defer stop()
	go reload()
	return l.run(ctx, ln, nil)
}

// onHangup calls f at each SIGHUP until ctx ends or stop is called.
func onHangup(ctx context.Context, f func()) (run func(), stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	done := make(chan struct{})
	run = func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				f()
			}
		}
	}
	stop = func() {
		signal.Stop(hup)
		cancel()
		<-done
	}
	return run, stop
}
