// Package fill makes a store as large as nine years of a line make it, for tests and measurements.
//
//	a citizen's life, by a seed ──▶ turn.Turner, turn.Desk ──▶ paper: the turns of a daemon, in memory
//	                                                            │ all that came of it
//	                                                            ▼
//	                                                 store.Fill: at rest, as store.Rest packs it
//
// It promises that the stored form is the daemon's: the turns are made by the daemon's own code with a clock of their own, and
// packed by the store's own. Citizens to whom something happened in the last days get their turns in the store itself.
//
// Begin with [Run] and [Options].
package fill
