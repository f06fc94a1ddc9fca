package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"aduan/internal/msisdn"
	"aduan/internal/testenv"
	"aduan/store"
)

// TestMain looks for leaks, once the server that the tests share has ended.
func TestMain(m *testing.M) {
	code := m.Run()
	if child != nil {
		child.stop()
	}
	err := goleak.Find()
	for end := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(end); { // a closed pool's dialer sleeps for a second
		err = goleak.Find()
	}
	if err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// child is the real redis-server that tests share; each begins by emptying it.
var child *realRedis

type realRedis struct {
	cmd   *exec.Cmd
	dir   string
	addr  string
	ended chan struct{}
}

// startRedis starts a server that syncs each write, on a port of its own. It dies with this process.
func startRedis(t testing.TB) (*realRedis, error) {
	dir, err := os.MkdirTemp("", "aduan-store-")
	if err != nil {
		return nil, err
	}
	r := &realRedis{dir: dir, addr: testenv.FreeAddr(t), ended: make(chan struct{})}
	_, port, _ := net.SplitHostPort(r.addr)
	r.cmd = exec.Command(testenv.RedisServer(t), "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
		"--appendfsync", "always", "--dir", dir, "--logfile", filepath.Join(dir, "log"))
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() { // stop waits for it
		runtime.LockOSThread() // the signal comes when the thread ends that started the child
		started <- r.cmd.Start()
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return r, r.ready()
}

func (r *realRedis) ready() error {
	c := redis.NewClient(&redis.Options{Addr: r.addr})
	defer c.Close()
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = c.Ping(context.Background()).Err(); err == nil {
			return nil
		}
	}
	return err
}

func (r *realRedis) stop() {
	_ = r.cmd.Process.Kill()
	<-r.ended
	_ = os.RemoveAll(r.dir)
}

// sharedRedis is the address of the server that all tests share, emptied. Without one the test is skipped, or failed
// where ADUAN_REQUIRE says so.
func sharedRedis(t testing.TB) string {
	t.Helper()
	if child == nil {
		var err error
		if child, err = startRedis(t); err != nil {
			t.Fatal(err)
		}
	}
	c := client(t, child.addr)
	if err := errors.Join(c.FlushAll(context.Background()).Err(), c.ConfigResetStat(context.Background()).Err()); err != nil {
		t.Fatal(err)
	}
	return child.addr
}

func client(t testing.TB, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, PoolSize: 20, ReadTimeout: 2 * time.Second})
	t.Cleanup(func() { c.Close() })
	return c
}

var master = []byte("0123456789abcdef0123456789abcdef")

// bench is a store with its client.
type bench struct {
	*store.Store
	rdb *redis.Client
	t   testing.TB
	ctx context.Context
	now time.Time
	n   int // how many ids were made
}

func newBench(t testing.TB, addr string) *bench {
	t.Helper()
	b := &bench{rdb: client(t, addr), t: t, ctx: t.Context(), now: time.Now()}
	b.rdb.AddHook(oneSlot{t})
	b.Store = store.NewForTest(b.rdb, master, store.Options{Cluster: true}) // with its guard key behind each script's own keys
	t.Cleanup(b.CloseForTest)
	return b
}

// other is a second daemon on the same Redis.
func (b *bench) other() *bench {
	o := newBench(b.t, b.rdb.Options().Addr)
	o.now = b.now
	return o
}

// onBoth runs a test on a real Redis and on the embedded one.
func onBoth(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Run("redis", func(t *testing.T) { f(t, newBench(t, sharedRedis(t))) })
	t.Run("embedded", func(t *testing.T) { f(t, newBench(t, miniredis.RunT(t).Addr())) })
}

func number(n int) msisdn.MSISDN {
	m, err := msisdn.FromE164(fmt.Sprintf("+62812%07d", n))
	if err != nil {
		panic(err)
	}
	return m
}

// citizen assumes the n-th citizen.
func (b *bench) citizen(n int) store.Citizen {
	b.t.Helper()
	c, err := b.Assume(number(n))
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// reload forgets nothing: it reads what stands.
func (b *bench) reload(n int) store.Citizen {
	b.t.Helper()
	c, err := b.Load(b.ctx, b.Identify(number(n)))
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// turn is a plain turn of a citizen: a state and one SMS that is held.
func (b *bench) turn(c store.Citizen, sms ...store.SMS) *store.Turn {
	b.n++
	return &store.Turn{
		Boot: b.BootID(), Deadline: time.Now().Add(5 * time.Second), Now: b.now, Citizen: c,
		State: []byte(fmt.Sprintf("state %d", b.n)), SMS: sms,
	}
}

func (b *bench) sms(c store.Citizen, text string) store.SMS {
	return store.SMS{ID: b.NewID(c.ID.Shard), Text: text, From: "1708", Link: "main", Hold: true}
}

func (b *bench) commit(t *store.Turn) store.Outcome {
	b.t.Helper()
	out, err := b.Commit(b.ctx, t)
	if err != nil {
		b.t.Fatalf("commit: %v", err)
	}
	return out
}

// mustKeep commits a turn that must be kept, and gives the citizen as it then is.
func (b *bench) mustKeep(t *store.Turn) (store.Outcome, store.Citizen) {
	b.t.Helper()
	out := b.commit(t)
	if out.Kind != store.Kept {
		b.t.Fatalf("commit: %v (%+v), want kept", out.Kind, out.Mark)
	}
	c := t.Citizen
	c.Version, c.State = out.Version, t.State
	return out, c
}

// dump is all of Redis, to be compared: key → what it holds.
func (b *bench) dump() map[string]string {
	b.t.Helper()
	d := map[string]string{}
	keys, err := b.rdb.Keys(b.ctx, "*").Result()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, k := range keys {
		var v any
		switch b.rdb.Type(b.ctx, k).Val() {
		case "hash":
			v = b.rdb.HGetAll(b.ctx, k).Val()
		case "list":
			v = b.rdb.LRange(b.ctx, k, 0, -1).Val()
		case "set":
			v = b.rdb.SMembersMap(b.ctx, k).Val()
		case "zset":
			v = b.rdb.ZRangeWithScores(b.ctx, k, 0, -1).Val()
		case "stream":
			v = b.rdb.XRange(b.ctx, k, "-", "+").Val()
		default:
			v = b.rdb.Get(b.ctx, k).Val()
		}
		d[k] = fmt.Sprint(v)
	}
	return d
}

// oneSlot fails a test whose script has keys of several slots.
type oneSlot struct{ t testing.TB }

func (h oneSlot) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h oneSlot) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.look(cmd)
		return next(ctx, cmd)
	}
}

func (h oneSlot) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, c := range cmds {
			h.look(c)
		}
		return next(ctx, cmds)
	}
}

func (h oneSlot) look(cmd redis.Cmder) {
	args := cmd.Args()
	if len(args) < 3 || (cmd.Name() != "evalsha" && cmd.Name() != "eval") {
		return
	}
	n, _ := strconv.Atoi(fmt.Sprint(args[2]))
	for _, k := range args[3 : 3+n] {
		if slotTag(k.(string)) == "" || slotTag(k.(string)) != slotTag(args[3].(string)) {
			h.t.Errorf("a script's keys %v and %v are of two slots", args[3], k)
		}
	}
}

// slotTag is the hash tag of a key.
func slotTag(key string) string {
	if i := strings.IndexByte(key, '}'); i > 1 && key[0] == '{' {
		return key[:i+1]
	}
	return ""
}
