// Command aduan is the SMS channel of a public complaint line: the daemon, a
// trial of it in one process, and the tools to operate it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/store"
)

// version is set by the build.
var version = "devel"

// Exit codes, the same for every command.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitConfig       = 3
	exitUnreachable  = 4
	exitNotPermitted = 5
	exitNotFound     = 6
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	redis.SetLogger(noLog{}) // what it would print, the store's health tells in words
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command, its streams passed in, and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	if !errors.Is(err, errSilent) {
		fmt.Fprintln(stderr, indent(err.Error()))
	}
	if code == exitUsage {
		fmt.Fprintln(stderr, "aduan --help tells the commands, aduan COMMAND --help their flags.")
	}
	return code
}

// noLog is a log of the Redis client that says nothing.
type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}

// indent puts aduan: before each line, so that a log tells where it came from.
func indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return "aduan: " + strings.Join(lines, "\naduan: ")
}

// errSilent ends a command that has already said what is wrong.
var errSilent = errors.New("failed")

// codeError is an error with its exit code.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &codeError{code: code, err: err}
}

// exitCode maps errors to exit codes: the one place for it.
func exitCode(err error) int {
	var coded *codeError
	var invalid *configs.Invalid
	switch {
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &invalid), errors.Is(err, store.ErrWeaker), errors.Is(err, store.ErrOtherKey), errors.Is(err, store.ErrSchema):
		return exitConfig
	case errors.Is(err, store.ErrNotKept):
		return exitUnreachable
	case errors.Is(err, store.ErrNotFound):
		return exitNotFound
	case errors.Is(err, os.ErrPermission):
		return exitNotPermitted
	default:
		return exitFailed
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "aduan",
		Short: "The SMS channel of a public complaint line",
		Long: `Aduan holds SMPP binds to telephone operators, turns the messages that citizens
text to a short code into complaints, answers with ticket numbers, hands the
complaints to the authority's case system, and carries statuses back by SMS.

For a first look, without any configuration:  aduan try

Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration invalid, 4 not reachable or
login refused, 5 not permitted, 6 not found.`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return withCode(exitUsage, err) })
	root.AddCommand(newTry(), newServe(), newCheck(), newSMSC(), newTalk(), newKeys(), newStatus(),
		newDoctor(), newTrace(), newOutbox(), newReport(), newCapture(), newProfile(), newRestored(), newErase(),
		newAudit(), newTickets())
	root.AddCommand(newArchive(), newExport(), newFill())
	return root
}

// usageArgs makes wrong arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		return withCode(exitUsage, check(cmd, args))
	}
}

// loadConfig reads the file of -c, else of $ADUAN_CONFIG, else ./aduan.yaml.
func loadConfig(flag string) (*configs.Config, error) { return configs.Load(configs.Find(flag)) }

// outputFlag adds -o.
func outputFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("output", "o", "text", "text or json")
}

// checkOutput refuses what -o does not know.
func checkOutput(output string) error {
	if output == "text" || output == "json" {
		return nil
	}
	return withCode(exitUsage, fmt.Errorf("--output: there is no %q; there are text and json", output))
}

// configFlag adds -c, and returns where its value stands.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", "", "configuration file (default: $ADUAN_CONFIG, else ./aduan.yaml)")
}
