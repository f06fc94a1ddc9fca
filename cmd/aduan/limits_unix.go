//go:build unix

package main

import (
	"fmt"
	"syscall"
)

// raiseFiles raises the soft limit of file descriptors to the hard one, and says how many there are.
func raiseFiles() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of file descriptors: %w", err)
	}
	if limit.Cur < limit.Max {
		raised := syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err == nil { // else what there is must do
			limit = raised
		}
	}
	return limit.Cur, nil
}
