//go:build !linux

package redisd

import (
	"os"
	"syscall"
)

// Supported says that a child's end can be tied to ours on this system: it cannot, outside tests.
const Supported = false

var terminate = os.Interrupt

func childAttr() *syscall.SysProcAttr { return nil }
