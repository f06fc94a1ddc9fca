package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"aduan/configs"
	"aduan/store"
)

// filesFew is the number of file descriptors below which the log warns: the store's connections, the links, the
// listener's and a dozen files need a few hundred on a busy day.
const filesFew = 1024

// httpPlaces is how many connections of the listener are taken at once: so few that links and store keep theirs.
func httpPlaces(files uint64) int {
	if files == 0 || files > 4*httpMost {
		return httpMost
	}
	return max(int(files/4), 4)
}

// httpMost is the usual bound.
const httpMost = 1024

// memoryPart is how much of a cgroup's memory the daemon's heap may take: a managed redis-server lives in the same one.
func memoryPart(mode store.Mode) float64 {
	if mode == store.ModeManaged {
		return 0.4
	}
	return 0.85
}

// limitMemory sets the heap's soft limit, which is GOMEMLIMIT where that is set, and says what it is and whence. 0: none.
func limitMemory(cfg *configs.Config, flag string) (limit int64, from string, err error) {
	switch {
	case flag != "":
		if limit, err = readSize(flag); err != nil {
			return 0, "", withCode(exitUsage, fmt.Errorf("--memory-limit: %w", err))
		}
		if limit == 0 {
			limit = math.MaxInt64
		}
		debug.SetMemoryLimit(limit)
		from = "--memory-limit"
	case os.Getenv("GOMEMLIMIT") != "":
		limit, from = debug.SetMemoryLimit(-1), "GOMEMLIMIT"
	default:
		whole := cgroupMemory("/proc/self/cgroup", "/sys/fs/cgroup")
		if whole == 0 {
			return 0, "", nil
		}
		limit, from = int64(float64(whole)*memoryPart(storeMode(cfg))), "cgroup"
		debug.SetMemoryLimit(limit)
	}
	if limit == math.MaxInt64 {
		limit = 0
	}
	return limit, from, nil
}

// cgroupMemory is the smallest memory limit of the process's cgroup and those above it, in octets; 0: there is none.
func cgroupMemory(self, root string) int64 {
	b, err := os.ReadFile(self)
	if err != nil {
		return 0
	}
	least := int64(0)
	note := func(file string) {
		v, err := os.ReadFile(file)
		if err != nil {
			return
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(v)), 10, 64)
		if err == nil && n > 0 && n < 1<<60 && (least == 0 || n < least) { // "max", or version 1's huge number: none
			least = n
		}
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, file := root, "memory.max"
		switch {
		case parts[1] == "memory":
			base, file = filepath.Join(root, "memory"), "memory.limit_in_bytes"
		case parts[1] != "":
			continue
		}
		for path := filepath.Clean("/" + parts[2]); ; path = filepath.Dir(path) {
			note(filepath.Join(base, path, file))
			if path == "/" {
				break
			}
		}
	}
	return least
}

// readSize reads 512MiB, 2GiB, 0.
func readSize(s string) (int64, error) {
	number, unit := s, int64(1)
	for suffix, octets := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			number, unit = n, octets
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is no size; write it as 256MiB or 2GiB, or 0 for none", s)
	}
	return n * unit, nil
}

// sayLimits tells the log what the process may use.
func sayLimits(log *zap.Logger, files uint64, memory int64, from string) {
	if files > 0 && files < filesFew {
		log.Warn("few file descriptors: raise LimitNOFILE in the unit, or ulimit -n", zap.Uint64("files", files))
	}
	log.Info("what this process may use", zap.Uint64("files", files), zap.Int64("memory", memory), zap.String("memory_from", from))
}
