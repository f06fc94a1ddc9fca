// Package tally counts what the line as a whole does: complaints of one kind
// and place, of which many within an hour are a surge, and the answers of an
// hour, beyond which an operator wants to be alarmed.
//
//	turn ──effects──▶ Tally (memory) ──each second──▶ store ({line}) ──▶ line.surge, metrics, log
//
// The promise kept here: nothing of it is on a message's way. What a daemon has
// counted and not yet stored is lost with it: it is a warning, no book-keeping.
//
// Start with [New], [Tally.Observe] and [Tally.Run].
package tally
