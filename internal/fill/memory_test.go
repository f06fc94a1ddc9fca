package fill_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"aduan/store/storetest"
)

// memory is what Redis uses for its data.
func memory(t testing.TB, r *storetest.Redis) int64 {
	t.Helper()
	info, err := r.Client().Info(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("INFO has no used_memory")
	return 0
}

// spent is what Redis spends on keys of each kind, by MEMORY USAGE, and how many there are.
func spent(t testing.TB, r *storetest.Redis) (octets, keys map[string]int64) {
	t.Helper()
	octets, keys = map[string]int64{}, map[string]int64{}
	c, ctx := r.Client(), t.Context()
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		list, next, err := c.Scan(ctx, cursor, "*", 1000).Result()
		if err != nil {
			t.Fatal(err)
		}
		cursor = next
		pipe := c.Pipeline()
		sizes := make([]*redis.IntCmd, len(list))
		for i, key := range list {
			sizes[i] = pipe.MemoryUsage(ctx, key, 0)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
		for i, key := range list {
			_, kind, _ := strings.Cut(key, ":")
			kind, _, _ = strings.Cut(kind, ":")
			octets[kind] += sizes[i].Val()
			keys[kind]++
		}
	}
	return octets, keys
}
