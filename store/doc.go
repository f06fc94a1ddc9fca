// Package store is all of Redis: what was acknowledged is kept here, and nowhere else.
//
//	                Assume ── Step ── Commit ───────────────▶ commit.lua, one shard's slot
//	deliver_sm ──▶ (version)          │  state · tickets · SMS · events · mark · tick, or nothing
//	                                  ▼
//	 held by this boot ◀── out:<citizen>, in order ──▶ due ──▶ Claim: whoever has room
//	   │ submit_sm                                      ▲
//	   └── Done: sent, again (due), ended; next moves up┘        TakeOver: a dead boot's SMS are due
//
// The promises kept here are 1, 2, 3 and 5 of DESIGN: one commit; a redelivery changes nothing; every SMS ends in a known
// state. A script looks at every type and permission before its first write, and the same commit again writes nothing.
//
// Start from [Store.Commit], [Store.Claim], [Open].
package store
