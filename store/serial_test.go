package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aduan/store"
	"aduan/store/storetest"
)

// ledger notes every serial given, and says which was given twice.
type ledger struct {
	mu    sync.Mutex
	given map[string]bool
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.given)
}

func (l *ledger) note(shard int, serial uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given == nil {
		l.given = map[string]bool{}
	}
	key := fmt.Sprintf("%02d/%d", shard, serial)
	if l.given[key] {
		return fmt.Errorf("%s was given twice", key)
	}
	if serial <= 10000 {
		return fmt.Errorf("%s is below 10001", key)
	}
	l.given[key] = true
	return nil
}

func TestTheFirstTicketOfAShardIs10001(t *testing.T) {
	s, _ := storetest.Open(t)
	for want := uint64(10001); want < 10050; want++ {
		if got, err := s.TakeSerial(t.Context(), 7); err != nil || got != want {
			t.Fatalf("serial %d, %v; want %d", got, err, want)
		}
	}
	s.ReturnSerial(7, 10049)
	if got, err := s.TakeSerial(t.Context(), 7); err != nil || got != 10049 {
		t.Errorf("serial %d, %v; the one returned is 10049", got, err)
	}
}

func TestASerialIsInTheLineFileBeforeItIsUsed(t *testing.T) {
	s, r := storetest.Open(t, func(o *store.Options) { o.DataDir = filepath.Join(t.TempDir(), "line") })
	_ = r
	if _, err := s.TakeSerial(t.Context(), 42); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(store.DataDirForTest(s), "line.json"))
	if err != nil || !strings.Contains(string(b), `"42": 10020`) {
		t.Errorf("line.json is %s, %v", b, err)
	}
}

func TestARedisThatKnowsLessIsRaisedAndAlarmed(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	o := storetest.Config(t, r)
	var alarms []string
	var mu sync.Mutex
	o.Alarm = func(what string) { mu.Lock(); alarms = append(alarms, what); mu.Unlock() }
	s := storetest.OpenWith(t, o)
	if n, err := s.TakeSerial(t.Context(), 3); err != nil || n != 10001 {
		t.Fatalf("serial %d, %v", n, err)
	}
	r.Client().FlushAll(t.Context())
	again := storetest.OpenWith(t, o)
	if got := r.Client().Get(t.Context(), "{03}:serial").Val(); got != "10020" {
		t.Errorf("after the start Redis stands at %q, not at line.json's 10020", got)
	}
	mu.Lock()
	if len(alarms) == 0 || !strings.Contains(alarms[0], "line.json") {
		t.Errorf("alarms %q", alarms)
	}
	mu.Unlock()
	if ok, reason := again.Health(); !ok || !strings.Contains(reason, "line.json") {
		t.Errorf("health %v %q", ok, reason)
	}
	if n, err := again.TakeSerial(t.Context(), 3); err != nil || n != 10021 {
		t.Errorf("serial %d, %v; want 10021", n, err)
	}
}

func TestADamagedLineFileIsNotMadeAnew(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	for _, content := range []string{"", "{", `{"version":1,"serials":{"xx":3}}`, `{"version":2}`} {
		o := storetest.Config(t, r)
		path := filepath.Join(o.DataDir, "line.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "line file") {
			t.Errorf("%q: error %v", content, err)
		}
		if b, _ := os.ReadFile(path); string(b) != content {
			t.Errorf("%q became %q", content, b)
		}
	}
}

// TestASerialIsNeverGivenTwice: several stores on one folder and one Redis, which is emptied, killed and set back while
// they take serials, and stores that go without a word.
func TestASerialIsNeverGivenTwice(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	rapid.Check(t, func(rt *rapid.T) {
		r.Client().FlushAll(context.Background())
		o := store.Options{Mode: store.ModeExternal, Addresses: []string{r.Addr()}, KeyFile: storetest.KeyFile(t), DataDir: t.TempDir()}
		var open []*store.Store
		defer func() {
			for _, s := range open {
				_ = s.Close()
			}
		}()
		var l ledger
		start := func() {
			s, err := store.Open(context.Background(), o)
			if err != nil {
				rt.Fatal(err)
			}
			open = append(open, s)
		}
		start()
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"take", "take", "take", "start", "leave", "empty", "setback", "return"}).Draw(rt, "step") {
			case "take":
				var wg sync.WaitGroup
				shard, n := rapid.IntRange(0, 2).Draw(rt, "shard"), rapid.IntRange(1, 45).Draw(rt, "n")
				failed := make(chan error, len(open)*2)
				for _, s := range open {
					for i := range 2 {
						wg.Go(func() {
							for range n {
								serial, err := s.TakeSerial(context.Background(), shard+i)
								if err == nil {
									err = l.note(shard+i, serial)
								}
								if err != nil {
									failed <- err
									return
								}
							}
						})
					}
				}
				wg.Wait()
				close(failed)
				for err := range failed {
					rt.Fatal(err)
				}
			case "start":
				if len(open) < 4 {
					start()
				}
			case "leave":
				if len(open) > 1 {
					_ = open[0].Close()
					open = open[1:]
				}
			case "empty":
				r.Client().FlushAll(context.Background())
			case "setback":
				r.Client().Set(context.Background(), "{01}:serial", 10020, 0)
			case "return":
				serial, err := open[0].TakeSerial(context.Background(), 0)
				if err != nil {
					rt.Fatal(err)
				}
				open[0].ReturnSerial(0, serial)
			}
		}
	})
}

func TestSerialsWhileRedisIsKilled(t *testing.T) {
	s, r := storetest.Open(t)
	var l ledger
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n, err := s.TakeSerial(context.Background(), w%3)
				if errors.Is(err, store.ErrNotKept) {
					time.Sleep(time.Millisecond) // Redis is away
					continue
				}
				if err == nil {
					err = l.note(w%3, n)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for round := range 5 {
		untilWell(t, 10*time.Second, func() string {
			if n := l.count(); n < (round+1)*200 {
				return fmt.Sprintf("only %d serials were given", n)
			}
			return ""
		})
		r.Kill()
		r.Restart()
	}
	close(stop)
	wg.Wait()
}

func TestBlocksGrowUnderLoadAndShareOneWrite(t *testing.T) {
	s, _ := storetest.Open(t)
	var wg sync.WaitGroup
	began := time.Now()
	for shard := range 100 {
		wg.Go(func() {
			for range 100 {
				if _, err := s.TakeSerial(context.Background(), shard); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("10,000 serials in %s", time.Since(began))
	if writes := store.LineWritesForTest(s); writes > 150 { // 100 shards × 3 blocks would be 300
		t.Errorf("line.json was written %d times", writes)
	}
}
