package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/internal/turn"
	"aduan/internal/visible"
	"aduan/store"
)

func newAudit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "The audit trail: who did what to which ticket, and that nobody changed it since",
		Long: `Every change by staff, every reading that showed a whole telephone number, every
change of the keys, and the outcome of every SMS about a ticket stand in the audit
trail: who, when, what, which ticket, from where; never a text. The record is written
by the same step that does it, chained within seconds (each record's hash covers the
one before), and each day the heads of all chains go into the line's own chain.

It asks the store and no daemon, and works while the line runs.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAuditList(), newAuditVerify())
	return cmd
}

func newAuditList() *cobra.Command {
	var ticket, key, action, since, until string
	var limit int
	cmd := &cobra.Command{
		Use:   "list [--ticket NUMBER] [--key ID] [--action A] [--since T] [--until T]",
		Short: "List what was done, the newest first",
		Long: `Lists the trail. --ticket answers "whose data": who read this citizen's number, who
changed the ticket, which SMS went out. Times are RFC 3339, a date, or an age (90d).`,
		Example: "  aduan audit list --ticket 4821-3769\n  aduan audit list --action reveal --since 30d\n  aduan audit list --action key -o json",
		Args:    usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.Flags().StringVar(&ticket, "ticket", "", "only what was done to this ticket")
	cmd.Flags().StringVar(&key, "key", "", "only what the API key with this id did; cli: commands of this machine")
	cmd.Flags().StringVar(&action, "action", "", "only this: status, question, assign, file, reveal, sms, key …")
	cmd.Flags().StringVar(&since, "since", "", "not before this time")
	cmd.Flags().StringVar(&until, "until", "", "before this time")
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many; 0: all")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		q, err := auditQuery(ticket, key, action, since, until, time.Now())
		if err != nil {
			return err
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			items, err := trail(ctx, s, q, limit)
			if err != nil {
				return err
			}
			if *output == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				enc.SetEscapeHTML(false)
				return enc.Encode(struct {
					Items []desk.AuditView `json:"items"`
				}{items})
			}
			return printTrail(cmd.OutOrStdout(), items)
		})
	}
	return cmd
}

func auditQuery(ticket, key, action, since, until string, now time.Time) (q store.AuditQuery, err error) {
	q.Action = action
	if key != "" {
		q.Keys = map[string]bool{key: true}
	}
	if ticket != "" {
		n, err := conversation.ParseNumber(ticket)
		if err != nil {
			return q, withCode(exitNotFound, errors.New("--ticket: no ticket has this number: a digit is mistyped"))
		}
		q.Shard, q.Ticket = n.Shard(), n.Serial()
	}
	if q.Since, err = moment("--since", since, now); err != nil {
		return q, err
	}
	q.Until, err = moment("--until", until, now)
	return q, err
}

// moment reads a time, a date of UTC, or an age.
func moment(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	d, err := configs.ParseDuration(s)
	if err != nil {
		return time.Time{}, withCode(exitUsage, fmt.Errorf("%s: give a time (2026-11-23T09:00:00Z), a date (2026-11-23) or an age (90d)", flag))
	}
	return now.Add(-d), nil
}

// trail reads pages until there are enough records; limit 0: all.
func trail(ctx context.Context, s *store.Store, q store.AuditQuery, limit int) ([]desk.AuditView, error) {
	keys, err := s.ListKeys(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, k := range keys {
		names[k.ID] = k.Name
	}
	items := []desk.AuditView{}
	for q.Limit = 1000; ; {
		if limit > 0 {
			q.Limit = min(1000, limit-len(items))
		}
		page, next, err := s.AuditTrail(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			items = append(items, turn.AuditViewOf(r, names))
		}
		if next == "" || (limit > 0 && len(items) >= limit) {
			return items, nil
		}
		q.Cursor = next
	}
}

func printTrail(out io.Writer, items []desk.AuditView) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(out, "nothing was written down of it")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "AT\tWHO\tFROM\tWHAT\tTICKET\tRECORD")
	for _, i := range items {
		who := i.By
		switch {
		case i.Key == "":
			who = "line"
		case who == "":
			who = i.Key
		default:
			who += " (" + i.Key + ")"
		}
		what := i.Action
		if i.Ref != "" {
			what += " " + visible.Text(i.Ref)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", i.At.UTC().Format(time.RFC3339), visible.Text(who), dash(i.From), what, dash(i.Ticket), fmt.Sprintf("%s/%d", i.Chain, i.Record))
	}
	return w.Flush()
}

func newAuditVerify() *cobra.Command {
	var head string
	cmd := &cobra.Command{
		Use:   "verify [--head HEX]",
		Short: "Read the whole trail and say what is not as it was written",
		Long: `Reads every record and counts the hashes again. What was changed, removed, put in
another order or cut off is found, and the first record that is wrong is named.

It prints the head of the line's own chain. Keep that line elsewhere now and then (the
daemon logs it daily): --head with one kept earlier also finds a trail that somebody
wrote anew as a whole.

Exit code 1 where anything is wrong.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.Flags().StringVar(&head, "head", "", "a head that was printed or logged earlier, in hexadecimal")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		return withStoreFor(cmd.Context(), *file, verifyWithin, func(ctx context.Context, s *store.Store) error {
			r, err := s.VerifyAudit(ctx, head)
			if err != nil {
				return err
			}
			return printVerified(cmd, *output, r)
		})
	}
	return cmd
}

// verifyWithin is how long a look at a whole trail may take.
const verifyWithin = 30 * time.Minute

func printVerified(cmd *cobra.Command, output string, r store.AuditReport) error {
	if output == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
		if len(r.Broken) > 0 {
			return errSilent
		}
		return nil
	}
	if len(r.Broken) > 0 {
		errs := make([]error, len(r.Broken))
		for i := range r.Broken {
			errs[i] = r.Broken[i]
		}
		return errors.Join(errs...)
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%d records are as they were written (%d octets), %d wait to be chained, the heads of %d days are chained\n", r.Records, r.Octets, r.Waiting, r.Days)
	if r.Head != "" {
		fmt.Fprintf(out, "head %s %s\n", r.HeadAt.Format(time.RFC3339), r.Head)
	}
	return nil
}
