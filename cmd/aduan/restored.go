package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"aduan/store"
)

func newRestored() *cobra.Command {
	var yes bool
	var skip uint64
	cmd := &cobra.Command{
		Use:   "restored [--yes] [--skip N]",
		Short: "Acknowledge that the store was emptied, or put back from a backup",
		Long: `The daemon notices a store that knows less than this line has told: one that was
emptied, put back from an old backup, or that lost the last moments in a failover.
It goes on, gives no ticket number twice, and says so in /readyz, in its log and by
the alert AduanStoreYounger until somebody acknowledges it.

Without --yes this only shows what was noticed. With --yes it is acknowledged: on
this daemon and any other within a minute.

--skip is for a store that was put back together with a line.json as old as itself:
then nothing here knows which ticket numbers were given since, and the next N of each
shard are left out. Count generously (a line gives about a hundredth of its tickets
in each shard); do it before the daemon is started.

Exit code 6 where nothing was noticed.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	cmd.Flags().Uint64Var(&skip, "skip", 0, "leave out the next N ticket numbers of each shard, at most 1000000; no daemon may run")
	cmd.Flags().BoolVar(&yes, "yes", false, "acknowledge it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			if skip > 0 {
				if err := skipNumbers(ctx, s, skip); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "The next %d ticket numbers of each shard are left out.\n", skip)
			}
			y, err := s.Younger(ctx)
			if errors.Is(err, store.ErrNotFound) && skip > 0 {
				return nil
			}
			if errors.Is(err, store.ErrNotFound) {
				return withCode(exitNotFound, errors.New("restored: the store knows all that this line has told; there is nothing to acknowledge"))
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), y)
			if !yes {
				fmt.Fprintln(cmd.OutOrStdout(), "Nothing is acknowledged yet: aduan restored --yes")
				return nil
			}
			if err := s.Restored(ctx); err != nil && !errors.Is(err, store.ErrNotFound) { // another was faster
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "Acknowledged.")
			return nil
		})
	}
	return cmd
}

// skipNumbers leaves ticket numbers out, while no daemon has any of them at hand.
func skipNumbers(ctx context.Context, s *store.Store, n uint64) error {
	if n > 1_000_000 {
		return withCode(exitUsage, errors.New("restored: --skip takes at most 1000000"))
	}
	running, err := s.Statuses(ctx)
	if err != nil {
		return err
	}
	if len(running) > 0 {
		return errors.New("restored: a daemon runs on this store and has ticket numbers at hand; stop it first (or wait some seconds after a kill)")
	}
	return s.SkipSerials(ctx, n)
}
