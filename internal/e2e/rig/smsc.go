package rig

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"aduan/internal/testenv"
	"aduan/smpp/smsc"
)

// SMSC is the simulator on a TCP port of its own that stays the same when it is stopped and started again.
type SMSC struct {
	*smsc.Server
	t    testing.TB
	addr string

	mu    sync.Mutex
	stop  context.CancelFunc // guarded by mu; nil while it is down
	ended chan error
}

// StartSMSC starts a simulator that knows the rig's login. Its response timer is twice the links' ack_within and more,
// its pauses are short, unless o says otherwise.
func StartSMSC(t testing.TB, o smsc.Options) *SMSC {
	t.Helper()
	if o.SystemID == "" {
		o.SystemID, o.Password = SystemID, Password
	}
	if o.ResponseTimeout == 0 {
		o.ResponseTimeout = 3 * time.Second
	}
	if o.RetryMin == 0 {
		o.RetryMin, o.RetryMax = 50*time.Millisecond, 500*time.Millisecond
	}
	if o.Window == 0 {
		o.Window = 50
	}
	if o.ShutdownTimeout == 0 {
		o.ShutdownTimeout = 500 * time.Millisecond
	}
	s := &SMSC{Server: smsc.New(o), t: t, addr: testenv.FreeAddr(t)}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Addr is where the daemon binds.
func (s *SMSC) Addr() string { return s.addr }

// Start listens (again). What telephones have sent meanwhile is delivered.
func (s *SMSC) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return
	}
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatalf("rig: the simulator: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, ln) }() // Stop waits for it
	s.stop, s.ended = stop, ended
}

// Stop unbinds its sessions and closes the port.
func (s *SMSC) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop == nil {
		return
	}
	s.stop()
	if err := <-s.ended; err != nil {
		s.t.Errorf("rig: the simulator: %v", err)
	}
	s.stop = nil
}
