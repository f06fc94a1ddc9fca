package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// How long people stay signed in to the console, and how long a link to it stands.
const (
	SessionIdle  = 30 * time.Minute // without a request
	SessionMax   = 12 * time.Hour   // since the sign-in
	LoginLinkFor = 10 * time.Minute

	sessionTouch = time.Minute // a session that is used is written again so often
	maxToken     = 64          // octets
)

// Only hashes of the tokens stand in Redis: 256 bits of chance cannot be found again from them.
func sessionKey(token string) string {
	return lineTag + "session:" + hex.EncodeToString(hashSecret(token))
}

func loginLinkKey(token string) string {
	return lineTag + "login:" + hex.EncodeToString(hashSecret(token))
}

// storedSession is a session, or a link to begin one, as it stands in Redis.
type storedSession struct {
	V       int       `json:"v"`
	Key     string    `json:"key"` // id of the API key whose scopes and agency it has
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"` // to the minute
}

func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// KeyByID gives a key that is valid. ErrNoKey where it has expired or was revoked, or there is none.
func (s *Store) KeyByID(ctx context.Context, id string) (APIKey, error) {
	k, err := readKey(ctx, s.rdb, id)
	if errors.Is(err, ErrNotFound) {
		return APIKey{}, ErrNoKey
	}
	if err != nil {
		return APIKey{}, err
	}
	if k.Revoked || (!k.Expires.IsZero() && !s.opt.Now().Before(k.Expires)) {
		return APIKey{}, ErrNoKey
	}
	return k.APIKey, nil
}

// AddLoginLink gives a token with which somebody may sign in to the console once, within LoginLinkFor, with a key's rights.
func (s *Store) AddLoginLink(ctx context.Context, keyID string) (token string, err error) {
	if _, err := s.KeyByID(ctx, keyID); err != nil {
		return "", fmt.Errorf("link to the console: key %s: %w", keyID, err)
	}
	token = newToken()
	if err := s.putSession(ctx, loginLinkKey(token), keyID, LoginLinkFor); err != nil {
		return "", fmt.Errorf("link to the console: %w", err)
	}
	return token, nil
}

// UseLoginLink takes such a token, which is worth nothing from then on. ErrNoKey: it was used, has expired, or its key has.
func (s *Store) UseLoginLink(ctx context.Context, token string) (APIKey, error) {
	if token == "" || len(token) > maxToken {
		return APIKey{}, ErrNoKey
	}
	b, err := s.rdb.GetDel(ctx, loginLinkKey(token)).Bytes()
	if errors.Is(err, redis.Nil) {
		return APIKey{}, ErrNoKey
	}
	if err != nil {
		return APIKey{}, fmt.Errorf("use a link to the console: %w", err)
	}
	var l storedSession
	if err := json.Unmarshal(b, &l); err != nil || l.V != 1 {
		return APIKey{}, ErrNoKey
	}
	if now := s.opt.Now(); !now.Before(l.Created.Add(LoginLinkFor)) {
		return APIKey{}, ErrNoKey
	}
	return s.KeyByID(ctx, l.Key)
}

// AddSession begins a session with a key's rights.
func (s *Store) AddSession(ctx context.Context, keyID string) (token string, err error) {
	token = newToken()
	if err := s.putSession(ctx, sessionKey(token), keyID, SessionIdle); err != nil {
		return "", fmt.Errorf("begin a session: %w", err)
	}
	return token, nil
}

func (s *Store) putSession(ctx context.Context, at, keyID string, lasts time.Duration) error {
	now := s.opt.Now().UTC()
	b, err := json.Marshal(storedSession{V: 1, Key: keyID, Created: now, Seen: now})
	if err != nil {
		return err
	}
	return s.rdb.Set(ctx, at, b, lasts).Err()
}

// FindSession gives the key of a session, which is used by that. ErrNoKey: it was ended, stood idle for too long, lasted too
// long, or its key is not valid any more.
func (s *Store) FindSession(ctx context.Context, token string) (APIKey, error) {
	k, v, err := s.session(ctx, token)
	if err != nil {
		return APIKey{}, err
	}
	if now := s.opt.Now().UTC(); now.Sub(v.Seen) >= sessionTouch {
		v.Seen = now
		s.touch(ctx, sessionKey(token), v)
		s.noteUse(ctx, k.ID, now)
	}
	return k, nil
}

// PeekSession is FindSession for a page that asks by itself: the session is not used by that.
func (s *Store) PeekSession(ctx context.Context, token string) (APIKey, error) {
	k, _, err := s.session(ctx, token)
	return k, err
}

func (s *Store) session(ctx context.Context, token string) (k APIKey, v storedSession, err error) {
	if token == "" || len(token) > maxToken {
		return k, v, ErrNoKey
	}
	b, err := s.rdb.Get(ctx, sessionKey(token)).Bytes()
	if errors.Is(err, redis.Nil) {
		return k, v, ErrNoKey
	}
	if err != nil {
		return k, v, fmt.Errorf("find a session: %w", err)
	}
	now := s.opt.Now()
	if err := json.Unmarshal(b, &v); err != nil || v.V != 1 || !now.Before(v.Seen.Add(SessionIdle)) || !now.Before(v.Created.Add(SessionMax)) {
		return k, v, ErrNoKey
	}
	k, err = s.KeyByID(ctx, v.Key)
	return k, v, err
}

// touch notes that a session is used. One that was ended meanwhile stays ended (XX); that it fails once ends none.
func (s *Store) touch(ctx context.Context, at string, v storedSession) {
	b, err := json.Marshal(v)
	if err != nil {
		return
	}
	lasts := min(SessionIdle, v.Created.Add(SessionMax).Sub(v.Seen))
	_ = s.rdb.SetXX(ctx, at, b, lasts).Err()
}

// EndSession ends a session everywhere at once. One that has ended already is no error.
func (s *Store) EndSession(ctx context.Context, token string) error {
	if token == "" || len(token) > maxToken {
		return nil
	}
	if err := s.rdb.Del(ctx, sessionKey(token)).Err(); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}
