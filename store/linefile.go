package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"aduan/store/internal/redisd"
)

// lineFile is data_dir/line.json: the highest serial reserved in each shard, and the newest age of the store that was
// seen. It outlives Redis, so that a ticket number is never given twice, even when Redis comes back empty or from an old
// backup, and so that this is noticed. Daemons may share it.
type lineFile struct {
	path string // "": in memory only (an embedded store without a folder)
	mem  lineState

	writes atomic.Int64 // how many times it was written
}

// lineState is what the file says.
type lineState struct {
	serials serialTable
	age     uint64 // see age.go; 0: none was seen
}

// serialTable is the highest serial reserved in each shard; 0: none.
type serialTable [Shards]uint64

// lineForm is the file's form. Fields unknown to this version are a newer version's.
type lineForm struct {
	Version int               `json:"version"`
	Serials map[string]uint64 `json:"serials"` // two digits of the shard → highest serial reserved
	Age     uint64            `json:"age,omitempty"`
}

const lineVersion = 1

// update runs change on what stands in the file, while no other process can, and writes it back before it
// returns: what change reserved may be used then. Where change or the writing fails, nothing is changed.
func (f *lineFile) update(ctx context.Context, change func(*lineState) error) error {
	if f.path == "" {
		next := f.mem
		if err := change(&next); err != nil {
			return err
		}
		f.mem = next
		return nil
	}
	lock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // which unlocks
	before, err := f.read()
	if err != nil {
		return err
	}
	next := before
	if err := change(&next); err != nil {
		return err
	}
	for i := range next.serials {
		next.serials[i] = max(next.serials[i], before.serials[i])
	}
	next.age = max(next.age, before.age)
	if next == before {
		return nil
	}
	return f.write(next)
}

// lock waits for the file's lock. It stands on a file of its own, since line.json is replaced by each write.
func (f *lineFile) lock(ctx context.Context) (*os.File, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		lock, err := redisd.Lock(f.path + ".lock")
		if err == nil {
			return lock, nil
		}
		if !errors.Is(err, redisd.ErrLocked) {
			return nil, fmt.Errorf("line file: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("line file: another process has held its lock for too long: %w", errors.Join(err, context.Cause(ctx)))
		case <-time.After(pause):
		}
	}
}

func (f *lineFile) read() (lineState, error) {
	var t lineState
	b, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("line file: %w", err)
	}
	var form lineForm
	damaged := func(why string) error {
		return fmt.Errorf("line file %s: %s; it keeps ticket numbers from being given twice, so it is not made anew unasked: put a copy of it back, or remove it when you are sure that Redis has all its data", f.path, why)
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return t, damaged("it is damaged (" + err.Error() + ")")
	}
	if form.Version > lineVersion {
		return t, fmt.Errorf("line file %s: it has version %d, this program knows %d: %w; run the newer program", f.path, form.Version, lineVersion, ErrSchema)
	}
	for name, serial := range form.Serials {
		shard, err := strconv.Atoi(name)
		if err != nil || len(name) != 2 || shard < 0 || shard >= Shards {
			return t, damaged(fmt.Sprintf("it names a shard %q", name))
		}
		t.serials[shard] = serial
	}
	t.age = form.Age
	return t, nil
}

// write replaces the file, and returns when that survives a power loss.
func (f *lineFile) write(t lineState) error {
	form := lineForm{Version: lineVersion, Serials: map[string]uint64{}, Age: t.age}
	for shard, serial := range t.serials {
		if serial > 0 {
			form.Serials[fmt.Sprintf("%02d", shard)] = serial
		}
	}
	b, err := json.MarshalIndent(form, "", " ")
	if err != nil {
		return fmt.Errorf("line file: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.path), ".line-*") // mode 0600
	if err != nil {
		return fmt.Errorf("line file: %w", err)
	}
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(f.path))
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("line file %s: %w; is the disk full, or the folder not ours?", f.path, err)
	}
	f.writes.Add(1)
	return nil
}
