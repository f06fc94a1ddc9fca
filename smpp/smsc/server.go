package smsc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"aduan/smpp"
)

// Server is the simulated SMSC. Its methods may be called from any goroutine,
// before, during and after Run.
type Server struct {
	o Options // immutable

	mu        sync.Mutex // guards all below; taken before a session's wmu
	phones    map[string]*Phone
	sessions  []*session // all connections, in the order of their coming
	bound     int
	next      int        // where the next delivery looks for a session
	dirty     []*session // have octets that their writer was not told of
	lanes     []*lane    // ready to send, first come first served
	timers    timerHeap
	journal   journal
	faults    faults
	events    []Event
	count     uint64 // numbers of journal, outgoing messages, timers
	sessionNo int
	changed   signal // a session bound or ended
	counts    map[smpp.CommandID]int
	counted   signal // one of counts rose
	dice      *rand.Rand

	wake   chan struct{} // an earlier timer
	notify chan struct{} // events wait
}

// New makes a server; it delivers once Run is called.
func New(o Options) *Server {
	o = o.withDefaults()
	return &Server{
		o:       o,
		phones:  make(map[string]*Phone),
		journal: journal{limit: o.JournalLimit},
		wake:    make(chan struct{}, 1),
		notify:  make(chan struct{}, 1),
		counts:  make(map[smpp.CommandID]int),
		dice:    rand.New(rand.NewPCG(o.Seed, 0)),
		faults:  faults{submitDelay: o.SubmitDelay, bindDelay: o.BindDelay},
	}
}

// Run serves connections until ctx ends; then it unbinds its sessions and closes
// them and ln.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	if s.o.TLS != nil {
		ln = tls.NewListener(ln, s.o.TLS)
	}
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var own errgroup.Group // timers and events outlive the sessions
	own.Go(func() error { s.runTimers(inner); return nil })
	own.Go(func() error { s.runEvents(inner); return nil })

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error {
		<-ctx.Done()
		_ = ln.Close()
		s.shutdown()
		return nil
	})
	err := s.accept(ctx, ln, &g)
	if ctx.Err() != nil {
		err = nil // asked to end
	}
	cancel()
	_ = g.Wait()
	stop()
	_ = own.Wait()
	if err != nil {
		return fmt.Errorf("smsc: accept: %w", err)
	}
	return nil
}

func (s *Server) accept(ctx context.Context, ln net.Listener, g *errgroup.Group) error {
	for {
		conn, err := ln.Accept()
		if err != nil {
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				continue
			}
			return err
		}
		s.mu.Lock()
		s.sessionNo++
		c := newSession(s, conn, "smsc-"+strconv.Itoa(s.sessionNo))
		late := ctx.Err() != nil
		if !late {
			s.sessions = append(s.sessions, c)
			if s.faults.outbind {
				c.send(outbind(s.o.Name))
			}
		}
		s.unlock()
		if late {
			_ = conn.Close()
			continue
		}
		g.Go(func() error { c.serve(); return nil })
	}
}

// shutdown unbinds what is bound, waits for the answers, and closes.
func (s *Server) shutdown() {
	s.UnbindLinks()
	deadline := time.NewTimer(s.o.ShutdownTimeout)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		left, changed := s.bound, s.changed.wait()
		s.mu.Unlock()
		if left == 0 {
			break
		}
		select {
		case <-changed:
			continue
		case <-deadline.C:
		}
		break
	}
	s.mu.Lock()
	for _, c := range slices.Clone(s.sessions) {
		s.drop(c, "shut down")
	}
	for _, c := range s.faults.holes {
		c.fill()
	}
	s.unlock()
}

// unlock lets go of mu and tells the writers what the holder left for them.
func (s *Server) unlock() {
	dirty := s.dirty
	s.dirty = nil
	for _, c := range dirty {
		c.isDirty = false
	}
	events := len(s.events) > 0
	s.mu.Unlock()
	for _, c := range dirty {
		poke(c.kick)
	}
	if events {
		poke(s.notify)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Phone is the telephone with a number in E.164 digits without '+'; it is made
// at first sight.
func (s *Server) Phone(number string) *Phone {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phone(strings.TrimPrefix(number, "+"))
}

func (s *Server) phone(number string) *Phone {
	p, ok := s.phones[number]
	if !ok {
		p = newPhone(s, number)
		s.phones[number] = p
	}
	return p
}

// Sessions is how many sessions are bound.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound
}

// WaitBound waits until at least n sessions are bound.
func (s *Server) WaitBound(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		bound, changed := s.bound, s.changed.wait()
		s.mu.Unlock()
		if bound >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("smsc: %d of %d sessions bound: %w", bound, n, context.Cause(ctx))
		case <-changed:
		}
	}
}

// drop ends a session at once: what it carried is delivered again elsewhere.
// mu is held. It may be called twice.
func (s *Server) drop(c *session, why string) {
	if c.state == stateClosed {
		return
	}
	s.release(c, why)
	c.state = stateClosed
	s.sessions = slices.DeleteFunc(s.sessions, func(x *session) bool { return x == c })
	s.changed.fire()
	close(c.done)
	_ = c.conn.Close()
	s.dispatch()
}

// release makes a session one that is bound no more; its last words may be on
// their way still.
func (s *Server) release(c *session, why string) {
	if !c.state.bound() {
		return
	}
	c.state = stateEnding
	s.bound--
	s.emit(Event{Kind: EventUnbound, Session: c.id, SystemID: c.systemID, Bind: c.bind, Reason: why, Sessions: s.bound})
	s.o.Log.Info("session ended", zap.String("session", c.id), zap.String("reason", why))
	s.changed.fire()
	s.giveBack(c)
	s.dispatch()
}

// tally notes a PDU for those who wait for a number of them; mu is held.
func (s *Server) tally(id smpp.CommandID) {
	s.counts[id]++
	s.counted.fire()
}

// nextNumber orders everything that happens here.
func (s *Server) nextNumber() uint64 {
	s.count++
	return s.count
}

// receives says whether the session takes deliver_sm now.
func (c *session) receives() bool {
	return c.state == stateBound && c.bind != smpp.CmdBindTransmitter
}
