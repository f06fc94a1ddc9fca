package linkyear

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"aduan/smpp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const year = 8760 * time.Hour

// metrics are one for all seeds: instruments are made once a process.
var metrics = smpp.NewMetrics(nil)

// logger is silent, unless a seed is played by itself with ADUAN_LOG set.
func logger() *zap.Logger {
	if os.Getenv("ADUAN_LOG") == "" {
		return zap.NewNop()
	}
	log, err := zap.NewDevelopment()
	if err != nil {
		panic(err)
	}
	return log
}

// A year of link: seeds until all that they lived is a year.
func TestAYearOfLink(t *testing.T) {
	if one := os.Getenv("ADUAN_SEED"); one != "" {
		seed, err := strconv.ParseUint(one, 10, 64)
		if err != nil {
			t.Fatalf("ADUAN_SEED: %v", err)
		}
		playSeed(t, seed)
		return
	}
	want := year
	if testing.Short() {
		want = 200 * time.Hour
	}
	began := time.Now()
	var next atomic.Uint64
	var lived, pdus, submits, texts, bursts atomic.Int64
	var workers sync.WaitGroup
	for range max(1, min(2, runtime.GOMAXPROCS(0))) {
		workers.Go(func() {
			for lived.Load() < int64(want) && !t.Failed() {
				seed := next.Add(1)
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					a := playSeed(t, seed)
					lived.Add(int64(a.lived))
					pdus.Add(int64(a.w.smsc.pdus))
					submits.Add(int64(a.submits))
					texts.Add(int64(a.w.written))
					bursts.Add(int64(a.w.set.bursts))
				})
			}
		})
	}
	workers.Wait()
	t.Logf("%.0f hours of link in %v: seeds 1 to %d, %d bursts of faults, %d texts of citizens, %d submits, %d PDUs from the link",
		time.Duration(lived.Load()).Hours(), time.Since(began).Round(time.Millisecond), next.Load(), bursts.Load(), texts.Load(), submits.Load(), pdus.Load())
}

// playSeed plays one seed, and tells how to play it again where something was wrong.
func playSeed(t *testing.T, seed uint64) *audit {
	r := rand.New(rand.NewPCG(seed, 1))
	set := newSetting(seed, r)
	if h, err := strconv.Atoi(os.Getenv("ADUAN_HOURS")); err == nil && h > 0 {
		set.hours = time.Duration(h) * time.Hour
	}
	plan := newPlan(set, r)
	a := play(t, seed, set, plan)
	if len(a.faults) > 0 {
		t.Errorf("ADUAN_SEED=%d: %v", seed, set)
		for _, f := range a.faults {
			t.Error(f)
		}
	}
	return a
}
