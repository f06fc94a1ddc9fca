package smpp

import (
	"errors"
	"fmt"
)

// What callers decide on, with errors.Is.
var (
	// ErrNotWritten: not a byte of the submit_sm went out, so trying again at once doubles nothing.
	ErrNotWritten = errors.New("smpp: not written")
	// ErrNoResponse: the submit_sm was written and its outcome is unknown.
	ErrNoResponse = errors.New("smpp: no response")
	// ErrSessionClosed: the session ended.
	ErrSessionClosed = errors.New("smpp: session closed")
	// ErrNotBound: the link has ended or is ending, so nothing can be submitted.
	ErrNotBound = errors.New("smpp: not bound")
)

// PDUError is a PDU whose body cannot be read, or a value that fits into none. It
// never repeats what the field held.
type PDUError struct {
	ID     CommandID
	Status Status // what such a request is answered with
	Field  string // the specification's name
	What   string
}

func (e *PDUError) Error() string {
	return fmt.Sprintf("smpp: %v: %s: %s (%v)", e.ID, e.Field, e.What, e.Status)
}

// FrameError is a command_length that cannot be believed; nothing after it can be read.
type FrameError struct {
	Length uint32
	Limit  int
	Seq    uint32 // of the header, where it can be believed, else 0
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("smpp: command_length %d is outside %d to %d: the rest of the stream cannot be read", e.Length, HeaderLen, e.Limit)
}

// BindError is the SMSC's refusal of a bind.
type BindError struct {
	Link   string
	Status Status
}

func (e *BindError) Error() string {
	return fmt.Sprintf("link %s: %v: %s", e.Link, e.Status, e.Status.Advice())
}
