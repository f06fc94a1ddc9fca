//go:build faults

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/internal/failpoint"
	"aduan/smpp"
	"aduan/smpp/smsc"
)

// The long versions of what `make test` tries a few times.

func TestFaultS1_CutAtEveryOctet(t *testing.T) { cutWithin(t, 1) }

func TestFaultR1_FiftyKills(t *testing.T) { killRedis(t, 50) }

// D1: 200 kills at random steps of random turns. The seed is printed; ADUAN_SEED repeats it.
func TestFaultD1_KilledAtRandomSteps(t *testing.T) {
	const kills = 200
	random := rand.New(rand.NewPCG(seed(t), 1))
	l := rig.NewLine(t, rig.Options{Tags: []string{"failpoints"}, Cold: true})
	telephones := newLoad(t, l.SMSC, 20)
	for range kills {
		point := fmt.Sprintf("%s:%d", steps[random.IntN(len(steps))], 1+random.IntN(8))
		l.Daemon.Env = []string{failpoint.Env + "=" + point}
		l.Daemon.Start()
		if !rig.Poll(1500*time.Millisecond, func() bool { return !l.Daemon.Running() }) {
			l.Daemon.Kill9() // it never came to that hit
		}
	}
	sent := telephones.end()
	l.Daemon.Env = nil
	l.Daemon.Start()
	l.Daemon.WaitReady()
	t.Log(kills, "kills,", sent, "texts:", l.Audit(t, kills*10))
}

// D3: a long text with a part missing makes the conversation panic when the timers take it: after some tries it is kept as
// what cannot be read.
func TestFaultD3_PanicInTheTimers(t *testing.T) {
	l := rig.NewLine(t, rig.Options{Tags: []string{"failpoints"}, Cold: true})
	l.Config.Set("smpp.segments_timeout", "2s")
	l.Daemon.Env = []string{failpoint.Env + "=" + failpoint.PanicInStep + ":racun"}
	l.Daemon.Start()
	l.Daemon.WaitReady()
	pid := l.Daemon.Pid()
	torn := citizen(l.SMSC)
	kept(t, torn.SendPDU(&smpp.Message{ // its second part never comes
		Destination: smpp.Address{NPI: 1, Addr: rig.ShortCode}, ESMClass: smpp.ESMUDHI,
		ShortMessage: append([]byte{5, 0, 3, 77, 2, 1}, "LAPOR jalan rusak dan racun lagi di pasar "...),
	}))
	var inbox []smsc.SMS
	if !rig.Poll(3*time.Minute, func() bool { inbox = torn.Inbox(); return len(inbox) > 0 }) {
		t.Fatal("the torn text was never answered")
	}
	if strings.Contains(inbox[0].Text, "diterima") {
		t.Errorf("it is answered with a ticket: %q", inbox[0].Text)
	}
	if n := len(keptFor(t, l, torn)); n != 1 || !l.Daemon.Running() || l.Daemon.Pid() != pid {
		t.Errorf("the torn text stands %d times among what staff look at; the daemon lives: %v", n, l.Daemon.Running())
	}
	t.Log(l.Audit(t, 0))
}
