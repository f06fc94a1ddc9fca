// Package storemodel is an in-memory model of package store, for tests of
// intake, turn, sender and timers on virtual time (testing/synctest), where no
// Redis can be.
//
//	Redis: what stands ◀── script ── Store (a daemon) ◀── intake, turn, sender
//	   clock of its own      │
//	   (jumps)               ├─ latency before and after
//	                         ├─ stopped: scripts run when it goes on
//	                         ├─ gone: refused at once
//	                         └─ the answer lost; the script run now or later
//
// It keeps the rules of store/lua/*.lua, each function named after its script.
// What it leaves out: sealing, checksums, events' text. No lock is held while
// anything waits.
//
// Start with [New], [Redis.Daemon] and [Redis.Lose].
package storemodel
