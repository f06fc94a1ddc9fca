package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"aduan/configs"
	"aduan/internal/doctor"
	"aduan/internal/msisdn"
	"aduan/internal/sender"
	"aduan/smpp"
	"aduan/store"
)

// doctorFlags are what doctor was told besides the configuration.
type doctorFlags struct {
	links  []string
	send   string
	wait   time.Duration
	output string
}

func newDoctor() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor -c FILE",
		Short: "Try the store and each link step by step, and explain what is refused",
		Long: `Tries the store (name, TCP, TLS, login, version, what it promises, commands,
schema, key, every ticket's checksums) and each link (name, TCP, TLS, bind,
enquire_link), says in plain words what each refusal means, what to do and what to
ask the operator, and what it learnt: answer times, what the receipts of each link
have shown the daemons so far, and with --send how message ids and receipts are
written and how the operator's clock differs from ours.

It may run beside a daemon. Its bind is one more: where the operator allows only
the daemon's, it is refused with ESME_RALYBND, which then says nothing against the
link; on a link with exclusive: true that a daemon is bound on, it does not bind at all.
Messages of citizens that the operator hands to it meanwhile get a temporary error
(ESME_RX_T_APPN), so the operator sends them again, to the daemon.

Exit code 4 where something is not reachable or is refused, 3 where configuration,
key or the store's settings do not fit, 1 where something else is wrong.`,
		Example: "  aduan doctor -c aduan.yaml\n  aduan doctor -c aduan.yaml --link main --send +6281234567123",
		Args:    usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.Flags().StringSliceVar(&f.links, "link", nil, "only this link (default: all)")
	cmd.Flags().StringVar(&f.send, "send", "", "send one SMS to this telephone over each link, and wait for its receipt")
	cmd.Flags().DurationVar(&f.wait, "wait", time.Minute, "how long to wait for that receipt")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f.output = *output
		if err := checkOutput(f.output); err != nil {
			return err
		}
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		return examine(cmd.Context(), cfg, f, cmd.OutOrStdout())
	}
	return cmd
}

// examine is the whole visit.
func examine(ctx context.Context, cfg *configs.Config, f doctorFlags, out io.Writer) error {
	names, send, err := f.read(cfg)
	if err != nil {
		return err
	}
	tell := func(string, string) doctor.Tell { return doctor.Tell{} }
	if f.output == "text" {
		tell = func(name, where string) doctor.Tell { return tellText(out, name, where) }
	}
	parts := []doctor.Part{}
	o, err := storeOptions(cfg, zap.NewNop(), time.Now)
	if err != nil {
		return err
	}
	o = o.Resolve()
	where := storeWhere(o)
	part := doctor.CheckStore(ctx, doctor.StoreCheck{Options: o, Where: where}, tell("store", where))
	parts = append(parts, part)
	holders, known := map[string][]string{}, map[string]string{}
	if part.Kind == doctor.Sound && stands(part) {
		holders, known = linksInStore(ctx, cfg)
	}
	for _, name := range names {
		l, err := doctorLink(name, cfg)
		if err != nil {
			return err
		}
		l.Holders, l.Known = holders[name], known[name]
		if send != nil {
			one := *send
			one.Text = fmt.Sprintf("Aduan doctor: link %s, %s UTC", name, time.Now().UTC().Format("15:04:05"))
			l.Send = &one
		}
		parts = append(parts, doctor.CheckLink(ctx, l, tell("link "+name, l.Address)))
	}
	return verdict(parts, f.output, out)
}

// read checks the flags against the configuration.
func (f doctorFlags) read(cfg *configs.Config) (links []string, send *doctor.Send, err error) {
	links = slices.Sorted(maps.Keys(cfg.SMPP.Links))
	for _, name := range f.links {
		if _, ok := cfg.SMPP.Links[name]; !ok {
			return nil, nil, withCode(exitUsage, fmt.Errorf("--link: there is no link %q; there are %s", name, strings.Join(links, ", ")))
		}
	}
	if len(f.links) > 0 {
		links = f.links
	}
	if f.wait <= 0 {
		return nil, nil, withCode(exitUsage, errors.New("--wait: it must be more than nothing"))
	}
	if f.send != "" {
		to, err := msisdn.Parse(f.send, 0, cfg.Line.Region)
		if err != nil {
			return nil, nil, withCode(exitUsage, errors.New("--send: that is no telephone number; write it as +6281234567123"))
		}
		send = &doctor.Send{To: to, Wait: f.wait}
	}
	return links, send, nil
}

// stands tells whether there is a store to ask for daemons.
func stands(p doctor.Part) bool {
	return slices.ContainsFunc(p.Steps, func(s doctor.Step) bool { return s.Name == "key" && s.Result == doctor.OK })
}

func storeWhere(o store.Options) string {
	switch {
	case o.Mode == store.ModeManaged:
		return "our own redis-server in " + o.DataDir
	case o.Mode == store.ModeEmbedded:
		return "in the daemon's memory"
	case o.SentinelMaster != "":
		return o.SentinelMaster + " behind the sentinels " + strings.Join(o.Addresses, ", ")
	}
	return strings.Join(o.Addresses, ", ")
}

// linksInStore says which daemons are bound on which link, and what the links' receipts have shown, in words.
func linksInStore(ctx context.Context, cfg *configs.Config) (holders map[string][]string, known map[string]string) {
	holders, known = map[string][]string{}, map[string]string{}
	s, err := openStore(ctx, cfg, zap.NewNop(), nil, openTool)
	if err != nil {
		return holders, known // the store's part told why
	}
	defer func() { _ = s.Close() }()
	learnt, err := s.Learnt(ctx)
	if err == nil {
		for name, what := range learnt {
			var k sender.Learnt
			if json.Unmarshal(what, &k) == nil { // else of another version: it is learnt anew
				known[name] = k.String()
			}
		}
	}
	st, err := readStatus(ctx, s)
	if err != nil {
		return holders, known
	}
	for _, boot := range slices.Sorted(maps.Keys(st.Daemons)) {
		d := st.Daemons[boot]
		for _, l := range d.Links {
			if l.State == smpp.LinkBound {
				holders[l.Name] = append(holders[l.Name], fmt.Sprintf("the daemon with pid %d on %s is bound since %s", d.PID, d.Host, l.Since.Format(time.RFC3339)))
			}
		}
	}
	return holders, known
}

// doctorLink is a link of the configuration as doctor tries it.
func doctorLink(name string, cfg *configs.Config) (doctor.Link, error) {
	c := cfg.SMPP.Links[name]
	tlsConfig, err := dialTLS(c, zap.NewNop())
	if err != nil {
		return doctor.Link{}, withCode(exitConfig, fmt.Errorf("smpp.links.%s.tls: %w", name, err))
	}
	return doctor.Link{
		Name: name, Address: c.Address, SystemID: c.SystemID, Password: c.Password.Reveal(), SystemType: c.SystemType,
		AddressRange: c.AddressRange, ServiceType: c.ServiceType,
		Source:      smpp.Address{TON: c.Source.TON, NPI: c.Source.NPI, Addr: cfg.Line.ShortCode},
		Destination: smpp.Address{TON: c.Destination.TON, NPI: c.Destination.NPI},
		Wire:        wireOf(c), Pair: c.Bind == configs.BindPair, Exclusive: c.Exclusive, TLS: tlsConfig, Timeout: c.ResponseTimeout,
	}, nil
}

// tellText writes each step as it is known.
func tellText(out io.Writer, name, where string) doctor.Tell {
	title := func() {
		if name != "" {
			fmt.Fprintf(out, "%s (%s)\n", name, where)
			name = ""
		}
	}
	return doctor.Tell{
		Step: func(s doctor.Step) {
			title()
			result := string(s.Result)
			if s.Result == doctor.Failed {
				result = "FAILED"
			}
			fmt.Fprintf(out, "  %-8s %-17s %s\n", result, s.Name, s.Detail)
			for _, more := range []struct{ what, words string }{{"do", s.Do}, {"ask the operator", s.Ask}} {
				if more.words != "" {
					fmt.Fprintf(out, "  %-8s %-17s %s: %s\n", "", "", more.what, more.words)
				}
			}
		},
		Fact: func(f doctor.Fact) {
			title()
			fmt.Fprintf(out, "  %-8s %s: %s\n", "learnt", f.What, f.Value)
		},
	}
}

// verdict ends the visit: the worst that was found decides on the exit code.
func verdict(parts []doctor.Part, output string, out io.Writer) error {
	worst := doctor.Sound
	failed := 0
	for _, p := range parts {
		worst = max(worst, p.Kind)
		if p.Kind != doctor.Sound {
			failed++
		}
	}
	if output == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(struct {
			OK    bool          `json:"ok"`
			Parts []doctor.Part `json:"parts"`
		}{worst == doctor.Sound, parts}); err != nil {
			return err
		}
	} else if failed == 0 {
		fmt.Fprintln(out, "all is well")
	} else {
		fmt.Fprintf(out, "%d of %d failed\n", failed, len(parts))
	}
	switch worst {
	case doctor.Unreachable:
		return withCode(exitUnreachable, errSilent)
	case doctor.Invalid:
		return withCode(exitConfig, errSilent)
	case doctor.Damaged:
		return withCode(exitFailed, errSilent)
	case doctor.Sound:
	}
	return nil
}
