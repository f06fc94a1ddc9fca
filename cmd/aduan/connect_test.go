package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"aduan/internal/testenv"
)

// TestTheConnectPageRuns runs exactly the commands of "From zero to the first pushed status" against aduan try.
func TestTheConnectPageRuns(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "integrate.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -eu\n"
	blocks := regexp.MustCompile("(?s)```sh connect\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	for _, b := range blocks {
		script += b[1]
	}
	if len(blocks) != 6 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	line, operator := testenv.FreeAddr(t), testenv.FreeAddr(t)
	ctx, stop := context.WithCancel(context.Background())
	var said lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"try", "--listen", line, "--smsc", operator}, strings.NewReader(""), &said, &said)
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitOK {
			t.Errorf("aduan try ended with %d:\n%s", code, said.String())
		}
	})
	key := ""
	for deadline := time.Now().Add(patience); key == ""; time.Sleep(20 * time.Millisecond) {
		key = regexp.MustCompile(`aduan_[A-Za-z0-9]+_[A-Za-z0-9_-]+`).FindString(said.String())
		if time.Now().After(deadline) {
			t.Fatalf("no key was printed:\n%s", said.String())
		}
	}
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	sh := exec.CommandContext(limited, "sh", "-c", script)
	sh.Dir = t.TempDir()
	sh.Env = append(os.Environ(), "LINE=http://"+line, "KEY="+key)
	out, err := sh.CombinedOutput()
	if err != nil {
		t.Fatalf("the page's commands: %v\n%s", err, out)
	}
	for _, want := range []string{`{"items":[],"next":null}`, `"category":"road"`, `"state":"delivered"`, `"question":"officer","text":"Depan toko Maju"`, `"external_id":"4711"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the page's commands never showed %s:\n%s", want, out)
		}
	}
}

// lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
