package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/configs"
	"aduan/internal/phone"
	"aduan/internal/telemetry"
	"aduan/smpp"
	"aduan/smpp/smsc"
	"aduan/store"
)

const (
	tryLink    = "main"    // the link of a trial
	phonesPath = "/phone/" // its telephones
)

type tryOptions struct {
	listen, smsc, data string
}

func newTry() *cobra.Command {
	var o tryOptions
	cmd := &cobra.Command{
		Use:   "try",
		Short: "A whole line in one process, with telephones in the browser",
		Long: `Runs everything in one process on loopback, for a first look: the store, an SMSC
simulator, the daemon, its console, and telephones on a page in the browser. The messages
truly travel over SMPP. Without --data all is gone at the end.`,
		Args: usageArgs(cobra.NoArgs),
	}
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "address of the page and the API; loopback only")
	cmd.Flags().StringVar(&o.smsc, "smsc", "127.0.0.1:2775", "address of the simulated SMSC; loopback only")
	cmd.Flags().StringVar(&o.data, "data", "", "folder that keeps the data (default: a temporary one, removed at the end)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return try(cmd.Context(), o, cmd.OutOrStdout()) }
	return cmd
}

func try(ctx context.Context, o tryOptions, out io.Writer) error {
	if err := errors.Join(onLoopback("--listen", o.listen), onLoopback("--smsc", o.smsc)); err != nil {
		return err
	}
	page, err := listenTrial("--listen", o.listen)
	if err != nil {
		return err
	}
	defer page.Close()
	operator, err := listenTrial("--smsc", o.smsc)
	if err != nil {
		return err
	}
	defer operator.Close()
	data, remove, err := trialData(o.data)
	if err != nil {
		return err
	}
	defer remove()
	log, _, err := telemetry.NewLog(telemetry.LogOptions{Level: "warn", Format: "console"})
	if err != nil {
		return err
	}
	cfg := trialConfig(data, operator.Addr().String(), page.Addr().String())
	engine, err := newEngine(cfg)
	if err != nil {
		return err
	}
	l, err := buildLine(ctx, cfg, engine, log, openTrial)
	if err != nil {
		return err
	}
	return runTrial(ctx, l, page, operator, o.data != "", out)
}

// runTrial runs the simulator and the line until ctx ends.
func runTrial(ctx context.Context, l *line, page, operator net.Listener, keeps bool, out io.Writer) error {
	simCtx, stopSim := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSim()
	sim := smsc.New(smsc.Options{SystemID: "aduan", Password: "secret", Log: zap.NewNop()})
	var g errgroup.Group
	g.Go(func() error { return sim.Run(simCtx, operator) })

	key, err := trialKey(ctx, l.store)
	if err != nil {
		return errors.Join(err, l.store.Close())
	}
	phones := phone.New(phone.Options{
		SMSC: phone.Of(sim), Done: ctx.Done(), ShortCode: l.cfg.Line.ShortCode, APIKey: key, Log: l.log,
		LinkState: l.firstLink,
	})
	token, err := trialLogin(ctx, l.store)
	if err != nil {
		return errors.Join(err, l.store.Close())
	}
	greet(out, l, page.Addr(), operator.Addr(), key, token, keeps)
	err = l.run(ctx, page, map[string]http.Handler{phonesPath: phones})
	stopSim()
	return errors.Join(err, g.Wait())
}

// firstLink is how a trial's only link is.
func (l *line) firstLink() (state, reason string) {
	for _, link := range l.pool.Links() {
		st := link.Status()
		return st.State, st.Reason
	}
	return smpp.LinkConnecting, ""
}

// onLoopback refuses an address that others than this machine reach.
func onLoopback(flag, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return withCode(exitUsage, fmt.Errorf("%s: %w; write it as 127.0.0.1:8080", flag, err))
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return withCode(exitUsage, fmt.Errorf("%s: %q is not on loopback, and a trial is open to everybody who reaches it; write it as 127.0.0.1:8080", flag, addr))
	}
	return nil
}

// listenTrial opens a port of a trial.
func listenTrial(flag, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; stop what listens on %s, or choose another address with %s", flag, err, addr, flag)
	}
	return ln, nil
}

// trialData is the folder of a trial, and what removes it.
func trialData(dir string) (string, func(), error) {
	if dir != "" {
		return filepath.Join(dir, "store"), func() {}, os.MkdirAll(dir, 0o700)
	}
	tmp, err := os.MkdirTemp("", "aduan-try-")
	if err != nil {
		return "", nil, err
	}
	return filepath.Join(tmp, "store"), func() { _ = os.RemoveAll(tmp) }, nil
}

// trialConfig is the configuration of a trial: the defaults, one link to the
// simulator, no quiet hours, and a managed store where redis-server is found.
func trialConfig(data, operator, page string) *configs.Config {
	cfg := configs.Defaults()
	cfg.Line.QuietHours = configs.QuietHours{}
	cfg.HTTP.Listen = page
	cfg.Store.DataDir = data
	cfg.Store.Mode = configs.ModeEmbedded
	if _, err := exec.LookPath("redis-server"); err == nil {
		cfg.Store.Mode = configs.ModeManaged
	} else {
		cfg.Store.Kept.Fsync = store.FsyncNone
	}
	link := configs.DefaultLink()
	link.Address, link.SystemID, link.Password = operator, "aduan", configs.NewSecret("secret")
	link.Reconnect.Max = 5 * time.Second // a visitor watches it heal
	cfg.SMPP.Links = map[string]configs.Link{tryLink: link}
	cfg.ShutdownTimeout = 5 * time.Second
	return cfg
}

func trialKey(ctx context.Context, s *store.Store) (string, error) {
	return s.AddKey(ctx, store.APIKey{
		Name: "try", Scopes: []string{"tickets:read", "tickets:write", "pii:read", "operate"}, Created: time.Now().UTC(),
		Expires: time.Now().UTC().Add(30 * 24 * time.Hour),
	})
}

// trialLogin is a token by which a visitor signs in to the console once, with every right.
func trialLogin(ctx context.Context, s *store.Store) (string, error) {
	secret, err := s.AddKey(ctx, store.APIKey{
		Name: "console", Scopes: store.Scopes, Created: time.Now().UTC(), Expires: time.Now().UTC().Add(30 * 24 * time.Hour),
	})
	if err != nil {
		return "", err
	}
	id := strings.Split(secret, "_")[1]
	return s.AddLoginLink(ctx, id)
}

// greet says where to look first.
func greet(out io.Writer, l *line, page, operator net.Addr, key, token string, keeps bool) {
	kept := "everything is gone at the end; --data DIR keeps it"
	switch {
	case l.cfg.Store.Mode == configs.ModeEmbedded:
		kept = "install redis-server to keep what is told, here and on a real line"
	case keeps:
		kept = "the data stay in the folder of --data"
	}
	fmt.Fprintf(out, `Aduan is running, in one process, on this machine only.

  telephones   http://%[1]s/phone/
  console      http://%[1]s/login/%[6]s
               (good once, for ten minutes; later, sign in with the API key)
  API          http://%[1]s/v1/  (described by http://%[1]s/openapi.json)
  API key      %[2]s
  SMSC         %[3]s  (system_id aduan, password secret)
  store        %[4]s
               %[5]s

Three SMS to try from the telephone:
  LAPOR jalan rusak di depan pasar Minggu
  CEK
  BANTUAN

Ctrl-C ends it.
`, page, key, operator, l.store.Promise(), kept, token)
}
