package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aduan/conversation"
	"aduan/internal/desk"
	"aduan/store"
)

func newOutbox() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "outbox",
		Short: "What waits for a person: dead SMS, and events that nobody takes",
		Long: `Shows and decides on dead letters: SMS in state dead, whose few tries are used up,
and events that the case system has not taken for three days or has answered 410.
They are never thrown away by themselves. An event is tried once a day on its own;
what else happened to its ticket waits behind it.

It asks the store and no daemon, and works while the line runs.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newOutboxList(),
		newOutboxDecide("retry", "Send them again now", `Lets a dead SMS go out once more, as if it were new, and hands an event on now.
A running daemon takes it up within a second.`, (*store.Store).RetryLetter),
		newOutboxDecide("drop", "Give them up for good", `Gives a dead SMS up: it ends undeliverable. An event is not handed on any more (it
can still be pulled from /v1/events), and what waits behind it goes on.`, (*store.Store).DropLetter))
	return cmd
}

// letterPage is how many are read at a time.
const letterPage = 200

// letterKind turns --kind into what is asked for.
func letterKind(kind string) (sms, events bool, err error) {
	switch kind {
	case "":
		return true, true, nil
	case desk.LetterSMS:
		return true, false, nil
	case desk.LetterEvent:
		return false, true, nil
	}
	return false, false, withCode(exitUsage, fmt.Errorf("--kind: there is no %q; there are sms and event", kind))
}

func newOutboxList() *cobra.Command {
	var kind string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what waits for a person, the oldest first",
		Long: `Lists dead SMS and parked events: since when, of which ticket, why, how often it was
tried, and how much of the ticket waits behind it. Neither numbers nor texts are shown.`,
		Example: "  aduan outbox list\n  aduan outbox list --kind event -o json",
		Args:    usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.Flags().StringVar(&kind, "kind", "", "only sms, or only event")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		sms, events, err := letterKind(kind)
		if err != nil {
			return err
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			items := []store.Letter{}
			err := eachLetter(ctx, s, sms, events, func(l store.Letter) error {
				items = append(items, l)
				return nil
			})
			if err != nil {
				return err
			}
			if *output == "json" {
				return printLettersJSON(cmd, items)
			}
			return printLetters(cmd, items)
		})
	}
	return cmd
}

// eachLetter goes through all pages.
func eachLetter(ctx context.Context, s *store.Store, sms, events bool, do func(store.Letter) error) error {
	for cursor := ""; ; {
		page, next, err := s.Letters(ctx, cursor, letterPage, sms, events)
		if err != nil {
			return err
		}
		for _, l := range page {
			if err := do(l); err != nil {
				return err
			}
		}
		if cursor = next; next == "" {
			return nil
		}
	}
}

// asLetter is a letter as the API tells it.
func asLetter(l store.Letter) desk.DeadLetter {
	v := desk.DeadLetter{ID: l.ID, Kind: desk.LetterSMS, Type: l.Event, At: l.At, Error: l.Error, Tries: l.Tries, Waiting: l.Waiting, Next: l.Next}
	if l.Event != "" {
		v.Kind = desk.LetterEvent
	}
	if l.Ticket != 0 {
		v.Ticket = conversation.NewNumber(l.Shard, l.Ticket).String()
	}
	return v
}

func printLettersJSON(cmd *cobra.Command, items []store.Letter) error {
	list := make([]desk.DeadLetter, len(items))
	for i, l := range items {
		list[i] = asLetter(l)
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Items []desk.DeadLetter `json:"items"`
	}{list})
}

func printLetters(cmd *cobra.Command, items []store.Letter) error {
	if len(items) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing waits for a person")
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tWHAT\tTICKET\tSINCE\tTRIES\tWAITING\tWHY")
	for _, l := range items {
		v := asLetter(l)
		what := v.Kind
		if v.Type != "" {
			what = v.Type
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", v.ID, what, dash(v.Ticket), v.At.Format(time.RFC3339), v.Tries, v.Waiting, dash(v.Error))
	}
	return w.Flush()
}

func newOutboxDecide(name, short, long string, do func(*store.Store, context.Context, string, time.Time, store.Audit) error) *cobra.Command {
	var all bool
	var kind string
	cmd := &cobra.Command{
		Use:   name + " ID…",
		Short: short,
		Long: long + `

--all takes everything that waits, or of one kind with --kind. What does not wait
any more is told, exit code 6; the others are done all the same. Each stands in
the audit trail.`,
		Example: "  aduan outbox " + name + " 01KAPV7XK4N2P6Q8S0T1V3W5YZ07\n  aduan outbox " + name + " --all --kind event",
	}
	cmd.Args = usageArgs(func(_ *cobra.Command, args []string) error {
		switch {
		case all && len(args) > 0:
			return errors.New("give ids or --all, not both")
		case !all && len(args) == 0:
			return errors.New("give the ids that aduan outbox list shows, or --all")
		case !all && kind != "":
			return errors.New("--kind goes with --all")
		}
		return nil
	})
	file := configFlag(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "everything that waits")
	cmd.Flags().StringVar(&kind, "kind", "", "with --all: only sms, or only event")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		sms, events, err := letterKind(kind)
		if err != nil {
			return err
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			if all {
				err := eachLetter(ctx, s, sms, events, func(l store.Letter) error {
					args = append(args, l.ID)
					return nil
				})
				if err != nil {
					return err
				}
			}
			return decideAll(ctx, cmd, s, args, do)
		})
	}
	return cmd
}

func decideAll(ctx context.Context, cmd *cobra.Command, s *store.Store, ids []string, do func(*store.Store, context.Context, string, time.Time, store.Audit) error) error {
	done := 0
	var problems []error
	for _, id := range ids {
		l, err := s.Letter(ctx, id)
		if err == nil {
			err = do(s, ctx, id, time.Now(), store.Audit{KeyID: store.AuditCLI, Ticket: l.Ticket})
		}
		switch {
		case err == nil:
			done++
		case errors.Is(err, store.ErrNotFound):
			problems = append(problems, fmt.Errorf("%s: it does not wait for a person: %w", id, err))
		case errors.Is(err, store.ErrErased):
			problems = append(problems, fmt.Errorf("%s: the citizen was erased, and the text with it: it can only be dropped: %w", id, err))
		default:
			return errors.Join(append(problems, err)...)
		}
	}
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%d of %d\n", done, len(ids)); err != nil {
		return err
	}
	return errors.Join(problems...)
}
