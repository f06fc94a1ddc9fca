// Package testenv finds what tests need beyond Go: a redis-server, node, chromium, free ports.
//
//	Require(t, "redis") ── there ─────────────────▶ the test runs
//	                    ── missing ───────────────▶ skipped, told what to install
//	                    ── missing, but required ─▶ failed (ADUAN_REQUIRE=redis,node,… or all)
//
// The promise kept here: a gap is never silent. Start from [Require], [RedisServer] and [FreeAddr].
package testenv
