// Package turn makes one turn of a conversation: it brings together what a
// citizen's state is (package store) and what follows from a message (package
// conversation), and keeps the result with one commit.
//
//	message, push or timer ─▶ Turner ─▶ store: state at hand, or assumed new
//	                            │  ▲
//	                            ▼  └──── Stale: what stands, the turn is made again
//	              conversation.Step (pure) ─▶ store.Commit: all or nothing
//	                                              └─▶ Outbox: what may be sent now
//
// It is the only package that knows both sides, and it keeps promise 2 (one
// commit) and the reading half of promise 4 (one citizen, one order: a turn
// that was made from an old state is never kept).
//
// Start with [Turner.SMS], [Turner.Tick] and [Desk].
package turn
