package store_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aduan/internal/testenv"
	"aduan/store"
	"aduan/store/storetest"
)

func managedOptions(t *testing.T) store.Options {
	t.Helper()
	return store.Options{Mode: store.ModeManaged, DataDir: filepath.Join(t.TempDir(), "data"), RedisServer: testenv.RedisServer(t)}
}

// gone says whether a process has ended.
func gone(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || bytes.Contains(b, []byte(") Z ")) {
		return ""
	}
	return fmt.Sprintf("process %d is alive", pid)
}

func TestAManagedStoreKeepsWhatItKept(t *testing.T) {
	o := managedOptions(t)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	pid := store.ChildPidForTest(s)
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if args := strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00"); len(args) > 2 {
		t.Errorf("the child's arguments are %q: none may tell anything", args)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if still := gone(pid); still != "" {
		t.Error(still)
	}
	for path, mode := range map[string]os.FileMode{o.DataDir: 0o700, o.DataDir + ".key": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	again := storetest.OpenWith(t, o)
	if _, err := again.Load(t.Context(), again.Identify(number(1))); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestAManagedChildThatDiesIsStartedAgain(t *testing.T) {
	s := storetest.OpenWith(t, managedOptions(t))
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before := store.ChildPidForTest(s)
		store.KillChildForTest(s)
		untilWell(t, 10*time.Second, func() string {
			if pid := store.ChildPidForTest(s); pid == 0 || pid == before {
				return "no new child"
			}
			if err := keepOne(t.Context(), s, 2); err != nil {
				return err.Error()
			}
			return ""
		})
	}
	if _, err := s.Load(t.Context(), s.Identify(number(1))); err != nil {
		t.Error(err)
	}
	healthIs(t, s, true, "")
}

func TestTwoProcessesShareOneChildAndTheSecondTakesOver(t *testing.T) {
	o := managedOptions(t)
	first, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	second := storetest.OpenWith(t, o)
	if store.ChildPidForTest(second) != 0 {
		t.Error("two servers have one directory")
	}
	if err := keepOne(t.Context(), second, 1); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	untilWell(t, 10*time.Second, func() string {
		if store.ChildPidForTest(second) == 0 {
			return "the second has started none"
		}
		if _, err := second.Load(t.Context(), second.Identify(number(1))); err != nil {
			return err.Error()
		}
		return ""
	})
}

func TestALongFolderGetsAShortSocket(t *testing.T) {
	o := managedOptions(t)
	o.DataDir = filepath.Join(t.TempDir(), strings.Repeat("long-", 30))
	s := storetest.OpenWith(t, o)
	socket := store.SocketForTest(s)
	t.Cleanup(func() { _ = os.RemoveAll(filepath.Dir(socket)) })
	if len(socket) > 106 {
		t.Errorf("the socket's path has %d bytes", len(socket))
	}
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Dir(socket)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestR6AFullDiskEndsTheChildAndLosesNothing(t *testing.T) {
	o := managedOptions(t)
	// A limit of 200 KB a file for what the child writes; redis-server then ends itself.
	wrapper := filepath.Join(t.TempDir(), "redis-server")
	full := filepath.Join(t.TempDir(), "full")
	script := fmt.Sprintf("#!/bin/sh\n[ -e %s ] && { trap '' XFSZ; ulimit -f 100; }\nexec %s \"$@\"\n", full, o.RedisServer)
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.RedisServer = wrapper
	s := storetest.OpenWith(t, o)
	kept := map[int]bool{}
	for n := range 2000 {
		if err := keepOne(t.Context(), s, n); err == nil {
			kept[n] = true
		} else if len(kept) > 0 {
			break
		}
	}
	if len(kept) == 0 || len(kept) == 2000 {
		t.Fatalf("%d were kept", len(kept))
	}
	healthIs(t, s, false, "redis-server ended")
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	untilWell(t, 20*time.Second, func() string {
		if err := keepOne(t.Context(), s, 5000); err != nil {
			return err.Error()
		}
		return ""
	})
	for n := range kept {
		untilWell(t, 20*time.Second, func() string { // a child begun before there was room may end once more
			if _, err := s.Load(t.Context(), s.Identify(number(n))); err != nil {
				return fmt.Sprintf("citizen %d was answered as kept: %v", n, err)
			}
			return ""
		})
	}
	t.Logf("%d kept before the disk was full", len(kept))
}

// TestAManagedChildNeverOutlivesItsDaemon starts this test binary as the daemon, and kills it with SIGKILL.
func TestAManagedChildNeverOutlivesItsDaemon(t *testing.T) {
	const env = "ADUAN_TEST_MANAGED_DIR"
	if dir := os.Getenv(env); dir != "" {
		s, err := store.Open(context.Background(), store.Options{Mode: store.ModeManaged, DataDir: dir, RedisServer: testenv.RedisServer(t)})
		if err != nil {
			t.Fatal(err)
		}
		if err := keepOne(context.Background(), s, 1); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("child %d\n", store.ChildPidForTest(s))
		_ = s.Run(context.Background()) // until it is killed
		return
	}
	o := managedOptions(t)
	for range 3 {
		daemon := exec.Command(os.Args[0], "-test.run=^TestAManagedChildNeverOutlivesItsDaemon$")
		daemon.Env = append(os.Environ(), env+"="+o.DataDir)
		daemon.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		out, err := daemon.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := daemon.Start(); err != nil {
			t.Fatal(err)
		}
		child := 0
		lines := bufio.NewScanner(out)
		for child == 0 && lines.Scan() {
			if pid, ok := strings.CutPrefix(lines.Text(), "child "); ok {
				child, _ = strconv.Atoi(pid)
			}
		}
		if child == 0 {
			t.Fatal("the daemon has no child")
		}
		if err := daemon.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = daemon.Wait()
		// At once: the next daemon on the same folder must wait for the child of the dead one, not start beside it.
		s, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		untilWell(t, 3*time.Second, func() string { return gone(child) })
		run, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(run) }()
		untilWell(t, 10*time.Second, func() string {
			if _, err := s.Load(t.Context(), s.Identify(number(1))); err != nil {
				return err.Error()
			}
			return ""
		})
		stop()
		<-ended
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
