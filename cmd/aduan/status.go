package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aduan/smpp"
	"aduan/store"
)

// daemonStatus is what a daemon writes into the store each second, for tools.
type daemonStatus struct {
	Version string            `json:"version"`
	Host    string            `json:"host"`
	PID     int               `json:"pid"`
	Since   time.Time         `json:"since"`
	Promise string            `json:"promise"`
	Links   []smpp.LinkStatus `json:"links"`
	Memory  map[string]int    `json:"in_memory"` // SMS held in memory, by link
}

// publish writes this daemon's status into the store each second until ctx ends.
func (l *line) publish(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	s := daemonStatus{Version: version, Host: host, PID: os.Getpid(), Since: time.Now().UTC()}
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		s.Promise, s.Links, s.Memory = l.store.Promise(), nil, map[string]int{}
		for _, link := range l.links {
			st := link.Status()
			s.Links = append(s.Links, st)
			if n, err := l.sender.Depth(st.Name); err == nil {
				s.Memory[st.Name] = n
			}
		}
		body, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("status: %w", err)
		}
		call, cancel := context.WithTimeout(ctx, time.Second)
		_ = l.store.PutStatus(call, l.store.BootID(), body) // a store that is away is told of elsewhere
		cancel()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

func newStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the running daemons, their links and the queues",
		Long: `Shows each daemon that runs on the store: what its store promises, how each of
its links is and why, and how full its window is; then what waits in the store.

It asks the store, into which each daemon writes its state every second, and no
daemon: it works from any machine that reaches the store and has the key file.
-o json is for scripts.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			return showStatus(ctx, s, *output == "json", cmd.OutOrStdout())
		})
	}
	return cmd
}

// lineStatus is `aduan status -o json`.
type lineStatus struct {
	Daemons map[string]daemonStatus `json:"daemons"` // by boot
	Store   store.Stats             `json:"store"`
}

func showStatus(ctx context.Context, s *store.Store, asJSON bool, out io.Writer) error {
	raw, err := s.Statuses(ctx)
	if err != nil {
		return err
	}
	st := lineStatus{Daemons: map[string]daemonStatus{}}
	for boot, body := range raw {
		var d daemonStatus
		if err := json.Unmarshal(body, &d); err != nil {
			return fmt.Errorf("status of daemon %s: %w", boot, err)
		}
		st.Daemons[boot] = d
	}
	if st.Store, err = s.Stats(ctx); err != nil {
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
			fmt.Fprintf(w, "  link %s\t%s\tsince %s\twindow %d/%d\tin memory %d\t%s\n",
				l.Name, l.State, l.Since.Format(time.RFC3339), l.WindowUsed, l.WindowSize, d.Memory[l.Name], l.Reason)
		}
	}
	fmt.Fprintf(w, "waiting SMS\t%d due, %d held by daemons\n", st.Store.DueSMS, st.Store.Held)
	if !st.Store.Oldest.IsZero() {
		fmt.Fprintf(w, "oldest waiting\t%s\n", time.Since(st.Store.Oldest).Round(time.Second))
	}
	fmt.Fprintf(w, "questions that wait\t%d\n", st.Store.DueTicks)
	fmt.Fprintf(w, "events to hand on\t%d\n", st.Store.Handoffs)
	return w.Flush()
}
