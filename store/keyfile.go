package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// NewKeyFile makes a store.key_file: 32 random bytes that only its owner may read. It never overwrites.
func NewKeyFile(path string) error {
	key := make([]byte, MasterKeySize)
	_, _ = rand.Read(key) // never fails
	// Written aside and linked, so that nobody ever reads half a key, and two processes never make two.
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("key file %s: it exists, and is never overwritten (without it nothing in its store can be read); choose another name: %w", path, fs.ErrExist)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	return nil
}

// readKeyFile reads the line's key, and refuses one that others could have read.
func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if mode := info.Mode().Perm(); !info.Mode().IsRegular() || (mode != 0o600 && mode != 0o400) {
		return nil, fmt.Errorf("key file %s: its mode is %04o, so that others may have read it; it must be a file of mode 0400 or 0600 (chmod 0600 %s): %w",
			path, mode, path, fs.ErrPermission)
	}
	if info.Size() != MasterKeySize {
		return nil, fmt.Errorf("key file %s: it has %d bytes; a key file holds exactly %d raw bytes (make one with: aduan keys store FILE)",
			path, info.Size(), MasterKeySize)
	}
	key := make([]byte, MasterKeySize)
	if _, err := f.ReadAt(key, 0); err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// lineKey is the key that o asks for: from its file, which is made where a mode may make it, or for the embedded store
// without a folder just for this process.
func lineKey(o Options) ([]byte, error) {
	path := o.KeyFile
	if path == "" {
		if o.DataDir == "" {
			key := make([]byte, MasterKeySize)
			_, _ = rand.Read(key)
			return key, nil
		}
		path = filepath.Clean(o.DataDir) + ".key" // beside the folder: a copy of the folder is no copy of the key
		err := NewKeyFile(path)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return readKeyFile(path)
}

// syncDir makes a new or renamed file in dir survive a power loss.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
