package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"aduan/internal/telemetry"
	"aduan/smpp"
)

// Link is what can be listened to; *smpp.Link is one.
type Link interface {
	Tap(see smpp.Tap) (stop func())
}

// Options of a [Server].
type Options struct {
	Dir    string // where the socket stands: store.data_dir
	Link   func(name string) (Link, bool)
	Names  func() []string // of all links, for who asked for another
	Keep   func() []string // addresses that are the line's own: not blanked; nil: none
	Permit func(ctx context.Context, key string) (who string, err error)
	// Profiles tells whether profiles of the daemon may be taken; nil: never.
	Profiles func() bool
	Version  string
	Now      func() time.Time // nil: time.Now
	Log      *zap.Logger
}

const (
	maxCaptures  = 4                // at once: each may hold maxOctets
	askWithin    = 5 * time.Second  // for the request
	writeWithin  = 10 * time.Second // a tool that reads nothing for so long is gone
	lookForLinks = time.Second      // whether a link was made anew by a changed configuration
)

// Server gives captures to tools over a unix socket, which only the daemon's own user and root may use.
type Server struct {
	o    Options
	room chan struct{}
}

// NewServer makes a server; it listens in Run.
func NewServer(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return &Server{o: o, room: make(chan struct{}, maxCaptures)}
}

// Run serves until ctx ends; captures under way are closed in order. Where the socket cannot be made, that is logged and
// nobody can capture: the line goes on without.
func (s *Server) Run(ctx context.Context) error {
	path := socket(s.o.Dir, os.Getpid())
	ln, err := listen(s.o.Dir, path)
	if err != nil {
		s.o.Log.Warn("no captures can be taken: the socket cannot be made", zap.Error(err))
		<-ctx.Done()
		return nil
	}
	var all sync.WaitGroup
	unblock := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer unblock()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				select { // no file descriptors: they may come back
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
				continue
			}
			break
		}
		all.Go(func() { s.serve(ctx, conn.(*net.UnixConn)) })
	}
	all.Wait()
	_ = os.Remove(path)
	return nil
}

// listen makes the socket with mode 0600 from its first moment, in the place of one that a dead daemon left.
func listen(dir, path string) (*net.UnixListener, error) {
	forgotten, err := filepath.Glob(filepath.Join(dir, "aduan-*.sock"))
	if err != nil {
		return nil, err
	}
	for _, old := range forgotten {
		conn, err := net.Dial("unix", old)
		switch {
		case err == nil:
			_ = conn.Close()
		case errors.Is(err, syscall.ECONNREFUSED): // nobody listens, and nobody will
			_ = os.Remove(old)
		}
	}
	private, err := os.MkdirTemp(dir, ".s") // 0700
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(private) }()
	made := filepath.Join(private, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // it is moved
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// serve answers one tool.
func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(askWithin))
	r := bufio.NewReaderSize(conn, maxLine)
	var req Request
	if err := readLine(r, &req); err != nil {
		return // a look whether somebody listens, or no tool of ours
	}
	_ = conn.SetReadDeadline(time.Time{})
	select {
	case s.room <- struct{}{}:
		defer func() { <-s.room }()
	default:
		s.refuse(conn, "busy", fmt.Sprintf("%d captures are under way; end one first", maxCaptures))
		return
	}
	if req.Profile != "" {
		s.profile(ctx, conn, r, req)
		return
	}
	link, ok := s.o.Link(req.Link)
	if !ok {
		s.refuse(conn, "no_link", fmt.Sprintf("%q; there are %s", req.Link, strings.Join(s.o.Names(), ", ")))
		return
	}
	who, err := s.permitted(ctx, req)
	if err != nil {
		s.refuse(conn, "not_permitted", err.Error())
		return
	}
	if req.For < 0 {
		s.refuse(conn, "asked", "a time below zero")
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(writeWithin))
	if err := writeLine(conn, answer{OK: true}); err != nil {
		return
	}
	ended := make(chan struct{})
	go func() { // ends when the tool ends its side, or serve closes the connection
		defer close(ended)
		_, _ = r.ReadByte()
	}()
	s.record(ctx, conn, req, link, who, ended)
	_ = conn.Close()
	<-ended
}

// permitted says who asks for what is unredacted.
func (s *Server) permitted(ctx context.Context, req Request) (who string, err error) {
	if !req.Unredacted {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	who, err = s.o.Permit(ctx, req.Key)
	if err != nil {
		s.o.Log.Warn("an unredacted capture was refused", zap.String(telemetry.KeyLink, req.Link), zap.Error(err))
	}
	return who, err
}

func (s *Server) refuse(conn *net.UnixConn, code, text string) {
	_ = conn.SetWriteDeadline(time.Now().Add(writeWithin))
	_ = writeLine(conn, answer{Code: code, Error: text})
}

// patient writes with a deadline for each block.
type patient struct{ *net.UnixConn }

func (p patient) Write(b []byte) (int, error) {
	_ = p.SetWriteDeadline(time.Now().Add(writeWithin))
	return p.UnixConn.Write(b)
}

// record taps the link until it is to end, and writes what it hears.
func (s *Server) record(ctx context.Context, conn *net.UnixConn, req Request, link Link, who string, ended <-chan struct{}) {
	log := s.o.Log.With(zap.String(telemetry.KeyLink, req.Link))
	log.Info("a capture begins", zap.Bool("unredacted", req.Unredacted), zap.String(telemetry.KeyKeyID, who), zap.Duration("for", req.For))
	began := s.o.Now()
	w, err := NewWriter(patient{conn}, About{Link: req.Link, Version: s.o.Version, Began: began, Comment: comment(req)})
	if err != nil {
		return
	}
	t := &take{s: s, name: req.Link, link: link, rec: NewRecorder(), w: w, blank: Blank{Unredacted: req.Unredacted}}
	if s.o.Keep != nil {
		t.blank.Keep = s.o.Keep()
	}
	why, err := t.run(ctx, req.For, ended)
	sum := Summary{PDUs: w.PDUs(), Dropped: t.rec.Dropped(), Why: why}
	if err == nil {
		err = w.Close(s.o.Now(), sum)
	}
	log.Info("a capture ends", zap.String(telemetry.KeyReason, why), zap.Uint64("pdus", sum.PDUs), zap.Uint64("dropped", sum.Dropped), zap.Error(err))
}

func comment(req Request) string {
	text := "The PDUs of link " + req.Link + ", recorded by its daemon; Ethernet, IP and TCP around them are made up, and TLS is taken off. "
	if req.Unredacted {
		return text + "Unredacted: telephone numbers and texts of citizens stand in it; passwords are blanked."
	}
	return text + "Telephone numbers, texts and passwords are blanked, at the same length."
}

// take is one capture under way.
type take struct {
	s     *Server
	name  string
	link  Link
	rec   *Recorder
	w     *Writer
	blank Blank
}

// run records until it is over, and says why.
func (t *take) run(ctx context.Context, limit time.Duration, ended <-chan struct{}) (why string, err error) {
	untap := t.link.Tap(t.rec.Tap)
	defer func() { untap() }()
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	look := time.NewTicker(lookForLinks)
	defer look.Stop()
	for why == "" && err == nil {
		select {
		case p := <-t.rec.Waiting():
			err = t.write(p)
		case <-over:
			why = "its time is over"
		case <-ended:
			why = "asked to end"
		case <-ctx.Done():
			why = "the daemon stops"
		case <-look.C:
			switch now, ok := t.s.o.Link(t.name); {
			case !ok:
				why = "the link was taken out of the configuration"
			case now != t.link:
				untap()
				t.link, untap = now, now.Tap(t.rec.Tap)
			}
		}
	}
	if err != nil {
		return "the tool went away", err
	}
	untap() // twice does no harm
	return why, t.drain()
}

// drain writes what was heard before the end.
func (t *take) drain() error {
	for {
		select {
		case p := <-t.rec.Waiting():
			if err := t.write(p); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (t *take) write(p smpp.Tapped) error {
	defer t.rec.Took(p)
	one := p
	for rest := p.Octets; len(rest) > 0; {
		one.Octets, rest = cut(rest)
		t.blank.PDU(one.Octets)
		if err := t.w.PDU(one); err != nil {
			return err
		}
	}
	return nil
}
