package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"aduan/internal/testenv"
	"aduan/store"
	"aduan/store/storetest"
)

// shim is testdata/shim.c, compiled. Without a C compiler the test is skipped, or failed where ADUAN_REQUIRE says so.
func shim(t *testing.T) string {
	t.Helper()
	cc := testenv.CC(t)
	so := filepath.Join(t.TempDir(), "shim.so")
	out, err := exec.Command(cc, "-shared", "-fPIC", "-O1", "-o", so, "testdata/shim.c", "-ldl", "-lpthread").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cc, err, out)
	}
	return so
}

// R1b: the power fails. What was kept with appendfsync always stands, all of it; with everysec, which says so in its
// promise, the last second is gone.
func TestR1bPowerLoss(t *testing.T) {
	so := shim(t)
	for _, row := range []struct {
		fsync string
		whole bool
	}{{store.FsyncAlways, true}, {store.FsyncEverySec, false}} {
		t.Run(row.fsync, func(t *testing.T) {
			stand := powerLoss(t, so, row.fsync)
			for range 2 { // a sync of everysec may come in the moment between the last turn and the loss
				if !row.whole && stand == powerTurns {
					stand = powerLoss(t, so, row.fsync)
				}
			}
			t.Logf("%d of %d stand after a power loss", stand, powerTurns)
			if (stand == powerTurns) != row.whole {
				t.Errorf("%d of %d stand", stand, powerTurns)
			}
		})
	}
}

const powerTurns = 200

// powerLoss gives how many turns that counted as kept stand after it.
func powerLoss(t *testing.T, so, fsync string) (stand int) {
	t.Helper()
	r := storetest.Start(t, storetest.Options{Fsync: fsync, Wrap: []string{"env", "LD_PRELOAD=" + so, "SHIM_HOLD=1"}})
	o := storetest.Config(t, r)
	o.Fsync = fsync
	s := storetest.OpenWith(t, o)
	var all sync.WaitGroup
	for n := range powerTurns {
		all.Go(func() {
			if err := keepOne(context.Background(), s, n); err != nil {
				t.Errorf("turn %d: %v", n, err)
			}
		})
	}
	all.Wait()
	r.Kill()
	again := storetest.Start(t, storetest.Options{Fsync: fsync, Dir: r.Dir()})
	o.Addresses = []string{again.Addr()}
	s = storetest.OpenWith(t, o)
	for n := range powerTurns {
		switch _, err := s.Load(t.Context(), s.Identify(number(n))); {
		case err == nil:
			stand++
		case !errors.Is(err, store.ErrNotFound):
			t.Error(err)
		}
	}
	return stand
}

// R15: Redis's own clock jumps an hour, forth and back, under two daemons. Nobody is taken over, nothing expires early, and
// messages are kept again once the next heartbeat has told the time.
func TestR15RedissClockJumps(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	jump := func(d time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strconv.Itoa(int(d.Seconds()))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	jump(0)
	r := storetest.Start(t, storetest.Options{Wrap: []string{"env", "LD_PRELOAD=" + shim(t), "SHIM_CLOCK=" + file}})
	o := storetest.Config(t, r)
	var daemons [2]*store.Store
	taken := make(chan string, 10)
	for i := range daemons {
		s := storetest.OpenWith(t, o)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { // waited for below
			ended <- s.RunBoot(ctx, store.BootEvents{
				Dead:   func(_ context.Context, boot string) { taken <- "dead: " + boot },
				Fenced: func() { taken <- "fenced" },
			})
		}()
		t.Cleanup(func() { stop(); <-ended })
		daemons[i] = s
	}
	keep := func(n int) {
		t.Helper()
		untilWell(t, 5*time.Second, func() string {
			who, err := daemons[n%2].Assume(number(n))
			if err != nil {
				return err.Error()
			}
			out, err := daemons[n%2].Commit(t.Context(), &store.Turn{
				Boot: daemons[n%2].BootID(), Now: time.Now(), Deadline: time.Now().Add(2 * time.Second), Citizen: who, State: []byte("x"),
				Mark: fresh("d", fmt.Sprintf("s-%d", n), "session"),
			})
			if err != nil || out.Kind != store.Kept {
				return fmt.Sprintf("commit %d: %v %v", n, out.Kind, err)
			}
			return ""
		})
	}
	keep(0)
	keep(1)
	for i, d := range []time.Duration{time.Hour, 0, -time.Hour, 5 * time.Minute, 0} {
		jump(d)
		keep(2 + 2*i)
		keep(3 + 2*i)
		for n := range 2 + 2*i {
			if _, ok, err := daemons[0].Mark(t.Context(), daemons[0].Identify(number(n)), "d"); err != nil || !ok {
				t.Errorf("the clock is off by %v, and mark %d has gone: %v", d, n, err)
			}
		}
	}
	<-time.After(1500 * time.Millisecond) // a beat more, for who would wrongly be taken over
	select {
	case what := <-taken:
		t.Errorf("a boot is %s", what)
	default:
	}
}
