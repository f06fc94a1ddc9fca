package archive

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aduan/conversation"
	"aduan/store"
)

// What callers decide on.
var (
	// ErrBusy: another process writes into the archive at the moment.
	ErrBusy = errors.New("archive: another process is at it")
	// ErrDamaged: a file does not say what its index says.
	ErrDamaged = errors.New("archive: a file is damaged; put a copy of it back")
)

// Line is one archived ticket as its file holds it.
type Line struct {
	Number   conversation.Number `json:"-"`
	Ticket   string              `json:"ticket"`
	Shard    int                 `json:"shard"`
	Serial   uint64              `json:"serial"`
	Owner    string              `json:"owner"` // the citizen's pseudonym: whose data key opens Sealed
	Status   string              `json:"status"`
	Kind     string              `json:"kind"`
	Category string              `json:"category,omitempty"`
	Agency   string              `json:"agency,omitempty"`
	FiledAt  time.Time           `json:"filed_at"`
	ClosedAt time.Time           `json:"closed_at"`
	Digest   string              `json:"digest"`           // of the ticket's head: tells a ticket that changed since
	Sealed   []byte              `json:"sealed,omitempty"` // the whole ticket, compressed
	Plain    json.RawMessage     `json:"plain,omitempty"`  // instead, where the citizen was erased before: figures
}

// Owned is the citizen whose key opens the line.
func (l *Line) Owned() store.CitizenID { return store.CitizenID{Shard: l.Shard, Hash: l.Owner} }

// place is where the index says that a ticket stands.
type place struct {
	file   string // without its ending
	offset int64
	length int64
	digest string
}

// Folder is an archive on disk.
type Folder struct {
	dir  string
	lock io.Closer // nil: for reading only
	at   map[conversation.Number]place
	ends map[string]int64 // file → where what its index knows ends
}

// OpenFolder opens the archive in dir. write makes the folder where there is none, and cuts off what a crash left
// half written; then nobody else can write until Close.
func OpenFolder(dir string, write bool) (*Folder, error) {
	f := &Folder{dir: dir, at: map[conversation.Number]place{}, ends: map[string]int64{}}
	if write {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		lock, err := store.LockFile(filepath.Join(dir, "lock"))
		if errors.Is(err, store.ErrFenced) {
			return nil, ErrBusy
		}
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		f.lock = lock
	}
	if err := f.read(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if write {
		if err := f.mend(); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// Close gives the archive to whoever comes next.
func (f *Folder) Close() error {
	if f.lock == nil {
		return nil
	}
	return f.lock.Close()
}

// Len is how many tickets it holds.
func (f *Folder) Len() int { return len(f.at) }

// Numbers are those of its tickets, in order.
func (f *Folder) Numbers() []conversation.Number {
	all := make([]conversation.Number, 0, len(f.at))
	for n := range f.at {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// ID names this archive; it is made with the folder.
func (f *Folder) ID() (string, error) {
	path := filepath.Join(f.dir, "id")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && f.lock != nil {
		raw := make([]byte, 8)
		_, _ = rand.Read(raw) // never fails
		b = []byte(hex.EncodeToString(raw) + "\n")
		err = appendSynced(path, b)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("archive: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// read reads every index.
func (f *Folder) read() error {
	names, err := filepath.Glob(filepath.Join(f.dir, "*.idx"))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		file := strings.TrimSuffix(filepath.Base(name), ".idx")
		for line := range strings.Lines(string(b)) {
			if !strings.HasSuffix(line, "\n") {
				break // a crash left half of it: it does not count
			}
			var number string
			p := place{file: file}
			if _, err := fmt.Sscanf(line, "%s %d %d %s", &number, &p.offset, &p.length, &p.digest); err != nil {
				return fmt.Errorf("%w: %s: a line cannot be read", ErrDamaged, name)
			}
			n, err := conversation.ParseNumber(number)
			if err != nil {
				return fmt.Errorf("%w: %s: a line names no ticket", ErrDamaged, name)
			}
			f.at[n] = p // the last one counts: a ticket that came back and was archived again
			f.ends[file] = max(f.ends[file], p.offset+p.length)
		}
	}
	return nil
}

// mend cuts off what no index knows, and half lines of indexes.
func (f *Folder) mend() error {
	names, err := filepath.Glob(filepath.Join(f.dir, "*.jsonl.gz"))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, name := range names {
		file := strings.TrimSuffix(filepath.Base(name), ".jsonl.gz")
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		if info.Size() < f.ends[file] {
			return fmt.Errorf("%w: %s is shorter than its index says", ErrDamaged, name)
		}
		if info.Size() > f.ends[file] {
			if err := os.Truncate(name, f.ends[file]); err != nil {
				return fmt.Errorf("archive: %w", err)
			}
		}
		index := filepath.Join(f.dir, file+".idx")
		b, err := os.ReadFile(index)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		if whole := bytes.LastIndexByte(b, '\n') + 1; whole < len(b) {
			if err := os.Truncate(index, int64(whole)); err != nil {
				return fmt.Errorf("archive: %w", err)
			}
		}
	}
	return nil
}

// Has tells whether a ticket is there as it stands: with a head of this digest.
func (f *Folder) Has(n conversation.Number, digest string) bool {
	p, ok := f.at[n]
	return ok && p.digest == digest
}

// Append writes lines, and returns when they survive a power loss. month names the file.
func (f *Folder) Append(month string, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	var packed, index bytes.Buffer
	z := gzip.NewWriter(&packed)
	enc := json.NewEncoder(z)
	for i := range lines {
		if err := enc.Encode(&lines[i]); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	offset, length := f.ends[month], int64(packed.Len())
	if err := appendSynced(filepath.Join(f.dir, month+".jsonl.gz"), packed.Bytes()); err != nil {
		return fmt.Errorf("archive: %w; is the disk full?", err)
	}
	for i := range lines {
		fmt.Fprintf(&index, "%s %d %d %s\n", lines[i].Number, offset, length, lines[i].Digest)
	}
	if err := appendSynced(filepath.Join(f.dir, month+".idx"), index.Bytes()); err != nil {
		return fmt.Errorf("archive: %w; is the disk full?", err)
	}
	f.ends[month] = offset + length
	for i := range lines {
		f.at[lines[i].Number] = place{file: month, offset: offset, length: length, digest: lines[i].Digest}
	}
	return nil
}

func appendSynced(path string, b []byte) error {
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(b)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil || !fresh {
		return err
	}
	dir, err := os.Open(filepath.Dir(path)) // a new file's name must survive too
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Line reads one ticket's line. store.ErrNotFound: the archive does not hold it.
func (f *Folder) Line(n conversation.Number) (Line, error) {
	p, ok := f.at[n]
	if !ok {
		return Line{}, store.ErrNotFound
	}
	found := Line{}
	err := f.member(p, func(l Line) error {
		if l.Number == n {
			found = l
		}
		return nil
	})
	if err == nil && found.Number == 0 {
		err = fmt.Errorf("%w: ticket %s is not where the index says", ErrDamaged, n)
	}
	return found, err
}

// Each gives every ticket once, in the order of the files.
func (f *Folder) Each(each func(Line) error) error {
	type member struct {
		file   string
		offset int64
	}
	members := map[member]place{}
	for _, p := range f.at {
		members[member{p.file, p.offset}] = p
	}
	order := make([]place, 0, len(members))
	for _, p := range members {
		order = append(order, p)
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.file != b.file {
			return strings.Compare(a.file, b.file)
		}
		return int(a.offset - b.offset)
	})
	for _, p := range order {
		if err := f.member(p, each); err != nil {
			return err
		}
	}
	return nil
}

// member gives the lines of one gzip member that count.
func (f *Folder) member(p place, each func(Line) error) error {
	file, err := os.Open(filepath.Join(f.dir, p.file+".jsonl.gz"))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	defer func() { _ = file.Close() }()
	z, err := gzip.NewReader(io.NewSectionReader(file, p.offset, p.length))
	if err != nil {
		return fmt.Errorf("%w: %s", ErrDamaged, file.Name())
	}
	dec := json.NewDecoder(z)
	for {
		var l Line
		err := dec.Decode(&l)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			l.Number, err = conversation.ParseNumber(l.Ticket)
		}
		if err != nil {
			return fmt.Errorf("%w: %s", ErrDamaged, file.Name())
		}
		if now := f.at[l.Number]; now.file != p.file || now.offset != p.offset {
			continue // it came back, and stands elsewhere
		}
		if err := each(l); err != nil {
			return err
		}
	}
}
