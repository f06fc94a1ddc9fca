package redisd_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aduan/store/internal/redisd"
)

// command is how one stands in an append-only file.
func command(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

// folder is a server's folder whose last append-only file holds what.
func folder(t *testing.T, what string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "appendonlydir"), 0o700); err != nil {
		t.Fatal(err)
	}
	manifest := "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
	if err := os.WriteFile(filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "appendonlydir", "appendonly.aof.1.incr.aof")
	if err := os.WriteFile(file, []byte(what), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

var (
	whole = command("SELECT", "0") + command("MULTI") + command("SET", "a", "1") + command("EXEC") + command("SET", "b", "2")
	half  = command("MULTI") + command("HSET", "t", "x", "*1\r\n$4\r\nEXE") + command("SET", "m", strings.Repeat("y", 40)) + command("EXEC")
)

func TestAHalfTransactionIsCutOffWhereverTheWriteEnded(t *testing.T) {
	for _, filler := range []int{0, 1 << 20, 3<<20 - 20} { // the block that is read may end anywhere in it
		before := command("SET", "big", strings.Repeat("z", filler)) + whole
		// The MULTI itself half written is left to the server, which cuts it right.
		for n := len(command("MULTI")); n < len(half); n++ {
			if filler > 0 && n%7 != 0 {
				continue
			}
			dir, file := folder(t, before+half[:n])
			cut, err := redisd.CutHalfTransaction(dir)
			if err != nil || cut != int64(n) {
				t.Fatalf("%d octets of it: %d cut, %v", n, cut, err)
			}
			if after, _ := os.ReadFile(file); string(after) != before {
				t.Fatalf("%d octets of it: what stood before was touched", n)
			}
		}
	}
}

func TestWhatEndsWholeIsLeftAlone(t *testing.T) {
	cases := map[string]string{
		"nothing":                "",
		"transactions":           whole + half,
		"a cut command":          whole + command("SET", "c", "3")[:12],
		"a MULTI cut":            whole + half[:9],
		"no transaction":         strings.Repeat(command("SET", "k", "v"), 100_000),
		"a text like a MULTI":    whole + command("SET", "k", "v *1\r\n$5\r\nMULTI\r\n and on") + whole,
		"one behind, then EXEC":  command("MULTI") + whole,
		"a whole one, then more": whole + command("PEXPIRE", "k", "1000"),
	}
	for name, what := range cases {
		dir, file := folder(t, what)
		if cut, err := redisd.CutHalfTransaction(dir); err != nil || cut != 0 {
			t.Errorf("%s: %d octets cut, %v", name, cut, err)
		}
		if after, _ := os.ReadFile(file); !bytes.Equal(after, []byte(what)) {
			t.Errorf("%s: it was touched", name)
		}
	}
}

func TestDamageIsNeverCutAway(t *testing.T) {
	for name, tail := range map[string]string{
		"a text like a MULTI at the end": command("SET", "k", "v *1\r\n$5\r\nMULTI\r\n and on"),
		"damage behind a MULTI":          command("MULTI") + "*2\r\n$3\r\nSET\r\nX" + command("SET", "a", "1"),
	} {
		dir, file := folder(t, whole+tail)
		if cut, err := redisd.CutHalfTransaction(dir); err == nil || cut != 0 {
			t.Errorf("%s: %d octets cut, %v", name, cut, err)
		}
		if after, _ := os.ReadFile(file); string(after) != whole+tail {
			t.Errorf("%s: it was touched", name)
		}
	}
}

func TestAFolderOfAnOlderServerAndAnEmptyOne(t *testing.T) {
	dir := t.TempDir()
	if cut, err := redisd.CutHalfTransaction(dir); cut != 0 || err != nil {
		t.Errorf("an empty folder: %d, %v", cut, err)
	}
	file := filepath.Join(dir, "appendonly.aof")
	if err := os.WriteFile(file, []byte(whole+half[:60]), 0o600); err != nil {
		t.Fatal(err)
	}
	if cut, err := redisd.CutHalfTransaction(dir); cut != 60 || err != nil {
		t.Errorf("6.2: %d, %v", cut, err)
	}
}
