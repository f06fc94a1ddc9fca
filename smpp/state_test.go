package smpp

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// TestWhichPDUIsLegalWhere draws the table of SMPP 3.4 §2.3 as the session knows it.
func TestWhichPDUIsLegalWhere(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s%-12s%-12s%-12s%-12s\n", "from the SMSC", StateOpen, StateBoundTX, StateBoundRX, StateBoundTRX)
	for _, r := range table21 {
		if r.by&smsc == 0 {
			continue
		}
		line := fmt.Sprintf("%-24v", r.id)
		for _, s := range []State{StateOpen, StateBoundTX, StateBoundRX, StateBoundTRX} {
			mark := "-"
			if legalFromSMSC(r.id, s) {
				mark = "yes"
			}
			line += fmt.Sprintf("%-12s", mark)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	const golden = "testdata/states.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != b.String() {
		t.Errorf("%v: got\n%s", err, b.String())
	}
	for _, s := range []State{StateUnbinding, StateClosed} {
		for _, r := range table21 {
			if legalFromSMSC(r.id, s) {
				t.Errorf("%v in %v", r.id, s)
			}
		}
	}
}

func TestStatesAndCommandsPrintThemselves(t *testing.T) {
	for s := StateOpen; s <= StateClosed; s++ {
		if strings.HasPrefix(s.String(), "State(") {
			t.Errorf("state %d has no name", s)
		}
	}
	if State(99).String() != "State(99)" || Class(99).String() != "Class(99)" || CommandID(0x999).String() != "0x00000999" {
		t.Error("unknown ones print wrongly")
	}
	if StateUnbinding.Bound() || StateOpen.Bound() || StateBoundRX.Transmits() || StateBoundTX.Receives() || !StateBoundTRX.Transmits() {
		t.Error("what a state allows")
	}
}

func TestSequenceNumbersWrapAndSkipThoseThatWait(t *testing.T) {
	o := outstanding{bySeq: map[uint32]*request{}, lastSeq: maxSeq - 1}
	add := func() uint32 {
		r := &request{id: CmdSubmitSM, seq: o.next()}
		o.add(r)
		return r.seq
	}
	for _, want := range []uint32{maxSeq, 1, 2} {
		if got := add(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	o.lastSeq = maxSeq - 1
	if got := add(); got != 3 {
		t.Errorf("got %d, want 3: the others wait", got)
	}
	if o.submits != 4 || len(o.takeAll()) != 4 || o.submits != 0 || o.oldest() != nil {
		t.Error("not all are taken")
	}
}

// TestEveryStatusIsNamedAndClassed is the table of submit_sm_resp's codes.
func TestEveryStatusIsNamedAndClassed(t *testing.T) {
	rows := map[Class][]Status{
		ClassOK:        {0},
		ClassThrottled: {0x58, 0x14},
		ClassTemporary: {0x08, 0x64},
		ClassFewTries:  {0x45, 0xFE, 0xFF, 0x400, 0x4FF, 0x12345},
		ClassPermanent: {0x01, 0x0B, 0x50, 0x51, 0x61, 0x62, 0x63, 0x65, 0x66, 0xC0, 0xC2, 0xC3, 0xC4},
		ClassSettings:  {0x06, 0x07, 0x0A, 0x15, 0x43, 0x48, 0x49, 0x53, 0x54, 0xC1},
		ClassRebind:    {0x04, 0x02, 0x03},
	}
	for class, codes := range rows {
		for _, s := range codes {
			if s.Class() != class {
				t.Errorf("%v is %v, want %v", s, s.Class(), class)
			}
		}
	}
	for s, info := range statuses {
		if !strings.HasPrefix(s.String(), "ESME_R") || s.Advice() == "" || info.name != s.String() {
			t.Errorf("0x%X: %q %q", uint32(s), s.String(), s.Advice())
		}
	}
	if Status(0x412).String() != "0x00000412" || Status(0x412).Advice() == Status(0x12345).Advice() {
		t.Error("a vendor's code")
	}
}
