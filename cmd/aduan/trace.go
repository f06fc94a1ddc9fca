package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"aduan/conversation"
	"aduan/internal/trace"
	"aduan/store"
)

func newTrace() *cobra.Command {
	var unmasked, bySMSC bool
	var keyFile string
	var last int
	cmd := &cobra.Command{
		Use:   "trace NUMBER|TICKET|SMS-ID",
		Short: "Tell one message's way: times, PDUs, states, across restarts",
		Long: `Tells the way of a citizen's messages (by telephone number, in any dress), of a
ticket, or of one outgoing SMS: when each deliver_sm came and on which session,
what it caused, each try to send the answer with what the operator said to it,
receipts, and the events for the case system. --smsc-id takes the message id that
the operator gave to an SMS.

It asks the store and no daemon, changes nothing, and works while the line runs.
Numbers are masked and texts left out; --unmasked shows both to who has an API
key with the scope pii:read, in $ADUAN_KEY or --key-file (mode 0600).

Exit code 6 where nothing is known of it, 5 where --unmasked is not permitted.`,
		Example: "  aduan trace 0812-3456-7123\n  aduan trace 4821-3769\n  aduan trace --smsc-id 1f03a7",
		Args:    usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	output := outputFlag(cmd)
	cmd.Flags().BoolVar(&unmasked, "unmasked", false, "show whole numbers and texts: needs an API key with pii:read")
	cmd.Flags().StringVar(&keyFile, "key-file", "", "file with that key, mode 0600 (default: $"+keyVariable+")")
	cmd.Flags().BoolVar(&bySMSC, "smsc-id", false, "the argument is the operator's own message id")
	cmd.Flags().IntVar(&last, "last", 5, "of a number: its newest tickets, at most so many")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkOutput(*output); err != nil {
			return err
		}
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			var who store.APIKey
			if unmasked {
				var err error
				if who, err = permit(ctx, s, keyFile, "pii:read"); err != nil {
					return err
				}
			}
			o := trace.Options{Store: s, Region: cfg.Line.Region, Links: slices.Sorted(maps.Keys(cfg.SMPP.Links)), Reveal: unmasked, Last: last}
			tell := trace.Run
			if bySMSC {
				tell = trace.ByMessageID
			}
			r, err := tell(ctx, o, args[0])
			switch {
			case errors.Is(err, trace.ErrArgument):
				return withCode(exitUsage, fmt.Errorf("trace: %w", err))
			case errors.Is(err, conversation.ErrMistyped):
				return withCode(exitNotFound, errors.New("trace: no ticket has this number: its check digit is wrong, so a digit is mistyped"))
			case errors.Is(err, store.ErrNotFound):
				return withCode(exitNotFound, errors.New("trace: the store knows nothing of it"))
			case err != nil:
				return err
			}
			if unmasked {
				if err := auditShown(ctx, s, who, r); err != nil {
					return err
				}
			}
			if *output == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				enc.SetEscapeHTML(false)
				return enc.Encode(r)
			}
			return r.Print(cmd.OutOrStdout())
		})
	}
	return cmd
}

// auditShown writes down whose numbers and texts are about to be shown, and to whom.
func auditShown(ctx context.Context, s *store.Store, who store.APIKey, r *trace.Report) error {
	rec := store.Audit{KeyID: who.ID, Action: store.AuditReveal, Ref: "trace"}
	if len(r.Tickets) == 0 {
		return s.Audit(ctx, store.LineChain, rec)
	}
	for _, t := range r.Tickets {
		n, err := conversation.ParseNumber(t.Number)
		if err != nil {
			return err
		}
		rec.Ticket = n.Serial()
		if err := s.Audit(ctx, n.Shard(), rec); err != nil {
			return err
		}
	}
	return nil
}
