package bench_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/testenv"
	"aduan/store/storetest"
)

// pair is the two scripts of one message, with the arguments that the daemon gave them.
type pair struct{ commit, done []any }

// recorder hears by MONITOR what the daemon asks of Redis.
type recorder struct {
	conn  net.Conn
	done  chan struct{}
	lines []string
}

func record(b *testing.B, r *storetest.Redis) *recorder {
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		b.Fatal(err)
	}
	rec := &recorder{conn: conn, done: make(chan struct{})}
	if _, err := conn.Write([]byte("MONITOR\r\n")); err != nil {
		b.Fatal(err)
	}
	go func() { // pairs waits for it
		defer close(rec.done)
		in := bufio.NewReaderSize(conn, 1<<20)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if !strings.Contains(line, " lua] ") && strings.Contains(strings.ToLower(line[:min(len(line), 80)]), `"evalsha"`) {
				rec.lines = append(rec.lines, line)
			}
		}
	}()
	return rec
}

// pairs ends the recording and brings each commit together with what followed its submit_sm_resp. A commit has the
// citizen as its third key, done the SMS.
func (rec *recorder) pairs(b *testing.B) []pair {
	time.Sleep(200 * time.Millisecond) // what Redis still has to tell
	_ = rec.conn.Close()
	<-rec.done
	commits := map[string][]any{}
	var pairs []pair
	for _, line := range rec.lines {
		args, err := unquote(line)
		if err != nil {
			b.Fatalf("MONITOR: %v", err)
		}
		n, _ := strconv.Atoi(fmt.Sprint(args[2]))
		if n < 3 || len(args) < 3+n {
			continue
		}
		keys := args[3 : 3+n]
		switch third := fmt.Sprint(keys[2]); {
		case strings.Contains(third, "}:c:"):
			args[3+n+1] = "0" // its deadline has passed
			for _, k := range keys[12:] {
				if sms := fmt.Sprint(k); strings.Contains(sms, "}:m:") {
					commits[sms] = args
				}
			}
		case strings.Contains(third, "}:m:"):
			if c := commits[third]; c != nil {
				pairs = append(pairs, pair{c, args})
			}
		}
	}
	if len(pairs) < 500 {
		b.Fatalf("MONITOR told of %d messages only", len(pairs))
	}
	return pairs
}

// unquote reads a line of MONITOR: +time [db address] "command" "argument" …, each as sdscatrepr writes it.
func unquote(line string) ([]any, error) {
	var out []any
	_, rest, _ := strings.Cut(line, "] ")
	for i := 0; i < len(rest); i++ {
		if rest[i] != '"' {
			continue
		}
		var s []byte
		for i++; i < len(rest) && rest[i] != '"'; i++ {
			if rest[i] != '\\' {
				s = append(s, rest[i])
				continue
			}
			i++
			if i >= len(rest) {
				break
			}
			switch c := rest[i]; c {
			case 'n':
				s = append(s, '\n')
			case 'r':
				s = append(s, '\r')
			case 't':
				s = append(s, '\t')
			case 'a':
				s = append(s, '\a')
			case 'b':
				s = append(s, '\b')
			case 'x':
				n, err := strconv.ParseUint(rest[i+1:i+3], 16, 8)
				if err != nil {
					return nil, err
				}
				s, i = append(s, byte(n)), i+2
			default:
				s = append(s, c)
			}
		}
		out = append(out, string(s))
	}
	return out, nil
}

// floor is floor 2: commit.lua and done.lua with the daemon's own arguments, from two loops that each keep 25
// messages under way: a pipeline brings 25 commits and, of the 25 before, what follows the submit_sm_resp. The same
// messages come round again in an emptied Redis; emptying it is not counted.
type floor struct {
	rdb   *redis.Client
	pid   int
	pairs []pair
}

func newFloor(b *testing.B, r, daemons *storetest.Redis, pairs []pair) *floor {
	ctx := context.Background()
	f := &floor{rdb: redis.NewClient(&redis.Options{Addr: r.Addr(), MaxRetries: -1, DisableIdentity: true}), pid: r.Pid(), pairs: pairs}
	b.Cleanup(func() { _ = f.rdb.Close() })
	var shas [2]string
	for i, name := range []string{"commit", "done"} {
		text, err := scriptText(testenv.Root(b), name)
		if err != nil {
			b.Fatal(err)
		}
		sha, err := f.rdb.ScriptLoad(ctx, text).Result()
		if err != nil {
			b.Fatal(err)
		}
		if known, err := daemons.Client().ScriptExists(ctx, sha).Result(); err != nil || !known[0] {
			b.Fatalf("%s.lua is not the script that the daemon runs: %v", name, err)
		}
		shas[i] = sha
	}
	// Other scripts have such a third key too.
	f.pairs = slices.DeleteFunc(f.pairs, func(p pair) bool {
		return fmt.Sprint(p.commit[1]) != shas[0] || fmt.Sprint(p.done[1]) != shas[1]
	})
	// Once without counting: what did not go through the daemon's memory cannot be repeated.
	kept, _ := f.once(b)
	if f.pairs = kept; len(kept) < 500 {
		b.Fatalf("floor 2: only %d messages can be repeated", len(kept))
	}
	return f
}

// scriptText is a script as the store loads it.
func scriptText(root, name string) (string, error) {
	lib, err := os.ReadFile(filepath.Join(root, "store/lua/lib.lua"))
	if err != nil {
		return "", err
	}
	own, err := os.ReadFile(filepath.Join(root, "store/lua", name+".lua"))
	return string(lib) + "\n" + string(own), err
}

func (f *floor) run(b *testing.B) *measure {
	m := &measure{}
	var spent, used time.Duration
	for spent < floorTime {
		cpu := &meter{pids: [2]int{0, f.pid}}
		from := cpu.read(b)
		_, took := f.once(b)
		used += cpu.read(b)[1] - from[1]
		spent += took
		m.Messages += len(f.pairs)
	}
	m.PerSecond = float64(m.Messages) / spent.Seconds()
	m.RedisMicros = micros(used) / float64(m.Messages)
	return m
}

// once plays all messages back.
func (f *floor) once(b *testing.B) (kept []pair, took time.Duration) {
	ctx := context.Background()
	if err := f.rdb.FlushAll(ctx).Err(); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	half := len(f.pairs) / 2
	var wg sync.WaitGroup
	var good [2][]pair
	var errs [2]error
	for k, part := range [2][]pair{f.pairs[:half], f.pairs[half:]} {
		wg.Go(func() { good[k], errs[k] = replay(ctx, f.rdb, part) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		b.Fatal(err)
	}
	return append(good[0], good[1]...), time.Since(began)
}

// replay returns the pairs that both scripts kept: an SMS that found no room in the daemon's memory was claimed in
// between, which nobody does here.
func replay(ctx context.Context, rdb *redis.Client, pairs []pair) (kept []pair, err error) {
	const length = 25
	var before []pair
	for at := 0; at < len(pairs) || len(before) > 0; at += length {
		now := pairs[min(at, len(pairs)):min(at+length, len(pairs))]
		pipe := rdb.Pipeline()
		for _, p := range now {
			pipe.Do(ctx, p.commit...)
		}
		for _, p := range before {
			pipe.Do(ctx, p.done...)
		}
		cmds, err := pipe.Exec(ctx)
		if err != nil {
			return nil, err
		}
		for i, c := range cmds {
			l, ok := c.(*redis.Cmd).Val().([]any)
			good := ok && len(l) > 0 && l[0] == int64(1)
			switch {
			case i < len(now) && !good:
				return nil, fmt.Errorf("floor 2: the commit gave %v", c.(*redis.Cmd).Val())
			case i >= len(now) && good:
				kept = append(kept, before[i-len(now)])
			}
		}
		before = now
	}
	return kept, nil
}
