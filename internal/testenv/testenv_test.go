package testenv_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"aduan/internal/testenv"
)

// outcome records what a helper did to a test.
type outcome struct {
	testing.TB
	skipped, failed string
}

func (o *outcome) Helper() {}

func (o *outcome) Skip(args ...any) {
	o.skipped = args[0].(string)
	runtime.Goexit()
}

func (o *outcome) Fatalf(format string, args ...any) {
	o.failed = format
	for _, a := range args {
		if s, ok := a.(string); ok {
			o.failed += " " + s
		}
	}
	runtime.Goexit()
}

// on runs f as a test would, to its end or to its Skip or Fatal.
func on(t *testing.T, f func(testing.TB)) *outcome {
	o := &outcome{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(o)
	}()
	<-done
	return o
}

func TestAMissingProgram(t *testing.T) {
	for _, row := range []struct {
		name, require, need string
		skips, fails        bool
	}{
		{name: "is a skip", need: "redis", skips: true},
		{name: "is a failure where all is required", require: "all", need: "redis", fails: true},
		{name: "is a failure where it is named among others", require: "race, redis", need: "redis", fails: true},
		{name: "is a skip where only others are named", require: "node", need: "redis", skips: true},
		{name: "node-smpp is missing with node", require: "node", need: "node-smpp", fails: true},
		{name: "an unknown need is a failure", need: "rediss", fails: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("ADUAN_REQUIRE", row.require)
			t.Setenv("ADUAN_REDIS_SERVER", "/nowhere/redis-server")
			t.Setenv("ADUAN_NODE", "/nowhere/node")
			o := on(t, func(tb testing.TB) { testenv.Require(tb, row.need) })
			if (o.skipped != "") != row.skips || (o.failed != "") != row.fails {
				t.Fatalf("skipped %q, failed %q; want skip %v, failure %v", o.skipped, o.failed, row.skips, row.fails)
			}
			if row.skips && !strings.Contains(o.skipped, "install the package") {
				t.Errorf("%q does not say what to install", o.skipped)
			}
		})
	}
}

func TestTheVariableNamesTheProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "my-redis")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ADUAN_REDIS_SERVER", path)
	if got := testenv.RedisServer(t); got != path {
		t.Fatalf("RedisServer is %s, want %s", got, path)
	}
}

func TestAFreeAddressCanBeListenedOn(t *testing.T) {
	ln, err := net.Listen("tcp", testenv.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
}

func TestTheRootHoldsGoMod(t *testing.T) {
	if _, err := os.Stat(filepath.Join(testenv.Root(t), "go.mod")); err != nil {
		t.Fatal(err)
	}
}
