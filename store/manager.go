package store

import (
	"sync"
	"sync/atomic"
)

// schemaVersion is the form of the data. A store written by a newer one is left alone.
//
// 1: a ticket is a hash, an SMS too. 2: open tickets are listed, what nothing happens to rests in one string. A daemon of
// this version reads and writes both, and the store takes form 2 once no daemon of an older version lives.
const schemaVersion = 2

// scriptSerial and scriptProbe are the manager's own scripts.
var (
	scriptSerial = loadScript("serial", true)
	scriptProbe  = loadScript("probe", true)
)

// manager is what stands around the data: the server behind the client, the serials, what is promised and whether it is kept.
type manager struct {
	// immutable after Open
	gate     *gate
	serials  *serials
	child    *managed  // managed mode only
	embedded *embedded // embedded mode only
	way      *roads    // behind sentinels only

	again     atomic.Bool // a connection is new: look at the server again
	running   atomic.Bool
	cautioned atomic.Bool             // the log has told of aof-load-truncated
	kept      atomic.Bool             // turns were kept since the age was counted up
	younger   atomic.Pointer[Younger] // the store knows less than this line has told; nil: it does not
	indexed   atomic.Bool             // every open ticket stands in the index
	elected   atomic.Int64            // how many replicas could be promoted, as sentinels or the cluster told last
	known     histories               // of masters

	mu       sync.Mutex
	promise  string          // guarded by mu
	trouble  string          // guarded by mu: why the server cannot be used at the moment; "": it can
	usedKeys map[string]bool // guarded by mu: API keys whose use was noted this minute
}

// Promise says in one sentence what the store's settings give.
func (s *Store) Promise() string {
	s.manager.mu.Lock()
	defer s.manager.mu.Unlock()
	return s.manager.promise
}

// Health reports whether messages can be kept at this moment, and why not. Where they can, reason may still tell what a
// person must look at.
func (s *Store) Health() (ok bool, reason string) {
	shut, younger := s.gate.why(), s.younger.Load()
	s.manager.mu.Lock()
	defer s.manager.mu.Unlock()
	switch {
	case s.manager.trouble != "":
		return false, s.manager.trouble
	case shut != "":
		return false, shut
	case younger != nil:
		return true, younger.String()
	}
	return true, ""
}

func (m *manager) setTrouble(trouble string) (changed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed = m.trouble != trouble
	m.trouble = trouble
	return changed
}

// setPromise notes the promise, and tells what it was before.
func (m *manager) setPromise(p string) (before string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, m.promise = m.promise, p
	return before
}
