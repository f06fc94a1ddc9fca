package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aduan/internal/vitals"
	"aduan/store"
)

func newStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the running daemons, their links and the queues",
		Long: `Shows each daemon that runs on the store: what its store promises, how each of
its links is and why, and how full its window is; then what waits in the store.

It asks the store, into which each daemon writes its state every second, and no
daemon: it works from any machine that reaches the store and has the key file.
-o json is for scripts.

--watch goes on each second until it is interrupted: on a terminal in place, else
a line for each link; with -o json an object on a line.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	watch := cmd.Flags().BoolP("watch", "w", false, "refresh each second")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		if *watch {
			return watchStatus(cmd.Context(), *file, *output == "json", cmd.OutOrStdout())
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			return showStatus(ctx, s, *output == "json", cmd.OutOrStdout())
		})
	}
	return cmd
}

// lineStatus is `aduan status -o json`.
type lineStatus struct {
	Daemons map[string]vitals.Daemon `json:"daemons"` // by boot
	Queues  queueView                `json:"queues"`
}

// readStatus reads what the daemons wrote, and counts what waits.
func readStatus(ctx context.Context, s *store.Store) (lineStatus, error) {
	st := lineStatus{Daemons: map[string]vitals.Daemon{}}
	raw, err := s.Statuses(ctx)
	if err != nil {
		return st, err
	}
	for boot, body := range raw {
		var d vitals.Daemon
		if err := json.Unmarshal(body, &d); err != nil {
			return st, fmt.Errorf("status of daemon %s: %w", boot, err)
		}
		st.Daemons[boot] = d
	}
	stats, err := s.Stats(ctx)
	st.Queues = viewQueues(stats)
	return st, err
}

func showStatus(ctx context.Context, s *store.Store, asJSON bool, out io.Writer) error {
	st, err := readStatus(ctx, s)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(st)
	}
	return printStatus(st, out)
}

func printStatus(st lineStatus, out io.Writer) error {
	if len(st.Daemons) == 0 {
		fmt.Fprintln(out, "no daemon is running on this store")
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	boots := make([]string, 0, len(st.Daemons))
	for boot := range st.Daemons {
		boots = append(boots, boot)
	}
	slices.Sort(boots)
	for _, boot := range boots {
		d := st.Daemons[boot]
		fmt.Fprintf(w, "daemon %s\tpid %d on %s\tsince %s\tversion %s\n", boot, d.PID, d.Host, d.Since.Format(time.RFC3339), d.Version)
		fmt.Fprintf(w, "  promise\t%s\n", d.Promise)
		for _, l := range d.Links {
			fmt.Fprintf(w, "  link %s\t%s\tsince %s\twindow %d/%d\tin memory %d%s\n",
				l.Name, l.State, l.Since.Format(time.RFC3339), l.Window.Used, l.Window.Size, d.Memory[l.Name], because(l.Reason))
			if len(l.Sessions) > 1 {
				for _, one := range l.Sessions {
					fmt.Fprintf(w, "    %s\t%s\tsince %s\tin hand %d\toutstanding %d\n",
						one.Bind, one.State, one.Since.Format(time.RFC3339), one.InHand, one.Outstanding)
				}
			}
			if learnt := l.Receipts.String(); learnt != "" {
				fmt.Fprintf(w, "    receipts\t%s\n", learnt)
			}
			if r := l.Pulse.Responses; r.Count > 0 {
				fmt.Fprintf(w, "    responses\thalf within %.3g ms, 99 %% within %.3g ms (last minute)\n", r.P50, r.P99)
			}
			if rate := l.Rate.String(); rate != "" {
				fmt.Fprintf(w, "    rate\t%s\n", rate)
			}
			for _, c := range []struct {
				whose string
				end   *time.Time
			}{{"the operator's", l.Certificates.Theirs}, {"our", l.Certificates.Ours}} {
				if c.end != nil {
					fmt.Fprintf(w, "    %s certificate\texpires %s\n", c.whose, c.end.Format(time.RFC3339))
				}
			}
		}
	}
	q := st.Queues
	fmt.Fprintf(w, "SMS waiting\t%d, of which %d held by daemons, %d due later\n", q.Queued, q.Held, q.Due)
	if q.Oldest != nil {
		fmt.Fprintf(w, "oldest\twaits for %s\n", time.Since(*q.Oldest).Round(time.Second))
	}
	if q.Dead > 0 {
		fmt.Fprintf(w, "dead SMS\t%d wait for a person\n", q.Dead)
	}
	fmt.Fprintf(w, "conversations waiting\t%d\n", q.Conversations)
	fmt.Fprintf(w, "long messages incomplete\t%d\n", q.Groups)
	fmt.Fprintf(w, "tickets with events to hand on\t%d\n", q.Handoffs)
	return w.Flush()
}
