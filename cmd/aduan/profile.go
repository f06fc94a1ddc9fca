package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/internal/capture"
)

func newProfile() *cobra.Command {
	var kind, limit string
	var pid int
	cmd := &cobra.Command{
		Use:   "profile [--kind cpu] [--for 30s] FILE",
		Short: "Take a CPU or memory profile of the running daemon",
		Long: `Takes a profile of the daemon that runs here and writes it into FILE (mode 0600; a
file that exists is not written over; - is standard output):

    aduan profile -c /etc/aduan/aduan.yaml cpu.prof
    go tool pprof -http 127.0.0.1:8081 cpu.prof

Kinds: cpu (over --for; Ctrl-C ends it early), heap, allocs, goroutine. None holds
a number or a text. The daemon allows it where its configuration says
profiles: true (SIGHUP takes that up); it is asked over a socket in
store.data_dir, which is its user's alone (mode 0600).`,
		Args: usageArgs(cobra.ExactArgs(1)),
	}
	file := configFlag(cmd)
	cmd.Flags().StringVar(&kind, "kind", capture.Kinds[0], strings.Join(capture.Kinds, ", "))
	cmd.Flags().StringVar(&limit, "for", "30s", "for how long the CPU is looked at; 10m at most")
	cmd.Flags().IntVar(&pid, "pid", 0, "process id of the daemon, where several run here")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(capture.Kinds, kind) {
			return withCode(exitUsage, fmt.Errorf("--kind: %q; the kinds are %s", kind, strings.Join(capture.Kinds, ", ")))
		}
		d, err := configs.ParseDuration(limit)
		if err != nil || d <= 0 || d > 10*time.Minute {
			return withCode(exitUsage, fmt.Errorf("--for: %q; give a time of up to 10m, such as 30s", limit))
		}
		cfg, err := loadConfig(*file)
		if err != nil {
			return err
		}
		if pid, err = captureDaemon(cmd.Context(), cfg.Store.DataDir, pid); err != nil {
			return err
		}
		var data bytes.Buffer
		if err := capture.FetchProfile(cmd.Context(), cfg.Store.DataDir, pid, kind, d, &data); err != nil {
			if errors.Is(err, capture.ErrProfilesOff) {
				return withCode(exitNotPermitted, err)
			}
			return withCode(captureCode(err), err)
		}
		if args[0] == "-" {
			_, err = cmd.OutOrStdout().Write(data.Bytes())
			return err
		}
		return writeNew(args[0], data.Bytes())
	}
	return cmd
}

// writeNew writes a file that does not exist yet, for its owner alone.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists; choose another name", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
