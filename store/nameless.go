package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"aduan/internal/msisdn"
)

// idempotent is how long the answer to a request with an Idempotency-Key stands.
const idempotent = 24 * time.Hour

// Nameless is somebody in this shard who has no telephone: never seen, with a fresh data key and a name by chance.
func (s *Store) Nameless(shard int) (Citizen, error) {
	if shard < 0 || shard >= Shards {
		return Citizen{}, fmt.Errorf("there is no shard %d", shard)
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return s.newCitizen(CitizenID{Shard: shard, Hash: base64.RawURLEncoding.EncodeToString(b[:])}, msisdn.MSISDN{})
}

func requestKey(shard int, key string) string { return tag(shard) + "j:" + safe(key) }

// NoteRequest notes for 24 h what a request with this Idempotency-Key asks, and gives what was noted first. A request whose shard
// follows from its body needs it: the same key with another body may lead elsewhere, and must be known there.
func (s *Store) NoteRequest(ctx context.Context, shard int, key, fingerprint string) (first string, err error) {
	made, err := s.rdb.SetNX(ctx, requestKey(shard, key), fingerprint, idempotent).Result()
	if err != nil {
		return "", fmt.Errorf("note an idempotency key: %w", judge(err))
	}
	if made {
		return fingerprint, nil
	}
	first, err = s.rdb.Get(ctx, requestKey(shard, key)).Result()
	if errors.Is(err, redis.Nil) { // it ended just now
		return fingerprint, nil
	}
	if err != nil {
		return "", fmt.Errorf("read an idempotency key: %w", err)
	}
	return first, nil
}
