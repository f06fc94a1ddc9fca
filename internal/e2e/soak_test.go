//go:build soak

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"aduan/internal/e2e/rig"
	"aduan/smpp/smsc"
	"aduan/store/storetest"
)

const (
	soakVar    = "ADUAN_SOAK" // how long; default an hour
	soakRate   = 300          // messages a second
	soakPhones = 30_000
	soakPause  = 20 * time.Second // between two faults, about
)

// sample is what a daemon uses at a moment.
type sample struct{ goroutines, mib, files float64 }

// TestSoak lets an hour of a busy day pass under random faults, with two daemons on one store: one of them dies and stands
// still again and again, the other lives on and must not grow. Then the audit.
func TestSoak(t *testing.T) {
	long := time.Hour
	if given := os.Getenv(soakVar); given != "" {
		var err error
		if long, err = time.ParseDuration(given); err != nil {
			t.Fatalf("%s: %v", soakVar, err)
		}
	}
	random := rand.New(rand.NewPCG(seed(t), 6))
	total := int(long.Seconds() * soakRate)
	l := rig.NewLine(t, rig.Options{
		SMSC: smsc.Options{Window: 100, JournalLimit: 10 * total}, Tags: []string{rig.Plain},
		Conf: func(c *rig.Config) { c.Set("smpp.links.main.window", 50) },
	})
	c, net := l.Config.Another(t), storetest.NewProxy(t, l.SMSC.Addr())
	c.Link("main", net.Addr())
	c.Set("smpp.links.main.window", 50)
	second := rig.StartDaemon(t, c, rig.Plain)

	faults := soakFaults(l, net, second, random)
	texts := rand.New(rand.NewPCG(random.Uint64(), 7))
	var samples []sample
	counts, doubles := map[string]int{}, 0
	began := time.Now()
	next := began.Add(soakPause)
	sent := 0
	for tick := time.NewTicker(100 * time.Millisecond); time.Since(began) < long; <-tick.C {
		for due := int(time.Since(began).Seconds() * soakRate); sent < due; sent++ {
			l.SMSC.Phone(fmt.Sprintf("62812%07d", 3000000+texts.IntN(soakPhones)*7)).Send(rig.ShortCode, text(texts))
		}
		if len(samples) < int(time.Since(began)/(10*time.Second)) {
			samples = append(samples, sample{
				l.Daemon.Metric("go_goroutines"), l.Daemon.Metric("process_resident_memory_bytes") / (1 << 20), l.Daemon.Metric("process_open_fds"),
			})
		}
		if time.Now().After(next) && time.Since(began) < long-2*soakPause {
			f := faults[random.IntN(len(faults))]
			f.harm()
			counts[f.name]++
			doubles += f.doubles
			next = time.Now().Add(soakPause/2 + time.Duration(random.Int64N(int64(soakPause))))
		}
	}
	second.Signal(syscall.SIGCONT)
	if !second.Running() {
		second.Start()
	}
	l.Daemon.WaitReady()
	second.WaitReady()
	r := rig.Judge{
		T: t, SMSCs: []*rig.SMSC{l.SMSC}, Daemons: []*rig.Daemon{l.Daemon, second}, Redis: l.Redis, Config: l.Config,
		Doubles: doubles, Settle: 20 * time.Minute,
	}.Audit()
	t.Logf("%d texts in %v; faults: %v; %v", sent, long, counts, r)
	if r.Acknowledged != sent {
		t.Errorf("%d texts sent, %d acknowledged", sent, r.Acknowledged)
	}
	flat(t, samples)
}

type soakFault struct {
	name    string
	doubles int // SMS that it may have sent twice
	harm    func()
}

func soakFaults(l *rig.Line, net *storetest.Proxy, second *rig.Daemon, random *rand.Rand) []soakFault {
	const windows = 100 // of both daemons
	stand := func(stop, cont func(), most time.Duration) func() {
		return func() {
			stop()
			time.Sleep(time.Duration(random.Int64N(int64(most))))
			cont()
		}
	}
	return []soakFault{
		{"the second daemon is killed", windows, func() {
			if second.Running() {
				second.Kill9()
			}
			second.Start()
		}},
		{"the second daemon stands still", windows, stand(func() { second.Signal(syscall.SIGSTOP) }, func() { second.Signal(syscall.SIGCONT) }, 9*time.Second)},
		{"the link is cut", windows, l.Net.Cut},
		{"the second link is cut in mid-PDU", windows, func() { net.CutAfter(storetest.Direction(random.IntN(2)), random.Int64N(4000)) }},
		{"an answer of Redis is lost", windows, func() { l.StoreNet.CutAfter(storetest.Direction(random.IntN(2)), random.Int64N(20000)) }},
		{"Redis stands still", windows, stand(l.Redis.Stop, l.Redis.Cont, 4*time.Second)},
		{"Redis is killed", windows, func() {
			l.Redis.Kill()
			time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
			l.Redis.Restart()
		}},
		{"the SMSC is away", windows, stand(l.SMSC.Stop, l.SMSC.Start, 5*time.Second)},
	}
}

// flat compares the second sixth of the time with the last: what is warm does not grow.
func flat(t *testing.T, samples []sample) {
	n := len(samples) / 6
	if n == 0 {
		t.Log("too short to tell growth")
		return
	}
	for _, what := range []struct {
		name  string
		of    func(s sample) float64
		slack float64
	}{
		{"goroutines", func(s sample) float64 { return s.goroutines }, 50},
		{"MiB", func(s sample) float64 { return s.mib }, 24},
		{"open files", func(s sample) float64 { return s.files }, 20},
	} {
		early, late, most := middleOf(samples[n:2*n], what.of), middleOf(samples[len(samples)-n:], what.of), 0.0
		for _, s := range samples {
			most = max(most, what.of(s))
		}
		t.Logf("%s: %.0f early, %.0f late, %.0f at most", what.name, early, late, most)
		if late > 1.2*early+what.slack {
			t.Errorf("the daemon that lived grew from %.0f to %.0f %s", early, late, what.name)
		}
	}
}

func middleOf(samples []sample, of func(sample) float64) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
