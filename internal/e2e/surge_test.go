//go:build faults

package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

// surgeVar is how many messages come at once; each citizen sends five of them.
const (
	surgeVar   = "ADUAN_SURGE"
	surgeUsual = 4_000
	surgeEach  = 5
	// memoryMost of the daemon, in MiB: its high-water mark as Linux tells it.
	memoryMost = 256
)

// TestFaultSurge is the day of an earthquake: the SMSC's queue is full at once and the operator lets us send slower than it
// comes. Nothing is lost, doubled or out of order; how far the line is behind is told; pushes come after the answers; memory
// stays small. ADUAN_SURGE=100000 plays it whole.
func TestFaultSurge(t *testing.T) {
	n := surgeUsual
	if given := os.Getenv(surgeVar); given != "" {
		var err error
		if n, err = strconv.Atoi(given); err != nil || n < surgeEach {
			t.Fatalf("%s: %q: give the number of messages, %d at least", surgeVar, given, surgeEach)
		}
	}
	random := rand.New(rand.NewPCG(seed(t), 5))
	l := rig.NewLine(t, rig.Options{
		SMSC:  smsc.Options{Window: 100, JournalLimit: 20 * n},
		Redis: storetest.Options{Args: []string{"auto-aof-rewrite-percentage 0"}},
		Tags:  []string{rig.Plain},
		Conf: func(c *rig.Config) {
			c.Set("smpp.links.main.rate", 1000)
			c.Set("conversation.surge.brief", n/50)
		},
	})
	key := l.Daemon.APIKey("tickets:read", "tickets:write")
	early := citizen(l.SMSC) // to whom staff push something in the midst of it
	kept(t, early.Send(rig.ShortCode, newReport()))
	number := ticketNumber.FindString(reads(t, early, 1)[0].Text)

	began := time.Now()
	for _, c := range (storm{citizens: n / surgeEach, each: surgeEach}).complaints(random) {
		l.SMSC.Phone(c.phone).Send(rig.ShortCode, c.text)
	}
	queued := time.Since(began)
	behind := 0
	if !rig.Poll(2*time.Minute, func() bool { behind = max(behind, behindOf(t, l.Daemon)); return behind > n/20 }) {
		t.Errorf("/readyz has told of %d messages behind at most", behind)
	}
	status, body, err := l.Daemon.Post("/v1/tickets/"+number+"/status", key, "", map[string]any{"status": "verified"})
	if err != nil || status != http.StatusAccepted {
		t.Errorf("a push in a surge is answered %d %s %v", status, body, err)
	}
	atPush := behindOf(t, l.Daemon)

	r := rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC}, Daemons: []*rig.Daemon{l.Daemon}, Redis: l.Redis, Config: l.Config, Settle: time.Duration(n/100)*time.Second + time.Minute,
	}.Audit()
	t.Logf("%d messages queued in %v, drained in %v: %v", n, queued.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), r)
	if r.Acknowledged < n || r.Doubled > 0 {
		t.Errorf("%d messages: %d acknowledged, %d SMS twice", n, r.Acknowledged, r.Doubled)
	}
	if after := submittedAfter(l.SMSC, early.Number()); after > atPush/2 {
		t.Errorf("the push left with %d SMS still to come, of %d that waited when it was made: answers go first", after, atPush)
	}
	if mib := highWater(t, l.Daemon.Pid()); mib > memoryMost {
		t.Errorf("the daemon took %d MiB, %d at most", mib, memoryMost)
	} else {
		t.Logf("the daemon took %d MiB at most; %d messages behind at most", mib, behind)
	}
}

// behindOf is how many SMS wait, as /readyz tells it.
func behindOf(t *testing.T, d *rig.Daemon) int {
	t.Helper()
	_, body, err := d.Get("/readyz", "")
	var ready struct {
		Behind struct{ Messages int }
	}
	if err == nil {
		err = json.Unmarshal(body, &ready)
	}
	if err != nil {
		t.Errorf("/readyz: %v: %s", err, body)
	}
	return ready.Behind.Messages
}

// submittedAfter is how many SMS came to telephones after the last one to this.
func submittedAfter(s *rig.SMSC, phone string) int {
	after := 0
	for _, e := range s.Journal() {
		if e.Kind != smsc.EntrySubmit {
			continue
		}
		if after++; e.Phone == phone {
			after = 0
		}
	}
	return after
}

var highWaterLine = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// highWater is the most memory that a process has had, in MiB.
func highWater(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("no /proc here: the daemon's memory is not looked at: %v", err)
	}
	m := highWaterLine.FindSubmatch(status)
	if m == nil {
		t.Fatal("no VmHWM in /proc/PID/status")
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}
