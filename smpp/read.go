package smpp

import (
	"errors"
	"io"
	"time"

	"go.uber.org/zap"
)

// stalled is how long the reader may have been kept from reading before a
// PDU's arrival is taken to be older than its reading.
const stalled = 250 * time.Millisecond

// read cuts the stream into frames and leaves them with the owner, all that one
// read from the network brought at once.
func (s *Session) read() {
	var batch []incoming
	last := time.Now() // the octets read until now had come by then
	for {
		at := time.Now()
		waited := at.Sub(last) > stalled
		frame, err := s.frames.Next()
		if err != nil {
			s.readFailed(err, batch)
			return
		}
		if !waited {
			last = time.Now()
		} // else it may have come as early as the last read ended
		batch = append(batch, incoming{frame: frame, at: last})
		if s.frames.Ready() {
			continue
		}
		full := s.box.putFrames(batch)
		clear(batch)
		batch = batch[:0]
		if waited {
			last = time.Now()
		}
		if full {
			select {
			case <-s.box.space:
			case <-s.quit:
				return
			}
		}
	}
}

func (s *Session) readFailed(err error, batch []incoming) {
	var bad *FrameError
	if !errors.As(err, &bad) {
		s.dead.Store(true)
	}
	s.box.putFrames(batch)
	s.box.put(func(m *mail) { m.readErr = err })
	if bad != nil {
		s.frames.Discard()
	}
}

// readEnded is told to the owner behind all frames that came before.
func (s *Session) readEnded(err error) {
	var bad *FrameError
	switch {
	case s.dropped.Load():
		s.end = errDropped
	case errors.As(err, &bad):
		s.o.Metrics.fault(s.o.Name, faultFrame)
		s.log.Warn("command_length cannot be believed", zap.Uint32("length", bad.Length))
		s.write(CmdGenericNack, StatusRINVCMDLEN, bad.Seq)
		s.end, s.linger = err, true
	case s.leaving.sent:
		s.end = errUnbound
	case errors.Is(err, io.EOF):
		s.end = errPeerLeft
	default:
		s.end = err
	}
}
