package store

import (
	"context"
	"errors"
	"fmt"
)

// TakeOver makes what a dead boot held due at once, and gives how many SMS that were. The boot's fence stands for the
// line, then in each shard before anything of that shard is touched: whatever it still tries is refused. It may be called
// again, and by several daemons at once; where a shard failed, the boot stays in the list and is found dead again.
func (s *Store) TakeOver(ctx context.Context, deadBoot string) (int, error) {
	if err := s.bury(ctx, deadBoot, false); err != nil {
		return 0, fmt.Errorf("fence boot %s: %w", deadBoot, err)
	}
	jobs := make([]*job, Shards)
	for shard := range Shards {
		jobs[shard] = s.lines.start(ctx, scriptTakeOver,
			[]string{fenceKey(shard), heldKey(shard, deadBoot), dueKey(shard)}, []any{deadBoot, fencesKept})
	}
	n := 0
	var errs []error
	for _, j := range jobs {
		reply, err := s.lines.wait1(ctx, j)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		held, _ := reply.(int64)
		n += int(held)
	}
	s.met.taken.Add(float64(n))
	if err := errors.Join(errs...); err != nil {
		return n, fmt.Errorf("take over from boot %s: %w", deadBoot, err)
	}
	s.boot.markDead(deadBoot)
	return n, s.bury(ctx, deadBoot, true)
}

func (s *Store) bury(ctx context.Context, boot string, done bool) error {
	_, err := s.lines.do(ctx, scriptBury, []string{bootsKey(), fencedKey()}, boot, fencesKept, flag(done))
	return err
}
