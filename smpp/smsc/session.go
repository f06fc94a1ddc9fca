package smsc

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"aduan/smpp"
)

// state of a session (SMPP 3.4 §2.2).
type state int

const (
	stateOpen state = iota
	stateBound
	stateUnbinding // we have sent unbind
	stateEnding    // unbound; its last words are on their way
	stateClosed
)

func (s state) bound() bool { return s == stateBound || s == stateUnbinding }

// String names the state.
func (s state) String() string {
	return [...]string{"open", "bound", "unbinding", "ending", "closed"}[s]
}

const (
	maxQueued    = 4 << 20          // octets waiting for a reader that is slow: then we read no more from it
	writeTimeout = 30 * time.Second // for one write
	lingerAfter  = time.Second      // for our last words to be read
	maxSeq       = 0x7FFFFFFF
)

// Why a session ends by unbind. After unboundByUs nothing of ours waits to be read.
const (
	unboundByUs   = "unbound by the SMSC"
	unboundByESME = "unbound by the ESME"
)

// session is one connection: a reader and a writer.
type session struct {
	id     string
	srv    *Server
	conn   *conn
	opened time.Time
	done   chan struct{} // closed by drop
	kick   chan struct{} // octets wait

	// guarded by srv.mu
	state    state
	bind     smpp.CommandID
	systemID string
	seq      uint32
	window   map[uint32]*flight
	flights  []*flight         // in the order of their deadlines; the ended are skipped
	expired  map[uint32]*Entry // answers that come too late are noted still
	lastRead time.Time
	asked    time.Time // our enquire_link that is unanswered; zero: none
	unbindAt time.Time
	isDirty  bool

	wmu    sync.Mutex
	out    []byte // guarded by wmu
	ending bool   // guarded by wmu: close once out is written
	room   chan struct{}
}

func newSession(s *Server, nc net.Conn, id string) *session {
	now := time.Now()
	return &session{
		id: id, srv: s, conn: newConn(nc, &s.faults.pause), opened: now, lastRead: now,
		done: make(chan struct{}), kick: make(chan struct{}, 1), room: make(chan struct{}, 1),
		window: make(map[uint32]*flight), expired: make(map[uint32]*Entry),
	}
}

// serve reads until the connection ends, beside its writer.
func (c *session) serve() {
	var writer sync.WaitGroup
	writer.Go(c.write)
	why := c.read()
	c.srv.mu.Lock()
	c.srv.drop(c, why)
	c.srv.unlock()
	writer.Wait()
}

func (c *session) read() (why string) {
	frames := smpp.NewFrameReader(c.conn, 0)
	for {
		frame, err := frames.Next()
		if err != nil {
			return c.readFailed(frames, err)
		}
		if why := c.srv.handle(c, frame); why != "" {
			if why == unboundByUs {
				return why
			}
			c.finish()
			_ = c.conn.SetReadDeadline(time.Now().Add(lingerAfter))
			frames.Discard()
			return why
		}
		if !frames.Ready() {
			c.srv.mu.Lock()
			c.srv.unlock()
			c.waitRoom()
		}
	}
}

// readFailed answers a length that cannot be believed, after which nothing can be read.
func (c *session) readFailed(frames *smpp.FrameReader, err error) string {
	if errors.Is(err, io.EOF) {
		return "closed by the ESME"
	}
	bad, ok := errors.AsType[*smpp.FrameError](err)
	if !ok {
		return "connection lost"
	}
	c.srv.mu.Lock()
	c.send(smpp.AppendHeader(nil, smpp.CmdGenericNack, smpp.StatusRINVCMDLEN, bad.Seq))
	c.srv.unlock()
	c.finish()
	_ = c.conn.SetReadDeadline(time.Now().Add(lingerAfter))
	frames.Discard()
	return "a command_length that cannot be believed"
}

// send queues octets; mu is held, and unlock tells the writer.
func (c *session) send(pdu []byte) {
	c.wmu.Lock()
	c.out = append(c.out, pdu...)
	c.wmu.Unlock()
	c.touched()
}

func (c *session) touched() {
	if !c.isDirty {
		c.isDirty = true
		c.srv.dirty = append(c.srv.dirty, c)
	}
}

// finish closes our side once everything queued is written.
func (c *session) finish() {
	c.wmu.Lock()
	c.ending = true
	c.wmu.Unlock()
	poke(c.kick)
}

// waitRoom holds up a reader whose peer does not read.
func (c *session) waitRoom() {
	for {
		c.wmu.Lock()
		full := len(c.out) > maxQueued
		c.wmu.Unlock()
		if !full {
			return
		}
		select {
		case <-c.room:
		case <-c.done:
			return
		}
	}
}

// write puts what is queued on the wire, as much as there is in one go.
func (c *session) write() {
	var buf []byte
	for {
		select {
		case <-c.kick:
		case <-c.done:
			return
		}
		c.srv.glue(c.done)
		for {
			c.wmu.Lock()
			buf, c.out = c.out, buf[:0]
			ending := c.ending
			c.wmu.Unlock()
			if len(buf) == 0 {
				if ending {
					c.conn.closeWrite()
				}
				break
			}
			_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if err := c.put(buf); err != nil {
				c.srv.mu.Lock()
				c.srv.drop(c, "connection lost")
				c.srv.unlock()
				return
			}
			poke(c.room)
		}
	}
}

// nextSeq runs from 1 to 0x7FFFFFFF and passes over those still waited for.
func (c *session) nextSeq() uint32 {
	for {
		c.seq++
		if c.seq > maxSeq {
			c.seq = 1
		}
		if _, busy := c.window[c.seq]; !busy {
			return c.seq
		}
	}
}

// sendPDU queues a PDU under a new sequence number.
func (c *session) sendPDU(pdu []byte) (seq uint32) {
	seq = c.nextSeq()
	c.wmu.Lock()
	at := len(c.out)
	c.out = append(c.out, pdu...)
	binary.BigEndian.PutUint32(c.out[at+12:], seq)
	c.wmu.Unlock()
	c.touched()
	return seq
}

// checkDeadlines ends what has waited too long, and asks those that are silent.
func (s *Server) checkDeadlines(now time.Time) {
	for _, c := range slices.Clone(s.sessions) {
		s.expire(c, now)
		limit := s.o.ResponseTimeout
		switch {
		case c.state == stateOpen && now.Sub(c.opened) > limit && now.Sub(c.lastRead) > limit:
			s.drop(c, "no bind in time")
		case c.state == stateUnbinding && now.Sub(c.unbindAt) > limit:
			s.drop(c, "no unbind_resp in time")
		case !c.asked.IsZero() && now.Sub(c.asked) > limit:
			s.drop(c, "no enquire_link_resp in time")
		case c.state == stateBound && c.asked.IsZero() && s.o.EnquireLink > 0 && now.Sub(c.lastRead) >= s.o.EnquireLink:
			c.asked = now
			c.sendPDU(smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 0))
		}
	}
}

// UnbindLinks sends unbind on every bound session and returns on how many; a
// session ends with the ESME's unbind_resp.
func (s *Server) UnbindLinks() int {
	s.mu.Lock()
	defer s.unlock()
	n := 0
	for _, c := range s.sessions {
		if c.state == stateBound {
			c.state, c.unbindAt = stateUnbinding, time.Now()
			c.sendPDU(smpp.AppendHeader(nil, smpp.CmdUnbind, 0, 0))
			s.o.Log.Info("unbind sent", zap.String("session", c.id))
			n++
		}
	}
	return n
}
