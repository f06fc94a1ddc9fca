package talk

import (
	"context"
	"sync"

	"aduan/internal/intake"
	"aduan/smpp"
)

// session stands for the connection that messages come by.
type session struct {
	id     string
	intake *intake.Intake

	mu      sync.Mutex // guards all below
	alive   bool
	waiting map[string]chan smpp.Status
	read    []*smpp.Delivery // acknowledged, not proven yet
}

func (s *session) expect(id string) <-chan smpp.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		s.waiting = map[string]chan smpp.Status{}
	}
	c := make(chan smpp.Status, 1)
	s.waiting[id] = c
	return c
}

// ID is the session's id.
func (s *session) ID() string { return s.id }

// Alive reports whether the connection stands.
func (s *session) Alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alive
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive, s.read = false, nil
}

// Probe finds that the peer has read everything: it always has.
func (s *session) Probe(context.Context) error {
	if !s.Alive() {
		return smpp.ErrSessionClosed
	}
	s.prove()
	return nil
}

func (s *session) prove() {
	s.mu.Lock()
	read := s.read
	s.read = nil
	s.mu.Unlock()
	s.intake.Proven(read)
}

// Respond is the answer to a delivery.
func (s *session) Respond(d *smpp.Delivery, status smpp.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status == smpp.StatusROK {
		s.read = append(s.read, d)
	}
	if c, ok := s.waiting[d.ID]; ok {
		delete(s.waiting, d.ID)
		c <- status
	}
}
