package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/redis/go-redis/v9"
)

// Scopes are what an API key may be allowed to do.
var Scopes = []string{"tickets:read", "tickets:write", "pii:read", "operate", "admin"}

const (
	keyPrefix   = "aduan_"
	rotateGrace = 24 * time.Hour // how long the secret before stands beside a new one
	keyIDSize   = 12             // letters and digits
	keyRetries  = 5              // a key changed by two at once is changed again
)

// ErrNoKey: no such key, or it has expired or was revoked. Which of these is not told.
var ErrNoKey = errors.New("the API key is not valid")

// APIKey is who may use the HTTP API, and for what. The secret itself is not kept.
type APIKey struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"` // stands in a ticket's history
	Scopes   []string  `json:"scopes"`
	Agency   string    `json:"agency,omitempty"` // sees only this agency's tickets; empty: all
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	Revoked  bool      `json:"revoked,omitempty"`
	LastUsed time.Time `json:"-"` // to the minute; zero: never
	OldUntil time.Time `json:"-"` // until then the secret before the last rotation is valid too; zero: there is none
}

// Allows reports whether the key has a scope.
func (k APIKey) Allows(scope string) bool { return slices.Contains(k.Scopes, scope) }

// storedKey is a key as it stands in Redis. The secrets have 256 bits: a plain SHA-256 of them cannot be reversed.
type storedKey struct {
	APIKey
	V     int       `json:"v"`
	Hash  []byte    `json:"hash"`
	Old   []byte    `json:"old,omitempty"`     // the secret before the last rotation
	Until time.Time `json:"oldUntil,omitzero"` // until when it stands
	Made  string    `json:"made,omitempty"`    // fingerprint of the request that made it
}

func keyUseKey() string { return lineTag + "keyuse" }

// Prefix is how the key's secrets begin: it tells them apart and gives nothing away.
func (k APIKey) Prefix() string { return keyPrefix + k.ID + "_" }

// Refusals of a change to the keys.
var (
	// ErrKeyRevoked: the key was revoked, and gets no new secret.
	ErrKeyRevoked = fmt.Errorf("it was revoked; make a new one: %w", ErrNoKey)
	// ErrKeyMisused: the same request came before with other content.
	ErrKeyMisused = errors.New("the idempotency key was used with another request")
)

// KeyInvalid says which field of a new key is wrong.
type KeyInvalid struct{ Field, Reason string }

func (e *KeyInvalid) Error() string { return "API key: " + e.Field + ": " + e.Reason }

// KeyChange says who changes the keys, for the audit trail, and makes a change safe to send again.
type KeyChange struct {
	By   string // id of the key that does it, or AuditCLI
	From string // its address
	// Once names the request, and Fingerprint its content: the same again gives the same secret, which is not kept but made
	// from it with the line's own key. Empty: a new secret each time.
	Once, Fingerprint string
}

func (c KeyChange) record(action, id string) *redis.XAddArgs {
	a := Audit{KeyID: c.By, Action: action, From: c.From, Ref: id}
	return &redis.XAddArgs{Stream: auditKey(LineChain), Values: []any{"a", a.encode()}}
}

// AddKey makes a key by a command of this machine, and gives its secret, which is not kept and cannot be shown again.
func (s *Store) AddKey(ctx context.Context, k APIKey) (secret string, err error) {
	_, secret, err = s.MakeKey(ctx, k, KeyChange{By: AuditCLI})
	return secret, err
}

// MakeKey makes a key, and gives it with its secret.
func (s *Store) MakeKey(ctx context.Context, k APIKey, c KeyChange) (APIKey, string, error) {
	now := s.opt.Now().UTC()
	if k.Created.IsZero() {
		k.Created = now
	}
	k.Name = strings.TrimSpace(k.Name)
	if err := k.check(now); err != nil {
		return APIKey{}, "", err
	}
	k.ID, k.Revoked = strings.ToLower(rand.Text())[:keyIDSize], false
	if c.Once != "" {
		k.ID = s.keys.madeID(c.Once)
	}
	secret := s.newSecret(k.ID, c)
	fresh := storedKey{APIKey: k, V: 1, Hash: hashSecret(secret), Made: c.Fingerprint}
	b, err := json.Marshal(fresh)
	if err != nil {
		return APIKey{}, "", err
	}
	taken := errors.New("API key: its id is taken; try again")
	err = s.watchKeys(ctx, func(tx *redis.Tx) error {
		stands, err := readKey(ctx, tx, k.ID)
		switch {
		case err == nil && c.Once != "" && stands.Made == c.Fingerprint:
			k = stands.APIKey // the same request again: the same answer
			return nil
		case err == nil && c.Once != "":
			return ErrKeyMisused
		case err == nil:
			return taken
		case !errors.Is(err, ErrNotFound):
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, apiKeysKey(), k.ID, b)
			p.XAdd(ctx, c.record(AuditKeyAdd, k.ID))
			return nil
		})
		return err
	})
	if err != nil {
		return APIKey{}, "", fmt.Errorf("API key: %w", err)
	}
	return k, secret, nil
}

// check says what is wrong with a key that is to be made.
func (k APIKey) check(now time.Time) error {
	if k.Name == "" || len(k.Name) > 100 || strings.IndexFunc(k.Name, unicode.IsControl) >= 0 {
		return &KeyInvalid{"name", "it must have 1 to 100 bytes, none of them a control character: it stands in the history of tickets"}
	}
	if len(k.Scopes) == 0 {
		return &KeyInvalid{"scopes", "it has none; give some of " + strings.Join(Scopes, ", ")}
	}
	for i, scope := range k.Scopes {
		if !slices.Contains(Scopes, scope) || slices.Contains(k.Scopes[:i], scope) {
			return &KeyInvalid{"scopes", "each must be one of " + strings.Join(Scopes, ", ") + ", and none twice"}
		}
	}
	if len(k.Agency) > 100 {
		return &KeyInvalid{"agency", "its name has more than 100 bytes"}
	}
	if !k.Expires.IsZero() && !k.Expires.After(now) {
		return &KeyInvalid{"expires", "it would have expired already; give a later end"}
	}
	return nil
}

// newSecret makes a secret for the key id: of chance, or of the request that asks for it.
func (s *Store) newSecret(id string, c KeyChange) string {
	var b [32]byte
	if c.Once == "" {
		_, _ = rand.Read(b[:]) // never fails
	} else {
		b = s.keys.madeSecret(id, c.Once)
	}
	return keyPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(b[:])
}

func hashSecret(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// FindKey gives the key that a secret belongs to. ErrNoKey where none is valid; any other error: the store could not tell.
func (s *Store) FindKey(ctx context.Context, secret string) (APIKey, error) {
	rest, ok := strings.CutPrefix(secret, keyPrefix)
	id, _, ok2 := strings.Cut(rest, "_")
	if !ok || !ok2 || len(id) != keyIDSize || len(secret) > 200 {
		return APIKey{}, ErrNoKey
	}
	k, err := readKey(ctx, s.rdb, id)
	if errors.Is(err, ErrNotFound) {
		return APIKey{}, ErrNoKey
	}
	if err != nil {
		return APIKey{}, err
	}
	now, hash := s.opt.Now(), hashSecret(secret)
	current := subtle.ConstantTimeCompare(hash, k.Hash) == 1
	before := subtle.ConstantTimeCompare(hash, k.Old) == 1 && now.Before(k.Until)
	if (!current && !before) || k.Revoked || (!k.Expires.IsZero() && !now.Before(k.Expires)) {
		return APIKey{}, ErrNoKey
	}
	s.noteUse(ctx, id, now)
	return k.APIKey, nil
}

// noteUse keeps when a key was last used, to the minute. That it fails once is no reason to refuse the key.
func (s *Store) noteUse(ctx context.Context, id string, now time.Time) {
	minute := now.UTC().Truncate(time.Minute)
	mark := id + minute.Format(time.RFC3339)
	s.manager.mu.Lock()
	known := s.usedKeys[mark]
	if !known {
		if s.usedKeys == nil || len(s.usedKeys) > 1000 {
			s.usedKeys = map[string]bool{}
		}
		s.usedKeys[mark] = true
	}
	s.manager.mu.Unlock()
	if !known {
		_ = s.rdb.HSet(ctx, keyUseKey(), id, minute.Format(time.RFC3339)).Err()
	}
}

// ListKeys gives all keys, the oldest first, without secrets.
func (s *Store) ListKeys(ctx context.Context) ([]APIKey, error) {
	all, err := s.rdb.HGetAll(ctx, apiKeysKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	used, err := s.rdb.HGetAll(ctx, keyUseKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	keys := make([]APIKey, 0, len(all))
	for id, b := range all {
		k, err := decodeKey(id, b)
		if err != nil {
			return nil, err
		}
		k.LastUsed, _ = time.Parse(time.RFC3339, used[id])
		k.OldUntil = k.Until
		keys = append(keys, k.APIKey)
	}
	slices.SortFunc(keys, func(a, b APIKey) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return keys, nil
}

// RevokeKey ends a key by a command of this machine.
func (s *Store) RevokeKey(ctx context.Context, id string) error {
	return s.Revoke(ctx, id, KeyChange{By: AuditCLI})
}

// Revoke ends a key at once, everywhere: each request looks its key up. ErrNotFound where there is none.
func (s *Store) Revoke(ctx context.Context, id string, c KeyChange) error {
	return s.changeKey(ctx, id, c.record(AuditKeyRevoke, id), func(k *storedKey) (bool, error) {
		done := k.Revoked
		k.Revoked, k.Old, k.Until = true, nil, time.Time{}
		return !done, nil
	})
}

// EndOldSecret ends the secret before the last rotation at once, which else stands for 24 h.
func (s *Store) EndOldSecret(ctx context.Context, id string, c KeyChange) error {
	return s.changeKey(ctx, id, c.record(AuditKeyRevoke, id+" old"), func(k *storedKey) (bool, error) {
		had := len(k.Old) > 0
		k.Old, k.Until = nil, time.Time{}
		return had, nil
	})
}

// RotateKey gives a key a new secret by a command of this machine.
func (s *Store) RotateKey(ctx context.Context, id string) (secret string, err error) {
	_, secret, err = s.Rotate(ctx, id, KeyChange{By: AuditCLI})
	return secret, err
}

// Rotate gives a key a new secret. The one before stands for another 24 h, so that both sides need not change at the same
// moment. ErrNotFound where there is none, ErrKeyRevoked where it was revoked.
func (s *Store) Rotate(ctx context.Context, id string, c KeyChange) (k APIKey, secret string, err error) {
	secret = s.newSecret(id, c)
	hash := hashSecret(secret)
	err = s.changeKey(ctx, id, c.record(AuditKeyRotate, id), func(stands *storedKey) (bool, error) {
		if stands.Revoked {
			return false, ErrKeyRevoked
		}
		again := c.Once != "" && (bytes.Equal(stands.Hash, hash) || bytes.Equal(stands.Old, hash))
		if !again {
			stands.Old, stands.Until, stands.Hash = stands.Hash, s.opt.Now().UTC().Add(rotateGrace), hash
		}
		k = stands.APIKey
		k.OldUntil = stands.Until
		return !again, nil
	})
	if err != nil {
		return APIKey{}, "", err
	}
	return k, secret, nil
}

// changeKey changes a key as it stands, and writes that down; change says whether there is anything to do.
func (s *Store) changeKey(ctx context.Context, id string, record *redis.XAddArgs, change func(*storedKey) (bool, error)) error {
	err := s.watchKeys(ctx, func(tx *redis.Tx) error {
		k, err := readKey(ctx, tx, id)
		if err != nil {
			return err
		}
		changed, err := change(&k)
		if err != nil || !changed {
			return err
		}
		b, err := json.Marshal(k)
		if err != nil {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, apiKeysKey(), id, b)
			p.XAdd(ctx, record)
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("change API key %s: %w", id, err)
	}
	return nil
}

// watchKeys does something to the keys as they stand, again where another changed them meanwhile.
func (s *Store) watchKeys(ctx context.Context, do func(*redis.Tx) error) error {
	var err error
	for range keyRetries {
		if err = s.rdb.Watch(ctx, do, apiKeysKey()); !errors.Is(err, redis.TxFailedErr) {
			return err
		}
	}
	return err
}

func readKey(ctx context.Context, c redis.Cmdable, id string) (storedKey, error) {
	b, err := c.HGet(ctx, apiKeysKey(), id).Result()
	if errors.Is(err, redis.Nil) {
		return storedKey{}, fmt.Errorf("API key: %w", ErrNotFound)
	}
	if err != nil {
		return storedKey{}, fmt.Errorf("read the API keys: %w", err)
	}
	return decodeKey(id, b)
}

func decodeKey(id, b string) (storedKey, error) {
	var k storedKey
	if err := json.Unmarshal([]byte(b), &k); err != nil || k.ID != id || len(k.Hash) != sha256.Size {
		return k, damaged(apiKeysKey(), id, errors.New("it is no API key"))
	}
	return k, nil
}
