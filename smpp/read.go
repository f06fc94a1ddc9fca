package smpp

import (
	"errors"
	"io"
	"time"

	"go.uber.org/zap"
)

// A reader that was kept from reading for longer than stalled finds octets that
// may have come at any time since. They are taken to be as old as they can be, until
// one read had to wait, so that nothing old is left, or backlog has passed.
const (
	stalled = 250 * time.Millisecond
	waited  = time.Millisecond
	backlog = time.Second
)

// arrivals dates what is read.
type arrivals struct {
	last  time.Time // when the last read ended: all that had been read had come by then
	old   time.Time // what is read now may have come as early as this
	until time.Time // no longer than until then
}

// date is when the octets came that a read from begin to end brought.
func (a *arrivals) date(begin, end time.Time) time.Time {
	if begin.Sub(a.last) > stalled && !begin.Before(a.until) {
		a.old, a.until = a.last, begin.Add(backlog)
	}
	a.last = end
	if end.Sub(begin) >= waited {
		a.until = time.Time{}
	}
	if begin.Before(a.until) {
		return a.old
	}
	return end
}

// read cuts the stream into frames and leaves them with the owner, all that one
// read from the network brought at once.
func (s *Session) read() {
	var batch []incoming
	dates := arrivals{last: time.Now()}
	var at time.Time // when what the last read brought had come
	for {
		buffered := s.frames.Ready()
		var begin time.Time
		if !buffered {
			begin = time.Now()
		}
		frame, err := s.frames.Next()
		if err != nil {
			s.readFailed(err, batch)
			return
		}
		s.tapped(false, frame)
		if !buffered {
			at = dates.date(begin, time.Now())
		}
		batch = append(batch, incoming{frame: frame, at: at})
		if s.frames.Ready() {
			continue
		}
		full := s.box.putFrames(batch)
		clear(batch)
		batch = batch[:0]
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
