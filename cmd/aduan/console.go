package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/internal/console"
	"aduan/store"
)

// newConsole makes the console's pages. phones is the path of a trial's telephones; "": there are none.
func (l *line) newConsole(ctx context.Context, phones string) (map[string]http.Handler, error) {
	c, err := console.New(console.Options{
		Desk: l.desk, Agencies: l.agencies, Line: l.store, Front: func() console.Front { return l.web.server() },
		ShortCode: func() string { return l.conf().Line.ShortCode }, Location: func() *time.Location { return l.conf().Line.Location() }, Phones: phones,
		Trial: l.cfg.Store.Mode == configs.ModeEmbedded, Done: ctx.Done(), Now: l.timing.now, Log: l.log,
	})
	if err != nil {
		return nil, err
	}
	return c.Handlers(), nil
}

func newKeysLink() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "link ID",
		Short: "Print a link that signs in to the console once, with a key's rights",
		Long: `Prints a link by which somebody signs in to the console, once and within ten
minutes, with the rights of a key: who uses it need not know the key.
aduan keys list shows the ids.

The address is the one at which the daemon listens, or the first of http.hosts;
where people reach it by another, say so with --url.`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	cmd.Flags().StringVar(&at, "url", "", "address of the console as its user writes it, such as https://aduan.example")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		if at == "" {
			at = consoleURL(cfg)
		}
		if u, err := url.Parse(at); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return withCode(exitUsage, fmt.Errorf("--url: %q is no address; write it as https://aduan.example", at))
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			token, err := s.AddLoginLink(ctx, args[0])
			if errors.Is(err, store.ErrNoKey) {
				return withCode(exitNotFound, fmt.Errorf("%w; aduan keys list shows those that are", err))
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), loginURL(at, token))
			return err
		})
	}
	return cmd
}

func loginURL(at, token string) string { return strings.TrimRight(at, "/") + "/login/" + token }

// consoleURL is where people reach the console, as far as the configuration tells.
func consoleURL(cfg *configs.Config) string {
	ours := cfg.HTTP.TLS.CertFile != ""
	host, port, err := net.SplitHostPort(cfg.HTTP.Listen)
	if err != nil {
		host, port = cfg.HTTP.Listen, ""
	}
	if len(cfg.HTTP.Hosts) > 0 {
		host = cfg.HTTP.Hosts[0]
		if name, given, err := net.SplitHostPort(host); err == nil {
			host, port = name, given
		} else if !ours && len(cfg.HTTP.TrustedProxies) > 0 {
			return "https://" + host // what stands before us has the usual port
		}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if ours {
		scheme = "https"
	}
	if port == "" || ours && port == "443" {
		return scheme + "://" + host
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
