package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/internal/desk"
	"aduan/internal/msisdn"
	"aduan/internal/turn"
	"aduan/store"
)

func newErase() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "erase NUMBER",
		Short: "Erase a citizen: number, texts, answers, and the key that opens them",
		Long: `Erases a citizen for ever, as HAPUS does a day after the citizen's YA: telephone
number, texts in and out, answers, state, what waits to be sent, parts of long SMS,
and the data key, without which nothing of it opens, in the archive neither. Tickets
stay as figures: kind, category, times. The case system is told (citizen.erased).

Then the files of each Redis server are written anew and its slow log is cleared,
replicas too; that takes as long as Redis needs for a rewrite. Interrupted, it is
done by the daemon, or by the same command again. At the end it says what remains
elsewhere, and until when.

NUMBER in any dress; - reads it from standard input, so that it stands neither in
the shell's history nor in the list of processes. It asks before, unless --yes.

Exit code 6 where the line knows nobody of that number.`,
		Example: "  aduan erase 0812-3456-7123\n  echo +6281234567123 | aduan erase - --yes",
		Args:    usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		in := bufio.NewReader(cmd.InOrStdin())
		number, err := eraseNumber(in, args[0], cfg.Line.Region)
		if err != nil {
			return err
		}
		return withStoreFor(cmd.Context(), *file, scrubPatience, func(ctx context.Context, s *store.Store) error {
			e := eraser{cfg: cfg, store: s, out: cmd.OutOrStdout(), in: in, yes: yes}
			return e.erase(ctx, number)
		})
	}
	return cmd
}

// scrubPatience is how long the rewrite of a large store may take.
const scrubPatience = 2 * time.Hour

func eraseNumber(in *bufio.Reader, arg, region string) (msisdn.MSISDN, error) {
	if arg == "-" {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return msisdn.MSISDN{}, fmt.Errorf("erase: read the number: %w", err)
		}
		arg = strings.TrimSpace(line)
	}
	m, err := msisdn.Parse(arg, 0, region)
	if err != nil {
		return m, withCode(exitUsage, errors.New("erase: that is no telephone number; write it as +6281234567123"))
	}
	return m, nil
}

// eraser is one erasure.
type eraser struct {
	cfg   *configs.Config
	store *store.Store
	out   io.Writer
	in    *bufio.Reader
	yes   bool
}

func (e *eraser) erase(ctx context.Context, number msisdn.MSISDN) error {
	id := e.store.Identify(number)
	if _, err := e.store.Load(ctx, id); errors.Is(err, store.ErrNotFound) {
		return withCode(exitNotFound, fmt.Errorf("erase: the line knows nobody of the number %s", number))
	} else if err != nil && !errors.Is(err, store.ErrDamaged) {
		return err
	}
	tickets, err := e.store.TicketsOf(ctx, id)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s: %d ticket(s) become figures; number, texts and answers go for ever.\n", number, len(tickets))
	if !e.yes && !e.sure() {
		return withCode(exitFailed, errors.New("erase: nothing was erased"))
	}
	d, err := toolDesk(e.cfg, e.store)
	if err != nil {
		return err
	}
	n, err := d.Erase(ctx, desk.Viewer{Name: store.AuditCLI, KeyID: store.AuditCLI}, id)
	switch {
	case errors.Is(err, desk.ErrNotFound):
		return withCode(exitNotFound, fmt.Errorf("erase: the line knows nobody of the number %s", number))
	case err != nil:
		return err
	}
	fmt.Fprintf(e.out, "erased from the store: %d ticket(s) are figures now\n", n)
	if err := e.store.Scrub(ctx, func(step string) { fmt.Fprintln(e.out, step) }); err != nil {
		return fmt.Errorf("erase: the citizen is erased, but the files of the store still hold what was: %w; the daemon goes on with that, or this command again", err)
	}
	fmt.Fprintln(e.out, "the files of the store are written anew, its slow log is cleared")
	fmt.Fprintf(e.out, `What remains elsewhere:
  backups of Redis made before now     until they are destroyed; with the key file they still open
  the operator                         its own records of the SMS, by its own rules
  the case system                      what it was handed; it is told by the event citizen.erased
  events to be pulled                  ids and a pseudonym of the number, until %s
  the archive                          figures, and sealed texts that nothing opens any more
  the audit trail, the journal         ids, a masked number
`, time.Now().Add(e.cfg.Retention.Events).Format(time.DateOnly))
	return nil
}

// sure asks.
func (e *eraser) sure() bool {
	fmt.Fprint(e.out, "Erase? Type yes: ")
	line, err := e.in.ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.TrimSpace(line) == "yes"
}

// noOutbox sends nothing: a tool's turn brings no SMS to be sent from here.
type noOutbox struct{}

func (noOutbox) Reserve(context.Context, string, store.Class) bool { return false }
func (noOutbox) Unreserve(string)                                  {}
func (noOutbox) Send([]store.Outgoing)                             {}
func (noOutbox) Doubt(int, []string)                               {}

var _ turn.Outbox = noOutbox{}
