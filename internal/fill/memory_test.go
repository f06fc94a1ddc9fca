package fill_test

import (
	"strconv"
	"strings"
	"testing"

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
