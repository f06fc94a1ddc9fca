package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aduan/conversation"
	"aduan/internal/talk"
)

// shellHelp tells what a conversation at the terminal understands besides SMS.
const shellHelp = `  /wait 3h                  time passes; 90s, 20m, 25h, 10d
  /staff [NUMBER] STATUS [NOTE]   an officer sets a status: verified, forwarded,
                            in_progress, needs_information, resolved, rejected,
                            closed, reopened; of the ticket named last
  /ask [NUMBER] QUESTION    an officer asks
  /as NAME                  another citizen types; 1708 or BANK: an address
  /state                    what the conversation remembers
  /effects                  what the last line caused
  /segments                 how the last SMS travelled: characters, alphabet
  /guess [TEXT]             the category guessed for the last SMS, and why
  /all                      all of these after each line, or no longer
  /help, /quit
`

// shell is a conversation at the terminal.
type shell struct {
	c      *talk.Conversation
	engine *conversation.Engine
	out    io.Writer
	all    bool // show everything after each line
	text   string
	last   talk.Outcome
}

var errQuit = errors.New("quit")

// converse talks with whoever sits at the terminal.
func converse(ctx context.Context, o talk.Options, record string, in io.Reader, out io.Writer) error {
	c, err := talk.NewConversation(ctx, o, time.Now())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // the store in memory keeps nothing
	s := &shell{c: c, engine: o.Engine, out: out}
	fmt.Fprintln(out, "Each line is an SMS to the line. /help tells what else there is, /quit ends.")
	lines := bufio.NewScanner(in)
	for s.prompt(); lines.Scan(); s.prompt() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		err := s.line(ctx, line)
		if errors.Is(err, errQuit) {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fmt.Fprintln(out, "! "+err.Error())
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return s.record(ctx, record)
}

// record writes the conversation down.
func (s *shell) record(ctx context.Context, path string) error {
	if path == "" {
		return nil
	}
	if !s.c.Said() {
		fmt.Fprintln(s.out, "nothing was said: nothing recorded")
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if err := errors.Join(s.c.Record(ctx, f, name), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "recorded: aduan talk --script %s plays it\n", path)
	return nil
}

func (s *shell) prompt() {
	who := ""
	if s.c.From() != "warga" {
		who = " " + s.c.From()
	}
	fmt.Fprintf(s.out, "[%s%s] > ", s.c.Now().Format("Mon 2 Jan 15:04"), who)
}

// line does what one line says.
func (s *shell) line(ctx context.Context, line string) error {
	if !strings.HasPrefix(line, "/") {
		s.text = line
		return s.shown(ctx)(s.c.Say(ctx, line))
	}
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "/quit":
		return errQuit
	case "/help":
		fmt.Fprint(s.out, shellHelp)
		return nil
	case "/wait", "/advance":
		d, err := talk.ParseSpan(rest)
		if err != nil {
			return err
		}
		return s.shown(ctx)(s.c.Advance(ctx, d))
	case "/staff":
		number, rest, err := ticketFirst(rest)
		if err != nil {
			return err
		}
		status, note, _ := strings.Cut(rest, " ")
		if status == "" {
			return errors.New("say which status: /staff in_progress Tim turun besok")
		}
		return s.shown(ctx)(s.c.Staff(ctx, number, status, strings.TrimSpace(note)))
	case "/ask":
		number, question, err := ticketFirst(rest)
		if err != nil {
			return err
		}
		if question == "" {
			return errors.New("say what: /ask Sejak kapan airnya mati?")
		}
		return s.shown(ctx)(s.c.Ask(ctx, number, question))
	case "/as":
		return s.c.Become(rest)
	case "/state":
		return s.state(ctx)
	case "/effects":
		s.effects()
		return nil
	case "/segments":
		s.segments()
		return nil
	case "/guess":
		if rest != "" {
			s.text = rest
		}
		s.guess()
		return nil
	case "/all":
		s.all = !s.all
		return nil
	default:
		return fmt.Errorf("%s is unknown; /help tells what there is. An SMS does not begin with /", word)
	}
}

// ticketFirst takes a ticket number off the beginning of a line; one that is
// mistyped is no word of an officer's.
func ticketFirst(s string) (conversation.Number, string, error) {
	first, rest, _ := strings.Cut(s, " ")
	n, err := conversation.ParseNumber(first)
	switch {
	case err == nil:
		return n, strings.TrimSpace(rest), nil
	case errors.Is(err, conversation.ErrMistyped):
		return 0, "", fmt.Errorf("ticket %s: %w", first, err)
	default:
		return 0, s, nil
	}
}

// shown returns what shows an outcome.
func (s *shell) shown(ctx context.Context) func(talk.Outcome, error) error {
	return func(out talk.Outcome, err error) error {
		if err != nil {
			return err
		}
		s.last = out
		for _, r := range out.SMS {
			fmt.Fprintf(s.out, "< %s\n", r.Text)
		}
		switch {
		case out.Refused != "":
			fmt.Fprintf(s.out, "  (the citizen is not told: %s)\n", out.Refused)
		case len(out.SMS) == 0:
			fmt.Fprintln(s.out, "  (no SMS)")
		}
		if !s.all {
			return nil
		}
		s.segments()
		s.effects()
		s.guess()
		return s.state(ctx)
	}
}
