// Package redisd runs a redis-server as a child of this process.
//
//	Lock(dir) ── a locked descriptor ──▶ Start ── inherits it ──▶ redis-server
//	   │ held by another: nobody starts a second server there        │
//	   └── freed when the last process that inherited it has ended ◀─┘
//
// The promise kept here: a child never outlives its parent by more than a moment, however the parent ends, and
// two servers never write one directory: the lock lives as long as the child itself does, so that a new parent
// waits for the child of a dead one. Start from [Lock] and [Start].
package redisd
