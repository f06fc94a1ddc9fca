package bench_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"aduan/internal/testenv"
	"aduan/store/storetest"
)

// profileVar names a file into which the daemon writes a CPU profile of the closed loop. The hook is laid over
// cmd/aduan for the benchmark's build only; the binary that is shipped has none.
const profileVar = "ADUAN_BENCH_PROFILE"

// build makes the binary as make build does, with the profile hook where one is asked for.
func build(b *testing.B) string {
	root, bin := testenv.Root(b), filepath.Join(b.TempDir(), "aduan")
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", bin}
	if os.Getenv(profileVar) != "" {
		overlay := filepath.Join(b.TempDir(), "overlay.json")
		hook := filepath.Join(root, "internal/bench/testdata/profile.go.txt")
		place := filepath.Join(root, "cmd/aduan/zz_profile.go")
		if err := os.WriteFile(overlay, fmt.Appendf(nil, `{"Replace":{%q:%q}}`, place, hook), 0o600); err != nil {
			b.Fatal(err)
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, "./cmd/aduan")...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// daemon is `aduan serve` as a child process.
type daemon struct {
	cmd  *exec.Cmd
	log  *bytes.Buffer
	url  string // of its HTTP
	file string // its configuration
}

const config = `line: {short_code: "1708", quiet_hours: ""}
store: {mode: external, addresses: [%q], data_dir: %q, key_file: %q}
smpp:
  links:
    main: {address: %q, system_id: aduan, password: secret, receipts: %t}
http: {listen: %q}
log: {level: warn}
`

func startDaemon(b *testing.B, bin string, g *generator, r *storetest.Redis) *daemon {
	dir := b.TempDir()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	listen := testenv.FreeAddr(b)
	file := write("aduan.yaml", fmt.Appendf(nil, config, r.Addr(), filepath.Join(dir, "data"), write("key", key), g.String(), true, listen))
	d := &daemon{cmd: exec.Command(bin, "serve", "-c", file), log: &bytes.Buffer{}, url: "http://" + listen, file: file}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.stop(b) })
	g.waitBound(b)
	return d
}

// stop ends the daemon as an operator does, and says what it warned of.
func (d *daemon) stop(b *testing.B) {
	if d.cmd.ProcessState != nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	killed := time.AfterFunc(15*time.Second, func() { _ = d.cmd.Process.Kill() })
	err := d.cmd.Wait()
	killed.Stop()
	if err != nil {
		b.Errorf("aduan serve: %v\n%s", err, d.log)
	} else if d.log.Len() > 0 {
		b.Logf("aduan serve warned:\n%.2000s", d.log)
	}
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// profile begins or ends the CPU profile, where one is asked for.
func (d *daemon) profile() {
	if os.Getenv(profileVar) != "" {
		_ = d.cmd.Process.Signal(syscall.SIGUSR1)
	}
}

// metricsVar: the daemon's metrics after the closed loop go into this file.
const metricsVar = "ADUAN_BENCH_METRICS"

func (d *daemon) metrics(b *testing.B) {
	path := os.Getenv(metricsVar)
	if path == "" {
		return
	}
	resp, err := http.Get(d.url + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	data, err := io.ReadAll(resp.Body)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
}
