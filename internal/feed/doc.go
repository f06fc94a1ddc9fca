// Package feed lets case systems pull the line's events: page by page, waiting for the next, or as a stream.
//
//	store ──one reader, four times a second while anybody waits──▶ Feed (the latest in memory)
//	                                                                 │ fans out
//	staffapi ──Read(after, wait)──▶ behind: store · at the front: memory ──▶ what the viewer's agency may see
//
// It promises the order of each ticket, that a cursor leads to the next event on every daemon, and that a key of one agency
// pulls only what tells of tickets that are its own when it reads. However many wait, Redis is asked by one reader.
//
// Begin with [Feed.Run] and [Feed.Read].
package feed
