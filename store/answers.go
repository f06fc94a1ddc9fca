package store

import (
	"context"
	"fmt"
)

// FirstAnswer reads what a request with an idempotency key was answered; false where there was none in 24 h.
func (s *Store) FirstAnswer(ctx context.Context, shard int, key string) (Idempotency, bool, error) {
	name := idempotencyKey(shard, key)
	v, err := s.rdb.HMGet(ctx, name, "fp", "a").Result()
	if err != nil {
		return Idempotency{}, false, fmt.Errorf("read the answer to an earlier request: %w", err)
	}
	f := asStrings(v)
	if f[0] == "" {
		return Idempotency{}, false, nil
	}
	answer, err := decodePlain(name, "a", []byte(f[1]))
	if err != nil {
		return Idempotency{}, false, err
	}
	return Idempotency{Key: key, Fingerprint: f[0], Answer: answer}, true, nil
}
