package redisd

import "syscall"

// Supported says that a child's end can be tied to ours on this system.
const Supported = true

var terminate = syscall.SIGTERM

// childAttr: the child gets SIGKILL when our thread ends (with appendfsync always nothing acknowledged is lost by
// it), and a process group of its own, so that Ctrl-C at a terminal reaches only us and we end it in order.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
