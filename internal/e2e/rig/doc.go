// Package rig is what the end-to-end tests stand on: the real binary, a real redis-server, a simulated SMSC, networks
// between them that fail on command, and the audit that ends every test of a fault.
//
//	telephones ── SMSC ══ TCP (Proxy) ══ Daemon (a process) ══ TCP (Proxy) ══ redis-server (a process)
//	    │          │ journal                │ log, /metrics                        │ all keys
//	    └──────────┴────────────── Audit ───┴──────────────────────────────────────┘
//
// The promise kept here: no process outlives its test, and nothing is judged by what the daemon says of itself where the
// SMSC's journal or the keys in Redis can be asked. Start from [NewLine]; see the crash test beside this package.
package rig
