// Package talk plays conversations without a network: scripted dialogues, and
// a talk at the terminal.
//
//	dialogue file ─▶ Play ─▶ player ─▶ World: intake ─▶ turn ─▶ embedded store
//	                            ▲                          sender ─▶ telephones
//	                            └── what came, what stands ◀────────────┘
//
// There is no second engine: a [World] is the daemon's own intake, turn, sender
// and timers, with a clock that is set by hand and a link that accepts all.
//
// Start with [Play], [ReadScript] and [Conversation].
package talk
