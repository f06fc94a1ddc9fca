package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"aduan/configs"
	"aduan/conversation"
	"aduan/internal/archive"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/store"
)

// archivePatience is how long a run over a large store may take.
const archivePatience = 24 * time.Hour

func newArchive() *cobra.Command {
	var yes, dry, here bool
	cmd := &cobra.Command{
		Use:   "archive",
		Short: "Put closed tickets that are due into the archive now, or look one up",
		Long: `Puts the tickets that have been closed for retention.tickets into data_dir/archive:
compressed JSON lines with an index, sealed with each citizen's own key, which stays
in Redis. The daemon does the same each day; only one at a time does.

It may be interrupted and taken up again at any time: a ticket leaves Redis only when
it is on disk, and none is written twice. Where more than 5 % of all tickets (and more
than 20) are due at once, the clock may be wrong: nothing is done without --yes.

aduan archive show NUMBER prints a ticket of the archive. A citizen who asks for one is
told what is told of any number that is not theirs.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "however many are due at once")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only count what is due")
	cmd.Flags().BoolVar(&here, "here", false, "make this folder the line's archive (the one before is lost)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		return withStoreFor(cmd.Context(), *file, archivePatience, func(ctx context.Context, s *store.Store) error {
			d, err := toolDesk(cfg, s)
			if err != nil {
				return err
			}
			o := archiveOptions(cfg, s, d)
			o.Yes, o.Dry, o.Here, o.Progress = yes, dry, here, progress(cmd.ErrOrStderr(), "archived")
			res, err := archive.Run(ctx, o)
			var waits *archive.Waits
			switch {
			case errors.As(err, &waits), errors.Is(err, archive.ErrBusy), errors.Is(err, archive.ErrElsewhere):
				return err
			case err != nil:
				return fmt.Errorf("archive: %d ticket(s) went into the archive, then: %w; run it again", res.Gone, err)
			case dry:
				fmt.Fprintf(cmd.OutOrStdout(), "%d of %d ticket(s) are due\n", res.Due, res.Tickets)
				return nil
			}
			note, err := s.ArchiveNote(ctx)
			if err != nil {
				return err
			}
			note.At, note.Waiting = time.Now(), 0
			fmt.Fprintf(cmd.OutOrStdout(), "%d of %d ticket(s) went into the archive, %d are left for the next time\n", res.Gone, res.Tickets, res.Left)
			return s.NoteArchive(ctx, note)
		})
	}
	cmd.AddCommand(newArchiveShow())
	return cmd
}

func newArchiveShow() *cobra.Command {
	var reveal bool
	var keyFile string
	cmd := &cobra.Command{
		Use:   "show TICKET",
		Short: "Print a ticket of the archive as JSON",
		Long: `Prints a ticket of the archive as the staff API gives one: the number masked, unless
--reveal, which needs an API key with the scope pii:read. Of an erased citizen there
are figures only. Exit code 6 where the archive does not hold it.`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show the whole telephone number: needs an API key with pii:read")
	cmd.Flags().StringVar(&keyFile, "key-file", "", "file with that key, mode 0600 (default: $"+keyVariable+")")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		n, err := conversation.ParseNumber(args[0])
		if err != nil {
			return withCode(exitNotFound, errors.New("archive: that is no ticket number: a digit is missing or mistyped"))
		}
		return withStore(cmd.Context(), *file, func(ctx context.Context, s *store.Store) error {
			if err := mayReveal(ctx, s, reveal, keyFile); err != nil {
				return err
			}
			folder, err := archive.OpenFolder(archiveDir(cfg), false)
			if err != nil {
				return err
			}
			line, err := folder.Line(n)
			if errors.Is(err, store.ErrNotFound) {
				return withCode(exitNotFound, fmt.Errorf("archive: %s does not hold ticket %s", archiveDir(cfg), n))
			}
			if err != nil {
				return err
			}
			view, _, err := archive.View(ctx, s, &line)
			if err != nil {
				return err
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false)
			return enc.Encode(masked(view, reveal))
		})
	}
	return cmd
}

// mayReveal asks for the scope where whole numbers are wanted, and writes that into the audit trail.
func mayReveal(ctx context.Context, s *store.Store, reveal bool, keyFile string) error {
	if !reveal {
		return nil
	}
	key, err := permit(ctx, s, keyFile, "pii:read")
	if err != nil {
		return err
	}
	return s.Audit(ctx, store.LineChain, store.Audit{KeyID: key.ID, Action: store.AuditReveal, Ref: "export"})
}

// masked is a ticket as whoever exports it may see it.
func masked(v desk.TicketView, reveal bool) desk.TicketView {
	if !reveal && v.Citizen.Number != "" {
		v.Citizen.Number = msisdn.FromRevealed(v.Citizen.Number).String()
	}
	return v
}

func archiveDir(cfg *configs.Config) string { return filepath.Join(cfg.Store.DataDir, "archive") }

func archiveOptions(cfg *configs.Config, s *store.Store, d *turn.Desk) archive.Options {
	return archive.Options{Store: s, Desk: d, Dir: archiveDir(cfg), Now: time.Now, Keep: cfg.Retention.Tickets}
}

// newArchiver keeps the archive up to date while the line runs.
func (l *line) newArchiver() *archive.Worker {
	return archive.NewWorker(archive.WorkerOptions{
		Run:   func() archive.Options { return archiveOptions(l.conf(), l.store, l.desk) },
		Lease: l.store.LineLease("archive", time.Minute), Log: l.log, Metrics: l.registry,
	})
}

// archives runs it, where there is a disk.
func (l *line) archives(ctx context.Context) error {
	if storeMode(l.cfg) == store.ModeEmbedded {
		<-ctx.Done()
		return nil
	}
	return l.archiver.Run(ctx)
}

func storeMode(cfg *configs.Config) store.Mode {
	return store.Options{Mode: store.Mode(cfg.Store.Mode), Addresses: cfg.Store.Addresses}.Resolve().Mode
}

// toolDesk makes turns from a command: nothing is sent from here.
func toolDesk(cfg *configs.Config, s *store.Store) (*turn.Desk, error) {
	engine, err := newEngine(cfg)
	if err != nil {
		return nil, err
	}
	return turn.NewDesk(turn.New(turn.Options{
		Store: s, Engine: engine, Outbox: noOutbox{}, Now: time.Now, ShortCode: cfg.Line.ShortCode, DefaultLink: cfg.SMPP.Default(), Log: zap.NewNop(),
	})), nil
}

// progress tells a person at a terminal how far it is, at most each second.
func progress(out io.Writer, what string) func(done, of int) {
	if !isTerminal(out) {
		return nil
	}
	var told time.Time
	return func(done, of int) {
		if (of == 0 || done < of) && time.Since(told) < time.Second {
			return
		}
		told = time.Now()
		if of == 0 { // nobody knows how many there will be
			fmt.Fprintf(out, "%s %d\r", what, done)
			return
		}
		end := "\r"
		if done >= of {
			end = "\n"
		}
		fmt.Fprintf(out, "%s %d of %d%s", what, done, of, end)
	}
}

// createPrivate makes a file that only its owner may read; - is standard output.
func createPrivate(path string, stdout io.Writer) (w io.Writer, finish func(error) error, err error) {
	if path == "-" {
		return stdout, func(err error) error { return err }, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, nil, fmt.Errorf("%s exists; choose another name", path)
	}
	if err != nil {
		return nil, nil, err
	}
	return f, func(failed error) error {
		failed = errors.Join(failed, f.Sync(), f.Close())
		if failed != nil {
			_ = os.Remove(path) // half an export looks like a whole one
		}
		return failed
	}, nil
}
