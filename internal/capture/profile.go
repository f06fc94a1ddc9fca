package capture

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/pprof"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Kinds of profiles, as runtime/pprof has them: cpu over a while, the others of the moment. None holds what a message says.
var Kinds = []string{kindCPU, "heap", "allocs", "goroutine"}

const (
	kindCPU     = "cpu"
	profileMost = 10 * time.Minute
)

// ErrProfilesOff: the daemon's configuration does not allow profiles.
var ErrProfilesOff = errors.New("profiles are off")

// profiling: the runtime makes one CPU profile at a time.
var profiling atomic.Bool

// profile answers a tool that asked for a profile. It ends early, and is whole, when the tool ends its side.
func (s *Server) profile(ctx context.Context, conn *net.UnixConn, r *bufio.Reader, req Request) {
	switch {
	case s.o.Profiles == nil || !s.o.Profiles():
		s.refuse(conn, "profiles_off", "set profiles: true in the daemon's configuration and send it SIGHUP")
		return
	case !slices.Contains(Kinds, req.Profile):
		s.refuse(conn, "asked", "the kinds are "+strings.Join(Kinds, ", "))
		return
	case req.For < 0 || req.For > profileMost:
		s.refuse(conn, "asked", fmt.Sprintf("a CPU profile takes up to %v", profileMost))
		return
	}
	ended := make(chan struct{})
	go func() { // ends when the tool ends its side, or the connection is closed below
		defer close(ended)
		_, _ = r.ReadByte()
	}()
	defer func() {
		_ = conn.Close()
		<-ended
	}()
	data, err := takeProfile(ctx, req.Profile, req.For, ended)
	if err != nil {
		s.refuse(conn, "busy", err.Error())
		return
	}
	w := patient{conn}
	if err := writeLine(w, answer{OK: true, Size: len(data)}); err == nil {
		_, _ = w.Write(data) // a tool that has gone wants nothing
	}
}

func takeProfile(ctx context.Context, kind string, d time.Duration, ended <-chan struct{}) ([]byte, error) {
	var buf bytes.Buffer
	if kind != kindCPU {
		if err := pprof.Lookup(kind).WriteTo(&buf, 0); err != nil {
			return nil, err
		}
		return buf.Bytes(), nil
	}
	if !profiling.CompareAndSwap(false, true) {
		return nil, errors.New("another CPU profile is being taken")
	}
	defer profiling.Store(false)
	if err := pprof.StartCPUProfile(&buf); err != nil {
		return nil, err
	}
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-ended:
	case <-ctx.Done():
	}
	pprof.StopCPUProfile()
	return buf.Bytes(), nil
}

// FetchProfile asks the daemon with a process id for a profile and writes it to w. A CPU profile ends early when ctx does.
func FetchProfile(ctx context.Context, dir string, pid int, kind string, d time.Duration, w io.Writer) error {
	path := socket(dir, pid)
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("profile: %w; is the daemon running? %w", ErrNoDaemon, err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(d + askWithin + lastWords))
	stop := context.AfterFunc(ctx, func() {
		_ = conn.SetReadDeadline(time.Now().Add(lastWords))
		_ = conn.(*net.UnixConn).CloseWrite() // asks for the end
	})
	defer stop()
	if err := writeLine(conn, Request{Profile: kind, For: d}); err != nil {
		return fmt.Errorf("profile: %s: %w", path, err)
	}
	r := bufio.NewReaderSize(conn, maxLine)
	var a answer
	if err := readLine(r, &a); err != nil {
		return fmt.Errorf("profile: %s: no answer: %w", path, err)
	}
	if !a.OK {
		known, ok := codes[a.Code]
		if !ok {
			known = errAsked
		}
		return fmt.Errorf("profile: %w: %s", known, a.Error)
	}
	if n, err := io.Copy(w, io.LimitReader(r, int64(a.Size))); err != nil || n < int64(a.Size) {
		return fmt.Errorf("profile: %w: %d of %d octets: %w", ErrBroken, n, a.Size, err)
	}
	return nil
}
