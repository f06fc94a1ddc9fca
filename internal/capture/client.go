package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lastWords is how long a daemon has for the end of a capture that it was asked to end.
const lastWords = 5 * time.Second

// Daemons are the process ids of the daemons that listen in a data folder, in order.
func Daemons(ctx context.Context, dir string) ([]int, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "aduan-*.sock"))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, path := range paths {
		pid, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "aduan-"), ".sock"))
		if err != nil {
			continue
		}
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("capture: %s belongs to the daemon's user; run as that user or as root: %w", path, ErrNotPermitted)
		}
		if err == nil {
			_ = conn.Close()
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// Fetch asks the daemon with a process id for a capture and writes it to w, until its time is over, the daemon stops, or
// ctx ends; then the daemon closes it in order.
func Fetch(ctx context.Context, dir string, pid int, req Request, w io.Writer) (Summary, error) {
	path := socket(dir, pid)
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return Summary{}, fmt.Errorf("capture: %w; is the daemon running? %w", ErrNoDaemon, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() {
		_ = conn.SetReadDeadline(time.Now().Add(lastWords))
		_ = conn.(*net.UnixConn).CloseWrite() // asks for the end
	})
	defer stop()
	if err := writeLine(conn, req); err != nil {
		return Summary{}, fmt.Errorf("capture: %s: %w", path, err)
	}
	r := bufio.NewReaderSize(conn, maxLine)
	var a answer
	if err := readLine(r, &a); err != nil {
		return Summary{}, fmt.Errorf("capture: %s: no answer: %w", path, err)
	}
	if !a.OK {
		known, ok := codes[a.Code]
		if !ok {
			known = errAsked
		}
		return Summary{}, fmt.Errorf("capture: %w: %s", known, a.Error)
	}
	return copyBlocks(w, r)
}
