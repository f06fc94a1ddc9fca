package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/internal/capture"
	"aduan/internal/staffapi"
	"aduan/store"
)

func newCapture() *cobra.Command {
	var link, limit, keyFile string
	var unredacted bool
	var pid int
	cmd := &cobra.Command{
		Use:   "capture --link NAME [--for 60s] FILE",
		Short: "Record a link's PDUs from the running daemon, for Wireshark",
		Long: `Records what passes on a link, from the daemon that runs here, into FILE (pcapng,
mode 0600; a file that exists is not written over; - is standard output):

    aduan capture -c /etc/aduan/aduan.yaml --link main --for 60s main.pcap
    aduan capture --link main - | tshark -r - -Y smpp

It ends after --for, on Ctrl-C, or when the daemon stops, each time in order.
The PDUs are real, with the session's addresses and ports; the packets around
them are made up, and TLS is taken off. Wireshark and tshark know SMPP by its
look on any port; where they take the port for something else:
tshark -d tcp.port==PORT,smpp.

Telephone numbers (but the short code), texts and passwords are blanked, at the
same length. --unredacted leaves numbers and texts as they are: it needs an API
key with the scope pii:read, in --key-file or $ADUAN_KEY, and is logged with the
key's id. Passwords are blanked always.

The daemon is asked over a socket in store.data_dir, which is its user's alone
(mode 0600): run this as that user, or as root.`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	cmd.Flags().StringVar(&link, "link", "", "the link to record (default: the only one)")
	cmd.Flags().StringVar(&limit, "for", "60s", "for how long; 0: until Ctrl-C")
	cmd.Flags().BoolVar(&unredacted, "unredacted", false, "leave telephone numbers and texts as they are")
	cmd.Flags().StringVar(&keyFile, "key-file", "", "file with an API key, for --unredacted (default: $ADUAN_KEY)")
	cmd.Flags().IntVar(&pid, "pid", 0, "process id of the daemon, where several run here")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		req := capture.Request{Link: link, Unredacted: unredacted}
		if req.For, err = captureTime(limit); err != nil {
			return withCode(exitUsage, err)
		}
		if req.Link, err = captureLink(cfg, link); err != nil {
			return err
		}
		if unredacted {
			if req.Key, err = captureKey(keyFile); err != nil {
				return err
			}
		}
		if pid, err = captureDaemon(cmd.Context(), cfg.Store.DataDir, pid); err != nil {
			return err
		}
		return fetchCapture(cmd.Context(), cfg.Store.DataDir, pid, req, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

func captureTime(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	d, err := configs.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("--for: %q is no time; write it as 90s or 10m", s)
	}
	return d, nil
}

func captureLink(cfg *configs.Config, name string) (string, error) {
	if name != "" {
		return name, nil // the daemon knows what links there are
	}
	if len(cfg.SMPP.Links) == 1 {
		return cfg.SMPP.Default(), nil
	}
	return "", withCode(exitUsage, errors.New("--link: there are several; name one"))
}

// captureKey reads the API key that allows an unredacted capture.
func captureKey(file string) (string, error) {
	key := os.Getenv("ADUAN_KEY")
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--key-file: %w", err)
		}
		key = string(b)
	}
	if key = strings.TrimSpace(key); key == "" {
		return "", withCode(exitNotPermitted, errors.New("--unredacted: give an API key with the scope pii:read, in --key-file or $ADUAN_KEY"))
	}
	return key, nil
}

// captureDaemon finds the daemon to ask.
func captureDaemon(ctx context.Context, dir string, pid int) (int, error) {
	if pid != 0 {
		return pid, nil
	}
	pids, err := capture.Daemons(ctx, dir)
	switch {
	case errors.Is(err, capture.ErrNotPermitted):
		return 0, withCode(exitNotPermitted, err)
	case err != nil:
		return 0, err
	case len(pids) == 0:
		return 0, withCode(exitUnreachable, fmt.Errorf("capture: %w %s; is aduan serve running here, with this configuration?", capture.ErrNoDaemon, dir))
	case len(pids) > 1:
		return 0, withCode(exitUsage, fmt.Errorf("--pid: several daemons run here: %v; name one", pids))
	}
	return pids[0], nil
}

// fetchCapture writes the capture into a file of its own, and says what it holds.
func fetchCapture(ctx context.Context, dir string, pid int, req capture.Request, file string, stdout, stderr io.Writer) error {
	out := stdout
	if file != "-" {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("capture: %s exists; choose another name", file)
		}
		if err != nil {
			return fmt.Errorf("capture: %w", err)
		}
		defer func() { _ = f.Close() }()
		out = f
	}
	sum, err := capture.Fetch(ctx, dir, pid, req, out)
	switch {
	case err == nil:
	case errors.Is(err, capture.ErrBroken):
		return fmt.Errorf("%w; %s holds what came until then", err, file)
	default:
		if file != "-" {
			_ = os.Remove(file) // it holds nothing
		}
		return withCode(captureCode(err), err)
	}
	if f, ok := out.(*os.File); ok && file != "-" {
		if err := f.Close(); err != nil {
			return fmt.Errorf("capture: %w", err)
		}
	}
	fmt.Fprintf(stderr, "aduan: %d PDUs of link %s in %s; it ended: %s\n", sum.PDUs, req.Link, file, sum.Why)
	if sum.Dropped > 0 {
		fmt.Fprintf(stderr, "aduan: %d PDUs are missing in it: they came faster than they could be written\n", sum.Dropped)
	}
	return nil
}

func captureCode(err error) int {
	switch {
	case errors.Is(err, capture.ErrNotPermitted):
		return exitNotPermitted
	case errors.Is(err, capture.ErrNoLink):
		return exitNotFound
	case errors.Is(err, capture.ErrNoDaemon):
		return exitUnreachable
	}
	return exitFailed
}

// captures is the daemon's side of it.
func (l *line) captures(ctx context.Context) error {
	return capture.NewServer(capture.Options{
		Dir: l.cfg.Store.DataDir, Keep: func() []string { return []string{l.conf().Line.ShortCode} }, Version: version, Now: time.Now, Log: l.log,
		Link: func(name string) (capture.Link, bool) {
			for _, link := range l.pool.Links() {
				if link.Name() == name {
					return link, true
				}
			}
			return nil, false
		},
		Names: func() []string {
			var all []string
			for _, link := range l.pool.Links() {
				all = append(all, link.Name())
			}
			return all
		},
		Permit: l.mayRevealAll, Profiles: func() bool { return l.conf().Profiles },
	}).Run(ctx)
}

// mayRevealAll finds the key that allows to see what citizens wrote, of all agencies.
func (l *line) mayRevealAll(ctx context.Context, secret string) (id string, err error) {
	key, err := l.store.FindKey(ctx, secret)
	switch {
	case errors.Is(err, store.ErrNoKey):
		return "", err
	case err != nil:
		return "", fmt.Errorf("the store cannot tell whether the key is valid: %w", err)
	case !key.Allows(staffapi.ScopePII):
		return key.ID, fmt.Errorf("key %s (%s) has no scope %s", key.ID, key.Name, staffapi.ScopePII)
	case key.Agency != "":
		return key.ID, fmt.Errorf("key %s (%s) is of one agency; a link carries all of them", key.ID, key.Name)
	}
	return key.ID, nil
}
