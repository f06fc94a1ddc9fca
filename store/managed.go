package store

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/store/internal/redisd"
)

const (
	socketMax    = 106 // octets of a unix socket's path, without its NUL
	pauseMin     = 100 * time.Millisecond
	pauseMax     = 30 * time.Second
	livedLong    = time.Minute // a child that lived so long is restarted at once
	lockPoll     = 100 * time.Millisecond
	stopPatience = 5 * time.Second
)

// managed is a redis-server child, or that of another process of ours which has the folder: a tool beside the daemon
// talks to the daemon's child, and whoever is left when a child has gone starts the next.
type managed struct {
	// immutable
	binary   string
	dir      string // absolute
	socket   string
	password string
	log      *zap.Logger

	mu      sync.Mutex
	server  *redisd.Server // guarded by mu; nil: none of ours runs
	started time.Time      // guarded by mu
	err     error          // guarded by mu: why the last one of ours ended; nil while one runs
	stopped bool           // guarded by mu
}

// startManaged starts the child, or finds that another process's child has the folder.
func startManaged(o Options, master []byte) (*managed, error) {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("store.data_dir: %w", err)
	}
	// The password comes from the key file, so that a tool that may read that one can talk to the daemon's child.
	secret, err := hkdf.Key(sha256.New, master, nil, "aduan/v1/managed redis", 32)
	if err != nil {
		return nil, err
	}
	m := &managed{binary: o.redisServer(), dir: dir, password: hex.EncodeToString(secret), log: o.Log}
	if m.socket, err = socketPath(dir); err != nil {
		return nil, err
	}
	if err := m.start(); err != nil && !errors.Is(err, redisd.ErrLocked) {
		return nil, fmt.Errorf("store.data_dir %s: %w", o.DataDir, err)
	}
	return m, nil
}

// socketPath is dir's socket: in it, or where its path would be too long for the system in a folder of ours that is
// found by dir's name.
func socketPath(dir string) (string, error) {
	if path := filepath.Join(dir, "redis.sock"); len(path) <= socketMax {
		return path, nil
	}
	sum := sha256.Sum256([]byte(dir))
	short := filepath.Join(os.TempDir(), fmt.Sprintf("aduan-%d-%x", os.Getuid(), sum[:8]))
	if err := os.Mkdir(short, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("store.data_dir: its path is too long for a socket, and: %w", err)
	}
	// Somebody else may have made it: only a real folder that nobody but us can enter is used.
	info, err := os.Lstat(short)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 || !ownedByUs(info) {
		return "", fmt.Errorf("store.data_dir: its path is too long for a socket, and %s is not a folder of ours alone; remove it, or choose a shorter data_dir", short)
	}
	path := filepath.Join(short, "redis.sock")
	if len(path) > socketMax {
		return "", fmt.Errorf("store.data_dir: its path and that of %s are too long for a socket; choose a shorter data_dir", os.TempDir())
	}
	return path, nil
}

// conf is the child's redis.conf. It goes through standard input: the password stands nowhere else.
func (m *managed) conf() string {
	q := strconv.Quote
	return "port 0\nunixsocket " + q(m.socket) + "\nunixsocketperm 700\ndir " + q(m.dir) + "\nrequirepass " + m.password + `
daemonize no
save ""
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
maxmemory-policy noeviction
slowlog-max-len 0
crash-log-enabled no
crash-memcheck-enabled no
latency-monitor-threshold 0
hash-max-ziplist-entries 256
hash-max-ziplist-value 1024
`
}

// start starts a child. ErrLocked: a child of another process, or one of ours that is not gone yet, has the folder.
func (m *managed) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return redisd.ErrLocked
	}
	lock, err := redisd.Lock(filepath.Join(m.dir, "redis.lock"))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // the child has it now: the lock lives as long as the child and its own children
	// Promise 2 also through two crashes. What cannot be cut with certainty is left to the server, which refuses or loads it.
	if cut, err := redisd.CutHalfTransaction(m.dir); err != nil {
		m.log.Error("the end of the append-only file could not be looked at", zap.Error(err))
	} else if cut > 0 {
		m.log.Warn("a half written transaction, acknowledged to nobody, was cut off the append-only file", zap.Int64("octets", cut))
	}
	m.server, err = redisd.Start(redisd.Config{
		Binary: m.binary, Conf: m.conf(), Dir: m.dir, Lock: lock,
		Output: func(line string) { m.log.Info("redis-server says", zap.String("line", line)) },
	})
	if err != nil {
		m.err = err
		return err
	}
	m.started, m.err = time.Now(), nil
	return nil
}

// awaitSocket waits until the child listens, has ended, or ctx ends.
func (m *managed) awaitSocket(ctx context.Context) {
	for m.ended() == nil && ctx.Err() == nil {
		if _, err := os.Stat(m.socket); err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// ended says why no child of ours runs; nil: one does, or another process has the folder.
func (m *managed) ended() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.server != nil {
		select {
		case <-m.server.Done():
			m.err = m.server.Err()
			m.server = nil
		default:
		}
	}
	return m.err
}

// supervise starts the child again whenever it has ended, with growing pauses, until ctx ends.
func (m *managed) supervise(ctx context.Context) {
	pause := pauseMin
	for {
		m.mu.Lock()
		server, started := m.server, m.started
		m.mu.Unlock()
		if server != nil {
			select {
			case <-server.Done():
			case <-ctx.Done():
				return
			}
			err := m.ended()
			if time.Since(started) >= livedLong {
				pause = pauseMin
			}
			m.log.Error("redis-server has ended; it is started again", zap.Error(err), zap.Duration("after", pause))
		}
		wait := lockPoll
		if server != nil || m.ended() != nil {
			wait, pause = pause, min(2*pause, pauseMax)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if err := m.start(); errors.Is(err, redisd.ErrLocked) {
			m.mu.Lock()
			m.err = nil // somebody else's child has the folder: that one is talked to
			m.mu.Unlock()
		} else if err != nil {
			m.log.Error("redis-server cannot be started", zap.Error(err))
		}
	}
}

// stop ends the child in order.
func (m *managed) stop() {
	m.mu.Lock()
	server := m.server
	m.server, m.stopped = nil, true
	m.mu.Unlock()
	if server != nil {
		server.Stop(stopPatience)
	}
}
