package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// watchEvery is how often --watch looks: daemons write as often.
const watchEvery = time.Second

// Control sequences of ECMA-48 that every terminal knows.
const (
	terminalClear = "\x1b[H\x1b[2J"
	terminalHome  = "\x1b[H"
	terminalEOL   = "\x1b[K" // what stands behind on the line goes
	terminalRest  = "\x1b[J" // what stands below goes
	cursorHide    = "\x1b[?25l"
	cursorShow    = "\x1b[?25h"
)

// watchStatus shows the status each second until ctx ends, which is how it is meant to end. A store that goes away
// meanwhile is told of, and waited for.
func watchStatus(ctx context.Context, file string, asJSON bool, out io.Writer) error {
	cfg, err := loadConfig(file)
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg, zap.NewNop(), nil, openTool)
	if err != nil {
		return err
	}
	if ok, reason := s.Health(); !ok {
		return errors.Join(withCode(exitUnreachable, fmt.Errorf("store: %s", reason)), s.Close())
	}
	show := showLines
	switch {
	case asJSON:
		show = showObject
	case isTerminal(out):
		fmt.Fprint(out, cursorHide+terminalClear)
		defer fmt.Fprint(out, cursorShow)
		show = showInPlace
	}
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		st, err := readStatus(call, s)
		cancel()
		if ctx.Err() != nil {
			return s.Close()
		}
		if err := show(out, time.Now(), st, err); err != nil {
			return errors.Join(err, s.Close())
		}
		select {
		case <-ctx.Done():
			return s.Close()
		case <-t.C:
		}
	}
}

// isTerminal tells whether a person looks at out.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// showInPlace writes over what stood before, so that nothing flickers and nothing stays.
func showInPlace(out io.Writer, now time.Time, st lineStatus, failed error) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s, each second; Ctrl-C ends\n", now.UTC().Format(time.RFC3339))
	if failed != nil {
		fmt.Fprintf(&text, "the store does not tell: %v\n", failed)
	} else if err := printStatus(st, &text); err != nil {
		return err
	}
	_, err := io.WriteString(out, terminalHome+strings.ReplaceAll(text.String(), "\n", terminalEOL+"\n")+terminalRest)
	return err
}

// showLines writes a line for each link, and one for the queues: for a file, or a pipe.
func showLines(out io.Writer, now time.Time, st lineStatus, failed error) error {
	at := now.UTC().Format(time.RFC3339)
	if failed != nil {
		_, err := fmt.Fprintf(out, "%s store: it does not tell: %v\n", at, failed)
		return err
	}
	if len(st.Daemons) == 0 {
		fmt.Fprintf(out, "%s no daemon is running on this store\n", at)
	}
	for _, boot := range slices.Sorted(maps.Keys(st.Daemons)) {
		d := st.Daemons[boot]
		for _, l := range d.Links {
			fmt.Fprintf(out, "%s pid %d on %s: link %s %s, window %d/%d, in memory %d%s\n",
				at, d.PID, d.Host, l.Name, l.State, l.Window.Used, l.Window.Size, d.Memory[l.Name], because(l.Reason))
		}
	}
	q := st.Queues
	_, err := fmt.Fprintf(out, "%s SMS waiting %d, held %d, dead %d; events waiting %d\n", at, q.Queued, q.Held, q.Dead, q.Handoffs)
	return err
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// showObject writes one object on a line, for scripts.
func showObject(out io.Writer, now time.Time, st lineStatus, failed error) error {
	line := struct {
		At    time.Time `json:"at"`
		Error string    `json:"error"`
		lineStatus
	}{At: now.UTC(), lineStatus: st}
	if failed != nil {
		line.Error = failed.Error()
	}
	return json.NewEncoder(out).Encode(line)
}
