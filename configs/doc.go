// Package configs reads a line's configuration and tells every mistake in it at once.
//
//	flag ─▶ ADUAN_… ─▶ file ─▶ default     the first that says something wins
//	            └──────┬──────────┘
//	   [Load]: known keys? readable values? sensible together?
//	            ├─ yes ─▶ *[Config], complete: nothing in it has to be defaulted again
//	            └─ no ──▶ *[Invalid]: a line for each problem: where, what, what to do
//
// The promise kept here: a mistake is found before anything is started, and no secret is ever printed (type
// [Secret]). Only cmd reads this package; each part gets its own options. See [Load], [Config] and [Invalid].
package configs
