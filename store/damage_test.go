package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/testenv"
	"aduan/store"
	"aduan/store/internal/redisd"
	"aduan/store/storetest"
)

// written is the append-only file of a few turns, and where the last of them begins.
type written struct {
	file          []byte
	last          int
	before, after map[string]string // all keys, without the last turn and with it
	serials       []uint64
	heads         map[uint64]string
	texts         map[uint64]string
}

func writeTurns(t *testing.T) written {
	t.Helper()
	r := storetest.Start(t, storetest.Options{Args: []string{"auto-aof-rewrite-percentage 0"}})
	b := newBench(t, r.Addr())
	w := written{heads: map[uint64]string{}, texts: map[uint64]string{}}
	file := filepath.Join(r.Dir(), "appendonlydir", "appendonly.aof.1.incr.aof")
	for n := range 4 {
		if n == 3 {
			w.before, w.last = b.dump(), int(size(t, file))
		}
		turn := b.wholeTurn(n)
		turn.Tickets[0].Head = fmt.Appendf(nil, `{"head":%d}`, n)
		turn.Tickets[0].Entries[0].Data = fmt.Appendf(nil, "text %d", n)
		b.mustKeep(turn)
		serial := turn.Tickets[0].Serial
		w.serials = append(w.serials, serial)
		w.heads[serial], w.texts[serial] = string(turn.Tickets[0].Head), string(turn.Tickets[0].Entries[0].Data)
	}
	w.after = b.dump()
	r.Kill()
	var err error
	if w.file, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	return w
}

// load starts a server on these octets, as a managed one is started; nil: it refuses, in the words that are returned.
func load(t *testing.T, file []byte) (*redisd.Server, *redis.Client, string) {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(dir, "appendonlydir"), 0o700))
	must(os.WriteFile(filepath.Join(dir, "appendonlydir", "appendonly.aof.1.incr.aof"), file, 0o600))
	must(os.WriteFile(filepath.Join(dir, "appendonlydir", "appendonly.aof.manifest"), []byte("file appendonly.aof.1.incr.aof seq 1 type i\n"), 0o600))
	if _, err := redisd.CutHalfTransaction(dir); err != nil {
		return nil, nil, err.Error()
	}
	socket := filepath.Join(dir, "s")
	s, err := redisd.Start(redisd.Config{
		Binary: testenv.RedisServer(t), Dir: dir,
		Conf: fmt.Sprintf("port 0\nunixsocket %s\ndir %s\nsave \"\"\nappendonly yes\ncrash-log-enabled no\n", socket, dir),
	})
	must(err)
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		select {
		case <-s.Done():
			_ = c.Close()
			return nil, nil, s.Err().Error()
		default:
		}
		if c.Ping(t.Context()).Err() == nil {
			return s, c, ""
		}
	}
	t.Fatal("the server neither answers nor ends")
	return nil, nil, ""
}

// R4: the file is cut at octets of the last turn: it stands whole or not at all.
func TestR4CutAtOctetsOfATurn(t *testing.T) { cutEvery(t, 61) }

func cutEvery(t *testing.T, step int) {
	w := writeTurns(t)
	whole := 0
	cuts := []int{len(w.file)}
	for at := w.last + rand.IntN(step); at < len(w.file); at += step {
		cuts = append(cuts, at)
	}
	for _, at := range cuts {
		s, c, words := load(t, w.file[:at])
		if s == nil {
			t.Errorf("cut after %d of %d octets: it does not start: %s", at-w.last, len(w.file)-w.last, words)
			continue
		}
		b := &bench{rdb: c, t: t, ctx: t.Context()}
		switch got := b.dump(); {
		case maps.Equal(got, w.after):
			whole++
		case !maps.Equal(got, w.before):
			t.Errorf("cut after %d of %d octets: half of the turn stands", at-w.last, len(w.file)-w.last)
		}
		_ = c.Close()
		s.Kill()
	}
	if whole == 0 {
		t.Error("uncut it does not stand")
	}
	t.Logf("%d octets of a turn, cut at %d of them: it stood whole %d times", len(w.file)-w.last, len(cuts), whole)
}

// R4: a byte is flipped. Half of the time the server refuses to start; else what is read is what was written, or is said to
// be damaged or gone: an append-only file has no checksum, a ticket has.
func TestR4AFlippedByteIsNeverTakenForTrue(t *testing.T) { flip(t, 25) }

func flip(t *testing.T, times int) {
	w := writeTurns(t)
	const seed = 4
	random := rand.New(rand.NewPCG(seed, 0))
	refused, seen, sound := 0, 0, 0
	for range times {
		file := bytes.Clone(w.file)
		at := random.IntN(len(file))
		file[at] ^= 1 << random.IntN(8)
		s, c, words := load(t, file)
		if s == nil {
			refused++
			if words == "" {
				t.Error("it refuses without a word")
			}
			continue
		}
		b := &bench{rdb: c, t: t, ctx: t.Context(), Store: store.NewForTest(c, master, store.Options{})}
		hurt := false
		for _, serial := range w.serials {
			for shard := range store.Shards {
				rec, err := b.Ticket(b.ctx, shard, serial)
				switch {
				case errors.Is(err, store.ErrNotFound):
					continue
				case err != nil:
					hurt = true
					if !errors.Is(err, store.ErrDamaged) && !strings.Contains(err.Error(), "WRONGTYPE") {
						t.Errorf("octet %d: %v", at, err)
					}
				case string(rec.Head) != w.heads[serial], rec.Entries["x1"] != nil && string(rec.Entries["x1"]) != w.texts[serial]:
					t.Errorf("octet %d: ticket %d is told as %s %q", at, serial, rec.Head, rec.Entries["x1"])
				}
			}
		}
		if hurt {
			seen++
		} else {
			sound++
		}
		b.CloseForTest()
		_ = c.Close()
		s.Kill()
	}
	t.Logf("%d flips (seed %d): %d times the server refused to start, %d times a ticket was said to be damaged, %d times none was hurt", times, seed, refused, seen, sound)
}
