// Package agency knows the institutions that handle tickets: who they are, who stands above whom, who answers for them.
//
//	staffapi, console ──Put, Delete──▶ Book ──▶ store ({line}:agencies, one version each)
//	turn, handoff ──Find, Superior──▶   └── the line's own list (configs/words/agencies.yaml)
//
// It promises that the tree has no circle, that what one daemon writes the others see within five seconds, and that an
// institution of the line's own list is there before anybody puts details of it: no door is wrong because nobody made an entry.
//
// Begin with [Book], [Book.Find] and [Book.Put].
package agency
