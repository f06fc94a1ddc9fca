package store

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/redis/go-redis/v9"
)

// statusFor is how long what a daemon said of itself stands. It says it each second.
const statusFor = 5 * time.Second

func statusesKey() string { return lineTag + "statuses" }

// PutStatus notes what only a daemon knows (its links) for `aduan status`. It goes when it is not renewed for 5 s.
func (s *Store) PutStatus(ctx context.Context, boot string, json []byte) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.SAdd(ctx, statusesKey(), boot)
		p.Set(ctx, statusKey(boot), json, statusFor)
		return nil
	})
	if err != nil {
		return fmt.Errorf("note the status: %w", err)
	}
	return nil
}

// DropStatus takes a status away: its daemon ends.
func (s *Store) DropStatus(ctx context.Context, boot string) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.SRem(ctx, statusesKey(), boot)
		p.Del(ctx, statusKey(boot))
		return nil
	})
	if err != nil {
		return fmt.Errorf("take the status away: %w", err)
	}
	return nil
}

// Statuses gives what each living daemon said of itself, by boot.
func (s *Store) Statuses(ctx context.Context) (map[string][]byte, error) {
	boots, err := s.rdb.SMembers(ctx, statusesKey()).Result()
	if err != nil {
		return nil, fmt.Errorf("read the statuses: %w", err)
	}
	sort.Strings(boots)
	out := make(map[string][]byte, len(boots))
	for _, boot := range boots {
		b, err := s.rdb.Get(ctx, statusKey(boot)).Bytes()
		switch {
		case errors.Is(err, redis.Nil):
			if err := s.rdb.SRem(ctx, statusesKey(), boot).Err(); err != nil {
				return nil, fmt.Errorf("read the statuses: %w", err)
			}
		case err != nil:
			return nil, fmt.Errorf("read the statuses: %w", err)
		default:
			out[boot] = b
		}
	}
	return out, nil
}
