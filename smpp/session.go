package smpp

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Session is one bound TCP connection. One goroutine owns it: it alone decides,
// writes, and calls the Handler; another only reads and cuts frames.
type Session struct {
	// immutable
	id     string
	o      *LinkOptions // with its defaults
	bindAs CommandID
	conn   net.Conn
	frames *FrameReader
	log    *zap.Logger
	box    *mailbox
	quit   chan struct{} // closed when the owner takes no more mail

	onBound func()     // called by the owner when the bind is accepted
	onEnd   func()     // called by the owner before anybody learns that the session ended
	held    func() int // places of the window that are taken
	taps    *taps      // the link's; who listens
	pulse   *pulse     // the link's

	// shared
	dead    atomic.Bool  // the connection is known to be closed
	dropped atomic.Bool  // what was read is not to be handed on
	status  atomic.Int32 // the owner's state, for others to see
	counts  struct{ inHand, outstanding atomic.Int32 }

	// owner only
	state     State
	now       time.Time // when this turn of the loop began
	mail      mail
	timer     *time.Timer
	timerAt   time.Time
	wbuf      []byte
	pos       uint64 // PDUs written so far
	out       outstanding
	proof     proof
	submits   []*request // to be written when the turn ends
	enquiries int        // enquire_link outstanding
	enquired  uint64     // place of the last of them
	heard     time.Time  // when the last PDU came
	count     uint64     // deliveries so far
	inHand    int        // deliveries that wait for their answer
	receipts  int        // of these
	leaving   leaving
	end       error // why the loop is to end
	linger    bool  // the peer is to read what was written last
	series    instruments
}

var (
	errDropped  = errors.New("dropped")
	errPeerLeft = errors.New("the SMSC closed the connection")
	errUnbound  = errors.New("unbound")
)

func newSession(o *LinkOptions, id string, bindAs CommandID, conn net.Conn) *Session {
	return &Session{
		id: id, o: o, bindAs: bindAs, conn: conn,
		frames:  NewFrameReader(conn, o.MaxPDU),
		log:     o.Log.With(zap.String("link", o.Name), zap.String("session", id)),
		box:     newMailbox(),
		quit:    make(chan struct{}),
		onBound: func() {},
		onEnd:   func() {},
		held:    func() int { return 0 },
		taps:    new(taps),
		pulse:   new(pulse),
		out:     outstanding{bySeq: make(map[uint32]*request)},
		proof:   proof{ackWithin: o.AckWithin},
		series:  newInstruments(),
	}
}

// ID names the session.
func (s *Session) ID() string { return s.id }

// Alive is false from the moment the connection is known to be closed.
func (s *Session) Alive() bool { return !s.dead.Load() }

// State is where the session stands.
func (s *Session) State() State { return State(s.status.Load()) }

func (s *Session) setState(st State) {
	s.state = st
	s.status.Store(int32(st))
}

// drop closes the connection at once. What was read and not handed on yet is
// forgotten, and what was not written stays so.
func (s *Session) drop() {
	s.dropped.Store(true)
	s.dead.Store(true)
	_ = s.conn.Close()
	s.box.signal()
}

// run binds and serves until the connection or, after draining, ctx ends. It
// returns why; both goroutines have ended by then.
func (s *Session) run(ctx context.Context) error {
	s.now = time.Now()
	s.heard = s.now
	s.timer = time.NewTimer(s.o.ResponseTimeout)
	s.timerAt = s.now.Add(s.o.ResponseTimeout)
	defer s.timer.Stop()
	// A write that hangs when the shutdown begins must not outlast it.
	unhang := context.AfterFunc(ctx, func() {
		_ = s.conn.SetWriteDeadline(time.Now().Add(min(s.o.ResponseTimeout, s.o.ShutdownWithin())))
	})
	defer unhang()
	var reader sync.WaitGroup
	reader.Go(s.read)
	s.sendBind()
	s.flush()
	stop := ctx.Done()
	for s.end == nil {
		select {
		case <-s.box.wake:
		case <-s.timer.C:
			s.timerAt = time.Time{}
		case <-stop:
			stop = nil
			s.drain()
		}
		s.turn()
	}
	s.close(&reader)
	return s.end
}

// What one write gathers is bounded, so that nothing waits long for others.
const (
	maxCoalesced = 64 << 10 // octets
	maxTakes     = 4        // looks into the mailbox
)

// turn handles all that there is, and writes what came of it at once.
func (s *Session) turn() {
	takes := 0
	for s.now = time.Now(); s.end == nil && s.box.take(&s.mail); s.now = time.Now() {
		s.takeMail()
		if takes++; takes == maxTakes || len(s.wbuf) >= maxCoalesced {
			s.box.signal() // there may be more: the next turn's
			break
		}
	}
	if s.end == nil {
		s.keepTime()
		s.leaveIfIdle()
	}
	s.flush()
	s.armTimer()
}

func (s *Session) takeMail() {
	s.submits = append(s.submits, s.mail.submits...)
	for _, a := range s.mail.answers {
		s.answer(a.delivery, a.status)
	}
	for _, f := range s.mail.frames {
		if s.dropped.Load() {
			s.end = errDropped
			return
		}
		s.handle(f)
		if s.end != nil {
			return
		}
	}
	if len(s.mail.probes) > 0 {
		// All began before this moment, so one enquire_link answers them all.
		s.enquire(slices.Clone(s.mail.probes))
		s.mail.probes = s.mail.probes[:0]
	}
	if err := s.mail.readErr; err != nil {
		s.readEnded(err)
	}
}

// close ends the connection, then all who wait for it.
func (s *Session) close(reader *sync.WaitGroup) {
	close(s.quit)
	s.dead.Store(true)
	s.onEnd()
	if s.linger && !s.dropped.Load() {
		s.lingerUntilRead(reader)
	}
	_ = s.conn.Close()
	reader.Wait()
	s.setState(StateClosed)
	rest := s.box.close()
	reason := joinReason(ErrSessionClosed, s.end)
	for _, r := range append(s.submits, rest.submits...) {
		if r.progress.CompareAndSwap(requestQueued, requestTaken) {
			r.end(outcome{err: joinReason(ErrNotWritten, reason)})
		}
	}
	probes := append(s.mail.probes, rest.probes...)
	for _, r := range s.out.takeAll() {
		r.end(outcome{err: joinReason(ErrNoResponse, reason)})
		probes = append(probes, r.probes...)
	}
	for _, p := range probes {
		p.done <- reason
	}
	s.counts.outstanding.Store(0)
	s.counts.inHand.Store(0)
	s.guard(CmdUnbind, func() { s.o.Handler.SessionClosed(s.id) })
}

// lingerUntilRead lets the peer read our last words: closing a socket with
// unread octets resets it, and what was on its way is lost.
func (s *Session) lingerUntilRead(reader *sync.WaitGroup) {
	half, ok := s.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = s.conn.SetReadDeadline(time.Now().Add(min(time.Second, s.o.ResponseTimeout)))
	reader.Wait()
}

// guard keeps a panic of a consumer, or of the codec, to the PDU that caused it.
func (s *Session) guard(id CommandID, f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			ok = false
			s.o.Metrics.fault(s.o.Name, faultPanic)
			s.log.Error("panic while handling a PDU", zap.Stringer("command", id), zap.Stack("stack"))
		}
	}()
	f()
	return true
}
