package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/conversation"
	"aduan/internal/archive"
	"aduan/internal/desk"
	"aduan/internal/report"
	"aduan/internal/turn"
	"aduan/store"
)

func newExport() *cobra.Command {
	var o exportFlags
	cmd := &cobra.Command{
		Use:   "export [-o FILE]",
		Short: "Write tickets as JSON lines, from the store and from the archive",
		Long: `Writes a line of JSON for each ticket, as the staff API gives one, those of the
archive too: texts, answers, history, SMS. Telephone numbers are masked, unless
--reveal, which needs an API key with the scope pii:read and stands in the audit trail.
A confidential ticket has its alias in any case, an erased citizen's figures only.

The file has mode 0600 and is not written over; an export that fails leaves none. It
reads in small steps and holds up nobody. What changes meanwhile may stand as it was or
as it is; no ticket is written twice.`,
		Example: "  aduan export -o tickets.jsonl\n  aduan export --agency 'Dinas PU' --status closed,rejected --from 2026-01-01 -o - | jq .number",
		Args:    usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	cmd.Flags().StringVarP(&o.out, "output", "o", "-", "file to write, mode 0600; -: standard output")
	cmd.Flags().StringSliceVar(&o.status, "status", nil, "only tickets in these states")
	cmd.Flags().StringVar(&o.agency, "agency", "", "only tickets of this agency")
	cmd.Flags().StringVar(&o.from, "from", "", "only filed on this day or later, or at this moment (RFC 3339)")
	cmd.Flags().StringVar(&o.to, "to", "", "only filed before the end of this day, or before this moment")
	cmd.Flags().BoolVar(&o.reveal, "reveal", false, "whole telephone numbers: needs an API key with pii:read")
	cmd.Flags().StringVar(&o.keyFile, "key-file", "", "file with that key, mode 0600 (default: $"+keyVariable+")")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		if err := o.read(cfg); err != nil {
			return withCode(exitUsage, err)
		}
		return withStoreFor(cmd.Context(), *file, archivePatience, func(ctx context.Context, s *store.Store) error {
			if err := mayReveal(ctx, s, o.reveal, o.keyFile); err != nil {
				return err
			}
			d, err := toolDesk(cfg, s)
			if err != nil {
				return err
			}
			w, finish, err := createPrivate(o.out, cmd.OutOrStdout())
			if err != nil {
				return fmt.Errorf("export: %w", err)
			}
			n, err := o.write(ctx, exportFrom{cfg: cfg, store: s, desk: d, tell: progress(cmd.ErrOrStderr(), "exported")}, w)
			if err = finish(err); err != nil {
				return fmt.Errorf("export: %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%d ticket(s)\n", n)
			return nil
		})
	}
	return cmd
}

// exportFlags are what is asked for.
type exportFlags struct {
	out, agency, from, to, keyFile string
	status                         []string
	reveal                         bool

	since, until time.Time // as read; zero: open
}

func (o *exportFlags) read(cfg *configs.Config) error {
	for _, st := range o.status {
		if !slices.Contains(statusWords, conversation.Status(st)) {
			return fmt.Errorf("--status: there is no %q", st)
		}
	}
	if o.from == "" && o.to == "" {
		return nil
	}
	from := o.from
	if from == "" {
		from = "2000-01-01"
	}
	var err error
	o.since, o.until, err = report.Period("", from, o.to, time.Now(), cfg.Line.Location())
	return err
}

var statusWords = []conversation.Status{
	conversation.Filed, conversation.Verified, conversation.Forwarded, conversation.InProgress, conversation.NeedsInformation,
	conversation.Resolved, conversation.Reopened, conversation.Closed, conversation.Rejected, conversation.Withdrawn,
}

// wanted says whether a ticket is asked for.
func (o *exportFlags) wanted(status, agency string, filed time.Time) bool {
	return (len(o.status) == 0 || slices.Contains(o.status, status)) && (o.agency == "" || o.agency == agency) &&
		(o.since.IsZero() || !filed.Before(o.since)) && (o.until.IsZero() || filed.Before(o.until))
}

// exportFrom is where tickets come from.
type exportFrom struct {
	cfg   *configs.Config
	store *store.Store
	desk  *turn.Desk
	tell  func(done, of int)
}

// write writes them: first what is in the store, then what only the archive has.
func (o *exportFlags) write(ctx context.Context, from exportFrom, w io.Writer) (n int, err error) {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	put := func(v desk.TicketView) error {
		if !o.wanted(v.Status, v.Agency, v.FiledAt) {
			return nil
		}
		n++
		if from.tell != nil {
			from.tell(n, 0)
		}
		return enc.Encode(masked(v, o.reveal))
	}
	seen := map[conversation.Number]bool{}
	err = from.store.ScanTickets(ctx, store.ScanOptions{Whole: true, Pause: time.Millisecond}, func(step []store.TicketRecord, _ string) error {
		for i := range step {
			v, err := from.desk.Whole(ctx, step[i])
			if errors.Is(err, store.ErrDamaged) {
				continue // the log and doctor name it
			}
			if err != nil {
				return err
			}
			seen[conversation.NewNumber(step[i].Shard, step[i].Serial)] = true
			if err := put(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return n, err
	}
	folder, err := archive.OpenFolder(archiveDir(from.cfg), false)
	if err != nil {
		return n, err
	}
	err = folder.Each(func(l archive.Line) error {
		if seen[l.Number] || !o.wanted(l.Status, l.Agency, l.FiledAt) {
			return nil
		}
		v, _, err := archive.View(ctx, from.store, &l)
		if err != nil {
			return err
		}
		return put(v)
	})
	return n, errors.Join(err, out.Flush())
}
