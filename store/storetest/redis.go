package storetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/testenv"
	"aduan/store/internal/redisd"
)

// Options describes a redis-server. The zero value is one on a free port of 127.0.0.1 with appendfsync always.
type Options struct {
	Fsync    string   // appendfsync; default always; "none": appendonly no
	Dir      string   // its folder; default t.TempDir()
	Addr     string   // host:port instead of a free one
	Unix     bool     // on a unix socket in Dir instead of a port
	Password string   // requirepass
	Args     []string // more lines of redis.conf: "maxmemory 10mb"
	Wrap     []string // a command that execs what follows it
}

// Redis is a redis-server of a test.
type Redis struct {
	t    testing.TB
	o    Options
	addr string // host:port, or the socket's path
	bin  string

	mu     sync.Mutex
	child  *redisd.Server // guarded by mu; nil while it is down
	client *redis.Client
	log    []string
}

// Start starts a redis-server and waits until it answers. It is killed when the test ends. The test is skipped, or
// failed where ADUAN_REQUIRE says so, when there is none.
func Start(t testing.TB, o Options) *Redis {
	t.Helper()
	r := &Redis{t: t, o: o, bin: testenv.RedisServer(t)}
	if r.o.Fsync == "" {
		r.o.Fsync = "always"
	}
	if r.o.Dir == "" {
		r.o.Dir = t.TempDir()
	}
	if r.o.Unix {
		dir, err := os.MkdirTemp("", "aduan-redis-") // t.TempDir may be too long for a socket's path
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		r.addr = filepath.Join(dir, "redis.sock")
	}
	t.Cleanup(r.close)
	if r.o.Unix {
		r.Restart()
		return r
	}
	if r.addr = r.o.Addr; r.addr != "" {
		r.Restart()
		return r
	}
	for range 5 { // a free port may be taken by another process at the same moment
		r.addr = testenv.FreeAddr(t)
		if err := r.start(); err == nil {
			return r
		}
	}
	t.Fatalf("storetest: redis-server does not start: %s", r.Log())
	return nil
}

// Addr is host:port, or unix:/path: what store.Options.Addresses takes.
func (r *Redis) Addr() string {
	if r.o.Unix {
		return "unix:" + r.addr
	}
	return r.addr
}

// URL is what redis.ParseURL takes.
func (r *Redis) URL() string {
	auth := ""
	if r.o.Password != "" {
		auth = ":" + r.o.Password + "@"
	}
	if r.o.Unix {
		return "unix://" + auth + r.addr
	}
	return "redis://" + auth + r.addr
}

// Dir is the server's folder, with its append-only file.
func (r *Redis) Dir() string { return r.o.Dir }

// Pid is the server's process id; 0 while it is down.
func (r *Redis) Pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child == nil {
		return 0
	}
	return r.child.Pid()
}

// Client is a plain client for looking at the data, with a password where one was asked for.
func (r *Redis) Client() *redis.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		network := "tcp"
		if r.o.Unix {
			network = "unix"
		}
		r.client = redis.NewClient(&redis.Options{
			Network: network, Addr: r.addr, Password: r.o.Password, DisableIdentity: true, DialerRetries: 1,
		})
	}
	return r.client
}

// Kill ends the server with SIGKILL and waits until it is gone.
func (r *Redis) Kill() {
	r.mu.Lock()
	child := r.child
	r.child = nil
	r.mu.Unlock()
	if child != nil {
		child.Kill() // not under mu: its last lines are still written down, which takes mu
	}
}

// Stop freezes the server with SIGSTOP; Cont lets it go on.
func (r *Redis) Stop() { r.signal(syscall.SIGSTOP) }

// Cont lets a frozen server go on.
func (r *Redis) Cont() { r.signal(syscall.SIGCONT) }

func (r *Redis) signal(sig os.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child != nil {
		r.child.Signal(sig)
	}
}

// Restart starts the server again on the same address and folder, after a kill where it still runs, and waits until
// it answers. args replace the Args of before where given.
func (r *Redis) Restart(args ...string) {
	r.t.Helper()
	r.Kill()
	if len(args) > 0 {
		r.o.Args = args
	}
	if err := r.start(); err != nil {
		r.t.Fatalf("storetest: redis-server does not start again: %v\n%s", err, r.Log())
	}
}

// Log is what the server printed.
func (r *Redis) Log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.log, "\n")
}

// Conf is the redis.conf of these options at addr.
func (r *Redis) conf() string {
	var b strings.Builder
	if r.o.Unix {
		fmt.Fprintf(&b, "port 0\nunixsocket %s\n", r.addr)
	} else {
		_, port, _ := net.SplitHostPort(r.addr)
		fmt.Fprintf(&b, "bind 127.0.0.1\nport %s\n", port)
	}
	fmt.Fprintf(&b, "dir %s\nsave \"\"\ndaemonize no\n", r.o.Dir)
	if r.o.Fsync == "none" {
		fmt.Fprintln(&b, "appendonly no")
	} else {
		fmt.Fprintf(&b, "appendonly yes\nappendfsync %s\nno-appendfsync-on-rewrite no\n", r.o.Fsync)
	}
	if r.o.Password != "" {
		fmt.Fprintf(&b, "requirepass %s\n", r.o.Password)
	}
	for _, line := range r.o.Args {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// start starts the child and waits until it answers, or ends.
func (r *Redis) start() error {
	if _, err := redisd.CutHalfTransaction(r.o.Dir); err != nil { // as docs/operate.md asks of an external server
		return err
	}
	child, err := redisd.Start(redisd.Config{
		Binary: r.bin, Conf: r.conf(), Dir: r.o.Dir, Wrap: r.o.Wrap,
		Output: func(line string) {
			r.mu.Lock()
			r.log = append(r.log, line)
			r.mu.Unlock()
		},
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.child = child
	r.mu.Unlock()
	client := r.Client()
	for deadline := time.Now().Add(20 * time.Second); ; {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		pong, err := client.Ping(ctx).Result()
		cancel()
		if err == nil && pong == "PONG" && r.mine(client) {
			return nil
		}
		select {
		case <-child.Done():
			r.mu.Lock()
			r.child = nil
			r.mu.Unlock()
			return child.Err()
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within 20 s: %w", err)
		}
	}
}

// mine says whether the server that answers is our child, not another that took the port first.
func (r *Redis) mine(client *redis.Client) bool {
	info, err := client.Info(context.Background(), "server").Result()
	return err == nil && (len(r.o.Wrap) > 0 || strings.Contains(info, fmt.Sprintf("process_id:%d\r", r.Pid())))
}

func (r *Redis) close() {
	r.mu.Lock()
	client := r.client
	r.mu.Unlock()
	if client != nil {
		_ = client.Close()
	}
	r.Kill()
	if r.t.Failed() {
		r.t.Logf("redis-server said:\n%s", r.Log())
	}
}
