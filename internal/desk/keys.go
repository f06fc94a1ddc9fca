package desk

import (
	"encoding/json"
	"errors"
	"time"
)

// ErrMoreThanOwn: a key would give what it has not itself: a scope, another agency, a later end.
var ErrMoreThanOwn = errors.New("desk: a key gives no more than it has itself")

// ErrKeyRevoked: the API key was revoked: it gets no new secret.
var ErrKeyRevoked = errors.New("desk: the API key was revoked: make a new one")

// KeyView is an API key as it is listed, without its secret.
type KeyView struct {
	ID       string     `json:"id"`
	Prefix   string     `json:"prefix" doc:"How its secret begins, to tell it from others" example:"aduan_k7f3q9z1x2c4_"`
	Name     string     `json:"name" doc:"Who uses it: stands in the history of tickets"`
	Scopes   []string   `json:"scopes" nullable:"false"`
	Agency   string     `json:"agency" doc:"The one agency whose tickets it sees; empty: all"`
	State    string     `json:"state" enum:"valid,expired,revoked"`
	Created  time.Time  `json:"created"`
	Expires  *time.Time `json:"expires" nullable:"true" doc:"null: never"`
	LastUsed *time.Time `json:"last_used" nullable:"true" doc:"To the minute; null: never"`
	OldUntil *time.Time `json:"old_until" nullable:"true" doc:"While it is rotated: until when the secret before is valid too; null: there is one secret"`
}

// MarshalJSON never writes null for the scopes.
func (k KeyView) MarshalJSON() ([]byte, error) {
	type plain KeyView
	k.Scopes = notNil(k.Scopes)
	return json.Marshal(plain(k))
}

// NewKeyRequest makes an API key.
type NewKeyRequest struct {
	Viewer      Viewer
	Name        string
	Scopes      []string
	Agency      string // empty: the viewer's own
	Expires     time.Time
	Idempotency *Idempotency
}

// KeyRequest changes one API key.
type KeyRequest struct {
	Viewer      Viewer
	ID          string
	Idempotency *Idempotency
}
