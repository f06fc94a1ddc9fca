package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"aduan/internal/vitals"
)

// On a terminal each look is written over the one before: no line of it stays, and nothing scrolls.
func TestStatusInPlaceLeavesNothingBehind(t *testing.T) {
	end := time.Now().Add(time.Hour)
	many := lineStatus{Daemons: map[string]vitals.Daemon{"A": {PID: 7, Links: []vitals.Link{
		{Name: "main", State: "bound", Certificates: vitals.Certificates{Theirs: &end}},
		{Name: "other", State: "refused", Reason: "ESME_RINVPASWD: the operator refuses the password"},
	}}}}
	var screen bytes.Buffer
	for _, st := range []lineStatus{many, {}} {
		if err := showInPlace(&screen, time.Now(), st, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := showInPlace(&screen, time.Now(), lineStatus{}, errors.New("it is away")); err != nil {
		t.Fatal(err)
	}
	looks := strings.Split(screen.String(), terminalHome)
	if len(looks) != 4 || looks[0] != "" {
		t.Fatalf("%d looks: %q", len(looks)-1, screen.String())
	}
	for _, look := range looks[1:] {
		if !strings.HasSuffix(look, terminalRest) {
			t.Errorf("what stood below stays: %q", look)
		}
		for line := range strings.Lines(strings.TrimSuffix(look, terminalRest)) {
			if !strings.HasSuffix(line, terminalEOL+"\n") {
				t.Errorf("what stood behind stays: %q", line)
			}
		}
	}
	for i, want := range []string{"the operator's certificate", "no daemon is running", "the store does not tell: it is away"} {
		if !strings.Contains(looks[i+1], want) {
			t.Errorf("look %d lacks %q: %q", i, want, looks[i+1])
		}
	}
	if isTerminal(&screen) {
		t.Error("a buffer is no terminal")
	}
}
