package capture

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"
)

// Request is what a tool asks of a daemon: one line of JSON over its socket.
type Request struct {
	Link       string        `json:"link"`
	For        time.Duration `json:"for"` // nanoseconds; 0: until it is asked to end
	Unredacted bool          `json:"unredacted,omitempty"`
	Key        string        `json:"key,omitempty"`     // an API key, for what is unredacted
	Profile    string        `json:"profile,omitempty"` // a profile of the daemon of this kind, no capture
}

// answer is the line that comes back; behind a good one follows the capture.
type answer struct {
	OK    bool   `json:"ok"`
	Code  string `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
	Size  int    `json:"size,omitempty"` // octets of the profile behind it
}

// Sentinels that callers decide on.
var (
	ErrNoDaemon     = errors.New("no daemon answers in the data folder")
	ErrNoLink       = errors.New("no such link")
	ErrNotPermitted = errors.New("not permitted")
	ErrBroken       = errors.New("the capture broke off")
	errBusy         = errors.New("too many captures")
	errAsked        = errors.New("not understood")
)

var codes = map[string]error{"no_link": ErrNoLink, "not_permitted": ErrNotPermitted, "busy": errBusy, "profiles_off": ErrProfilesOff, "asked": errAsked}

// maxLine is the longest request and answer, octets.
const maxLine = 4096

// SocketName is the socket of the daemon with a process id, in its data folder.
func SocketName(pid int) string { return "aduan-" + strconv.Itoa(pid) + ".sock" }

func socket(dir string, pid int) string { return filepath.Join(dir, SocketName(pid)) }

func writeLine(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

func readLine(r *bufio.Reader, v any) error {
	line, err := r.ReadSlice('\n') // of at most maxLine octets: the reader's size
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// copyBlocks copies whole blocks of pcapng, so that a file is good whenever it ends, up to the statistics.
func copyBlocks(w io.Writer, r io.Reader) (Summary, error) {
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return Summary{}, fmt.Errorf("%w: %w", ErrBroken, err)
		}
		kind, n := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[4:])
		if n < 12 || n > maxBlock || n%4 != 0 {
			return Summary{}, fmt.Errorf("%w: a block of %d octets", ErrBroken, n)
		}
		block := append(make([]byte, 0, n), head[:]...)[:n]
		if _, err := io.ReadFull(r, block[8:]); err != nil {
			return Summary{}, fmt.Errorf("%w: %w", ErrBroken, err)
		}
		if _, err := w.Write(block); err != nil {
			return Summary{}, err
		}
		if kind == blockStatistics {
			return readSummary(block), nil
		}
	}
}

// maxBlock is the longest that the daemon writes: one packet and its frame around it.
const maxBlock = 4096

// readSummary reads the options of a statistics block.
func readSummary(block []byte) (s Summary) {
	const fixed = 20 // type, length, interface, time
	for b := block[min(fixed, len(block)-4) : len(block)-4]; len(b) >= 4; {
		code, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if b = b[4:]; n > len(b) || code == optEnd {
			return s
		}
		switch value := b[:n]; {
		case code == optComment:
			s.Why = string(value)
		case code == optReceived && n == 8:
			s.PDUs = binary.LittleEndian.Uint64(value)
		case code == optDropped && n == 8:
			s.Dropped = binary.LittleEndian.Uint64(value)
		}
		b = b[min(len(b), (n+3)&^3):]
	}
	return s
}
