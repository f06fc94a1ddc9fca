package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/internal/talk"
)

func newTalk() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "talk",
		Short: "A conversation at the terminal, without any network",
		Long: `Talks with the line at the terminal: the daemon's own intake, turn and timers, on
a store in memory with a clock of its own. Each line is an SMS of one citizen, a
minute after the one before; a line that begins with / is for the program:

` + shellHelp + `
With --record FILE the conversation is written down as a dialogue with what came
back: a script that passes, to be kept or mended.

With --script FILE a file of dialogues is played: PASS or FAIL for each, what
differs indented below (the step with its words, what came, what was expected);
exit code 1 where one fails. -c FILE takes the line's own texts, words and limits.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	script := cmd.Flags().String("script", "", "a file of dialogues to play")
	record := cmd.Flags().String("record", "", "write the conversation to a file, as a dialogue")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := talkConfig(*file)
		if err != nil {
			return err
		}
		o, err := talkOptions(cfg)
		if err != nil {
			return err
		}
		if *script != "" && *record != "" {
			return withCode(exitUsage, errors.New("--script plays a dialogue, --record writes one: choose"))
		}
		if *script != "" {
			return playScript(cmd.Context(), o, *script, cmd.OutOrStdout())
		}
		return converse(cmd.Context(), o, *record, cmd.InOrStdin(), cmd.OutOrStdout())
	}
	return cmd
}

// talkConfig is the line's configuration where one is named, else the defaults.
func talkConfig(file string) (*configs.Config, error) {
	if configs.Find(file) == "" {
		return configs.Defaults(), nil
	}
	return loadConfig(file)
}

func talkOptions(cfg *configs.Config) (talk.Options, error) {
	engine, err := newEngine(cfg)
	if err != nil {
		return talk.Options{}, err
	}
	return talk.Options{
		Engine: engine, Location: cfg.Line.Location(), ShortCode: cfg.Line.ShortCode,
		Region: cfg.Line.Region, SegmentsTimeout: cfg.SMPP.SegmentsTimeout,
	}, nil
}

// playScript plays each dialogue of a file on a line of its own.
func playScript(ctx context.Context, o talk.Options, path string, out io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	ds, err := talk.ReadScript(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	failed := 0
	for _, d := range ds {
		problems, err := talk.Play(ctx, o, d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			problems = append(problems, err.Error())
		}
		if len(problems) == 0 {
			fmt.Fprintln(out, "PASS", d.Name)
			continue
		}
		failed++
		fmt.Fprintln(out, "FAIL", d.Name)
		for _, p := range problems {
			fmt.Fprintln(out, "  "+strings.ReplaceAll(p, "\n", "\n  "))
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d dialogues fail", failed, len(ds))
	}
	return nil
}
