package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aduan/internal/testenv"
	"aduan/store/storetest"
)

// TestAStoreBehindASentinel: the master is found through it, and its replicas are counted.
func TestAStoreBehindASentinel(t *testing.T) {
	master := storetest.Start(t, storetest.Options{})
	host, port, _ := strings.Cut(master.Addr(), ":")
	sentinel := testenv.FreeAddr(t)
	_, sentinelPort, _ := strings.Cut(sentinel, ":")
	conf := filepath.Join(t.TempDir(), "s.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor m %s %s 1\n", sentinelPort, host, port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testenv.RedisServer(t), conf, "--sentinel")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "+monitor") {
	}
	o := storetest.Config(t, master)
	o.Addresses, o.SentinelMaster = []string{sentinel}, "m"
	s := storetest.OpenWith(t, o)
	healthIs(t, s, true, "")
	if err := keepOne(t.Context(), s, 1); err != nil {
		t.Error(err)
	}
	// It comes back with less, and is known to at once.
	master.Restart("appendfsync everysec")
	healthIs(t, s, false, "appendfsync everysec")
}
