package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"aduan/store"
	"aduan/store/storetest"
)

// R4: the file is cut at an octet of the last transaction, the server starts, writes, crashes and starts again.
func TestR4NeverHalfThroughTwoCrashes(t *testing.T) {
	r := storetest.Start(t, storetest.Options{})
	ctx, rdb := t.Context(), r.Client()
	file := filepath.Join(r.Dir(), "appendonlydir", "appendonly.aof.1.incr.aof")
	three := `for i = 1, 3 do redis.call('SET', KEYS[i], ARGV[1]) end return 1`
	write := func(name string) (from, to int64) {
		t.Helper()
		from = size(t, file)
		if err := rdb.Eval(ctx, three, []string{name + ":t", name + ":m", name + ":e"}, strings.Repeat("x", 20)).Err(); err != nil {
			t.Fatal(err)
		}
		return from, size(t, file)
	}
	write("first")
	for n := 0; ; n++ {
		name := fmt.Sprintf("half%d", n)
		from, to := write(name)
		r.Kill()
		at := from + int64(7*n)
		if at >= to {
			return
		}
		if err := os.Truncate(file, at); err != nil {
			t.Fatal(err)
		}
		r.Restart()
		if _, err := rdb.Eval(ctx, three, []string{"a", "b", "c"}, "1").Result(); err != nil {
			t.Fatal(err)
		}
		r.Restart()
		if got := rdb.Keys(ctx, name+":*").Val(); len(got) != 0 {
			t.Fatalf("cut %d octets into the transaction: %v stand, the rest does not", at-from, got)
		}
	}
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestAManagedChildStartsWithoutTheHalfOfATransaction(t *testing.T) {
	o := managedOptions(t)
	open := func(n int) {
		t.Helper()
		s, err := store.Open(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := keepOne(t.Context(), s, n); err != nil {
			t.Fatal(err)
		}
	}
	open(1)
	files, _ := filepath.Glob(filepath.Join(o.DataDir, "appendonlydir", "*.incr.aof"))
	if len(files) != 1 {
		t.Fatalf("append-only files: %v", files)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	half := "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSE"
	if err := os.WriteFile(files[0], append(whole, half...), 0o600); err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.WarnLevel)
	o.Log = zap.New(core)
	open(2)
	if n := logs.FilterField(zap.Int64("octets", int64(len(half)))).Len(); n != 1 {
		t.Errorf("the log tells of it %d times: %v", n, logs.All())
	}
	after, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(after), string(whole)) || strings.Contains(string(after), "SE*") {
		t.Error("the half stands in the file")
	}
}
