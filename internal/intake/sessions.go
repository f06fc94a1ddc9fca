package intake

import (
	"strings"
	"sync"

	"aduan/smpp"
)

// unprovableKept bounds how many deliveries are remembered whose
// acknowledgement can never settle a mark.
const unprovableKept = 10_000

// SessionBoot is the boot in a session's id ("boot.link.count").
func SessionBoot(session string) string {
	boot, _, _ := strings.Cut(session, ".")
	return boot
}

// sessions knows which sessions that marks name are alive, which are dead, and
// which deliveries were not acknowledged in time.
type sessions struct {
	keeper interface{ BootDead(bootID string) bool }

	mu    sync.Mutex // guards all below
	live  map[string]smpp.Carrier
	boots map[string]bool // boots of this process, the present and earlier ones
	never map[string]bool // deliveries that no proof can settle
	order []string        // of never, oldest first
}

func newSessions(keeper interface{ BootDead(bootID string) bool }) *sessions {
	return &sessions{keeper: keeper, live: map[string]smpp.Carrier{}, boots: map[string]bool{}, never: map[string]bool{}}
}

// seen notes the session that a delivery came by, and the boot it came to.
func (s *sessions) seen(c smpp.Carrier, boot string) {
	id := c.ID()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boots[boot] = true
	s.boots[SessionBoot(id)] = true
	if _, ok := s.live[id]; !ok && c.Alive() {
		s.live[id] = c
	}
}

func (s *sessions) closed(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, id)
}

// carrier is a live session of this process, nil for any other.
func (s *sessions) carrier(id string) smpp.Carrier {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.live[id]; ok && c.Alive() {
		return c
	}
	return nil
}

// dead reports whether a session is known to have ended: one of this process
// that is not live any more, or one of a boot that is dead. Of another living
// daemon's sessions nothing is known.
func (s *sessions) dead(id string) bool {
	boot := SessionBoot(id)
	s.mu.Lock()
	c, live := s.live[id]
	ours := s.boots[boot]
	s.mu.Unlock()
	if live {
		return !c.Alive()
	}
	return ours || s.keeper.BootDead(boot)
}

// unprovable notes a delivery that was answered late, or not with ESME_ROK.
func (s *sessions) unprovable(delivery string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.never[delivery] {
		return
	}
	s.never[delivery] = true
	s.order = append(s.order, delivery)
	if len(s.order) > unprovableKept {
		delete(s.never, s.order[0])
		s.order = s.order[1:]
	}
}

func (s *sessions) isUnprovable(delivery string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.never[delivery]
}
