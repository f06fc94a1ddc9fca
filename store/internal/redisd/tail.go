package redisd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// How a script's writes stand in an append-only file: MULTI, the writes, EXEC.
var (
	multi = []byte("*1\r\n$5\r\nMULTI\r\n")
	execs = []byte("*1\r\n$4\r\nEXEC\r\n")
)

// CutHalfTransaction cuts a transaction without its EXEC, which a server that was killed in mid-write leaves, off the
// end of the append-only file in dir, and tells how many octets went; 0 where the file ends whole. Nothing
// acknowledged can stand there: the answer follows the EXEC. No server may be running in dir.
//
// Redis itself (7.0; Valkey until valkey#4342) cuts only the last, broken command, leaves the MULTI open, and writes
// on behind it: at the start after the next one it carries the half transaction out, together with what follows.
func CutHalfTransaction(dir string) (cut int64, err error) {
	path, err := lastFile(dir)
	if err != nil || path == "" {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	at, err := openTransaction(f, size)
	if err != nil || at < 0 {
		return 0, err
	}
	if err := f.Truncate(at); err != nil {
		return 0, err
	}
	return size - at, f.Sync()
}

// lastFile is the file that a server in dir would write on: by its manifest (7.0 and newer), or the only one. "": none.
func lastFile(dir string) (string, error) {
	const folder, name = "appendonlydir", "appendonly.aof"
	manifest, err := os.ReadFile(filepath.Join(dir, folder, name+".manifest"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", nil //nolint:nilerr // a server that has not written yet
		}
		return filepath.Join(dir, name), nil
	}
	if err != nil {
		return "", err
	}
	last := ""
	for line := range strings.Lines(string(manifest)) { // file NAME seq N type b|h|i
		if w := strings.Fields(line); len(w) >= 6 && w[0] == "file" && w[5] == "i" {
			last = filepath.Join(dir, folder, filepath.Base(w[1]))
		}
	}
	if _, err := os.Stat(last); last == "" || errors.Is(err, fs.ErrNotExist) {
		return "", nil // the server itself says what is wrong with its manifest
	}
	return last, nil
}

// openTransaction is the offset of the MULTI that has no EXEC behind it; -1: there is none.
func openTransaction(f io.ReaderAt, size int64) (int64, error) {
	const block = 1 << 20
	buf := make([]byte, block+len(multi)-1) // blocks overlap, so that no mark is cut in two
	for end := size; end > 0; end -= block {
		from := max(end-block, 0)
		b := buf[:min(size, end+int64(len(multi))-1)-from]
		if _, err := f.ReadAt(b, from); err != nil {
			return -1, err
		}
		begun, done := bytes.LastIndex(b, multi), bytes.LastIndex(b, execs)
		if done > begun {
			return -1, nil
		}
		if begun >= 0 {
			at := from + int64(begun)
			if !commands(io.NewSectionReader(f, at, size-at)) {
				return -1, fmt.Errorf("the append-only file is damaged near octet %d: look at it with redis-check-aof, and keep a copy", at)
			}
			return at, nil
		}
	}
	return -1, nil
}

// commands reports whether r holds commands, of which the last may be cut off anywhere: so the MULTI before them was no
// part of some text.
func commands(r io.Reader) bool {
	in := bufio.NewReader(r)
	for {
		n, ok, more := count(in, '*')
		for range n {
			if !ok || !more {
				break
			}
			var size int
			if size, ok, more = count(in, '$'); ok && more {
				end := make([]byte, 2)
				if _, err := in.Discard(size); err != nil {
					more = false
				} else if got, _ := io.ReadFull(in, end); got < 2 {
					more = false
				} else {
					ok = string(end) == "\r\n"
				}
			}
		}
		if !ok || !more {
			return ok
		}
	}
}

// count reads a line such as *3 or $14. more is false where r ends in it, ok where it is something else.
func count(r *bufio.Reader, kind byte) (n int, ok, more bool) {
	line, err := r.ReadString('\n')
	if line == "" || (err != nil && line[0] == kind) {
		return 0, true, false
	}
	n, bad := strconv.Atoi(strings.TrimSuffix(line[1:], "\r\n"))
	return n, err == nil && bad == nil && line[0] == kind && n >= 0, true
}
