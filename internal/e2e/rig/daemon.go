package rig

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aduan/internal/apicheck"
)

// Daemon is a process that serves a line; it can be killed and started again any number of times.
type Daemon struct {
	t      testing.TB
	bin    string
	Config *Config
	Env    []string     // further variables: of the next Start
	Args   []string     // further arguments: of the next Start
	Wrap   []string     // a command that execs what follows it: of the next Start
	client *http.Client // holds each answer of the API against /openapi.json
	Output *os.File     // where the next Start prints, instead of into Log

	mu   sync.Mutex
	log  bytes.Buffer // guarded by mu; of all its processes
	cmd  *exec.Cmd    // guarded by mu; nil before the first start
	gone chan struct{}
	code int // guarded by mu; exit code of the process that ended last, -1: by a signal
}

// NewDaemon is a daemon that does not run yet. tags are build tags of its binary.
func NewDaemon(t testing.TB, c *Config, tags ...string) *Daemon {
	t.Helper()
	d := &Daemon{t: t, bin: Build(t, tags...), Config: c}
	d.client = &http.Client{Timeout: 5 * time.Second, Transport: &apicheck.Transport{Base: transport, Fail: t.Errorf}}
	t.Cleanup(func() {
		d.Kill9()
		if t.Failed() {
			t.Logf("the end of the daemon's log (%s):\n%s", c.HTTP, tail(d.Log(), 6000))
		}
	})
	return d
}

// StartDaemon starts a daemon and waits until it is ready.
func StartDaemon(t testing.TB, c *Config, tags ...string) *Daemon {
	t.Helper()
	d := NewDaemon(t, c, tags...)
	d.Start()
	d.WaitReady()
	return d
}

// Start starts the process; it does not wait until it is ready.
func (d *Daemon) Start() {
	d.t.Helper()
	d.Config.Write(d.t)
	argv := slices.Concat(d.Wrap, []string{d.bin, "serve", "-c", d.Config.Path}, d.Args)
	cmd := exec.Command(argv[0], argv[1:]...)
	// A data race ends the process, which every test notices.
	cmd.Env = append(append(os.Environ(), "GORACE=halt_on_error=1 exitcode=66"), d.Env...)
	cmd.Stdout, cmd.Stderr = (*logWriter)(d), (*logWriter)(d)
	if d.Output != nil {
		cmd.Stdout, cmd.Stderr = d.Output, d.Output
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, gone := make(chan error, 1), make(chan struct{})
	go func() { // ends with the process, which Cleanup kills
		defer close(gone)
		runtime.LockOSThread() // the parent-death signal is that of this thread
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		d.mu.Lock()
		d.code = cmd.ProcessState.ExitCode()
		d.mu.Unlock()
	}()
	if err := <-started; err != nil {
		d.t.Fatalf("rig: %v", err)
	}
	d.mu.Lock()
	d.cmd, d.gone = cmd, gone
	d.mu.Unlock()
}

// WaitReady waits until /readyz answers 200.
func (d *Daemon) WaitReady() {
	d.t.Helper()
	d.waitReady(true, time.Minute) // a machine may be busy, and a failover take a while
}

// WaitNotReady waits until /readyz answers 503.
func (d *Daemon) WaitNotReady() {
	d.t.Helper()
	d.waitReady(false, 20*time.Second)
}

func (d *Daemon) waitReady(want bool, within time.Duration) {
	d.t.Helper()
	last := "it does not answer"
	ok := Poll(within, func() bool {
		status, body, err := d.Get("/readyz", "")
		if err == nil {
			last = string(body)
		}
		return err == nil && (status == 200) == want
	})
	if !ok {
		d.t.Fatalf("rig: after %v /readyz is not ready=%v: %s\n%s", within, want, last, tail(d.Log(), 3000))
	}
}

// Kill9 kills the process and waits until it is gone.
func (d *Daemon) Kill9() { d.Signal(syscall.SIGKILL); d.wait() }

// Stop sends SIGTERM, waits until the process is gone, and returns its exit code.
func (d *Daemon) Stop() int { d.Signal(syscall.SIGTERM); return d.Wait() }

// Wait waits until the process is gone and returns its exit code; -1 where a signal ended it.
func (d *Daemon) Wait() int {
	d.wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.code
}

func (d *Daemon) wait() {
	d.mu.Lock()
	gone := d.gone
	d.mu.Unlock()
	if gone != nil {
		<-gone
	}
}

// Running says whether the process runs.
func (d *Daemon) Running() bool {
	d.mu.Lock()
	gone := d.gone
	d.mu.Unlock()
	if gone == nil {
		return false
	}
	select {
	case <-gone:
		return false
	default:
		return true
	}
}

// Signal sends the process a signal; one that has ended gets none.
func (d *Daemon) Signal(sig os.Signal) {
	if !d.Running() {
		return
	}
	d.mu.Lock()
	cmd := d.cmd
	d.mu.Unlock()
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		d.t.Errorf("rig: signal %v: %v", sig, err)
	}
}

// Pid is the process's id.
func (d *Daemon) Pid() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cmd.Process.Pid
}

// Log is all that its processes printed.
func (d *Daemon) Log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// Run runs another command of the binary with the daemon's configuration ("keys", "list") and returns its standard
// output.
func (d *Daemon) Run(args ...string) string {
	d.t.Helper()
	d.Config.Write(d.t)
	cmd := exec.Command(d.bin, append(args, "-c", d.Config.Path)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		d.t.Fatalf("rig: aduan %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// Try is Run of a command that may fail, with something on its standard input.
func (d *Daemon) Try(stdin string, args ...string) (out string, code int) {
	d.t.Helper()
	d.Config.Write(d.t)
	cmd := exec.Command(d.bin, append(args, "-c", d.Config.Path)...)
	cmd.Stdin = strings.NewReader(stdin)
	b, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		d.t.Fatalf("rig: aduan %s: %v", strings.Join(args, " "), err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// APIKey makes a key of the staff API.
func (d *Daemon) APIKey(scopes ...string) string {
	d.t.Helper()
	return strings.TrimSpace(d.Run("keys", "add", "--name", "rig", "--scope", strings.Join(scopes, ",")))
}

type logWriter Daemon

func (w *logWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func head(s string, n int) string { return s[:min(len(s), n)] }

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "…" + s[len(s)-n:]
}

// Poll asks every 20 ms until ok holds, at most for within.
func Poll(within time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}
