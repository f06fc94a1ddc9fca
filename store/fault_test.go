package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/store"
	"aduan/store/storetest"
)

// R2: the answer to a commit is lost at each of its first octets: the commit is tried again, and stands once.
func TestR2TheAnswerOfACommitIsLost(t *testing.T) {
	proxy := storetest.NewProxy(t, sharedRedis(t))
	b := newBench(t, proxy.Addr())
	direct := client(t, child.addr)
	b.mustKeep(b.turn(b.citizen(1000))) // Redis's time is known
	for n := range 24 {
		c := b.citizen(n)
		turn := b.turn(c, b.sms(c, "once"))
		turn.Mark = fresh("d", fmt.Sprintf("s-%d", n), "s")
		b.rdb.Ping(b.ctx) // a connection is there
		proxy.CutAfter(storetest.ToClient, int64(n))
		out, err := b.Commit(b.ctx, turn)
		if err != nil || out.Kind != store.Kept || len(out.Send) != 1 {
			t.Fatalf("cut after %d octets: %+v, %v", n, out, err)
		}
		if got := direct.LLen(b.ctx, store.OutKey(c.ID)).Val(); got != 1 {
			t.Fatalf("cut after %d octets: %d SMS", n, got)
		}
	}
}

// R2: every answer is lost. Whether it stands is not known; what this boot holds is found by reading it again, and a
// redelivery finds it kept.
func TestR2EveryAnswerIsLost(t *testing.T) {
	proxy := storetest.NewProxy(t, sharedRedis(t))
	b := newBench(t, proxy.Addr())
	c := b.citizen(1)
	b.mustKeep(b.turn(c))
	turn := b.turn(b.citizen(1), b.sms(c, "once"))
	proxy.BlackHole(storetest.ToClient, true)
	ctx, cancel := context.WithTimeout(b.ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := b.Commit(ctx, turn); !errors.Is(err, store.ErrUnknown) {
		t.Fatalf("%v", err)
	}
	proxy.BlackHole(storetest.ToClient, false)
	proxy.Cut()
	shards := b.Recheck()
	if !slices.Equal(shards, []int{c.ID.Shard}) || len(b.Recheck()) != 0 {
		t.Fatalf("recheck %v", shards)
	}
	var held []store.Outgoing
	eventually(t, func() (err error) { held, err = b.Held(b.ctx, b.BootID(), shards); return err })
	if !slices.Equal(texts(held), []string{"once"}) {
		t.Fatalf("held %v", texts(held))
	}
	out := b.commit(turn)
	if out.Kind != store.Kept || len(out.Send) != 1 {
		t.Fatalf("the same turn again: %+v", out)
	}
}

// The commit's answer is lost and the script runs seconds later: late, it writes nothing.
func TestACommitThatRunsLateWritesNothing(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	_, c := b.mustKeep(b.turn(b.citizen(1)))
	before := b.dump()
	if err := child.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, 200*time.Millisecond)
	defer cancel()
	turn := b.turn(c, b.sms(c, "late"))
	turn.Deadline = time.Now().Add(200 * time.Millisecond)
	_, err := b.Commit(ctx, turn)
	<-time.After(100 * time.Millisecond) // behind the deadline
	if err := child.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, store.ErrUnknown) {
		t.Fatalf("%v", err)
	}
	b.CloseForTest() // the script has run
	if after := b.dump(); !maps.Equal(before, after) {
		t.Errorf("it was written late:\n%v\n%v", before, after)
	}
}

func eventually(t *testing.T, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// wholeTurn has everything that a turn can write.
func (b *bench) wholeTurn(n int) *store.Turn {
	c := b.citizen(n)
	sms, later := b.sms(c, "x"), b.sms(c, "y")
	later.NotBefore = b.now.Add(time.Hour)
	t := b.turn(c, sms, b.sms(c, "z"), later)
	t.TickAt = b.now.Add(time.Hour)
	t.Tickets = []store.TicketWrite{{Serial: uint64(10000 + n), New: true, Head: []byte("{}"), Entries: []store.Entry{{Field: "x1", Data: []byte("x")}}}}
	t.Events = []store.Event{{ID: b.NewID(c.ID.Shard), Type: "complaint.filed", Ticket: uint64(10000 + n), At: b.now}}
	t.Kept = []byte("k")
	t.Mark = fresh("d", fmt.Sprintf("s-%d", n), "s")
	t.Idempotency = &store.Idempotency{Key: fmt.Sprintf("i%d", n), Fingerprint: "f", Answer: []byte("a")}
	return t
}

// R9: a key of another type stands in the way: nothing at all is written.
func TestR9APoisonedKeyHalvesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		keys, _ := b.WireForTest(b.wholeTurn(1))
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			if strings.Contains(key, ":held:") {
				continue // below, with an SMS that is held
			}
			b.rdb.FlushAll(b.ctx)
			b.Store = store.NewForTest(b.rdb, master, store.Options{})
			turn := b.wholeTurn(1)
			if strings.Contains(key, ":m:") {
				key = store.SMSKey(turn.Citizen.ID.Shard, turn.SMS[0].ID)
			}
			b.rdb.SetBit(b.ctx, key, 7, 1) // a string
			before := b.dump()
			out, err := b.Commit(b.ctx, turn)
			if !errors.Is(err, store.ErrNotKept) {
				t.Errorf("%s: %+v, %v", key, out.Kind, err)
			}
			if after := b.dump(); !maps.Equal(before, after) {
				t.Errorf("%s: half of it was written:\n%v", key, after)
			}
		}
		b.rdb.FlushAll(b.ctx)
		turn := b.wholeTurn(1)
		held := store.HeldKey(turn.Citizen.ID.Shard, b.BootID())
		b.rdb.Set(b.ctx, held, "x", 0)
		if _, err := b.Commit(b.ctx, turn); !errors.Is(err, store.ErrNotKept) || len(b.dump()) != 1 {
			t.Errorf("held: %v, %v", err, b.dump())
		}
	})
}

// R9: the login may not run one of the commands: nothing at all is written, and the error names it.
func TestR9AMissingPermissionHalvesNothing(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	for _, command := range []string{"hset", "zadd", "zrem", "rpush", "xadd", "pexpire", "sadd"} {
		b.rdb.FlushAll(b.ctx)
		if err := b.rdb.Do(b.ctx, "ACL", "SETUSER", "aduan", "reset", "on", "nopass", "~*", "+@all", "-"+command).Err(); err != nil {
			t.Fatal(err)
		}
		rdb := redis.NewClient(&redis.Options{Addr: child.addr, Username: "aduan", Password: "x", MaxRetries: -1})
		limited := &bench{Store: store.NewForTest(rdb, master, store.Options{}), rdb: b.rdb, t: t, ctx: b.ctx, now: b.now}
		turn := limited.wholeTurn(1)
		turn.Deadline = time.Time{}
		out, err := limited.Commit(b.ctx, turn)
		if !errors.Is(err, store.ErrNotKept) || !strings.Contains(strings.ToLower(err.Error()), command) {
			t.Errorf("-%s: %v, %v", command, out.Kind, err)
		}
		if d := b.dump(); len(d) != 0 {
			t.Errorf("-%s: half of it was written: %v", command, d)
		}
		limited.CloseForTest()
		rdb.Close()
	}
	b.rdb.Do(b.ctx, "ACL", "DELUSER", "aduan")
}

// R13: the server forgets the scripts in the middle of the load.
func TestR13ScriptsAreForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		stop := make(chan struct{})
		var flushing sync.WaitGroup
		flushing.Go(func() {
			// Far enough apart that loading and running again falls between two, also under the race detector.
			for pause := 5 * time.Millisecond; ; pause = 200 * time.Millisecond {
				select {
				case <-stop:
					return
				case <-time.After(pause):
					b.rdb.ScriptFlush(b.ctx)
				}
			}
		})
		b.everyone(30, 10)
		close(stop)
		flushing.Wait()
	})
}

// everyone commits turns of many citizens at once; each must be kept.
func (b *bench) everyone(citizens, turns int) {
	b.t.Helper()
	var wg sync.WaitGroup
	for n := range citizens {
		wg.Go(func() {
			for i := range turns {
				c, err := b.Assume(number(n))
				if err != nil {
					b.t.Error(err)
					return
				}
				turn := &store.Turn{
					Boot: b.BootID(), Deadline: time.Now().Add(20 * time.Second), Now: b.now, Citizen: c,
					State: fmt.Appendf(nil, "%d", i), SMS: []store.SMS{b.sms(c, "x")},
				}
				out, err := b.Commit(b.ctx, turn)
				if err != nil || out.Kind != store.Kept || out.Version != uint64(i+1) {
					b.t.Errorf("citizen %d, turn %d: %+v, %v", n, i, out, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// R16: two connections, 300 citizens: no deadlock, nothing lost.
func TestR16TheConnectionsAreUsedUp(t *testing.T) {
	b := newBench(t, sharedRedis(t))
	rdb := redis.NewClient(&redis.Options{Addr: child.addr, PoolSize: 2, MaxRetries: -1})
	defer rdb.Close()
	b.Store = store.NewForTest(rdb, master, store.Options{})
	defer b.CloseForTest()
	b.everyone(300, 3)
}

// R1: Redis is killed in the middle of commits and started again: what was said to be kept stands, whole.
func TestR1RedisIsKilledInMidCommit(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	b := newBench(t, r.Addr())
	type kept struct {
		serial uint64
		sms    string
		c      store.CitizenID
	}
	var mu sync.Mutex
	var all []kept
	serial := uint64(10000)
	for round := range 8 {
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() {
				for {
					c, _ := b.Assume(number(n))
					mu.Lock()
					serial++
					own := serial
					mu.Unlock()
					sms := b.sms(c, "x")
					ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
					out, err := b.Commit(ctx, &store.Turn{
						Boot: b.BootID(), Deadline: time.Now().Add(2 * time.Second), Now: b.now, Citizen: c, State: []byte("s"),
						SMS:     []store.SMS{sms},
						Tickets: []store.TicketWrite{{Serial: own, New: true, Head: []byte("{}"), Entries: []store.Entry{{Field: "m1", Data: []byte(sms.ID), Plain: true}}}},
						Events:  []store.Event{{ID: b.NewID(c.ID.Shard), Type: "complaint.filed", Ticket: own, At: b.now}},
					})
					cancel()
					if err != nil {
						return // Redis is gone
					}
					if out.Kind == store.Kept {
						mu.Lock()
						all = append(all, kept{own, sms.ID, c.ID})
						mu.Unlock()
					}
				}
			})
		}
		time.Sleep(time.Duration(20+7*round) * time.Millisecond)
		r.Kill()
		wg.Wait()
		r.Restart()
		b.rdb = client(t, r.Addr())
		b.Store = store.NewForTest(b.rdb, master, store.Options{})
	}
	for _, k := range all {
		rec, err := b.Ticket(b.ctx, k.c.Shard, k.serial)
		if err != nil || string(rec.Entries["m1"]) != k.sms {
			t.Fatalf("ticket %d was kept, and is gone: %v", k.serial, err)
		}
	}
	// No half turn: as many tickets as SMS, events and turns.
	count := map[string]int{}
	for key := range b.dump() {
		count[strings.Split(strings.SplitAfter(key, "}:")[1], ":")[0]]++
	}
	cursor, n := "", 0
	for {
		evs, next, err := b.Events(b.ctx, cursor, 1000)
		if cursor = next; err != nil {
			t.Fatal(err)
		}
		if len(evs) == 0 {
			break
		}
		n += len(evs)
	}
	if count["t"] != count["m"] || count["t"] != n || len(all) == 0 || count["t"] < len(all) {
		t.Errorf("%d acknowledged; tickets %d, SMS %d, events %d", len(all), count["t"], count["m"], n)
	}
	t.Logf("%d turns kept, %d stand", len(all), count["t"])
}
