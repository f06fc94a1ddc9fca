package store

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// expireEvery is how often the embedded store lets keys expire: each time it looks at all of them.
const expireEvery = time.Second

// embedded is a Redis inside this process, for trials: in memory, on loopback, behind a password that nobody knows.
type embedded struct {
	m        *miniredis.Miniredis
	password string
	now      func() time.Time
	clients  sync.Map // of *server.Peer

	mu   sync.Mutex
	last time.Time // guarded by mu: until when keys have expired
}

func startEmbedded(now func() time.Time) (*embedded, error) {
	e := &embedded{m: miniredis.NewMiniRedis(), password: rand.Text(), now: now, last: now()}
	e.m.RequireAuth(e.password)
	e.m.SetTime(e.last)
	if err := e.m.Start(); err != nil {
		return nil, err
	}
	e.m.Server().SetPreHook(e.before)
	return e, nil
}

// before sets the clock to ours before each command of a client, so that scripts and expiries follow a clock that is
// passed in. What a script calls comes by here too, on a peer of its own and with the server locked: not then. A client
// is known by having logged in.
func (e *embedded) before(peer *server.Peer, command string, _ ...string) bool {
	switch command {
	case "AUTH", "HELLO":
		if _, known := e.clients.LoadOrStore(peer, true); !known {
			peer.OnDisconnect(func() { e.clients.Delete(peer) })
		}
	default:
		if _, client := e.clients.Load(peer); client {
			e.tick(expireEvery)
		}
	}
	return false
}

// tick sets the clock, and lets keys expire where the time since the last time is at least min.
func (e *embedded) tick(min time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	e.m.SetTime(now)
	switch passed := now.Sub(e.last); {
	case passed < 0:
		e.last = now // a clock set back expires nothing
	case passed >= min && passed > 0:
		e.m.FastForward(passed)
		e.last = now
	}
}

func (e *embedded) addr() string { return e.m.Addr() }
func (e *embedded) close()       { e.m.Close() }

// Tick brings the embedded store's clock and expiries to Options.Now at once. Each command does so too, expiries by the
// second; other modes have a clock of their own, and nothing happens.
func (s *Store) Tick() {
	if s.embedded != nil {
		s.embedded.tick(0)
	}
}
