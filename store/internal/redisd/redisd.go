package redisd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// ErrLocked says that another process (or another part of this one) holds a lock.
var ErrLocked = errors.New("locked by another process")

// Config is one redis-server to start.
type Config struct {
	Binary string
	Conf   string            // redis.conf, given on standard input: no secret stands in argv or on the disk
	Dir    string            // its working directory
	Lock   *os.File          // from Lock; inherited. May be nil
	Output func(line string) // told each line that the server prints; may be nil
	Wrap   []string          // a command that execs what follows it (tests: a limit of file size)
}

// Server is a running redis-server.
type Server struct {
	proc *os.Process
	done chan struct{}
	err  error                  // why it ended; read after done
	last atomic.Pointer[string] // the last line that it printed as a warning
}

// Start starts a redis-server. It runs until it ends by itself, Stop or Kill is called, or this process ends.
func Start(c Config) (*Server, error) {
	argv := append(append([]string{}, c.Wrap...), c.Binary, "-")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = c.Dir
	cmd.Stdin = strings.NewReader(c.Conf)
	if c.Lock != nil {
		cmd.ExtraFiles = []*os.File{c.Lock}
	}
	cmd.SysProcAttr = childAttr()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("redis-server: no pipe for its output: %w", err)
	}
	cmd.Stdout, cmd.Stderr = w, w

	s := &Server{done: make(chan struct{})}
	started := make(chan error, 1)
	// The kernel ends the child when the thread that started it ends, not the process: so this goroutine keeps its
	// thread for itself until the child is gone.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // the child is gone then, and the thread may live on
		defer close(s.done)
		err := cmd.Start()
		_ = w.Close()
		if err == nil {
			s.proc = cmd.Process
		}
		started <- err
		if err != nil {
			_ = r.Close()
			return
		}
		read := make(chan struct{})
		go func() { defer close(read); s.scan(r, c.Output) }()
		s.err = cmd.Wait()
		// A grandchild (rewriting the append-only file) may hold the pipe a moment longer; its words are not waited for.
		select {
		case <-read:
		case <-time.After(time.Second):
		}
		_ = r.Close()
		<-read
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("redis-server: %s cannot be started: %w", filepath.Base(c.Binary), err)
	}
	return s, nil
}

// scan hands on what the server prints, and remembers its last warning.
func (s *Server) scan(r io.Reader, output func(string)) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4096), 64<<10)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		if i := strings.Index(line, " # "); i >= 0 {
			warning := line[i+3:]
			s.last.Store(&warning)
		} else if strings.HasPrefix(line, "***") || strings.HasPrefix(line, "Bad directive") {
			s.last.Store(&line)
		}
		if output != nil {
			output(line)
		}
	}
	_, _ = io.Copy(io.Discard, r) // a line too long for the scanner must not block the server
}

// Pid is the child's process id.
func (s *Server) Pid() int { return s.proc.Pid }

// Done is closed when the child has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the child ended, with its own last warning. Call it after Done is closed.
func (s *Server) Err() error {
	words := ""
	if last := s.last.Load(); last != nil {
		words = ": " + *last
	}
	if s.err == nil {
		return fmt.Errorf("redis-server ended%s", words)
	}
	return fmt.Errorf("redis-server ended (%w)%s", s.err, words)
}

// Signal sends sig to the child; nothing happens when it has ended.
func (s *Server) Signal(sig os.Signal) { _ = s.proc.Signal(sig) }

// Kill ends the child at once and waits until it is gone.
func (s *Server) Kill() {
	_ = s.proc.Kill()
	<-s.done
}

// Stop asks the child to end, which syncs its file, and kills it after patience. It waits until the child is gone.
func (s *Server) Stop(patience time.Duration) {
	_ = s.proc.Signal(terminate)
	select {
	case <-s.done:
	case <-time.After(patience):
		s.Kill()
	}
}
