package store

import (
	"errors"
	"fmt"
)

// What callers decide on.
var (
	// ErrNotKept: surely nothing was written. The SMSC keeps the message and sends it again.
	ErrNotKept = errors.New("not kept")
	// ErrUnknown: the answer was lost; the turn may stand. Only a redelivery, or the same Turn again, can tell.
	ErrUnknown = errors.New("kept or not: the store's answer was lost")
	// ErrNotFound: no such ticket, citizen, message or key.
	ErrNotFound = errors.New("not found")
	// ErrDamaged: a stored value does not match its checksum, or does not open. Nothing is repaired unasked.
	ErrDamaged = errors.New("a stored value is damaged")
	// ErrFenced: this boot no longer holds what it speaks of; another took it over.
	ErrFenced = errors.New("fenced off: another daemon took over")
	// ErrLate: the deadline had passed in Redis's own time; nothing was written.
	ErrLate = errors.New("too late: nothing was written")
	// ErrTaken: the serial of a new ticket, or the id of an SMS, stands already; nothing was written, and it must not be used again.
	ErrTaken = errors.New("a number was given twice")
	// ErrErased: the citizen was erased, and what is asked for went with it.
	ErrErased = errors.New("the citizen was erased")
	// ErrCursor: the cursor points before the oldest event kept, or is none of ours.
	ErrCursor = errors.New("the cursor is older than the events kept, or not one of ours")
)

// damaged names the place, never the content.
func damaged(key, field string, why error) error {
	return fmt.Errorf("%w: %s, field %s: %w; compare it with a backup", ErrDamaged, key, field, why)
}

func notKept(cause error) error { return fmt.Errorf("%w: %w", ErrNotKept, cause) }

func unknown(cause error) error { return fmt.Errorf("%w: %w", ErrUnknown, cause) }

// hurt counts a damaged value, and hands the error on.
func (s *Store) hurt(err error) error {
	if errors.Is(err, ErrDamaged) {
		s.met.damaged.Inc()
	}
	return err
}
