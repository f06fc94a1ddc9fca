package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"aduan/configs/words"
	"aduan/internal/fill"
	"aduan/store"
)

// newFill is for tests and measurements, and is not listed: a line in use is never filled.
func newFill() *cobra.Command {
	var tickets int
	var seed uint64
	cmd := &cobra.Command{
		Use:   "fill",
		Short: "Fill an empty store with made-up tickets, for tests",
		Long: `Fills the store of the configuration with made-up tickets over nine years, most of
them closed, as the daemon would have written them. It is for tests and
measurements: a store that holds a ticket is refused unless --more is given.

    aduan fill -c test.yaml --tickets 719245 --seed 1

Ctrl-C ends it; what was made stays, and --more with another --seed goes on.`,
		Hidden: true,
		Args:   usageArgs(cobra.NoArgs),
	}
	more := cmd.Flags().Bool("more", false, "the store may hold tickets already")
	file := configFlag(cmd)
	cmd.Flags().IntVar(&tickets, "tickets", 719245, "how many tickets")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "the same seed makes the same citizens")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		engine, err := newEngine(cfg)
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		s, err := openStore(ctx, cfg, zap.NewNop(), nil, openStrict)
		if err != nil {
			return err
		}
		defer s.Close()
		if recs, _, err := s.ListTickets(ctx, store.TicketQuery{}, "", 1); err != nil {
			return err
		} else if len(recs) > 0 && !*more {
			return withCode(exitUsage, fmt.Errorf("the store holds tickets already: it may be a line's; --more fills it all the same"))
		}
		began, shown := time.Now(), time.Time{}
		res, err := fill.Run(ctx, fill.Options{
			Store: s, Engine: engine, Words: words.FS, ShortCode: cfg.Line.ShortCode, Link: "main", Tickets: tickets, Seed: seed, Now: began,
			Tell: func(made, of int) {
				if time.Since(shown) < 500*time.Millisecond && made < of {
					return
				}
				shown = time.Now()
				fmt.Fprintf(cmd.ErrOrStderr(), "\r%s %d of %d tickets, %s", bar(made, of), made, of, time.Since(began).Round(time.Second))
			},
		})
		fmt.Fprintln(cmd.ErrOrStderr())
		fmt.Fprintf(cmd.OutOrStdout(), "%d tickets (%d open) of %d citizens, %d SMS, in %s\n", res.Tickets, res.Open, res.Citizens, res.SMS, time.Since(began).Round(time.Second))
		return err
	}
	return cmd
}

// bar shows how much of a whole is done.
func bar(done, of int) string {
	const width = 30
	b := make([]byte, width)
	for i := range b {
		b[i] = '.'
		if of > 0 && i*of < done*width {
			b[i] = '#'
		}
	}
	return "[" + string(b) + "]"
}
