// Package vitals is what a daemon says of itself: its links, how they go and how they went, and what waits.
//
//	smpp.Link, sender ──▶ [Recorder] ──▶ [Daemon] as JSON ──each second──▶ store ──▶ aduan status, the console
//
// The promise kept here: whoever reads the store sees what the daemon itself sees, at most a second old, from any machine.
//
// Start with [Daemon] and [Recorder].
package vitals
