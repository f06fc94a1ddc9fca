package store

import (
	"context"
	"fmt"
)

// KeptCount is how much of a citizen's content was kept for staff because no ticket took it.
func (s *Store) KeptCount(ctx context.Context, id CitizenID) (int, error) {
	n, err := s.rdb.LLen(ctx, keptKey(id)).Result()
	if err != nil {
		return 0, fmt.Errorf("count what is kept of citizen %s: %w", id, err)
	}
	return int(n), nil
}
