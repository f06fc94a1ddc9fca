package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aduan/configs"
	"aduan/internal/talk"
)

func newTalk() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "talk",
		Short: "A conversation at the terminal, without any network",
		Long: `Talks with the line at the terminal: the daemon's own intake, turn and timers, on
a store in memory with a clock of its own. Each line is an SMS of one citizen.

  /advance 25h   lets time pass
  /quit          ends it

With --script, plays a file of dialogues and prints PASS or FAIL for each, what
differs indented below; exit code 1 where one fails.`,
		Args: usageArgs(cobra.NoArgs),
	}
	file := configFlag(cmd)
	script := cmd.Flags().String("script", "", "a file of dialogues to play")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := talkConfig(*file)
		if err != nil {
			return err
		}
		o, err := talkOptions(cfg)
		if err != nil {
			return err
		}
		if *script != "" {
			return playScript(cmd.Context(), o, *script, cmd.OutOrStdout())
		}
		return converse(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout())
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

// converse talks with whoever sits at the terminal.
func converse(ctx context.Context, o talk.Options, in io.Reader, out io.Writer) error {
	c, err := talk.NewConversation(ctx, o, time.Now())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // the store in memory keeps nothing
	fmt.Fprintln(out, "Each line is an SMS to the line. /advance 25h lets time pass, /quit ends.")
	lines := bufio.NewScanner(in)
	for prompt(out, c); lines.Scan(); prompt(out, c) {
		text := strings.TrimSpace(lines.Text())
		var got []talk.Received
		switch {
		case text == "":
			continue
		case text == "/quit":
			return nil
		case strings.HasPrefix(text, "/advance "):
			d, err := talk.ParseSpan(strings.TrimSpace(strings.TrimPrefix(text, "/advance ")))
			if err != nil {
				fmt.Fprintln(out, err)
				continue
			}
			if got, err = c.Advance(ctx, d); err != nil {
				return err
			}
		case strings.HasPrefix(text, "/"):
			fmt.Fprintln(out, "unknown: /advance and /quit are known")
			continue
		default:
			if got, err = c.Say(ctx, text); err != nil {
				return err
			}
		}
		for _, r := range got {
			fmt.Fprintf(out, "< %s\n  (%d segment(s), %s)\n", r.Text, r.Segments, r.Alphabet)
		}
	}
	return lines.Err()
}

func prompt(out io.Writer, c *talk.Conversation) {
	fmt.Fprintf(out, "[%s] > ", c.Now().Format("Mon 15:04"))
}
