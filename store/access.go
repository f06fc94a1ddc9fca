package store

import (
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
}

// Allows reports whether the key has a scope.
func (k APIKey) Allows(scope string) bool { return slices.Contains(k.Scopes, scope) }

// storedKey is a key as it stands in Redis. The secrets have 256 bits: a plain SHA-256 of them cannot be reversed.
type storedKey struct {
	APIKey
	V        int       `json:"v"`
	Hash     []byte    `json:"hash"`
	Old      []byte    `json:"old,omitempty"`     // the secret before the last rotation
	OldUntil time.Time `json:"oldUntil,omitzero"` // until when it stands
}

func keyUseKey() string { return lineTag + "keyuse" }

// AddKey makes a key and gives its secret, which is not kept and cannot be shown again.
func (s *Store) AddKey(ctx context.Context, k APIKey) (secret string, err error) {
	k.Name = strings.TrimSpace(k.Name)
	if k.Name == "" || len(k.Name) > 100 {
		return "", errors.New("API key: its name must have 1 to 100 bytes: it stands in the history of tickets")
	}
	if len(k.Scopes) == 0 {
		return "", fmt.Errorf("API key: it has no scope; give some of %s", strings.Join(Scopes, ", "))
	}
	for _, scope := range k.Scopes {
		if !slices.Contains(Scopes, scope) {
			return "", fmt.Errorf("API key: there is no scope %q; there are %s", scope, strings.Join(Scopes, ", "))
		}
	}
	now := s.opt.Now().UTC()
	if k.Created.IsZero() {
		k.Created = now
	}
	if !k.Expires.IsZero() && !k.Expires.After(now) {
		return "", errors.New("API key: it would have expired already; give a later end")
	}
	k.ID, k.Revoked = strings.ToLower(rand.Text())[:keyIDSize], false
	secret, hash := newSecret(k.ID)
	b, err := json.Marshal(storedKey{APIKey: k, V: 1, Hash: hash})
	if err != nil {
		return "", err
	}
	created, err := s.rdb.HSetNX(ctx, apiKeysKey(), k.ID, b).Result()
	if err != nil {
		return "", fmt.Errorf("API key: %w", err)
	}
	if !created {
		return "", errors.New("API key: its id is taken; try again")
	}
	return secret, nil
}

// newSecret makes a secret for the key id, and the hash that is kept.
func newSecret(id string) (secret string, hash []byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	secret = keyPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(b[:])
	return secret, hashSecret(secret)
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
	before := subtle.ConstantTimeCompare(hash, k.Old) == 1 && now.Before(k.OldUntil)
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

// RevokeKey ends a key at once, everywhere. ErrNotFound where there is none.
func (s *Store) RevokeKey(ctx context.Context, id string) error {
	return s.changeKey(ctx, id, func(k *storedKey) error {
		k.Revoked, k.Old, k.OldUntil = true, nil, time.Time{}
		return nil
	})
}

// RotateKey gives a key a new secret. The one before stands for another 24 h, so that both sides need not change at the
// same moment; to end it at once, revoke the key. ErrNotFound where there is none, ErrNoKey where it was revoked.
func (s *Store) RotateKey(ctx context.Context, id string) (secret string, err error) {
	secret, hash := newSecret(id)
	err = s.changeKey(ctx, id, func(k *storedKey) error {
		if k.Revoked {
			return fmt.Errorf("API key %s was revoked; make a new one: %w", id, ErrNoKey)
		}
		k.Old, k.OldUntil, k.Hash = k.Hash, s.opt.Now().UTC().Add(rotateGrace), hash
		return nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// changeKey changes a key as it stands, again where another changed it meanwhile.
func (s *Store) changeKey(ctx context.Context, id string, change func(*storedKey) error) error {
	var err error
	for range keyRetries {
		err = s.rdb.Watch(ctx, func(tx *redis.Tx) error {
			k, err := readKey(ctx, tx, id)
			if err != nil {
				return err
			}
			if err := change(&k); err != nil {
				return err
			}
			b, err := json.Marshal(k)
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.HSet(ctx, apiKeysKey(), id, b)
				return nil
			})
			return err
		}, apiKeysKey())
		if !errors.Is(err, redis.TxFailedErr) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("change API key %s: %w", id, err)
	}
	return nil
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
