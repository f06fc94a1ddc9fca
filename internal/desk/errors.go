package desk

import (
	"errors"
	"fmt"
)

// Errors that callers decide on. None of them repeats what was sent.
var (
	// ErrNotFound: no such ticket or message, or it is another agency's; the two look alike on purpose.
	ErrNotFound = errors.New("desk: not found")
	// ErrClosed: the ticket is closed; only "reopened" is taken.
	ErrClosed = errors.New("desk: the ticket is closed: reopen it first")
	// ErrErased: the citizen's data were erased; the ticket takes nothing more.
	ErrErased = errors.New("desk: the citizen's data were erased")
	// ErrKeyMisused: the Idempotency-Key was used with another body.
	ErrKeyMisused = errors.New("desk: the idempotency key belongs to another body")
	// ErrUnavailable: it surely was not kept, or whether it was is not known; send it again with the same Idempotency-Key.
	ErrUnavailable = errors.New("desk: the store cannot keep it now: try again")
)

// TooLong is the refusal of an SMS that takes more segments than the request allows.
type TooLong struct {
	Segments int // what it would take
	Max      int // what was allowed
}

func (e *TooLong) Error() string {
	return fmt.Sprintf("desk: the SMS takes %d segments, %d are allowed: shorten it or raise max_segments", e.Segments, e.Max)
}

// Invalid is the refusal of a field whose value the line does not know.
type Invalid struct {
	Field  string // its name in the body
	Reason string // constant words, never the value
}

func (e *Invalid) Error() string { return fmt.Sprintf("desk: %s: %s", e.Field, e.Reason) }
